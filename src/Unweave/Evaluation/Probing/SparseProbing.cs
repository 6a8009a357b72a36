using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// k-sparse probing (Gurnee et al. 2023, as SAEBench and sae-probes run it): how well a class is told by the k latents whose means differ
/// most between the class and the others, beside a probe on the raw vectors.
/// </summary>
/// <remarks>
/// One class against the rest, with as many texts of the rest as of the class in training and in test, so that a guess is right in half.
/// Latents are chosen and probes fitted on three quarters of the texts. See <c>docs/measures.md</c>.
/// </remarks>
internal static class SparseProbing
{
    /// <summary>Latents of a probe.</summary>
    public static readonly int[] Sizes = [1, 2, 5, 16];

    // C of the probe on raw vectors, chosen on a fifth of the training texts; few latents need no choice.
    private static readonly double[] Strengths = [0.001, 0.01, 0.1, 1];

    private const double TestShare = 0.25, CheckedShare = 0.2;

    private const int LeastTexts = 20;

    /// <summary>Probes.</summary>
    /// <param name="name">The texts.</param>
    /// <param name="texts">The texts as rows and codes.</param>
    /// <param name="names">Names of the coders, in the order of the codes.</param>
    /// <param name="labels">The class of each row.</param>
    /// <param name="classes">Names of the classes.</param>
    /// <param name="splits">Splits in training and test, each of a seed of its own.</param>
    /// <param name="seed">Seed of the first split.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static ProbeResult Run(string name, PooledTexts texts, IReadOnlyList<string> names, int[] labels, IReadOnlyList<string> classes,
        int splits, ulong seed = 0, CancellationToken cancellationToken = default)
    {
        int[] counts = new int[classes.Count];
        foreach (int label in labels) counts[label]++;
        int[] probed =
            [.. Enumerable.Range(0, classes.Count).Where(c => counts[c] >= LeastTexts && labels.Length - counts[c] >= LeastTexts)];
        if (probed.Length == 0)
        {
            throw new InputException($"{name}: no class has {LeastTexts} texts, nor {LeastTexts} beside it; probes need as many. Give more "
                + "texts, or coarser labels.");
        }

        int left = classes.Count - probed.Length;
        if (classes.Count == 2) probed = probed[..1]; // of two classes each is the rest of the other
        Task[] tasks = [.. Enumerable.Range(0, splits).SelectMany(split => probed.Select(c => new Task(split, c)))];
        Workers.Shared.Run(tasks.Length, i =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            tasks[i].Run(texts, labels, seed);
        });

        double[] Mean(Func<Task, double> figure) =>
            [.. Enumerable.Range(0, splits).Select(split => tasks.Where(task => task.Split == split).Average(figure))];
        return new ProbeResult
        {
            Name = name,
            Texts = labels.Length,
            Classes = [.. probed.Select(c => classes[c])],
            ClassesLeftOut = left,
            TestPredictions = tasks.Where(task => task.Split == 0).Sum(task => task.TestRows),
            Dense = Mean(task => task.Dense),
            Coders =
            [
                .. names.Select((coder, i) => new ProbeFigures(
                    coder, Sizes.ToDictionary(k => k, k => Mean(task => task.Sparse[i][Array.IndexOf(Sizes, k)])))),
            ],
        };
    }

    /// <summary>The latents whose means differ most between two sets of rows, those that differ most first.</summary>
    /// <param name="codes">The codes.</param>
    /// <param name="rows">Which rows count.</param>
    /// <param name="positive">The set of each of them.</param>
    /// <param name="count">Latents to give, at most; none without a difference.</param>
    /// <returns>Each latent with its mean in the positive set less that in the other.</returns>
    public static (int Latent, double Difference)[] MostDifferent(SparseCodes codes, int[] rows, bool[] positive, int count)
    {
        var sums = new Dictionary<int, double>();
        int ones = positive.Count(one => one), others = rows.Length - ones;
        for (int i = 0; i < rows.Length; i++)
        {
            ReadOnlySpan<int> latents = codes.Latents(rows[i]);
            ReadOnlySpan<float> values = codes.Values(rows[i]);
            for (int j = 0; j < latents.Length; j++)
            {
                sums.TryGetValue(latents[j], out double sum);
                sums[latents[j]] = sum + (values[j] * (positive[i] ? 1.0 / ones : -1.0 / others));
            }
        }

        return [.. sums.Where(sum => sum.Value != 0).OrderByDescending(sum => Math.Abs(sum.Value)).ThenBy(sum => sum.Key).Take(count)
            .Select(sum => (sum.Key, sum.Value))];
    }

    /// <summary>The values of some latents, as features: <c>[rows, latents]</c>, 0 where one is not active.</summary>
    public static Matrix Features(SparseCodes codes, int[] rows, ReadOnlySpan<int> latents)
    {
        var features = new Matrix(rows.Length, latents.Length);
        for (int r = 0; r < rows.Length; r++)
        {
            ReadOnlySpan<int> active = codes.Latents(rows[r]);
            for (int i = 0; i < latents.Length; i++)
            {
                int at = active.BinarySearch(latents[i]);
                if (at >= 0) features[r, i] = codes.Values(rows[r])[at];
            }
        }

        return features;
    }

    /// <summary>Some rows of a matrix.</summary>
    public static Matrix Rows(Matrix x, int[] rows)
    {
        var result = new Matrix(rows.Length, x.Columns);
        for (int r = 0; r < rows.Length; r++) x.Row(rows[r]).CopyTo(result.Row(r));
        return result;
    }

    /// <summary>The share of rows that a probe tells rightly.</summary>
    public static double Accuracy(LogisticRegression probe, Matrix x, bool[] positive)
    {
        int right = 0;
        for (int r = 0; r < x.Rows; r++)
            if (probe.Score(x.Row(r)) > 0 == positive[r]) right++;
        return (double)right / x.Rows;
    }

    /// <summary>A probe on all elements of vectors, with the C that is best on a fifth of them.</summary>
    public static LogisticRegression DenseProbe(Matrix x, bool[] positive)
    {
        int check = Math.Max(1, (int)(x.Rows * CheckedShare)); // rows come in random order
        int[] kept = [.. Enumerable.Range(check, x.Rows - check)], held = [.. Enumerable.Range(0, check)];
        bool[] keptClasses = [.. kept.Select(r => positive[r])], heldClasses = [.. held.Select(r => positive[r])];
        using Matrix fitted = Rows(x, kept), looked = Rows(x, held);
        double best = Strengths.MaxBy(c => Accuracy(LogisticRegression.FitStandardized(fitted, keptClasses, c), looked, heldClasses));
        return LogisticRegression.FitStandardized(x, positive, best);
    }

    /// <summary>The rows of a class and as many others, in training and in test, each in random order.</summary>
    /// <param name="labels">The class of each row.</param>
    /// <param name="positive">The class.</param>
    /// <param name="rng">Draws the rows.</param>
    public static (int[] Training, int[] Test) Balanced(int[] labels, int positive, Rng rng)
    {
        int[] order = [.. Enumerable.Range(0, labels.Length)];
        Shuffle(order, rng);
        var (training, test) = (new List<int>(), new List<int>());
        var others = (Training: new List<int>(), Test: new List<int>());
        foreach (IGrouping<int, int> group in order.GroupBy(row => labels[row]))
        {
            int[] rows = [.. group];
            int held = (int)Math.Round(rows.Length * TestShare);
            (List<int> kept, List<int> tested) = group.Key == positive ? (training, test) : others;
            tested.AddRange(rows[..held]);
            kept.AddRange(rows[held..]);
        }

        return (Both(training, others.Training), Both(test, others.Test));

        int[] Both(List<int> own, List<int> rest)
        {
            int[] drawn = [.. rest];
            Shuffle(drawn, rng);
            int[] mine = [.. own];
            Shuffle(mine, rng);
            int count = Math.Min(mine.Length, drawn.Length);
            int[] rows = [.. mine[..count], .. drawn[..count]];
            Shuffle(rows, rng);
            return rows;
        }
    }

    private static void Shuffle(int[] items, Rng rng)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = (int)rng.NextBelow(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>One class in one split.</summary>
    private sealed class Task(int split, int positive)
    {
        public int Split => split;

        public int TestRows { get; private set; }

        public double Dense { get; private set; }

        public double[][] Sparse { get; private set; } = [];

        public void Run(PooledTexts texts, int[] labels, ulong seed)
        {
            (int[] training, int[] test) = Balanced(labels, positive, new Rng(seed + (ulong)split, (ulong)positive));
            bool[] trained = [.. training.Select(row => labels[row] == positive)];
            bool[] tested = [.. test.Select(row => labels[row] == positive)];
            TestRows = test.Length;
            using (Matrix x = Rows(texts.Rows, training), y = Rows(texts.Rows, test)) Dense = Accuracy(DenseProbe(x, trained), y, tested);
            Sparse =
            [
                .. texts.Codes.Select(codes =>
                {
                    int[] latents = [.. MostDifferent(codes, training, trained, Sizes[^1]).Select(one => one.Latent)];
                    return Sizes.Select(k =>
                    {
                        int[] chosen = latents[..Math.Min(k, latents.Length)];
                        if (chosen.Length == 0) return 0.5; // nothing tells the classes apart
                        using Matrix x = Features(codes, training, chosen), y = Features(codes, test, chosen);
                        return Accuracy(LogisticRegression.FitStandardized(x, trained), y, tested);
                    }).ToArray();
                }),
            ];
        }
    }
}
