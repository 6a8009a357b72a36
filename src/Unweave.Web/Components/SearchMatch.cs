using System.Text.RegularExpressions;
using Unweave.Catalog;

namespace Unweave.Web.Components;

/// <summary>Shows why a line was found.</summary>
internal static class SearchMatch
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    /// <summary>Where a text was found, unless the label that is shown has it.</summary>
    public static string? Words(FeatureMatch match) => match switch
    {
        FeatureMatch.Note => "in your note",
        FeatureMatch.Fires => "fires on the word",
        FeatureMatch.Examples => "in examples",
        _ => null,
    };

    /// <summary>
    /// Cuts a text into parts, and tells which are words that were searched for: whole words, or beginnings before a <c>*</c>.
    /// </summary>
    public static IReadOnlyList<(string Text, bool Found)> Mark(string text, string? searched)
    {
        string[] words = [.. (searched ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .Select(word => word.Trim('"')).Where(word => word.Any(char.IsLetterOrDigit))
            .Select(word => Regex.Escape(word.TrimEnd('*')) + (word.EndsWith('*') ? "" : @"(?!\w)"))];
        if (words.Length == 0) return [(text, false)];
        var parts = new List<(string, bool)>();
        int done = 0;
        var wanted = new Regex($@"(?<!\w)(?:{string.Join('|', words)})", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, Patience);
        foreach (Match match in wanted.Matches(text))
        {
            if (match.Index > done) parts.Add((text[done..match.Index], false));
            parts.Add((match.Value, true));
            done = match.Index + match.Length;
        }

        if (done < text.Length) parts.Add((text[done..], false));
        return parts;
    }
}
