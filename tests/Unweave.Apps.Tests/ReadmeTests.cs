using System.Runtime.CompilerServices;

namespace Unweave.Apps.Tests;

/// <summary>What the README shows is what runs.</summary>
public sealed class ReadmeTests
{
    private static string Root([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", ".."));

    [Fact]
    public void Its_code_is_the_samples()
    {
        string readme = File.ReadAllText(Path.Combine(Root(), "README.md")),
            sample = File.ReadAllText(Path.Combine(Root(), "samples", "own.cs"));
        const string Fence = "```csharp\n";
        int start = readme.IndexOf(Fence, StringComparison.Ordinal) + Fence.Length;
        string code = readme[start..readme.IndexOf("```", start, StringComparison.Ordinal)];
        Assert.Equal(3, code.TrimEnd('\n').Split('\n').Length);
        Assert.Contains(code, sample, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_files_exist()
    {
        string readme = File.ReadAllText(Path.Combine(Root(), "README.md"));
        string[] links = [.. readme.Split("](").Skip(1).Select(rest => rest[..rest.IndexOf(')', StringComparison.Ordinal)])
            .Where(link => !link.StartsWith("https://", StringComparison.Ordinal))];
        Assert.True(links.Length > 5);
        Assert.All(links, link => Assert.True(Path.Exists(Path.Combine(Root(), link)), link));
    }

    [Fact]
    public void It_is_short() => Assert.InRange(File.ReadAllText(Path.Combine(Root(), "README.md"))
        .Split((char[])[], StringSplitOptions.RemoveEmptyEntries).Length, 300, 1200);

    [Fact]
    public async Task Its_commands_run_on_ones_own_vectors()
    {
        using var place = new Workplace();
        place.WriteVectors("vectors.npy", rows: 600);
        (await place.Run("train", "vectors.npy", "--k", "32", "--latents", "4096", "--tokens", "4096", "-o", "sae/")).Succeeded();
        Assert.Contains("PCA", (await place.Run("eval", "sae/")).Succeeded().Output, StringComparison.Ordinal);
        (await place.Run("encode", "vectors.npy", "--sae", "sae/", "-o", "codes.npz")).Succeeded();
        Assert.True(new FileInfo(place["codes.npz"]).Length > 0);
    }
}
