using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Unweave.Onnx;

/// <summary>
/// A regular expression that cuts text into words, written for an engine that reads characters, run by .NET's, which reads UTF-16
/// units: it is shown one unit of the same category for a character beyond U+FFFF.
/// </summary>
internal sealed partial class WordPattern
{
    private static readonly char[] StandIns = FindStandIns();

    private readonly Regex regex;
    private readonly bool matchesOnly;
    private readonly string file;

    /// <param name="pattern">The expression.</param>
    /// <param name="matchesOnly">Whether what does not match is dropped; otherwise it is a word too.</param>
    /// <param name="file">The file, for messages.</param>
    public WordPattern(string pattern, bool matchesOnly, string file)
    {
        this.matchesOnly = matchesOnly;
        this.file = file;
        if (!ReadAlike().IsMatch(pattern))
        {
            throw new InputException($"{file} cuts words by a regular expression that .NET may read otherwise: "
                + $"{pattern.ReplaceLineEndings(" ")}; use a tokenizer of another kind.");
        }

        try
        {
            regex = new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.Compiled, TimeSpan.FromSeconds(20));
        }
        catch (ArgumentException e)
        {
            throw new InputException($"{file} cuts words by a regular expression that .NET cannot run ({e.Message}).", e);
        }
    }

    /// <summary>The expression of GPT-2.</summary>
    public static WordPattern Gpt2 { get; } = new(
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", matchesOnly: false, "GPT-2");

    /// <summary>Where the expression matches, in order.</summary>
    public List<Range> Places(string text) => Words(text);

    /// <summary>The words of a text, in order.</summary>
    public List<Range> Words(ReadOnlySpan<char> text)
    {
        int[]? places = null;
        if (text.ContainsAnyInRange('\uD800', '\uDFFF')) text = OneUnitEach(text, out places);
        var words = new List<Range>();
        int end = 0;
        try
        {
            foreach (ValueMatch match in regex.EnumerateMatches(text))
            {
                if (match.Length == 0) continue;
                Add(end, match.Index, matchesOnly);
                end = match.Index + match.Length;
                Add(match.Index, end, drop: false);
            }
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new InputException($"{file} cuts words by a regular expression that takes more than 20 seconds for {text.Length} "
                + $"characters: {regex}.", e);
        }

        Add(end, text.Length, matchesOnly);
        return words;

        void Add(int from, int to, bool drop)
        {
            if (to > from && !drop) words.Add(places is null ? from..to : places[from]..places[to]);
        }
    }

    private static char[] OneUnitEach(ReadOnlySpan<char> text, out int[] places)
    {
        char[] shown = new char[text.Length];
        places = new int[text.Length + 1];
        int count = 0, at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            places[count] = at;
            shown[count++] = rune.IsBmp ? (char)rune.Value : StandIns[(int)Rune.GetUnicodeCategory(rune)];
            at += rune.Utf16SequenceLength;
        }

        places[count] = at;
        return shown[..count];
    }

    /// <summary>The first unit of each category from U+A000 on, where no expression that is let through names characters.</summary>
    private static char[] FindStandIns()
    {
        char[] found = new char[Enum.GetValues<UnicodeCategory>().Length];
        for (int unit = 0xFFFD; unit >= 0xA000; unit--) found[(int)CharUnicodeInfo.GetUnicodeCategory((char)unit)] = (char)unit;
        return found;
    }

    // Characters below U+A000, the escapes and classes that both engines know, groups that do not capture, and no class in a class.
    [GeneratedRegex(
        @"^(?:[^\\\[\]^$(){}\uA000-\uFFFF]|\\(?:[sSdrntf]|p\{[A-Z][a-z]?\}|P\{[A-Z][a-z]?\}|[^A-Za-z0-9])|"
            + @"\[\^?(?:[^\\\[\]&\uA000-\uFFFF]|&(?!&)|\\(?:[sSdrntf]|p\{[A-Z][a-z]?\}|[^A-Za-z0-9]))+\]|"
            + @"\((?:\?(?:i?:|=|!))?|\)|\{[0-9]+(?:,[0-9]*)?\})+\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 5000)]
    private static partial Regex ReadAlike();
}
