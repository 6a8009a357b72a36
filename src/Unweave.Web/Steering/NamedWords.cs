using System.Text.RegularExpressions;
using Unweave.Interpretation;

namespace Unweave.Web.Steering;

/// <summary>The words that a label names, found in a text.</summary>
internal static partial class NamedWords
{
    /// <summary>
    /// The words of content of a label: where it quotes words or gives examples in parentheses, those alone.
    /// </summary>
    public static IReadOnlySet<string> Of(string? label)
    {
        string text = label ?? "";
        string[] named = [.. Named().Matches(text).Select(match => match.Value)];
        return Word().Matches(named.Length > 0 ? string.Join(' ', named) : text).Select(match => match.Value)
            .Where(CommonWords.IsContent).ToHashSet(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Which pieces of a text are of one of the words.</summary>
    public static bool[] In(IReadOnlyList<string> pieces, IReadOnlySet<string> words)
    {
        bool[] found = new bool[pieces.Count];
        if (words.Count == 0) return found;
        string text = string.Concat(pieces);
        bool[] letters = new bool[text.Length];
        foreach (ValueMatch match in Word().EnumerateMatches(text))
            if (words.Contains(text.Substring(match.Index, match.Length))) letters.AsSpan(match.Index, match.Length).Fill(true);
        for (int i = 0, at = 0; i < found.Length; at += pieces[i++].Length) found[i] = letters.AsSpan(at, pieces[i].Length).Contains(true);
        return found;
    }

    [GeneratedRegex("“[^”]*”|\\([^)]*\\)", RegexOptions.None, 1000)]
    private static partial Regex Named();

    [GeneratedRegex(@"[\p{L}\p{M}]+", RegexOptions.None, 1000)]
    private static partial Regex Word();
}
