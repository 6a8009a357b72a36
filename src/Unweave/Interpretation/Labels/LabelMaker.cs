using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>
/// Makes labels with no language model: looks for a few word patterns (words, what comes before and after, looks, letters that words share,
/// topics) that the texts on which a latent fires have and other texts lack, and says them in words.
/// </summary>
internal sealed class LabelMaker(PatternWords words, WordTopics topics, TextSpots reader, TextPool pool, FeatureStatisticsOptions options)
{
    private const int MostTexts = 128, RandomSilent = 104, NearSilent = 24, BaselineTokens = 3;

    private readonly LabelWords say = new(words, topics);

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
        float[][] directions = pool.Vectors?.Of(Rows(positives)) ?? [];
        float[]? toward = pool.Vectors is null ? null : RowVectors.Sum(directions);
        PooledText[] contrasts = pool.Without(
            feature.Latent, firing, toward, options.Contrasts - (options.Contrasts / 2), options.Contrasts / 2, half: 1).All;
        feature = feature with
        {
            Contrasts = [.. contrasts.Select(text => Contrast(text, firing))],
            Graph = NGramGraph.Build(positives, contrasts),
        };
        if (positives.Length < 2 || contrasts.Length == 0) return (feature, null);
        SilentTexts silent = pool.Without(feature.Latent, firing, toward, RandomSilent, NearSilent, half: 0);
        LabelText[] held = [.. feature.ForScores().Select(example => LabelText.Read(example, reader))];
        if (silent.Random.Length == 0 || held.Length == 0) return (feature, null);
        double[] weights = [.. UpperHalf(feature, positives, half: 0)];
        var search = new PatternSearch(positives, weights, silent);
        FoundPatterns found = search.Find();
        LikeRows? like = pool.Vectors is null ? null : LikeRows.Find(
            [.. positives.Select(text => text.Example.Text)], directions,
            [.. positives.Select(text => text.Example.Activation > feature.Max / 2)],
            [.. silent.Random.Select(pool.Direction)],
            [.. silent.Near.Select(pool.Direction)]);
        if (like is not null && !search.TellsAsWell(found, like.Recall - like.FalseAlarms))
        {
            bool[] meant = [.. pool.Vectors!.Of(Rows(held)).Select(like.Means)];
            feature = feature with { Patterns = [new LabelPattern(like.Text, like.Recall, like.FalseAlarms)] };
            return (feature, Label(
                like.Text, "rows", meant, [.. contrasts.Select(text => like.Means(pool.Direction(text)))], meant, double.NaN));
        }

        if (found.Shown.Count == 0) return (feature, null);
        feature = feature with
        {
            Patterns = [.. found.Shown.Concat(found.More).Select(one =>
                new LabelPattern(say.Say(one, search), search.Recall(one.Positives), search.FalseAlarms(one.Negatives)))],
        };
        var rule = new LabelRule([.. found.Shown.Select(one => one.Pattern)]);
        return (feature, Label(
            say.Say(found, search), Method(found.Shown[0].Pattern), [.. held.Select(rule.Matches)], [.. contrasts.Select(rule.Matches)],
            [.. held.Select(rule.HoldsWhereItFires)], Fuzzing(held, rule, feature.Latent)));

        FeatureLabel Label(string text, string method, bool[] right, bool[] wrong, bool[] explained, double fuzzing) =>
            new(text, method, Detection(right, wrong), fuzzing, held.Length + contrasts.Length, held.Length)
            {
                Coverage = Coverage(explained, [.. UpperHalf(feature, held, half: 1)]),
                Baseline = Baseline(feature, held, contrasts),
            };
    }

    private static long[] Rows(LabelText[] texts) => [.. texts.Select(text => text.Example.Row)];

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

    /// <summary>
    /// What each text counts for the activation in the upper half of the latent's range: its own, times the windows that it stands for
    /// among those of its band; 0 in the lower half. Where none of the texts drawn at random is that strong, the top examples count.
    /// </summary>
    private static IEnumerable<double> UpperHalf(Feature feature, LabelText[] texts, int half)
    {
        var weights = new Dictionary<(string, long), double>();
        int index = 0;
        foreach (ExampleGroup group in feature.Quantiles)
        {
            FeatureExample[] drawn = [.. group.Examples.Where(_ => index++ % 2 == half)];
            foreach (FeatureExample example in drawn.Where(example => example.Activation > feature.Max / 2))
                weights[(example.Document, example.Row)] = group.Share / drawn.Length * example.Activation;
        }

        return texts.Select(text => weights.Count > 0
            ? weights.GetValueOrDefault((text.Example.Document, text.Example.Row))
            : text.Example.Activation > feature.Max / 2 ? text.Example.Activation : 0);
    }

    // Balanced accuracy over texts on which the latent fires and others.
    private static double Detection(bool[] right, bool[] wrong) =>
        (((double)right.Count(one => one) / right.Length) + ((double)wrong.Count(one => !one) / wrong.Length)) / 2;

    // What a label made of the latent's three top tokens would score: those pieces anywhere in the text.
    private double? Baseline(Feature feature, LabelText[] held, PooledText[] contrasts)
    {
        if (feature.Tokens.Count == 0) return null;
        HashSet<int> top = [.. feature.Tokens.Take(BaselineTokens).Select(token => reader.Read([token.Text])[0].Piece)];
        return Detection([.. held.Select(text => text.Spots.Any(Has))], [.. contrasts.Select(text => text.Spots.Any(Has))]);

        bool Has(PieceTraits spot) => top.Contains(spot.Piece);
    }

    private static double? Coverage(bool[] explained, double[] weights)
    {
        double all = weights.Sum();
        return all > 0 ? explained.Zip(weights, (own, weight) => own ? weight : 0).Sum() / all : null;
    }

    // The same texts twice: with the tokens marked that fire, and with as many others marked. Of texts of one piece nothing is marked.
    private double Fuzzing(LabelText[] texts, LabelRule label, int latent)
    {
        int right = 0, count = 0;
        foreach (LabelText text in texts)
        {
            int[] others = [.. Enumerable.Range(0, text.Spots.Length).Except(text.Marked)
                .OrderBy(at => Rng.Mix(options.Seed ^ ((ulong)latent << 20) ^ (ulong)(at + (1000 * count)))).Take(text.Marked.Length)];
            if (text.Marked.Length == 0 || others.Length == 0) continue;
            count++;
            if (label.MatchesAt(text, text.Marked)) right++;
            if (!label.MatchesAt(text, others)) right++;
        }

        return count == 0 ? double.NaN : (double)right / (2 * count);
    }

    private static string Method(Pattern first) => first.Kind switch
    {
        PatternKind.Anywhere or PatternKind.AnywherePair => "words",
        PatternKind.AnywhereNoun or PatternKind.AnywhereKind or PatternKind.Noun or PatternKind.Verb or PatternKind.Kind => "topic",
        PatternKind.Source => "source",
        PatternKind.Word or PatternKind.WordOf or PatternKind.Lemma or PatternKind.Class or PatternKind.Shape or PatternKind.Begins
            or PatternKind.Ends or PatternKind.Inside => "tokens",
        _ => "context",
    };
}
