using Unweave.Retrieval;

namespace Unweave.Web.Components;

/// <summary>The text of a hit in pieces: the words that it shares with the query are marked.</summary>
internal static class HitText
{
    /// <summary>UTF-16 units of a text that are shown at first.</summary>
    private const int Few = 360;

    /// <summary>Units before the first word of the query, where a text is long and has it further on.</summary>
    private const int Before = 120;

    /// <summary>Whether a text is longer than what is shown at first.</summary>
    public static bool IsLong(SearchHit hit) => hit.Text.Length > Few;

    /// <summary>The pieces.</summary>
    /// <param name="hit">The hit.</param>
    /// <param name="whole">Whether all of the text is wanted, or some lines around the first word of the query.</param>
    public static IEnumerable<(string Text, bool Marked)> Pieces(SearchHit hit, bool whole)
    {
        string text = hit.Text;
        TextSpan[] places = [.. hit.Words.SelectMany(word => word.Places).OrderBy(place => place.Start)];
        (int from, int end) = whole || !IsLong(hit) ? (0, text.Length) : Window(text, places);
        if (from > 0) yield return ("… ", false);
        int at = from;
        foreach (TextSpan place in places)
        {
            (int start, int stop) = (Math.Max(at, place.Start), Math.Min(end, place.Start + place.Length));
            if (start >= stop) continue;
            if (start > at) yield return (Spaced(text[at..start]), false);
            yield return (Spaced(text[start..stop]), true);
            at = stop;
        }

        if (at < end) yield return (Spaced(text[at..end]), false);
        if (end < text.Length) yield return (" …", false);
    }

    // Cut where a word ends.
    private static (int From, int End) Window(string text, TextSpan[] places)
    {
        int from = places.Length == 0 || places[0].Start + places[0].Length <= Few ? 0 : places[0].Start - Before;
        if (from > 0 && text.IndexOf(' ', from, Before) is >= 0 and var space) from = space + 1;
        int end = Math.Min(text.Length, from + Few);
        if (end < text.Length && text.LastIndexOf(' ', end, Before) is >= 0 and var last) end = last;
        if (from > 0 && char.IsLowSurrogate(text[from])) from--;
        if (end < text.Length && char.IsLowSurrogate(text[end])) end--;
        return (from, end);
    }

    // Lines are of the file, not of the page.
    private static string Spaced(string text) => text.ReplaceLineEndings(" ").Replace('\t', ' ');
}
