using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Unweave.Onnx;

/// <summary>
/// Canonical decomposition (NFD) and composition (NFC) that keep track of the original text. The platform's own normalization
/// leaves text as it is when globalisation is invariant, which would change the tokens without a word.
/// </summary>
internal static class CanonicalForm
{
    // Hangul syllables are composed by formula: Unicode, section 3.12.
    private const int FirstSyllable = 0xAC00, FirstLead = 0x1100, FirstVowel = 0x1161, BeforeTrail = 0x11A7;
    private const int Leads = 19, Vowels = 21, Trails = 28, Syllables = Leads * Vowels * Trails;

    /// <summary>Nothing below it decomposes, combines or is composed.</summary>
    private const char FirstOfInterest = '\u00C0';

    private static readonly FrozenDictionary<int, int[]> Decompositions;
    private static readonly FrozenDictionary<(int First, int Second), int> Compositions;
    private static readonly FrozenDictionary<int, int> CombiningClasses;
    private static readonly FrozenSet<int> Joining;

    static CanonicalForm()
    {
        var decompositions = new Dictionary<int, int[]>();
        var compositions = new Dictionary<(int, int), int>();
        foreach (string entry in Entries(CanonicalMappings.Decompositions))
        {
            string[] sides = entry.Split(':');
            int composed = Hexadecimal(sides[0].TrimEnd('!'));
            int[] parts = [.. sides[1].Split('+').Select(Hexadecimal)];
            decompositions.Add(composed, parts);
            if (parts.Length == 2 && !sides[0].EndsWith('!')) compositions.Add((parts[0], parts[1]), composed);
        }

        var classes = new Dictionary<int, int>();
        foreach (string entry in Entries(CanonicalMappings.CombiningClasses))
        {
            string[] sides = entry.Split(':');
            int[] range = [.. sides[0].Split('-').Select(Hexadecimal)];
            for (int point = range[0]; point <= range[^1]; point++) classes.Add(point, int.Parse(sides[1], CultureInfo.InvariantCulture));
        }

        Decompositions = decompositions.ToFrozenDictionary();
        Compositions = compositions.ToFrozenDictionary();
        CombiningClasses = classes.ToFrozenDictionary();

        // Starters that may still become one with what precedes them: seconds of a pair, and what decomposes into marks alone.
        Joining = compositions.Keys.Select(pair => pair.Item2)
            .Concat(Enumerable.Range(FirstVowel, Vowels)).Concat(Enumerable.Range(BeforeTrail + 1, Trails - 1))
            .Concat(decompositions.Where(entry => classes.ContainsKey(entry.Value[0])).Select(entry => entry.Key)).ToFrozenSet();
    }

    /// <summary>
    /// The text in NFD, or in NFC. What changes stands for the whole of the base character with its marks; what does not
    /// change keeps its place unit by unit.
    /// </summary>
    public static AlignedText Apply(AlignedText text, bool compose)
    {
        if (!text.Units.ContainsAnyInRange(FirstOfInterest, char.MaxValue)) return text;
        var output = new AlignedText.Builder(text.Length);
        var before = new List<int>();
        var after = new List<int>();
        for (int start = 0; start < text.Length;)
        {
            before.Clear();
            int end = start;
            do
            {
                Rune rune = text.RuneAt(end);
                before.Add(rune.Value);
                end += rune.Utf16SequenceLength;
            }
            while (end < text.Length && JoinsTheOneBefore(text.RuneAt(end).Value));

            after.Clear();
            foreach (int point in before) Decompose(point, after);
            Order(after);
            if (compose) Compose(after);
            if (before.SequenceEqual(after)) output.Copy(text, start, end - start);
            else foreach (int point in after) output.Add(new Rune(point), text.StartOf(start), text.EndOf(end - 1));
            start = end;
        }

        return output.ToText();
    }

    /// <summary>A mark, or a letter that may become one with what precedes it.</summary>
    private static bool JoinsTheOneBefore(int point) => point >= FirstOfInterest && (CombiningClass(point) != 0 || Joining.Contains(point));

    private static int CombiningClass(int point) => CombiningClasses.GetValueOrDefault(point);

    private static void Decompose(int point, List<int> output)
    {
        if (point - FirstSyllable is >= 0 and < Syllables and int syllable)
        {
            output.Add(FirstLead + (syllable / (Vowels * Trails)));
            output.Add(FirstVowel + (syllable / Trails % Vowels));
            if (syllable % Trails != 0) output.Add(BeforeTrail + (syllable % Trails));
        }
        else if (Decompositions.TryGetValue(point, out int[]? parts))
        {
            foreach (int part in parts) Decompose(part, output);
        }
        else
        {
            output.Add(point);
        }
    }

    /// <summary>Sorts each run of marks by combining class, keeping the order of equal ones.</summary>
    private static void Order(List<int> points)
    {
        for (int start = 0; start < points.Count; start++)
        {
            if (CombiningClass(points[start]) == 0) continue;
            int end = start + 1;
            while (end < points.Count && CombiningClass(points[end]) != 0) end++;
            if (end - start > 1)
            {
                int[] sorted = [.. points.GetRange(start, end - start).OrderBy(CombiningClass)];
                for (int i = start; i < end; i++) points[i] = sorted[i - start];
            }

            start = end;
        }
    }

    private static void Compose(List<int> points)
    {
        int starter = -1, written = 0, previous = 0;
        for (int read = 0; read < points.Count; read++)
        {
            int point = points[read];
            int combining = CombiningClass(point);

            // A mark is blocked from its starter by one between them of the same or a higher class.
            bool adjacent = starter == written - 1;
            if (starter >= 0 && (adjacent || previous < combining) && TryPair(points[starter], point, out int composed))
            {
                points[starter] = composed;
                continue;
            }

            if (combining == 0) starter = written;
            previous = combining;
            points[written++] = point;
        }

        points.RemoveRange(written, points.Count - written);
    }

    private static bool TryPair(int first, int second, out int composed)
    {
        if (first - FirstLead is >= 0 and < Leads and int lead && second - FirstVowel is >= 0 and < Vowels and int vowel)
        {
            composed = FirstSyllable + (((lead * Vowels) + vowel) * Trails);
            return true;
        }

        if (first - FirstSyllable is >= 0 and < Syllables and int syllable && syllable % Trails == 0
            && second - BeforeTrail is > 0 and < Trails and int trail)
        {
            composed = first + trail;
            return true;
        }

        return Compositions.TryGetValue((first, second), out composed);
    }

    private static string[] Entries(string table) => table.Split([' ', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries);

    private static int Hexadecimal(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
