using PublicApiGenerator;

namespace Unweave.Tests.House;

/// <summary>
/// The public surface is a reviewed text file, <c>PublicSurface.txt</c>. A change to it shows in the diff;
/// <c>UNWEAVE_APPROVE=1</c> writes the file anew.
/// </summary>
public sealed class PublicSurfaceTests
{
    [Fact]
    public void The_public_surface_is_the_reviewed_one()
    {
        string surface = typeof(Unweave.Numerics.Matrix).Assembly.GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false }).ReplaceLineEndings("\n") + "\n";
        string path = Path.Combine(SourceFolder(), "PublicSurface.txt");
        if (string.Equals(Environment.GetEnvironmentVariable("UNWEAVE_APPROVE"), "1", StringComparison.Ordinal)) File.WriteAllText(path, surface);
        Assert.Equal(File.ReadAllText(path).ReplaceLineEndings("\n"), surface);
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
