using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>Absorption of one letter in one coder.</summary>
/// <param name="Letter">The letter, lower case.</param>
/// <param name="Fraction">Mean absorption fraction of the words whose letter the probe on raw vectors tells.</param>
/// <param name="Full">Share of these words where no main latent fires and one other stands in.</param>
/// <param name="FullCount">How many words that are.</param>
/// <param name="Words">Words whose letter the probe tells.</param>
/// <param name="MainLatents">The latents that stand for the letter: one, or several where it is split.</param>
internal sealed record LetterAbsorption(char Letter, double Fraction, double Full, int FullCount, int Words, int MainLatents);

/// <summary>Absorption in one coder, over all letters and splits.</summary>
/// <param name="Coder">The coder.</param>
/// <param name="Letters">The letters of each split.</param>
internal sealed record CoderAbsorption(string Coder, IReadOnlyList<LetterAbsorption[]> Letters)
{
    /// <summary>Mean absorption fraction over letters, one value a split.</summary>
    public double[] Fractions => [.. Letters.Select(split => split.Average(letter => letter.Fraction))];

    /// <summary>Mean share of full absorption over letters, one value a split.</summary>
    public double[] Full => [.. Letters.Select(split => split.Average(letter => letter.Full))];

    /// <summary>Mean number of main latents, over letters and splits.</summary>
    public double MainLatents => Letters.SelectMany(split => split).Average(letter => letter.MainLatents);
}

/// <summary>First-letter absorption of several coders in one host model.</summary>
/// <param name="Words">Words that were read.</param>
/// <param name="ProbeF1">Mean F1 of the letters' probes on raw vectors, over letters and splits, on words that they did not see.</param>
/// <param name="LettersKept">Letters whose probe is good enough, on average over the splits.</param>
/// <param name="Coders">The coders; empty where too few letters have a good probe.</param>
/// <param name="Refused">Why nothing is measured; null where something is.</param>
internal sealed record AbsorptionResult(
    int Words, double ProbeF1, double LettersKept, IReadOnlyList<CoderAbsorption> Coders, string? Refused);

/// <summary>
/// First-letter absorption (Chanin et al. 2024) in the form of SAEBench: a latent for "begins with s" keeps silent on some words with s,
/// and a latent of the word carries the letter's direction instead.
/// </summary>
/// <remarks>
/// What differs from SAEBench, which asks for models of 2 billion parameters: the letters' probes are logistic regressions by L-BFGS, the
/// main latents are chosen by difference of means instead of an L1 probe, only letters with a good probe count, and where few have one,
/// nothing is given. See <c>docs/measures.md</c>.
/// </remarks>
internal static class Absorption
{
    /// <summary>F1 that the probe of a letter needs on words that it did not see.</summary>
    public const double LeastF1 = 0.7;

    /// <summary>Letters that need a good probe.</summary>
    public const int LeastLetters = 5;

    private const int MostMain = 10, MostAbsorbers = 3, LeastWords = 10;

    // SAEBench's thresholds: the rise of F1 that one more main latent has to bring, the cosine of an absorbing latent with the probe, the
    // share of the probe's projection that absorbers carry, and the cosine for full absorption.
    private const double F1Rise = 0.03, AbsorberCosine = 0.1, AbsorbedShare = 0.4, FullCosine = 0.025;

    private const double TestShare = 0.4;

    // C of the letters' probes: some hundred words a letter against as many dimensions need a strong penalty.
    private const double ProbeStrength = 0.01;

    /// <summary>Measures.</summary>
    /// <param name="words">The words as the host has them.</param>
    /// <param name="coders">The coders; all reconstruct what they read.</param>
    /// <param name="splits">Splits in training and test.</param>
    /// <param name="seed">Seed of the first.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static AbsorptionResult Run(FirstLetters words, IReadOnlyList<IRowCoder> coders, int splits, ulong seed = 0,
        CancellationToken cancellationToken = default)
    {
        foreach (IRowCoder coder in coders)
        {
            if (coder.OutputWidth != words.Rows.Columns)
            {
                throw new InputException($"{coder.Name} reconstructs width {coder.OutputWidth} from width {words.Rows.Columns}; absorption "
                    + "needs a decoder into the space that it reads.");
            }
        }

        SparseCodes[] codes = [.. coders.Select(coder => Codes(coder, words.Rows))];
        Split[] made = [.. Enumerable.Range(0, splits).Select(split => new Split(words, seed + (ulong)split, cancellationToken))];
        double f1 = made.Average(split => split.Probes.Average(probe => probe.F1));
        double kept = made.Average(split => split.Good.Count());
        string? refused = made.All(split => split.Good.Count() >= LeastLetters) ? null : FormattableString.Invariant(
            $"the probes of only {kept:0.#} letters reach an F1 of {LeastF1} on words that they did not see (mean {f1:F2})")
            + ": this model does not tell first letters well enough at this hook";
        if (refused is not null) return new AbsorptionResult(words.Words.Count, f1, kept, [], refused);
        return new AbsorptionResult(
            words.Words.Count, f1, kept,
            [
                .. coders.Select((coder, i) => new CoderAbsorption(
                    coder.Name,
                    [.. made.Select(split => split.Good.Select(probe => Letter(words, coder, codes[i], split, probe)).ToArray())])),
            ],
            null);
    }

    /// <summary>A word's absorption fraction, in SAEBench's form.</summary>
    /// <param name="projection">What the word's vector has along the probe's unit direction.</param>
    /// <param name="main">What its main latents add along it.</param>
    /// <param name="absorbers">What the absorbing latents add along it, at most three.</param>
    internal static double Fraction(double projection, double main, double absorbers)
    {
        if (main >= projection || absorbers / projection < AbsorbedShare) return 0;
        if (main <= 0) return 1;
        double absorbed = Math.Min(absorbers, projection - main);
        return Math.Clamp(absorbed / (absorbed + main), 0, 1);
    }

    /// <summary>F1 of a yes-or-no answer.</summary>
    internal static double F1(IEnumerable<(bool Said, bool Is)> answers)
    {
        (int both, int said, int positive) = (0, 0, 0);
        foreach ((bool one, bool right) in answers)
        {
            both += one && right ? 1 : 0;
            said += one ? 1 : 0;
            positive += right ? 1 : 0;
        }

        return said + positive == 0 ? 0 : 2.0 * both / (said + positive);
    }

    private static SparseCodes Codes(IRowCoder coder, Matrix rows)
    {
        // Each word is a sequence of its own.
        List<long> starts = [0];
        List<int> latents = [];
        List<float> values = [];
        var codes = new SparseCodes(coder.Latents);
        for (int r = 0; r < rows.Rows; r++)
        {
            using Matrix row = rows.CopyRows(r, 1);
            coder.Encode(row, codes);
            latents.AddRange(codes.AllLatents);
            values.AddRange(codes.AllValues);
            starts.Add(latents.Count);
        }

        return new SparseCodes(coder.Latents, [.. starts], [.. latents], [.. values]);
    }

    private static LetterAbsorption Letter(FirstLetters words, IRowCoder coder, SparseCodes codes, Split split, LetterProbe probe)
    {
        int[] main = MainLatents(words, codes, split, probe.Letter);
        var fractions = new List<double>();
        int full = 0;
        foreach (int word in split.Test.Where(word => words.Letters[word] == probe.Letter && probe.Tells(words.Rows.Row(word))))
        {
            double projection = Project(words.Rows.Row(word), probe.Direction);
            using Matrix added = LatentDirections.Contributions(coder, codes, word, words.Rows.Row(word));
            int[] active = codes.Latents(word).ToArray();
            (double Along, double Cosine)[] parts =
                [.. Enumerable.Range(0, active.Length).Select(i => Along(added.Row(i), probe.Direction, codes.Values(word)[i]))];
            int[] others = [.. Enumerable.Range(0, active.Length).Where(i => !main.Contains(active[i]))];
            double own = Enumerable.Range(0, active.Length).Where(i => main.Contains(active[i])).Sum(i => parts[i].Along);
            double absorbers = others.Where(i => parts[i].Cosine >= AbsorberCosine && parts[i].Along > 0).Select(i => parts[i].Along)
                .OrderDescending().Take(MostAbsorbers).Sum();
            fractions.Add(Fraction(projection, own, absorbers));
            if (others.Length != active.Length || active.Length == 0 || projection <= 0) continue; // a main latent fires, or nothing does
            (double most, double cosine) = parts.MaxBy(part => part.Along);
            if (cosine >= FullCosine && most / projection >= AbsorbedShare) full++;
        }

        int count = Math.Max(1, fractions.Count);
        return new LetterAbsorption((char)('a' + probe.Letter), fractions.Sum() / count, (double)full / count, full, fractions.Count,
            main.Length);
    }

    // The latents that tell the letter: one after another as long as each brings F1 on the test words up by 0.03.
    private static int[] MainLatents(FirstLetters words, SparseCodes codes, Split split, int letter)
    {
        bool[] trained = [.. split.Training.Select(word => words.Letters[word] == letter)];
        bool[] tested = [.. split.Test.Select(word => words.Letters[word] == letter)];
        int[] latents = [.. SparseProbing.MostDifferent(codes, split.Training, trained, int.MaxValue).Where(one => one.Difference > 0)
            .Take(MostMain).Select(one => one.Latent)];
        int[] main = [];
        double best = double.NegativeInfinity;
        for (int k = 1; k <= latents.Length; k++)
        {
            using Matrix x = SparseProbing.Features(codes, split.Training, latents.AsSpan(0, k)),
                y = SparseProbing.Features(codes, split.Test, latents.AsSpan(0, k));
            LogisticRegression fitted = LogisticRegression.FitStandardized(x, trained, balanced: true);
            double f1 = F1(Enumerable.Range(0, y.Rows).Select(r => (fitted.Score(y.Row(r)) > 0, tested[r])));
            if (f1 <= best + F1Rise) break;
            (best, main) = (f1, latents[..k]);
        }

        return main;
    }

    // What a latent adds along the probe, and the cosine of its direction with it, the sign of the activation taken away.
    private static (double Along, double Cosine) Along(ReadOnlySpan<float> added, double[] direction, float activation)
    {
        double along = Project(added, direction), length = Norms.L2(added);
        return (along, length > 0 ? along / length * Math.Sign(activation) : 0);
    }

    private static double Project(ReadOnlySpan<float> row, double[] direction)
    {
        double sum = 0;
        for (int i = 0; i < row.Length; i++) sum += row[i] * direction[i];
        return sum;
    }

    /// <summary>The probe of a letter on raw vectors.</summary>
    private sealed record LetterProbe(int Letter, LogisticRegression Probe, double[] Direction, double F1)
    {
        public bool Tells(ReadOnlySpan<float> row) => Probe.Score(row) > 0;
    }

    /// <summary>The words divided, and the probes of all letters that have enough.</summary>
    private sealed class Split
    {
        public Split(FirstLetters words, ulong seed, CancellationToken cancellationToken)
        {
            var rng = new Rng(seed, 8);
            var (training, test) = (new List<int>(), new List<int>());
            IEnumerable<int> all = Enumerable.Range(0, words.Words.Count);
            foreach (IGrouping<int, int> letter in all.GroupBy(i => words.Letters[i]).OrderBy(group => group.Key))
            {
                int[] own = [.. letter.Select(word => (word, rng.NextBits())).OrderBy(pair => pair.Item2).Select(pair => pair.word)];
                int held = (int)Math.Round(own.Length * TestShare);
                test.AddRange(own[..held]);
                training.AddRange(own[held..]);
            }

            (Training, Test) = ([.. training.Order()], [.. test.Order()]);
            int[] letters = [.. Enumerable.Range(0, 26).Where(letter => Test.Count(word => words.Letters[word] == letter) >= LeastWords)];
            using Matrix x = SparseProbing.Rows(words.Rows, Training);
            var probes = new LetterProbe[letters.Length];
            Workers.Shared.Run(letters.Length, i =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                bool[] positive = [.. Training.Select(word => words.Letters[word] == letters[i])];
                LogisticRegression probe = LogisticRegression.FitStandardized(x, positive, ProbeStrength, balanced: true);
                double length = Math.Sqrt(probe.Weights.Sum(weight => weight * weight));
                double f1 = F1(Test.Select(word => (probe.Score(words.Rows.Row(word)) > 0, words.Letters[word] == letters[i])));
                probes[i] = new LetterProbe(letters[i], probe, [.. probe.Weights.Select(weight => length > 0 ? weight / length : 0)], f1);
            });
            Probes = probes;
        }

        public int[] Training { get; }

        public int[] Test { get; }

        public LetterProbe[] Probes { get; }

        public IEnumerable<LetterProbe> Good => Probes.Where(probe => probe.F1 >= LeastF1);
    }
}
