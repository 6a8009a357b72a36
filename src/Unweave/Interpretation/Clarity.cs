using System.Numerics.Tensors;
using Unweave.Autoencoders;
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
/// </remarks>
public sealed class Clarity
{
    private const double Dense = 0.05, Alike = 0.6;
    private const int RandomRows = 512;

    private readonly SparseAutoencoder autoencoder;
    private readonly TopExamples examples;
    private readonly double[] scores;

    private Clarity(SparseAutoencoder autoencoder, TopExamples examples, double[] scores) => (this.autoencoder, this.examples, this.scores) = (autoencoder, examples, scores);

    /// <summary>Scores every latent.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="source">The rows that <paramref name="examples"/> were found in.</param>
    /// <param name="examples">The latents' strongest rows; all that are kept are compared.</param>
    /// <param name="seed">Seed of the random rows.</param>
    public static Clarity Score(SparseAutoencoder autoencoder, IActivationSource source, TopExamples examples, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(examples);
        float[] mean = [.. InputStatistics.Mean(source).Select(value => (float)value)];
        double chance = MeanCosine(source, mean, RandomSample(source.Rows, seed));
        double[] found = new double[examples.Latents];
        for (int latent = 0; latent < found.Length; latent++)
        {
            IReadOnlyList<Example> top = examples.Strongest(latent);
            if (top.Count < examples.Kept || top.Count < 2 || examples.Frequency(latent) > Dense)
            {
                found[latent] = double.NaN;
                continue;
            }

            double steadiness = top.Average(example => example.Activation) / top[0].Activation;
            found[latent] = (MeanCosine(source, mean, [.. top.Select(example => example.Row)]) - chance) * steadiness;
        }

        return new Clarity(autoencoder, examples, found);
    }

    /// <summary>A latent's score, or NaN when there is too little to judge by or too much to be about one thing.</summary>
    public double this[int latent] => scores[latent];

    /// <summary>The clearest latents, leaving out near-copies: a decoder cosine above 0.6 with one already taken, or more than half of its examples.</summary>
    /// <param name="count">How many, fewer when there are no more.</param>
    public IReadOnlyList<ClearLatent> Clearest(int count)
    {
        var chosen = new List<ClearLatent>();
        foreach (int latent in Enumerable.Range(0, scores.Length).Where(latent => !double.IsNaN(scores[latent])).OrderByDescending(latent => scores[latent]).ThenBy(latent => latent))
        {
            if (chosen.Count == count) break;
            IReadOnlyList<Example> top = examples.Strongest(latent);
            if (chosen.Exists(other => Copies(other, latent, top))) continue;
            chosen.Add(new ClearLatent(latent, scores[latent], examples.Frequency(latent), top));
        }

        return chosen;
    }

    private bool Copies(ClearLatent other, int latent, IReadOnlyList<Example> top)
    {
        if (TensorPrimitives.CosineSimilarity(autoencoder.Decoder.Row(other.Latent), autoencoder.Decoder.Row(latent)) > Alike) return true;
        var rows = other.Examples.Select(example => example.Row).ToHashSet();
        return 2 * top.Count(example => rows.Contains(example.Row)) > top.Count;
    }

    private static long[] RandomSample(long rows, ulong seed)
    {
        var order = new Permutation(rows, seed);
        long[] sample = new long[(int)Math.Min(rows, RandomRows)];
        for (int i = 0; i < sample.Length; i++) sample[i] = order[i];
        return sample;
    }

    // Over all pairs at once: |Σ u|² = m + 2 Σ pairs, u the unit vectors.
    private static double MeanCosine(IActivationSource source, float[] mean, long[] rows)
    {
        if (rows.Length < 2) return 0;
        using var x = new Matrix(rows.Length, source.Width);
        source.Read(rows, x);
        double[] sum = new double[source.Width];
        int used = 0;
        for (int r = 0; r < rows.Length; r++)
        {
            Span<float> row = x.Row(r);
            TensorPrimitives.Subtract(row, mean, row);
            double norm = Norms.L2(row);
            if (norm == 0) continue;
            used++;
            for (int c = 0; c < sum.Length; c++) sum[c] += row[c] / norm;
        }

        double square = Norms.L2(sum) * Norms.L2(sum);
        return used < 2 ? 0 : (square - used) / ((double)used * (used - 1));
    }
}
