using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>
/// Makes labels with no language model: looks for a few word patterns (pieces, words, what comes before and after, looks, endings, topics)
/// that the texts on which a latent fires have and other texts lack, and says them in words.
/// </summary>
/// <remarks>
/// Patterns are chosen greedily: each adds most to recall less false alarms over the texts that labels are made from, and the search ends
/// where none adds enough. A pattern about the place where the latent fires has to hold at some place of the text; so a common word is a
/// poor pattern unless the latent fires on it wherever it stands.
/// </remarks>
internal sealed class LabelMaker(PatternWords words, TextSpots reader, TextPool pool, FeatureStatisticsOptions options)
{
    private const int MostTexts = 128, MostPatterns = 10;
    private const double LeastGain = 0.012;

    /// <summary>
    /// Describes a feature further: texts on which it is silent, patterns, graph; and makes its label, scored on texts that it was not made
    /// from.
    /// </summary>
    /// <param name="feature">A feature with its examples.</param>
    /// <returns>No label where no pattern tells anything, or nothing is left to score it on.</returns>
    public (Feature Feature, FeatureLabel? Label) Describe(Feature feature)
    {
        if (feature.Fired == 0) return (feature, null);
        LabelText[] positives = [.. feature.ForLabels().Take(MostTexts).Select(example => LabelText.Read(example, reader))];
        Dictionary<int, int> firing = FiringWords(positives);
        PooledText[] contrasts = [.. pool.Without(feature.Latent, firing, options.Contrasts, half: 1)];
        feature = feature with
        {
            Contrasts = [.. contrasts.Select(text => Contrast(text, firing))],
            Graph = NGramGraph.Build(positives, contrasts),
        };
        if (positives.Length < 2 || contrasts.Length == 0) return (feature, null);
        IReadOnlyList<PooledText> negatives = pool.Without(feature.Latent, firing, MostTexts, half: 0);
        if (negatives.Count == 0) return (feature, null);
        Pattern[] chosen = Choose(positives, negatives, out LabelPattern[] described);
        if (chosen.Length == 0) return (feature, null);
        feature = feature with { Patterns = described };
        LabelText[] held = [.. feature.ForScores().Select(example => LabelText.Read(example, reader))];
        if (held.Length == 0) return (feature, null);
        HashSet<Pattern> patterns = [.. chosen];
        var scratch = new List<Pattern>();
        double found = (double)held.Count(text => text.Matches(patterns, scratch)) / held.Length;
        double spared = (double)contrasts.Count(text => !chosen.Any(pattern => pattern.IsIn(text.Patterns))) / contrasts.Length;
        double fuzzing = Fuzzing(held, patterns, feature.Latent);
        int examples = held.Length + contrasts.Length;
        return (feature, new FeatureLabel(Say(chosen), Method(chosen[0]), (found + spared) / 2, fuzzing, examples, held.Length));
    }

    // The words that a latent fires on in its examples, with how often; of texts of one piece, all their words.
    private static Dictionary<int, int> FiringWords(LabelText[] texts)
    {
        var counts = new Dictionary<int, int>();
        foreach (LabelText text in texts)
        {
            foreach (
                int word in text.Example.Pieces.Count == 1
                    ? text.Spots.Select(spot => spot.Piece).Distinct()
                    : [text.Spots[text.Example.Peak].Piece])
                counts[word] = counts.GetValueOrDefault(word) + 1;
        }

        counts.Remove(0);
        return counts;
    }

    private static FeatureExample Contrast(PooledText text, Dictionary<int, int> firing)
    {
        int peak = text.Pieces.Length == 1 ? 0 : Math.Max(0, Array.FindIndex(text.Spots, spot => firing.ContainsKey(spot.Piece)));
        return new FeatureExample(text.Document, text.Row + peak, 0, text.Pieces, new float[text.Pieces.Length], peak);
    }

    private Pattern[] Choose(LabelText[] positives, IReadOnlyList<PooledText> negatives, out LabelPattern[] described)
    {
        // Candidates are what holds at the places where the latent fires, and what holds of the texts as a whole; in the order they are
        // met.
        var met = new Dictionary<Pattern, (int Order, int Last, int Count)>();
        var found = new List<Pattern>();
        for (int text = 0; text < positives.Length; text++)
        {
            found.Clear();
            foreach (int at in positives[text].Marked) Pattern.At(positives[text].Spots, at, found);
            for (int at = 0; at < positives[text].Spots.Length; at++) Pattern.Around(positives[text].Spots, at, found);
            foreach (Pattern pattern in found)
            {
                (int order, int last, int count) = met.TryGetValue(pattern, out var known) ? known : (met.Count, -1, 0);
                if (last != text) met[pattern] = (order, text, count + 1);
            }
        }

        int least = Math.Max(2, positives.Length / 32);
        var candidates = new Dictionary<Pattern, int>();
        var list = new List<Candidate>();
        foreach ((Pattern pattern, _) in met.Where(entry => entry.Value.Count >= least).OrderBy(entry => entry.Value.Order))
        {
            candidates[pattern] = list.Count;
            list.Add(new Candidate(pattern, 0, 0));
        }

        // Once a pattern is a candidate, any place of any text counts.
        for (int text = 0; text < positives.Length; text++)
        {
            found.Clear();
            for (int at = 0; at < positives[text].Spots.Length; at++)
            {
                Pattern.At(positives[text].Spots, at, found);
                Pattern.Around(positives[text].Spots, at, found);
            }

            foreach (Pattern pattern in found)
                if (candidates.TryGetValue(pattern, out int index))
                    list[index] = list[index] with { Positives = list[index].Positives | (UInt128.One << text) };
        }

        for (int text = 0; text < negatives.Count; text++)
        {
            foreach (Pattern pattern in negatives[text].Patterns)
                if (candidates.TryGetValue(pattern, out int index))
                    list[index] = list[index] with { Negatives = list[index].Negatives | (UInt128.One << text) };
        }

        var chosen = new List<Candidate>();
        UInt128 hit = 0, wrong = 0;
        while (chosen.Count < MostPatterns)
        {
            Candidate? best = null;
            double most = LeastGain;
            foreach (Candidate candidate in list)
            {
                double gain = (Count(candidate.Positives & ~hit) / positives.Length) - (
                    Count(candidate.Negatives & ~wrong) / negatives.Count) - candidate.Pattern.Cost;
                if (gain <= most) continue;
                (best, most) = (candidate, gain);
            }

            if (best is not { } next) break;
            chosen.Add(next);
            hit |= next.Positives;
            wrong |= next.Negatives;
        }

        described = [.. chosen.Select(candidate => new LabelPattern(candidate.Pattern.Lead(words) + candidate.Pattern
            .Tail(words), Count(candidate.Positives) / positives.Length, Count(candidate.Negatives) / negatives.Count))];
        return [.. chosen.Select(candidate => candidate.Pattern)];
    }

    private static double Count(UInt128 texts) => (double)UInt128.PopCount(texts);

    // The same texts twice: with the tokens marked that fire, and with as many others marked. Of texts of one piece nothing is marked.
    private double Fuzzing(LabelText[] texts, HashSet<Pattern> patterns, int latent)
    {
        int right = 0, count = 0;
        var scratch = new List<Pattern>();
        foreach (LabelText text in texts)
        {
            int[] others = [.. Enumerable.Range(0, text.Spots.Length).Except(text.Marked)
                .OrderBy(at => Rng.Mix(options.Seed ^ ((ulong)latent << 20) ^ (ulong)(at + (1000 * count)))).Take(text.Marked.Length)];
            if (text.Marked.Length == 0 || others.Length == 0) continue;
            count++;
            if (text.MatchesAt(text.Marked, patterns, scratch)) right++;
            if (!text.MatchesAt(others, patterns, scratch)) right++;
        }

        return count == 0 ? double.NaN : (double)right / (2 * count);
    }

    // Patterns of one kind share its words: “whale”, “ship”; words ending in -ing.
    private string Say(Pattern[] patterns) =>
        string.Join(
            "; ",
            patterns.GroupBy(pattern => pattern.Lead(words), StringComparer.Ordinal).Select(
                group => group.Key + string.Join(", ", group.Select(pattern => pattern.Tail(words)).Distinct(StringComparer.Ordinal))));

    private static string Method(Pattern first) => first.Kind switch
    {
        PatternKind.Anywhere or PatternKind.AnywherePair => "words",
        PatternKind.AnywhereNoun or PatternKind.Noun or PatternKind.Verb => "topic",
        PatternKind.Piece or PatternKind.Word or PatternKind.Shape or PatternKind.Ending or PatternKind.Starts or PatternKind.Ends =>
            "tokens",
        _ => "context",
    };

    private readonly record struct Candidate(Pattern Pattern, UInt128 Positives, UInt128 Negatives);
}
