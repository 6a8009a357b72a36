using Unweave.Data;

namespace Unweave.Tests.Data;

public sealed class FilePatternTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("unweave-").FullName;

    public FilePatternTests()
    {
        foreach (
            string name in (string[])["b.npy", "a.npy", "B.npy", "a10.npy", "a2.npy", "x.txt", ".hidden.npy", "sub/c.npy", "sub/deep/d.npy",
                "other/c.npy", ".git/e.npy", "[odd]*.npy"])
        {
            string path = Path.Combine(root, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "");
        }
    }

    [Theory]
    [InlineData("*.npy", "B.npy [odd]*.npy a.npy a10.npy a2.npy b.npy")]
    [InlineData("a?.npy", "a2.npy")]
    [InlineData("a*.npy", "a.npy a10.npy a2.npy")]
    [InlineData("*/c.npy", "other/c.npy sub/c.npy")]
    [InlineData("**/*.npy", "B.npy [odd]*.npy a.npy a10.npy a2.npy b.npy other/c.npy sub/c.npy sub/deep/d.npy")]
    [InlineData("**/d.npy", "sub/deep/d.npy")]
    [InlineData("s*/**", "sub/c.npy sub/deep/d.npy")]
    [InlineData("*/../x.t?t", "other/../x.txt")]
    [InlineData(".h*", ".hidden.npy")]
    [InlineData("[odd]*.npy", "[odd]*.npy")]
    [InlineData("b.npy", "b.npy")]
    [InlineData("missing.npy", "missing.npy")]
    public void Finds_what_a_shell_would_in_ordinal_order(string pattern, string expected)
    {
        IReadOnlyList<string> files = FilePattern.Expand([Path.Combine(root, pattern)]);
        Assert.Equal(expected.Split(' '), files.Select(file => file[(root.Length + 1)..]), StringComparer.Ordinal);
        Assert.Equal(files.Order(StringComparer.Ordinal), files, StringComparer.Ordinal);
    }

    [Fact]
    public void A_file_named_twice_is_taken_once_and_paths_keep_their_order()
    {
        string[] files =
        [
            .. FilePattern.Expand([Path.Combine(root, "b.npy"), Path.Combine(root, "?.npy"), Path.Combine(root, "sub", "..", "a.npy")]),
        ];
        Assert.Equal(["b.npy", "B.npy", "a.npy"], files.Select(Path.GetFileName), StringComparer.Ordinal);
    }

    [Fact]
    public void What_names_no_file_is_refused()
    {
        Assert.Equal($"{root}/*.bin: no file in {root} matches; check the pattern.", Refused($"{root}/*.bin"));
        Assert.Equal($"{root}/none/*.npy: the folder {root}/none does not exist; check the path.", Refused($"{root}/none/*.npy"));
        Assert.StartsWith($"{root} is a folder; name its files, for example {root}/*.npy", Refused(root), StringComparison.Ordinal);
        Assert.Contains("is empty", Refused(" "), StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    private static string Refused(string pattern) => Assert.Throws<InputException>(() => FilePattern.Expand([pattern])).Message;
}
