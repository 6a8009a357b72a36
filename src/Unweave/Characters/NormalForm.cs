using System.Collections.Frozen;
using System.Globalization;

namespace Unweave.Characters;

/// <summary>
/// Decomposition and composition of code points: Unicode Standard Annex 15. The platform's own normalization leaves text as it is when
/// globalization is invariant.
/// </summary>
internal static class NormalForm
{
    /// <summary>Nothing below it combines, is composed or has a canonical mapping.</summary>
    public const char FirstOfInterest = '\u00C0';

    // Hangul syllables are composed by formula: Unicode, section 3.12.
    private const int FirstSyllable = 0xAC00, FirstLead = 0x1100, FirstVowel = 0x1161, BeforeTrail = 0x11A7;
    private const int Leads = 19, Vowels = 21, Trails = 28, Syllables = Leads * Vowels * Trails;

    private static readonly FrozenDictionary<int, int[]> Canonical;
    private static readonly FrozenDictionary<(int First, int Second), int> Compositions;
    private static readonly FrozenDictionary<int, int> CombiningClasses;
    private static readonly FrozenSet<int> Joining;

    static NormalForm()
    {
        var decompositions = new Dictionary<int, int[]>();
        var compositions = new Dictionary<(int, int), int>();
        foreach (string entry in CodePoints.Entries(CanonicalMappings.Decompositions))
        {
            string[] sides = entry.Split(':');
            int composed = CodePoints.Hexadecimal(sides[0].TrimEnd('!'));
            int[] parts = [.. sides[1].Split('+').Select(CodePoints.Hexadecimal)];
            decompositions.Add(composed, parts);
            if (parts.Length == 2 && !sides[0].EndsWith('!')) compositions.Add((parts[0], parts[1]), composed);
        }

        var classes = new Dictionary<int, int>();
        foreach (string entry in CodePoints.Entries(CanonicalMappings.CombiningClasses))
        {
            string[] sides = entry.Split(':');
            foreach (int point in CodePoints.Range(sides[0])) classes.Add(point, int.Parse(sides[1], CultureInfo.InvariantCulture));
        }

        Canonical = decompositions.ToFrozenDictionary();
        Compositions = compositions.ToFrozenDictionary();
        CombiningClasses = classes.ToFrozenDictionary();

        // Starters that may still become one with what precedes them: seconds of a pair, and what decomposes into marks alone.
        Joining = compositions.Keys.Select(pair => pair.Item2)
            .Concat(Enumerable.Range(FirstVowel, Vowels)).Concat(Enumerable.Range(BeforeTrail + 1, Trails - 1))
            .Concat(decompositions.Where(entry => classes.ContainsKey(entry.Value[0])).Select(entry => entry.Key)).ToFrozenSet();
    }

    /// <summary>A mark, or a letter that may become one with what precedes it.</summary>
    public static bool JoinsTheOneBefore(int point) => point >= FirstOfInterest && (CombiningClass(point) != 0 || Joining.Contains(point));

    /// <summary>Adds what a code point decomposes into, itself if into nothing else.</summary>
    /// <param name="point">The code point.</param>
    /// <param name="compatibility">With compatibility mappings too, as in NFKD: a ligature is its letters.</param>
    /// <param name="output">Where to.</param>
    public static void Decompose(int point, bool compatibility, List<int> output)
    {
        if (point - FirstSyllable is >= 0 and < Syllables and int syllable)
        {
            output.Add(FirstLead + (syllable / (Vowels * Trails)));
            output.Add(FirstVowel + (syllable / Trails % Vowels));
            if (syllable % Trails != 0) output.Add(BeforeTrail + (syllable % Trails));
        }
        else if (Canonical.TryGetValue(point, out int[]? parts) || (compatibility && Compatibility.Mappings.TryGetValue(point, out parts)))
        {
            foreach (int part in parts) Decompose(part, compatibility, output);
        }
        else
        {
            output.Add(point);
        }
    }

    /// <summary>Sorts each run of marks by combining class, keeping the order of equal ones.</summary>
    /// <param name="points">What was decomposed.</param>
    public static void Order(List<int> points)
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

    /// <summary>Composes what can be.</summary>
    /// <param name="points">What was decomposed and ordered.</param>
    public static void Compose(List<int> points)
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

    private static int CombiningClass(int point) => CombiningClasses.GetValueOrDefault(point);

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

    // Read when first asked for: tokenizers need only canonical mappings.
    private static class Compatibility
    {
        public static readonly FrozenDictionary<int, int[]> Mappings = Read();

        private static FrozenDictionary<int, int[]> Read()
        {
            var mappings = new Dictionary<int, int[]>();
            foreach (string entry in CodePoints.Entries(CompatibilityMappings.Mappings))
            {
                string[] sides = entry.Split(':');
                int[] parts = [.. sides[1].Split('+').Select(CodePoints.Hexadecimal)];
                int offset = 0;
                foreach (int point in CodePoints.Range(sides[0])) mappings.Add(point, parts.Length == 1 ? [parts[0] + offset++] : parts);
            }

            return mappings.ToFrozenDictionary();
        }
    }
}
