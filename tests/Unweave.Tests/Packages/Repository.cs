using System.Runtime.CompilerServices;
using System.Text;

namespace Unweave.Tests.Packages;

/// <summary>The repository that the tests were built from.</summary>
internal static class Repository
{
    private static readonly string[] Left = [".git", "artifacts", "node_modules", "bin", "obj"];

    /// <summary>Its folder.</summary>
    public static string Root { get; } = Find();

    /// <summary>Its text files: those of UTF-8 without a zero, by path.</summary>
    public static IEnumerable<(string Path, string Text)> Texts() => Files(Root).Order(StringComparer.Ordinal).Select(path =>
    {
        byte[] bytes = File.ReadAllBytes(path);
        try
        {
            return (Path.GetRelativePath(Root, path), bytes.Contains((byte)0) ? "" : new UTF8Encoding(false, true).GetString(bytes));
        }
        catch (DecoderFallbackException)
        {
            return (path, "");
        }
    }).Where(file => file.Item2.Length > 0);

    private static IEnumerable<string> Files(string folder) => Directory.GetFiles(folder).Concat(Directory.GetDirectories(folder)
        .Where(inner => !Left.Contains(Path.GetFileName(inner), StringComparer.Ordinal)).SelectMany(Files));

    private static string Find([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));
}
