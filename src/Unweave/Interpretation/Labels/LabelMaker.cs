using System.Numerics;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>
/// Makes labels with no language model: looks for a few word patterns (pieces, words, what comes before and after, looks, endings, topics) that
/// the texts on which a latent fires have and other texts lack, and says them in words.
/// </summary>
/// <remarks>
/// Patterns are chosen greedily: each adds most to recall less false alarms over the texts that labels are made from, and the search ends where
/// none adds a twentieth. A pattern about the place where the latent fires has to hold at some place of the text; so a common word
/// is a poor pattern unless the latent fires on it wherever it stands.
/// </remarks>
internal sealed class LabelMaker(PatternWords words, TextSpots reader, TextPool pool, SurveyOptions options)
{
    private const int MostPatterns = 5;
    private const double LeastGain = 0.05, Marked = 0.3;

    /// <summary>The words that a latent fires on in its examples, with how often; of texts of one piece, all their words.</summary>
    public Dictionary<int, int> FiringWords(IEnumerable<FeatureExample> examples)
    {
        var counts = new Dictionary<int, int>();
        foreach (FeatureExample example in examples)
        {
            Spot[] spots = reader.Of(TextPool.Readable(example.Pieces));
            foreach (int word in example.Pieces.Count == 1 ? spots.Select(spot => spot.Piece).Distinct() : [spots[example.Peak].Piece])
                counts[word] = counts.GetValueOrDefault(word) + 1;
        }

        counts.Remove(0);
        return counts;
    }

    /// <summary>Makes the label of a feature and scores it on texts that it was not made from.</summary>
    /// <returns>The feature with its patterns, and the label; no label where no pattern tells anything, or nothing is left to score it on.</returns>
    public (Feature Feature, FeatureLabel? Label) Make(Feature feature)
    {
        Text[] positives = [.. feature.ForLabels().Take(64).Select(Read)];
        if (positives.Length < 2) return (feature, null);
        IReadOnlyList<PooledText> negatives = pool.Without(feature.Latent, FiringWords(feature.ForLabels()), 64, half: 0);
        if (negatives.Count == 0) return (feature, null);
        List<Candidate> chosen = Choose(positives, negatives);
        if (chosen.Count == 0) return (feature, null);
        Pattern[] patterns = [.. chosen.Select(candidate => candidate.Pattern)];
        Feature described = feature with
        {
            Patterns = [.. chosen.Select(candidate => new LabelPattern(
                candidate.Pattern.Lead(words) + candidate.Pattern.Tail(words),
                (double)BitOperations.PopCount(candidate.Positives) / positives.Length,
                (double)BitOperations.PopCount(candidate.Negatives) / negatives.Count))],
        };
        Text[] held = [.. feature.ForScores().Select(Read)];
        Text[] contrasts = [.. feature.Contrasts.Select(Read)];
        if (held.Length == 0 || contrasts.Length == 0) return (described, null);
        double found = (double)held.Count(text => Matches(text, patterns)) / held.Length, spared = (double)contrasts.Count(text => !Matches(text, patterns)) / contrasts.Length;
        return (described, new FeatureLabel(Say(patterns), Method(patterns), (found + spared) / 2, Fuzzing(held, patterns, feature.Latent), held.Length + contrasts.Length));
    }

    private Text Read(FeatureExample example)
    {
        Spot[] spots = reader.Of(TextPool.Readable(example.Pieces));
        int[] marked = example.Pieces.Count == 1 ? [] : [.. Enumerable.Range(0, spots.Length).Where(i => example.Activations[i] > Marked * example.Activation && example.Activations[i] > 0)];
        return new Text(spots, marked, Pattern.Of(spots));
    }

    private static List<Candidate> Choose(Text[] positives, IReadOnlyList<PooledText> negatives)
    {
        // Candidates are what holds at the places where the latent fires, and what holds of the texts as a whole; in the order they are met.
        var candidates = new Dictionary<Pattern, int>();
        var order = new List<Pattern>();
        var masks = new List<ulong>();
        var found = new List<Pattern>();
        for (int text = 0; text < positives.Length; text++)
        {
            found.Clear();
            foreach (int at in positives[text].Marked) Pattern.At(positives[text].Spots, at, found);
            for (int at = 0; at < positives[text].Spots.Length; at++) Pattern.Around(positives[text].Spots, at, found);
            foreach (Pattern pattern in found)
            {
                if (!candidates.TryGetValue(pattern, out int index))
                {
                    candidates[pattern] = index = order.Count;
                    order.Add(pattern);
                    masks.Add(0);
                }

                masks[index] |= 1UL << text;
            }
        }

        // Once a pattern is a candidate, any place of any text counts.
        int least = Math.Max(2, positives.Length / 16);
        var kept = new Dictionary<Pattern, int>();
        var list = new List<Candidate>();
        for (int i = 0; i < order.Count; i++)
        {
            if (BitOperations.PopCount(masks[i]) < least) continue;
            kept[order[i]] = list.Count;
            list.Add(new Candidate(order[i], 0, 0));
        }

        for (int text = 0; text < positives.Length; text++)
            foreach (Pattern pattern in positives[text].Patterns)
                if (kept.TryGetValue(pattern, out int index)) list[index] = list[index] with { Positives = list[index].Positives | (1UL << text) };
        for (int text = 0; text < negatives.Count; text++)
            foreach (Pattern pattern in negatives[text].Patterns)
                if (kept.TryGetValue(pattern, out int index)) list[index] = list[index] with { Negatives = list[index].Negatives | (1UL << text) };

        var chosen = new List<Candidate>();
        ulong hit = 0, wrong = 0;
        while (chosen.Count < MostPatterns)
        {
            Candidate? best = null;
            double most = LeastGain;
            foreach (Candidate candidate in list)
            {
                double gain = ((double)BitOperations.PopCount(candidate.Positives & ~hit) / positives.Length) - ((double)BitOperations.PopCount(candidate.Negatives & ~wrong) / negatives.Count) - candidate.Pattern.Cost;
                if (gain <= most) continue;
                (best, most) = (candidate, gain);
            }

            if (best is not { } next) break;
            chosen.Add(next);
            hit |= next.Positives;
            wrong |= next.Negatives;
        }

        return chosen;
    }

    private static bool Matches(Text text, Pattern[] patterns) => patterns.Any(pattern => pattern.IsIn(text.Patterns));

    // The same texts twice: with the tokens marked that fire, and with as many others marked. Of texts of one piece nothing is marked.
    private double Fuzzing(Text[] texts, Pattern[] patterns, int latent)
    {
        int right = 0, wrong = 0, count = 0;
        foreach (Text text in texts)
        {
            int[] others = [.. Enumerable.Range(0, text.Spots.Length).Except(text.Marked).OrderBy(at => Rng.Mix(options.Seed ^ ((ulong)latent << 20) ^ (ulong)(at + (1000 * count)))).Take(text.Marked.Length)];
            if (text.Marked.Length == 0 || others.Length == 0) continue;
            count++;
            if (At(text, text.Marked)) right++;
            if (!At(text, others)) wrong++;
        }

        return count == 0 ? double.NaN : (double)(right + wrong) / (2 * count);

        bool At(Text text, int[] places)
        {
            var found = new List<Pattern>();
            foreach (int at in places)
            {
                Pattern.At(text.Spots, at, found);
                Pattern.Around(text.Spots, at, found);
            }

            return found.Any(pattern => patterns.Contains(pattern));
        }
    }

    // Patterns of one kind share its words: “whale”, “ship”; words ending in -ing.
    private string Say(Pattern[] patterns) =>
        string.Join("; ", patterns.GroupBy(pattern => pattern.Lead(words), StringComparer.Ordinal).Select(group => group.Key + string.Join(", ", group.Select(pattern => pattern.Tail(words)).Distinct(StringComparer.Ordinal))));

    private static string Method(Pattern[] patterns) =>
        patterns[0].Anywhere ? patterns[0].Kind == PatternKind.AnywhereNoun ? "topic" : "words"
        : patterns[0].Kind is PatternKind.Noun or PatternKind.Verb ? "topic"
        : patterns[0].Kind is PatternKind.Piece or PatternKind.Word or PatternKind.Shape or PatternKind.Ending ? "tokens" : "context";

    private sealed record Text(Spot[] Spots, int[] Marked, Pattern[] Patterns);

    private readonly record struct Candidate(Pattern Pattern, ulong Positives, ulong Negatives);
}
