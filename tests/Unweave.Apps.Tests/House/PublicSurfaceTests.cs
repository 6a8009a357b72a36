using PublicApiGenerator;

namespace Unweave.Apps.Tests.House;

/// <summary>
/// The public surface of each assembly is a reviewed text file under <c>PublicSurface</c>, so that a change to it shows in the diff.
/// <c>UNWEAVE_APPROVE=1</c> writes the files anew.
/// </summary>
public sealed class PublicSurfaceTests
{
    private static readonly bool Approve =
        string.Equals(Environment.GetEnvironmentVariable("UNWEAVE_APPROVE"), "1", StringComparison.Ordinal);

    public static TheoryData<string> Built => [.. Assemblies.Names.Where(name => name is not "Unweave.Cli")]; // no one refers to a command

    [Theory]
    [MemberData(nameof(Built))]
    public void The_public_surface_is_the_reviewed_one(string assembly)
    {
        string surface = Assemblies.Load(assembly).GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false })
            .ReplaceLineEndings("\n") + "\n";
        string path = Path.Combine(Folder, $"{assembly}.txt");
        if (Approve) File.WriteAllText(path, surface);
        Assert.True(File.Exists(path), $"{path} is missing; review the surface and write it with UNWEAVE_APPROVE=1.");
        Assert.Equal(File.ReadAllText(path).ReplaceLineEndings("\n"), surface);
    }

    // Each public type is a promise to keep; lower the number when types become internal.
    [Fact]
    public void The_core_has_few_public_types() =>
        Assert.InRange(Assemblies.Load("Unweave").GetExportedTypes().Count(type => !type.IsNested), 20, 170);

    [Fact]
    public void No_file_is_left_of_an_assembly_that_has_gone() =>
        Assert.Empty(Directory.GetFiles(Folder).Select(path => Path.GetFileNameWithoutExtension(path))
            .Except(Assemblies.Names, StringComparer.Ordinal));

    private static string Folder => Path.Combine(Assemblies.Repository, "tests/Unweave.Apps.Tests/House/PublicSurface");
}
