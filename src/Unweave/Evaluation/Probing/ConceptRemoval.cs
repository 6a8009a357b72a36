using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>What ablating N latents did, for one coder.</summary>
/// <param name="Total">The score: TPP's or SCR's.</param>
/// <param name="Intended">What was wanted: of TPP the loss of the class's own probe, of SCR the score of the first direction.</param>
/// <param name="Unintended">What was not, or the other direction of SCR.</param>
internal sealed record RemovalScore(double Total, double Intended, double Unintended);

/// <summary>
/// Targeted probe perturbation and spurious correlation removal (Karvonen et al. 2024), by SAEBench's formulas: whether the latents of a
/// concept can be ablated without hurting others. Both are unreliable: an audit (arXiv 2605.18229) found that they rank autoencoders
/// unlike themselves from sample to sample and reward what has nothing to do with how good latents are. They are given for comparison with
/// earlier tables.
/// </summary>
/// <remarks>
/// Texts are the means of their vectors; latents are ablated in the means of the codes, which is the same where the decoder is linear and
/// no row has a scale of its own.
/// </remarks>
internal static class ConceptRemoval
{
    /// <summary>Latents that are ablated.</summary>
    public static readonly int[] Sizes = [2, 5, 10, 20, 50, 100, 500];

    private const int MostClasses = 8, LeastTexts = 20;

    // Where biased and clean probes hardly differ, the quotient of SCR is noise.
    private const double LeastGap = 0.001;

    /// <summary>
    /// TPP: the mean over classes c of what ablating c's latents takes from c's probe, less what it takes from the others' on average.
    /// </summary>
    /// <param name="texts">The texts, pooled by their means.</param>
    /// <param name="place">The coder's place among their codes.</param>
    /// <param name="directions">What each latent adds at an activation of 1, <c>[latents, d]</c>.</param>
    /// <param name="labels">The class of each text.</param>
    /// <param name="classes">Number of classes; the eight with most texts take part.</param>
    /// <param name="seed">Seed of the split.</param>
    /// <returns>The score for each N.</returns>
    public static Dictionary<int, RemovalScore> Tpp(PooledTexts texts, int place, Matrix directions, int[] labels, int classes,
        ulong seed = 0)
    {
        SparseCodes codes = texts.Codes[place];
        int[] chosen = [.. Enumerable.Range(0, classes).OrderByDescending(c => labels.Count(label => label == c)).Take(MostClasses)
            .Where(c => labels.Count(label => label == c) >= LeastTexts).Order()];
        if (chosen.Length < 2) throw new InputException($"TPP needs two classes of {LeastTexts} texts.");
        var probes = chosen.Select(c =>
        {
            (int[] training, int[] test) = SparseProbing.Balanced(labels, c, new Rng(seed, (ulong)c));
            return new Concept(texts.Rows, training, test, row => labels[row] == c);
        }).ToArray();
        double[] before = [.. probes.Select(probe => probe.Accuracy(texts.Rows, codes, directions, []))];
        var scores = new Dictionary<int, RemovalScore>();
        foreach (int size in Sizes)
        {
            double[] intended = new double[probes.Length], unintended = new double[probes.Length];
            Workers.Shared.Run(probes.Length, c =>
            {
                HashSet<int> ablated = [.. probes[c].Effects(codes, directions, positiveOnly: true).Take(size)];
                for (int other = 0; other < probes.Length; other++)
                {
                    double lost = before[other] - probes[other].Accuracy(texts.Rows, codes, directions, ablated);
                    if (other == c) intended[c] = lost;
                    else unintended[c] += lost / (probes.Length - 1);
                }
            });
            scores[size] = new RemovalScore(intended.Average() - unintended.Average(), intended.Average(), unintended.Average());
        }

        return scores;
    }

    /// <summary>
    /// SCR: a probe for one label is trained where another label always agrees with it; how much of its accuracy comes back when the
    /// latents of the other label are ablated, (ablated − biased)/(clean − biased). Both directions, and their mean.
    /// </summary>
    /// <param name="texts">The texts, pooled by their means.</param>
    /// <param name="place">The coder's place among their codes.</param>
    /// <param name="directions">What each latent adds at an activation of 1.</param>
    /// <param name="first">One label of each text.</param>
    /// <param name="second">The other label.</param>
    /// <param name="seed">Seed of the split.</param>
    /// <returns>The score for each N; NaN where the biased probe is as good as the clean one.</returns>
    public static Dictionary<int, RemovalScore> Scr(PooledTexts texts, int place, Matrix directions, bool[] first, bool[] second,
        ulong seed = 0)
    {
        Dictionary<int, double> one = Direction(texts, texts.Codes[place], directions, first, second, seed),
            other = Direction(texts, texts.Codes[place], directions, second, first, seed);
        return Sizes.ToDictionary(size => size, size => new RemovalScore(Mean(one[size], other[size]), one[size], other[size]));

        static double Mean(double a, double b) => double.IsNaN(a) ? b : double.IsNaN(b) ? a : (a + b) / 2;
    }

    private static Dictionary<int, double> Direction(
        PooledTexts texts, SparseCodes codes, Matrix directions, bool[] wanted, bool[] spurious, ulong seed)
    {
        var order = new Permutation(wanted.Length, seed);
        int[] shuffled = [.. Enumerable.Range(0, wanted.Length).Select(i => (int)order[i])];
        int[][] cells = [.. Enumerable.Range(0, 4).Select(cell => shuffled.Where(row =>
            (wanted[row] ? 2 : 0) + (spurious[row] ? 1 : 0) == cell).ToArray())];
        int each = cells.Min(cell => cell.Length) / 4 * 4;
        if (each < LeastTexts)
        {
            throw new InputException(
                $"SCR needs {LeastTexts} texts of each of the four pairs of labels; the rarest pair has {cells.Min(cell => cell.Length)}.");
        }

        int test = each / 4, training = each - test;
        int[] Take(int from, int count, params int[] which) =>
            [.. which.SelectMany(cell => cells[cell][from..(from + count)].Select((row, i) => (row, i))).OrderBy(pair => pair.i)
                .Select(pair => pair.row)];
        int[] tested = Take(0, test, 0, 1, 2, 3), fair = Take(test, training, 0, 1, 2, 3), biased = Take(test, training, 0, 3);
        var biasedProbe = new Concept(texts.Rows, biased, tested, row => wanted[row]);
        double before = biasedProbe.Accuracy(texts.Rows, codes, directions, []);
        double clean = new Concept(texts.Rows, fair, tested, row => wanted[row]).Accuracy(texts.Rows, codes, directions, []);
        int[] effects = [.. new Concept(texts.Rows, fair, tested, row => spurious[row]).Effects(codes, directions, positiveOnly: false)];
        return Sizes.ToDictionary(size => size, size => Math.Abs(clean - before) < LeastGap
            ? double.NaN
            : (biasedProbe.Accuracy(texts.Rows, codes, directions, [.. effects.Take(size)]) - before) / (clean - before));
    }

    /// <summary>A concept: a probe for it, and the texts that it was fitted to and is tested on.</summary>
    private sealed class Concept
    {
        private readonly int[] training, test;
        private readonly bool[] trained, tested;
        private readonly LogisticRegression probe;

        public Concept(Matrix rows, int[] training, int[] test, Func<int, bool> positive)
        {
            (this.training, this.test) = (training, test);
            (trained, tested) = ([.. training.Select(positive)], [.. test.Select(positive)]);
            using Matrix x = SparseProbing.Rows(rows, training);
            probe = SparseProbing.DenseProbe(x, trained);
        }

        /// <summary>
        /// Latents by their effect on the probe, (mean in the class − mean outside)·(direction·probe), largest first: for TPP the
        /// difference counts where it is above 0, for SCR the effect by its magnitude. Those without one are left out.
        /// </summary>
        public IEnumerable<int> Effects(SparseCodes codes, Matrix directions, bool positiveOnly)
        {
            double[] weights = probe.Weights;
            return SparseProbing.MostDifferent(codes, training, trained, int.MaxValue)
                .Select(one =>
                {
                    double along = 0;
                    ReadOnlySpan<float> direction = directions.Row(one.Latent);
                    for (int c = 0; c < weights.Length; c++) along += direction[c] * weights[c];
                    double difference = positiveOnly ? Math.Max(0, one.Difference) : one.Difference;
                    return (one.Latent, Effect: positiveOnly ? difference * along : Math.Abs(difference * along));
                })
                .Where(one => one.Effect != 0).OrderByDescending(one => one.Effect).ThenBy(one => one.Latent).Select(one => one.Latent);
        }

        /// <summary>The probe's accuracy on its test texts, with latents taken out of them.</summary>
        public double Accuracy(Matrix rows, SparseCodes codes, Matrix directions, HashSet<int> ablated)
        {
            using Matrix x = SparseProbing.Rows(rows, test);
            if (ablated.Count > 0)
            {
                for (int r = 0; r < test.Length; r++)
                {
                    Span<float> row = x.Row(r);
                    ReadOnlySpan<int> latents = codes.Latents(test[r]);
                    ReadOnlySpan<float> values = codes.Values(test[r]);
                    for (int j = 0; j < latents.Length; j++)
                    {
                        if (!ablated.Contains(latents[j])) continue;
                        ReadOnlySpan<float> direction = directions.Row(latents[j]);
                        for (int c = 0; c < row.Length; c++) row[c] -= values[j] * direction[c];
                    }
                }
            }

            return SparseProbing.Accuracy(probe, x, tested);
        }
    }
}
