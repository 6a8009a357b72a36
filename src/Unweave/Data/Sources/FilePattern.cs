using System.IO.Enumeration;

namespace Unweave.Data;

/// <summary>
/// Finds the files that a path or a pattern names: <c>*</c> and <c>?</c> within a name, <c>**</c> for any number of folders.
/// </summary>
internal static class FilePattern
{
    private static readonly string[] AnyName = ["*"], AnyDepth = ["**"];

    /// <summary>The files of all paths and patterns: a pattern's files in ordinal order of their paths, each file once.</summary>
    /// <exception cref="InputException">A pattern matches nothing, or a path is a folder.</exception>
    public static IReadOnlyList<string> Expand(IReadOnlyList<string> pathsOrPatterns)
    {
        var files = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string item in pathsOrPatterns)
        {
            foreach (string file in Expand(item))
            {
                if (seen.Add(Path.GetFullPath(file))) files.Add(file);
            }
        }

        return files;
    }

    /// <summary>
    /// Every file below a folder, at any depth, in no order; hidden ones are skipped and links to folders not followed.
    /// </summary>
    public static IReadOnlyList<string> Below(string folder)
    {
        try
        {
            return [.. Match(folder, AnyDepth)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: a folder cannot be listed: {e.Message}", e);
        }
    }

    private static string[] Expand(string item)
    {
        if (string.IsNullOrWhiteSpace(item))
            throw new InputException("A path of the data is empty; name a file or a pattern such as data/*.npy.");
        if (Directory.Exists(item))
            throw new InputException($"{item} is a folder; name its files, for example {Path.Combine(item, "*.npy")}.");
        if (!item.AsSpan().ContainsAny('*', '?') || File.Exists(item)) return [item];

        string[] segments = item.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar);
        int literal = Array.FindIndex(segments, segment => segment.AsSpan().ContainsAny('*', '?'));
        string folder = string.Join(Path.DirectorySeparatorChar, segments[..literal]);
        if (literal > 0 && folder.Length == 0) folder = Path.DirectorySeparatorChar.ToString();
        string shown = Path.GetFullPath(folder.Length == 0 ? "." : folder);
        if (!Directory.Exists(shown)) throw new InputException($"{item}: the folder {shown} does not exist; check the path.");
        try
        {
            string[] matches =
            [
                .. Match(folder, segments.AsMemory(literal)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
            ];
            return matches.Length > 0 ? matches : throw new InputException($"{item}: no file in {shown} matches; check the pattern.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{item}: a folder cannot be listed: {e.Message}", e);
        }
    }

    private static IEnumerable<string> Match(string folder, ReadOnlyMemory<string> segments)
    {
        string segment = segments.Span[0];
        ReadOnlyMemory<string> rest = segments[1..];
        var here = new DirectoryInfo(folder.Length == 0 ? "." : folder);
        if (!here.Exists) return [];
        if (segment is "**")
        {
            // ** at the end means every file below. Links are not followed: they may lead back up.
            IEnumerable<string> below = here.EnumerateDirectories()
                .Where(sub => !sub.Name.StartsWith('.') && !sub.Attributes.HasFlag(FileAttributes.ReparsePoint))
                .SelectMany(sub => Match(Path.Combine(folder, sub.Name), segments));
            return Match(folder, rest.IsEmpty ? AnyName : rest).Concat(below);
        }

        // As in a shell, a wildcard does not match the dot that hides a name.
        bool Fits(FileSystemInfo entry) =>
            FileSystemName.MatchesSimpleExpression(segment, entry.Name, ignoreCase: false)
                && (segment.StartsWith('.') || !entry.Name.StartsWith('.'));
        if (rest.IsEmpty) return here.EnumerateFiles().Where(Fits).Select(file => Path.Combine(folder, file.Name));
        if (segment is "." or "..") return Match(Path.Combine(folder, segment), rest);
        return here.EnumerateDirectories().Where(Fits).SelectMany(sub => Match(Path.Combine(folder, sub.Name), rest));
    }
}
