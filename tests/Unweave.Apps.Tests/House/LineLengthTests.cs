namespace Unweave.Apps.Tests.House;

/// <summary>No line is longer than .editorconfig's limit.</summary>
public sealed class LineLengthTests
{
    private const int Limit = 140;

    private static readonly string[] Folders = ["src", "tests", "samples", "benchmarks", "tools"];
    private static readonly string[] Endings = [".cs", ".razor", ".css", ".js", ".csproj", ".props", ".sh", ".py", ".mjs"];

    [Fact]
    public void No_line_is_longer_than_the_limit()
    {
        string[] files = [.. Folders.SelectMany(Files)];
        Assert.True(files.Length > 500, $"{files.Length} files");
        string[] wrong =
        [
            .. files
                .SelectMany(file =>
                    File.ReadLines(Path.Combine(Assemblies.Repository, file)).Select((line, i) => (file, Number: i + 1, line.Length)))
                .Where(line => line.Length > Limit)
                .Select(line => $"{line.file}:{line.Number} has {line.Length} columns"),
        ];
        Assert.True(wrong.Length == 0, string.Join("\n", wrong));
    }

    private static IEnumerable<string> Files(string folder) => Directory
        .EnumerateFiles(Path.Combine(Assemblies.Repository, folder), "*", SearchOption.AllDirectories)
        .Where(path => Endings.Contains(Path.GetExtension(path), StringComparer.Ordinal))
        .Select(path => Path.GetRelativePath(Assemblies.Repository, path).Replace('\\', '/'))
        .Where(path => !path.Contains("/node_modules/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);
}
