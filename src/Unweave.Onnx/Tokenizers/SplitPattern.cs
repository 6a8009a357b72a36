using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Unweave.Onnx;

/// <summary>
/// A regular expression of a tokenizer, written for an engine that reads characters, run by .NET's, which reads UTF-16 units.
/// Characters beyond the first plane are shown to it as one unit of the same category; what the two engines would read differently is refused.
/// </summary>
internal sealed class SplitPattern
{
    private const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>How long one search may take: only an expression written to hang takes seconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly SearchValues<char> Escaped = SearchValues.Create("sSdDrntf");

    private static readonly FrozenSet<string> Categories = FrozenSet.Create(
        StringComparer.Ordinal,
        "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp");

    private static readonly Lazy<SplitPattern> Gpt2Instance = new(() => new SplitPattern(Gpt2Pattern, "the expression of GPT-2"));

    private readonly Regex regex;
    private readonly string where;
    private readonly bool ignoresCase;

    /// <param name="pattern">The expression as the tokenizer gives it.</param>
    /// <param name="where">The file, for messages.</param>
    public SplitPattern(string pattern, string where)
    {
        this.where = where;
        ignoresCase = pattern.Contains("(?i:", StringComparison.Ordinal);
        if (Unsupported(pattern) is { } reason)
            throw new InputException($"{where}: the regular expression that splits text has {reason}, which .NET would not read the same way: {Shorten(pattern)}");
        try
        {
            regex = new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.Compiled, Patience);
        }
        catch (ArgumentException e)
        {
            throw new InputException($"{where}: .NET cannot run the regular expression that splits text ({e.Message.ReplaceLineEndings(" ")}).", e);
        }
    }

    /// <summary>The expression that byte-level tokenizers split by unless they name another.</summary>
    public static SplitPattern Gpt2 => Gpt2Instance.Value;

    /// <summary>The matches in a range of a text, in order, none of them empty.</summary>
    public List<(int Start, int End)> Matches(AlignedText text, int start, int end)
    {
        ReadOnlySpan<char> units = text.Units[start..end];
        int[]? places = null;
        if (units.ContainsAnyInRange('\uD800', '\uDFFF') || (ignoresCase && units.Contains('\u017F'))) units = OneUnitEach(units, out places);
        var matches = new List<(int, int)>();
        try
        {
            foreach (ValueMatch match in regex.EnumerateMatches(units))
            {
                if (match.Length == 0) continue;
                int first = match.Index, last = match.Index + match.Length;
                matches.Add(places is null ? (start + first, start + last) : (start + places[first], start + places[last]));
            }
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new InputException($"{where}: the regular expression that splits text did not finish within {Patience.TotalSeconds:0} seconds on {end - start} characters; its alternatives overlap too much: {Shorten(regex.ToString())}", e);
        }

        return matches;
    }

    /// <summary>The unit that stands for a character beyond the first plane: the first of its category from U+A000 on.</summary>
    internal static char StandIn(Rune rune) => StandIns.ByCategory[(int)Rune.GetUnicodeCategory(rune)];

    private static char[] OneUnitEach(ReadOnlySpan<char> units, out int[] places)
    {
        char[] shown = new char[units.Length];
        places = new int[units.Length + 1];
        int count = 0;
        for (int i = 0; i < units.Length; count++)
        {
            Rune.DecodeFromUtf16(units[i..], out Rune rune, out int length);
            places[count] = i;

            // The long s is an s where case does not count, which .NET does not know.
            shown[count] = length == 2 ? StandIn(rune) : units[i] == '\u017F' ? 's' : units[i];
            i += length;
        }

        places[count] = units.Length;
        return shown[..count];
    }

    /// <summary>What in an expression the two engines read differently, or null.</summary>
    private static string? Unsupported(string pattern)
    {
        bool inClass = false;
        char? previous = null, from = null;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            char? literal = null;
            bool escaped = c == '\\';
            if (char.IsSurrogate(c)) return "characters beyond U+FFFF";
            if (escaped)
            {
                if (++i == pattern.Length) return "a backslash at its end";
                c = pattern[i];
                if (c is 'p' or 'P')
                {
                    int close = pattern.IndexOf('}', i);
                    if (i + 1 >= pattern.Length || pattern[i + 1] != '{' || close < 0) return @"a \p without a {category}";
                    string name = pattern[(i + 2)..close];
                    if (!Categories.Contains(name)) return $@"\p{{{name}}}";
                    i = close;
                }
                else if (c == 'u')
                {
                    if (i + 4 >= pattern.Length || !ushort.TryParse(pattern.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit)) return @"a \u without four digits";
                    if (char.IsSurrogate((char)unit)) return "surrogates";
                    literal = (char)unit;
                    i += 4;
                }
                else if (char.IsAsciiLetterOrDigit(c))
                {
                    if (!Escaped.Contains(c)) return $@"\{c}";
                }
                else
                {
                    literal = c;
                }
            }
            else if (inClass)
            {
                if (c == ']') inClass = false;
                else if (c == '[') return "a class within a class";
                else if (c == '&' && i + 1 < pattern.Length && pattern[i + 1] == '&') return "&&";
                else literal = c;
            }
            else if (c == '[')
            {
                inClass = true;
                if (i + 1 < pattern.Length && pattern[i + 1] == '^') i++;
                if (i + 1 < pattern.Length && pattern[i + 1] == ']') return "a class that starts with ]";
                (previous, from) = (null, null);
                continue;
            }
            else if (c is '^' or '$')
            {
                return $"the anchor {c}";
            }
            else if (c == '(' && i + 1 < pattern.Length && pattern[i + 1] == '?')
            {
                ReadOnlySpan<char> kind = pattern.AsSpan(i + 2);
                if (!(kind.StartsWith(":") || kind.StartsWith("=") || kind.StartsWith("!") || kind.StartsWith(">") || kind.StartsWith("i:") || kind.StartsWith("<=") || kind.StartsWith("<!")))
                    return "a group (?…) of a kind of its own";
            }
            else if (c == '{' && i + 1 < pattern.Length && pattern[i + 1] == ',')
            {
                return "{,";
            }
            else
            {
                literal = c;
            }

            if (literal is { } shown)
            {
                if (shown >= '\u0080' && pattern.Contains("(?i:", StringComparison.Ordinal)) return "characters beyond ASCII where case does not count";
                char low = from ?? shown;
                if (StandIns.ByCategory.Any(unit => unit != 0 && unit >= low && unit <= shown)) return $"a range or character (up to U+{(int)shown:X4}) that stands for others here";
            }

            // Within a class, a minus sign after a character starts a range, which ends with the next one.
            from = inClass && !escaped && literal == '-' ? previous : null;
            previous = literal;
        }

        return null;
    }

    private static string Shorten(string pattern) => (pattern.Length <= 120 ? pattern : pattern[..120] + "…").ReplaceLineEndings(" ");

    private static class StandIns
    {
        public static readonly char[] ByCategory = Find();

        private static char[] Find()
        {
            char[] found = new char[Enum.GetValues<UnicodeCategory>().Length];
            foreach (char unit in Enumerable.Range(0xA000, 0x5FFE).Select(value => (char)value))
            {
                int category = (int)CharUnicodeInfo.GetUnicodeCategory(unit);
                if (found[category] == 0) found[category] = unit;
            }

            return found;
        }
    }
}
