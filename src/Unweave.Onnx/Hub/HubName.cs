using System.Buffers;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Unweave.Onnx;

/// <summary>
/// Checks the names that become addresses and paths: of models and revisions, which the user gives, and of files, which the hub does.
/// </summary>
internal static partial class HubName
{
    /// <summary>The ending of a file that is still coming.</summary>
    public const string Partial = ".partial";

    /// <summary>The ending of the file beside it that holds its ETag.</summary>
    public const string PartialETag = Partial + ".etag";

    private const int LongestPart = 96, LongestRevision = 80, LongestSegment = 200, LongestPath = 1000;

    private static readonly SearchValues<char> Reserved = SearchValues.Create("\\:*?\"<>|");

    /// <summary>Refuses what is not the name of a model.</summary>
    /// <exception cref="InputException">It is none.</exception>
    public static void CheckModel(string name)
    {
        if (!IsModel(name))
            throw new InputException($"'{Shown(name)}' is not the name of a model; it must be owner/name, as on the model's page, of "
                + $"letters, digits, '-', '_' and '.'.");
    }

    /// <summary>True for what can be the name of a model: <c>owner/name</c>, or a name alone, as the oldest models have.</summary>
    public static bool IsModel(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string[] parts = name.Split('/');
        return parts.Length <= 2 && parts.All(IsPart);
    }

    /// <summary>Refuses what cannot be a branch, a tag or a commit.</summary>
    /// <exception cref="InputException">It cannot.</exception>
    public static void CheckRevision(string revision)
    {
        ArgumentNullException.ThrowIfNull(revision);
        if (revision.Length > LongestRevision || !Revision().IsMatch(revision) || revision.Contains("..", StringComparison.Ordinal))
            throw new InputException($"'{Shown(revision)}' is not a revision; give a branch, a tag or a commit, of at most "
                + $"{LongestRevision} letters, digits, '.', '_', '-', '+' and '/'.");
    }

    /// <summary>True for the full name of a commit.</summary>
    public static bool IsCommit(string text) => text.Length == 40 && text.All(static c => char.IsAsciiDigit(c) || c is >= 'a' and <= 'f');

    /// <summary>
    /// True for a file's path that stays within its folder on every system and means the same on each: no step up, no drive, no
    /// device, no character that one of them reserves, and none of the endings that this cache uses itself.
    /// </summary>
    public static bool IsSafePath(string path) =>
        path.Length is > 0 and <= LongestPath && path.Split('/').All(IsSafeSegment)
        && !path.EndsWith(Partial, StringComparison.OrdinalIgnoreCase) && !path.EndsWith(PartialETag, StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// A text from elsewhere as it may be shown: on one line, without the characters that steer a terminal, not too long.
    /// </summary>
    public static string Shown(string text)
    {
        const int Longest = 200;
        string cut = text.Length <= Longest ? text : text[..Longest] + "…";
        return string.Concat(
            cut.Select(
                static c =>
                    char.IsControl(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator
                        or UnicodeCategory.ParagraphSeparator ? '?' : c));
    }

    private static bool IsPart(string part) =>
        part.Length is > 0 and <= LongestPart && part.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
        && part[0] is not ('-' or '.') && part[^1] is not ('-' or '.')
        && !part.Contains("--", StringComparison.Ordinal) && !part.Contains("..", StringComparison.Ordinal);

    private static bool IsSafeSegment(string segment) =>
        segment.Length is > 0 and <= LongestSegment
        && !segment.AsSpan().ContainsAny(Reserved)
        && string.Equals(Shown(segment), segment, StringComparison.Ordinal)
        && segment[^1] is not ('.' or ' ') && segment[0] is not ' '
        && !Device().IsMatch(segment);

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._+/-]*$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Revision();

    // Windows takes these for devices in any folder, whatever follows the first dot.
    [GeneratedRegex(@"^(con|prn|aux|nul|com[0-9]|lpt[0-9])\s*(\.|$)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Device();
}
