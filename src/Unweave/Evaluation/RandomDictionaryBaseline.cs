using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// A dictionary of random unit rows: each vector, centered, takes the k rows of largest positive inner product, with coefficients
/// refitted by least squares. The fairest form of "k latents without learning"; what training has to beat.
/// </summary>
public static class RandomDictionaryBaseline
{
    // Added to the diagonal of the normal equations: rows of a large dictionary can be nearly parallel.
    private const double Ridge = 1e-6;

    /// <summary>Evaluates on every row of a source, with the metrics of <see cref="Evaluator"/>.</summary>
    /// <param name="source">The held-out rows.</param>
    /// <param name="center">Center of the vectors: the mean of the training rows, d values.</param>
    /// <param name="latents">Rows of the dictionary, n.</param>
    /// <param name="k">Rows used for a vector.</param>
    /// <param name="seed">Seed of the dictionary.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    public static unsafe EvaluationReport Run(
        IActivationSource source, ReadOnlySpan<double> center, int latents, int k, ulong seed = 0,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        if (center.Length != source.Width)
        {
            throw new ArgumentException(
                $"The center has {center.Length} values, but the vectors have width {source.Width}.", nameof(center));
        }

        double[] mean = center.ToArray();
        using Matrix dictionary = UnitRows(latents, source.Width, new Rng(seed));
        using Matrix bias = new(1, latents);
        using var encoder = new FusedEncoder(Workers.Shared);
        var codes = new SparseCodes(latents);
        var sums = new ReconstructionSums(source.Width);
        long[] fired = new long[latents];
        double active = 0;
        foreach (Matrix x in Evaluator.Blocks(source, progress: null, cancellationToken))
        {
            using Matrix centered = new(x.Rows, x.Columns), reconstruction = new(x.Rows, x.Columns);
            for (int r = 0; r < x.Rows; r++)
                for (int c = 0; c < x.Columns; c++) centered[r, c] = (float)(x[r, c] - mean[c]);
            encoder.Load(centered);
            encoder.TopK(dictionary, bias.Pointer, k, [], codes);
            foreach (int latent in codes.AllLatents) fired[latent]++;
            active += codes.Count;
            Workers.Shared.Run(x.Rows, r =>
            {
                Span<float> row = reconstruction.Row(r);
                Refit(dictionary, codes.Latents(r), centered.Row(r), row);
                for (int c = 0; c < row.Length; c++) row[c] += (float)mean[c];
            });
            sums.Add(x, reconstruction);
        }

        return sums.Report($"random dictionary, {k} of {latents}") with
        {
            L0 = active / source.Rows,
            Firing = active / source.Rows,
            Latents = latents,
            Dead = fired.Count(times => times == 0),
            Density = DensityHistogram.From(fired, source.Rows),
            Fired = fired,
        };
    }

    private static Matrix UnitRows(int count, int width, Rng rng)
    {
        var rows = new Matrix(count, width);
        for (int r = 0; r < count; r++)
        {
            Span<float> row = rows.Row(r);
            rng.FillNormal(row);
            TensorPrimitives.Divide(row, (float)Norms.L2(row), row);
        }

        return rows;
    }

    // Least squares on the chosen rows: (DDᵀ) c = Dx by Cholesky, then Dᵀc.
    private static void Refit(Matrix dictionary, ReadOnlySpan<int> chosen, ReadOnlySpan<float> x, Span<float> result)
    {
        int k = chosen.Length;
        double[,] gram = new double[k, k];
        double[] solution = new double[k];
        for (int i = 0; i < k; i++)
        {
            ReadOnlySpan<float> row = dictionary.Row(chosen[i]);
            solution[i] = TensorPrimitives.Dot(row, x);
            for (int j = 0; j <= i; j++) gram[i, j] = TensorPrimitives.Dot(row, dictionary.Row(chosen[j])) + (i == j ? Ridge : 0);
        }

        for (int i = 0; i < k; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = gram[i, j];
                for (int p = 0; p < j; p++) sum -= gram[i, p] * gram[j, p];
                gram[i, j] = i == j ? Math.Sqrt(Math.Max(sum, Ridge)) : sum / gram[j, j];
            }
        }

        for (int i = 0; i < k; i++)
        {
            for (int p = 0; p < i; p++) solution[i] -= gram[i, p] * solution[p];
            solution[i] /= gram[i, i];
        }

        for (int i = k - 1; i >= 0; i--)
        {
            for (int p = i + 1; p < k; p++) solution[i] -= gram[p, i] * solution[p];
            solution[i] /= gram[i, i];
        }

        result.Clear();
        for (int i = 0; i < k; i++) TensorPrimitives.MultiplyAdd(dictionary.Row(chosen[i]), (float)solution[i], result, result);
    }
}
