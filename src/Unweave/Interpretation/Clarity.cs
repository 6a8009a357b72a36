using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>A latent with how clear it is.</summary>
/// <param name="Latent">The latent.</param>
/// <param name="Score">Its clarity; see <see cref="Clarity"/>.</param>
/// <param name="Frequency">Share of rows on which it fired.</param>
/// <param name="Examples">Its strongest rows, strongest first.</param>
public sealed record ClearLatent(int Latent, double Score, double Frequency, IReadOnlyList<Example> Examples);

/// <summary>
/// Which latents of a set of embeddings are clearest, with no language model to ask: those whose strongest rows are alike.
/// </summary>
/// <remarks>
/// Vectors are centred on the mean of all rows, lest what every row shares counts as likeness. A latent's score is the mean cosine
/// of all pairs among its m strongest rows, less the same mean over random rows, times the mean of those rows' activations over the
/// strongest: rows that are alike, and a latent that says so about more than one of them. Latents that fired on fewer than
/// m rows, or on more than 5% of all, have no score: too little to judge by, or too much to be about one thing.
/// <para>
/// Many latents share a subject (one for odd numbers, one for even ones), so the clearest are chosen greedily: a latent is passed over
/// when the mean direction of its strongest rows has a cosine above 0.5 with that of one already chosen.
/// </para>
/// </remarks>
public sealed class Clarity
{
    private const double Dense = 0.05, SameSubject = 0.5;
    private const int RandomRows = 512;

    private readonly IActivationSource source;
    private readonly TopExamples examples;
    private readonly float[] mean;
    private readonly double[] scores;

    private Clarity(IActivationSource source, TopExamples examples)
    {
        (this.source, this.examples) = (source, examples);
        mean = [.. InputStatistics.Mean(source).Select(value => (float)value)];
        scores = new double[examples.Latents];
    }

    /// <summary>Scores every latent.</summary>
    /// <param name="source">The rows that <paramref name="examples"/> were found in; used as long as the scores are.</param>
    /// <param name="examples">The latents' strongest rows; all that are kept are compared.</param>
    /// <param name="seed">Seed of the random rows.</param>
    public static Clarity Score(IActivationSource source, TopExamples examples, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(examples);
        var clarity = new Clarity(source, examples);
        double chance = MeanCosine(clarity.UnitSum(RandomSample(source.Rows, seed), out int randomRows), randomRows);
        for (int latent = 0; latent < clarity.scores.Length; latent++)
        {
            IReadOnlyList<Example> top = examples.Strongest(latent);
            if (top.Count < examples.Kept || top.Count < 2 || examples.Frequency(latent) > Dense)
            {
                clarity.scores[latent] = double.NaN;
                continue;
            }

            double steadiness = top.Average(example => example.Activation) / top[0].Activation;
            clarity.scores[latent] = (MeanCosine(clarity.UnitSum(Rows(top), out int rows), rows) - chance) * steadiness;
        }

        return clarity;
    }

    /// <summary>A latent's score, or NaN when there is too little to judge by or too much to be about one thing.</summary>
    public double this[int latent] => scores[latent];

    /// <summary>The clearest latents, one for each subject.</summary>
    /// <param name="count">How many, fewer when there are no more.</param>
    public IReadOnlyList<ClearLatent> Clearest(int count)
    {
        var chosen = new List<ClearLatent>();
        var subjects = new List<double[]>();
        foreach (int latent in Enumerable.Range(0, scores.Length).Where(latent => !double.IsNaN(scores[latent])).OrderByDescending(latent => scores[latent]).ThenBy(latent => latent))
        {
            if (chosen.Count == count) break;
            IReadOnlyList<Example> top = examples.Strongest(latent);
            double[] subject = UnitSum(Rows(top), out _);
            if (subjects.Exists(other => TensorPrimitives.CosineSimilarity(other, subject) > SameSubject)) continue;
            subjects.Add(subject);
            chosen.Add(new ClearLatent(latent, scores[latent], examples.Frequency(latent), top));
        }

        return chosen;
    }

    private static long[] Rows(IReadOnlyList<Example> top) => [.. top.Select(example => example.Row)];

    private static long[] RandomSample(long rows, ulong seed)
    {
        var order = new Permutation(rows, seed);
        long[] sample = new long[(int)Math.Min(rows, RandomRows)];
        for (int i = 0; i < sample.Length; i++) sample[i] = order[i];
        return sample;
    }

    // Σ u over the centred rows that have a length, u the unit vector.
    private double[] UnitSum(long[] rows, out int used)
    {
        using var x = new Matrix(rows.Length, source.Width);
        source.Read(rows, x);
        double[] sum = new double[source.Width];
        used = 0;
        for (int r = 0; r < rows.Length; r++)
        {
            Span<float> row = x.Row(r);
            TensorPrimitives.Subtract(row, mean, row);
            double norm = Norms.L2(row);
            if (norm == 0) continue;
            used++;
            for (int c = 0; c < sum.Length; c++) sum[c] += row[c] / norm;
        }

        return sum;
    }

    // Over all pairs at once: ‖Σ u‖² = m + 2 Σ over pairs.
    private static double MeanCosine(double[] unitSum, int rows)
    {
        double norm = Norms.L2(unitSum);
        return rows < 2 ? 0 : ((norm * norm) - rows) / ((double)rows * (rows - 1));
    }
}
