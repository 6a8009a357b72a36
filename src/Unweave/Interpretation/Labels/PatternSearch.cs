namespace Unweave.Interpretation;

/// <summary>A pattern with the texts that it holds in, a bit a text.</summary>
/// <param name="Pattern">The pattern.</param>
/// <param name="Positives">Texts of the latent that have it anywhere.</param>
/// <param name="Negatives">Texts on which the latent is silent that have it.</param>
/// <param name="Firing">
/// Texts of the latent that have it where the latent fires most; of a pattern about the whole text, all that have it.
/// </param>
internal readonly record struct PatternHits(Pattern Pattern, UInt128 Positives, UInt128 Negatives, UInt128 Firing);

/// <summary>What the search found.</summary>
/// <param name="Shown">The patterns of the label, that with most of the activation first.</param>
/// <param name="More">Patterns that would add enough as well, but that a label has no room for.</param>
/// <param name="Coverage">Share of the activation in the upper half of the range that the shown ones explain.</param>
/// <param name="MoreCoverage">What the others add to that.</param>
internal sealed record FoundPatterns(
    IReadOnlyList<PatternHits> Shown, IReadOnlyList<PatternHits> More, double Coverage, double MoreCoverage);

/// <summary>
/// Looks for the few patterns that tell best the texts on which a latent fires from those on which it is silent, and that hold where it
/// fires strongly.
/// </summary>
/// <remarks>
/// A set of patterns is worth the share of the latent's texts that have one, less the share of the others (the mean of that of texts at
/// random and that of near misses), and a tenth of the share of the activation in the upper half of the latent's range that stands where
/// one holds, so that of two sets that tell alike the one is taken that says what the latent fires on strongly; less a little for patterns
/// that are hard to read. The best set of up to three is found by
/// a beam search; each pattern has to add <see cref="LeastGain"/>.
/// </remarks>
/// <param name="positives">Texts on which the latent fires, at most 128.</param>
/// <param name="weights">What each of them counts for the activation in the upper half of the range.</param>
/// <param name="silent">Texts on which it is silent, at most 128.</param>
internal sealed class PatternSearch(LabelText[] positives, double[] weights, SilentTexts silent)
{
    private const int MostShown = 3, MostMore = 7, Kept = 64, Beam = 12;
    private const double LeastGain = 0.04, CoverageWorth = 0.1, WordsWorth = 0.15, TellWell = 0.5;

    // A topic is named when its words hold half of the activation, and letters when several words share them, none too often.
    private const double TopicShare = 0.5, OneWord = 0.7;
    private const int WordsOfLetters = 4, WordsOfTopic = 3;

    private readonly PooledText[] negatives = silent.All;
    private readonly UInt128 near = ~UInt128.Zero << silent.Random.Length;
    private readonly double totalWeight = Math.Max(weights.Sum(), double.Epsilon);

    private readonly record struct Set(UInt128 Positives, UInt128 Negatives, UInt128 Firing, double Cost, double Worth);

    /// <summary>The best set.</summary>
    public FoundPatterns Find()
    {
        List<PatternHits> all = Candidates();
        Set none = default;
        PatternHits[] candidates = [.. all.Select(candidate => (Candidate: candidate, Joined: Join(none, candidate)))
            .Where(entry => entry.Joined.Worth >= LeastGain)
            .OrderByDescending(entry => entry.Joined.Worth)
            .Select(entry => entry.Candidate).Where(IsReadable).Take(Kept)];
        int[] best = [];
        Set bestSet = none;
        var beam = new List<(int[] Chosen, Set Set)> { ([], none) };
        for (int depth = 0; depth < MostShown && beam.Count > 0; depth++)
        {
            var next = new List<(int[] Chosen, Set Set)>();
            foreach ((int[] chosen, Set set) in beam)
            {
                for (int i = chosen.Length == 0 ? 0 : chosen[^1] + 1; i < candidates.Length; i++)
                {
                    Set joined = Join(set, candidates[i]);
                    if (joined.Worth >= set.Worth + LeastGain) next.Add(([.. chosen, i], joined));
                }
            }

            beam = [.. next.OrderByDescending(entry => entry.Set.Worth).Take(Beam)];
            if (beam.Count > 0 && beam[0].Set.Worth > bestSet.Worth) (best, bestSet) = beam[0];
        }

        PatternHits[] shown = [.. best.Select(i => candidates[i]).OrderByDescending(candidate => Covered(candidate.Firing))];
        var more = new List<PatternHits>();
        Set reached = bestSet;
        while (shown.Length == MostShown && more.Count < MostMore)
        {
            PatternHits next = candidates.MaxBy(candidate => Join(reached, candidate).Worth);
            Set joined = Join(reached, next);
            if (joined.Worth < reached.Worth + LeastGain) break;
            more.Add(next);
            reached = joined;
        }

        double coverage = Covered(bestSet.Firing);
        return new FoundPatterns(shown, more, coverage, Covered(reached.Firing) - coverage);
    }

    /// <summary>Whether each text on which the latent fires is one word.</summary>
    public bool OfWords { get; } = positives.All(text => text.Spots.Length == 1);

    /// <summary>
    /// Whether patterns tell well, or nearly as well as another label whose recall less its false alarms is known: words that say what is
    /// meant are worth more than examples of it.
    /// </summary>
    public bool TellsAsWell(FoundPatterns found, double other)
    {
        UInt128 hit = 0, wrong = 0;
        foreach (PatternHits one in found.Shown) (hit, wrong) = (hit | one.Positives, wrong | one.Negatives);
        return found.Shown.Count > 0 && Recall(hit) - FalseAlarms(wrong) >= Math.Min(TellWell, other - WordsWorth);
    }

    /// <summary>Share of the latent's texts that are among some.</summary>
    public double Recall(UInt128 texts) => Count(texts) / positives.Length;

    /// <summary>Share of the texts on which it is silent that are among some: the mean of texts at random and near misses.</summary>
    public double FalseAlarms(UInt128 texts)
    {
        double random = Count(texts & ~near) / Math.Max(1, silent.Random.Length);
        return silent.Near.Length == 0 ? random : (random + (Count(texts & near) / silent.Near.Length)) / 2;
    }

    /// <summary>The words that stand where a pattern holds and the latent fires, those with most of the activation first.</summary>
    public IReadOnlyList<int> Words(PatternHits candidate) => [.. WordWeights(candidate).OrderByDescending(word => word.Weight)
        .ThenBy(word => word.First).Select(word => word.Word)];

    private static double Count(UInt128 texts) => (double)UInt128.PopCount(texts);

    private Set Join(Set set, PatternHits candidate)
    {
        UInt128 hit = set.Positives | candidate.Positives, wrong = set.Negatives | candidate.Negatives;
        UInt128 firing = set.Firing | candidate.Firing;
        double cost = set.Cost + candidate.Pattern.Cost;
        return new Set(hit, wrong, firing, cost, Recall(hit) - FalseAlarms(wrong) + (CoverageWorth * Covered(firing)) - cost);
    }

    private double Covered(UInt128 texts)
    {
        double sum = 0;
        for (UInt128 left = texts; left != 0; left &= left - 1) sum += weights[(int)UInt128.TrailingZeroCount(left)];
        return sum / totalWeight;
    }

    private bool IsReadable(PatternHits candidate)
    {
        if (!candidate.Pattern.OfManyWords) return true;
        bool topic = candidate.Pattern.Kind is not (PatternKind.Begins or PatternKind.Ends or PatternKind.Inside);
        if (topic && Covered(candidate.Firing) < TopicShare) return false;
        (int Word, double Weight, int First)[] words = WordWeights(candidate);
        return words.Length >= (topic ? WordsOfTopic : WordsOfLetters)
            && words.Max(word => word.Weight) <= OneWord * words.Sum(word => word.Weight);
    }

    // Every text counts here, by its activation: words of the lower half tell what letters or a topic stand for as well.
    private (int Word, double Weight, int First)[] WordWeights(PatternHits candidate)
    {
        var sums = new Dictionary<int, (double Weight, int First)>();
        for (UInt128 left = candidate.Firing; left != 0; left &= left - 1)
        {
            int text = (int)UInt128.TrailingZeroCount(left);
            foreach (int word in WordsOf(positives[text], candidate.Pattern))
            {
                (double weight, int first) = sums.TryGetValue(word, out var known) ? known : (0, sums.Count);
                sums[word] = (weight + positives[text].Example.Activation, first);
            }
        }

        return [.. sums.Select(entry => (entry.Key, entry.Value.Weight, entry.Value.First))];
    }

    private static IEnumerable<int> WordsOf(LabelText text, Pattern pattern) => pattern.Kind switch
    {
        PatternKind.AnywhereNoun => text.Spots.Where(spot => spot.Noun == pattern.A).Select(spot => spot.Word).Distinct(),
        PatternKind.AnywhereKind => text.Spots.Where(spot => spot.Kinds.Contains(pattern.A)).Select(spot => spot.Word).Distinct(),
        _ => [text.Spots[text.Example.Peak].Word],
    };

    private List<PatternHits> Candidates()
    {
        // Candidates are what holds at the places where the latent fires, and what holds of the texts as a whole; in the order they are
        // met.
        var met = new Dictionary<Pattern, (int Order, int Last, int Count)>();
        var found = new List<Pattern>();
        for (int text = 0; text < positives.Length; text++)
        {
            LabelText one = positives[text];
            found.Clear();
            foreach (int at in one.Marked) Pattern.At(one.Spots, at, one.Source, found);
            for (int at = 0; at < one.Spots.Length; at++) Pattern.Around(one.Spots, at, found);
            if (one.Source != 0) found.Add(new Pattern(PatternKind.Source, one.Source));
            foreach (Pattern pattern in found)
            {
                (int order, int last, int count) = met.TryGetValue(pattern, out var known) ? known : (met.Count, -1, 0);
                if (last != text) met[pattern] = (order, text, count + 1);
            }
        }

        int least = Math.Max(2, positives.Length / 32);
        var candidates = new Dictionary<Pattern, int>();
        var list = new List<PatternHits>();
        foreach ((Pattern pattern, _) in met.Where(entry => entry.Value.Count >= least).OrderBy(entry => entry.Value.Order))
        {
            candidates[pattern] = list.Count;
            list.Add(new PatternHits(pattern, 0, 0, 0));
        }

        // Once a pattern is a candidate, any place of any text counts.
        for (int text = 0; text < positives.Length; text++)
        {
            LabelText one = positives[text];
            UInt128 bit = UInt128.One << text;
            found.Clear();
            for (int at = 0; at < one.Spots.Length; at++)
            {
                Pattern.At(one.Spots, at, one.Source, found);
                Pattern.Around(one.Spots, at, found);
            }

            if (one.Source != 0) found.Add(new Pattern(PatternKind.Source, one.Source));
            foreach (Pattern pattern in found)
            {
                if (!candidates.TryGetValue(pattern, out int index)) continue;
                PatternHits hits = list[index];
                list[index] = hits with { Positives = hits.Positives | bit, Firing = pattern.Anywhere ? hits.Firing | bit : hits.Firing };
            }

            if (one.Marked.Length == 0) continue;
            found.Clear();
            Pattern.At(one.Spots, one.Example.Peak, one.Source, found);
            foreach (Pattern pattern in found)
                if (candidates.TryGetValue(pattern, out int index)) list[index] = list[index] with { Firing = list[index].Firing | bit };
        }

        for (int text = 0; text < negatives.Length; text++)
        {
            foreach (Pattern pattern in negatives[text].Patterns)
            {
                if (candidates.TryGetValue(pattern, out int index))
                    list[index] = list[index] with { Negatives = list[index].Negatives | (UInt128.One << text) };
            }
        }

        return list;
    }
}
