using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>What training has to know of its data before the first step: where it is centered and how large its vectors are.</summary>
internal static class InputStatistics
{
    private const int BlockRows = 1024;

    // How many times the mean distance from the center the center's own norm may be. The embedded model's residual stream and the
    // sentence embeddings stay below 0.7.
    private const double SharedPart = 4;

    /// <summary>Reads a random sample of distinct rows.</summary>
    /// <param name="source">The rows.</param>
    /// <param name="count">Rows wanted; a smaller source gives all it has.</param>
    /// <param name="seed">Chooses the sample.</param>
    /// <returns><c>[min(count, rows), d]</c>.</returns>
    public static Matrix Sample(IActivationSource source, int count, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        long[] rows = new long[Math.Min(count, source.Rows)];
        var permutation = new Permutation(source.Rows, seed);
        for (int i = 0; i < rows.Length; i++) rows[i] = permutation[i];
        return source.Rows(rows);
    }

    /// <summary>Mean of the rows' L2 norms; 0 for no rows.</summary>
    /// <param name="sample">Vectors, <c>[rows, d]</c>.</param>
    public static double MeanNorm(Matrix sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        double sum = 0;
        for (int row = 0; row < sample.Rows; row++) sum += Norms.L2(sample.Row(row));
        return sample.Rows == 0 ? 0 : sum / sample.Rows;
    }

    /// <summary>
    /// The factor √d / mean norm, which brings vectors to a mean norm of √d: about 1 an element. Where the vectors share a part that
    /// is several times larger than what tells them apart, the distances from their center count in place of the norms: by the norms,
    /// what is to be learned would be a small fraction of 1, the learning rate too large for it, and latents would die in the first steps.
    /// </summary>
    /// <param name="sample">Vectors, <c>[rows, d]</c>.</param>
    /// <exception cref="InputException">All vectors are zero, or so small or large that the factor is not a normal number.</exception>
    public static float Scale(Matrix sample)
    {
        double norm = MeanNorm(sample);
        if (norm > 0)
        {
            double[] center = Mean(sample);
            double distance = MeanDistance(sample, center);
            // Vectors that are all alike have no distances to go by.
            if (Norms.L2(center) > SharedPart * distance && distance > norm * 1e-6) norm = distance;
        }

        float scale = (float)(Math.Sqrt(sample.Columns) / norm);
        return float.IsNormal(scale)
            ? scale
            : throw new InputException($"The mean norm of {sample.Rows} sampled vectors is {norm}, which no factor brings to √d; check "
                + $"the data, or turn input scaling off.");
    }

    /// <summary>Mean of each dimension.</summary>
    /// <param name="sample">Vectors, <c>[rows, d]</c>, at least one.</param>
    /// <returns>d values.</returns>
    public static double[] Mean(Matrix sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentOutOfRangeException.ThrowIfZero(sample.Rows, nameof(sample));
        double[] sum = new double[sample.Columns], row = new double[sample.Columns];
        AddRows(sample, sample.Rows, sum, row);
        TensorPrimitives.Divide(sum, (double)sample.Rows, sum);
        return sum;
    }

    /// <summary>Mean of each dimension over all rows of a source, read block by block.</summary>
    /// <param name="source">The rows.</param>
    /// <returns>d values.</returns>
    public static double[] Mean(IActivationSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        double[] sum = new double[source.Width], row = new double[source.Width];
        long[] positions = new long[Math.Min(BlockRows, source.Rows)];
        using var block = new Matrix(positions.Length, source.Width);
        for (long first = 0; first < source.Rows; first += positions.Length)
        {
            int count = (int)Math.Min(positions.Length, source.Rows - first);
            for (int i = 0; i < count; i++) positions[i] = first + i;
            source.Read(positions.AsSpan(0, count), block);
            AddRows(block, count, sum, row);
        }

        TensorPrimitives.Divide(sum, (double)source.Rows, sum);
        return sum;
    }

    /// <summary>
    /// The point of least summed distance to the rows, by Weiszfeld's iteration with the step of Vardi and Zhang (2000) for an iterate
    /// that meets a row. Outliers move it far less than they move the mean, so b_dec starts there.
    /// </summary>
    /// <param name="sample">Vectors, <c>[rows, d]</c>, at least one.</param>
    /// <param name="tolerance">Ends when a step is shorter than this share of the mean distance to the rows. Default 1e-6.</param>
    /// <param name="maxIterations">Ends after this many steps at the latest. Default 200.</param>
    /// <returns>d values.</returns>
    public static float[] GeometricMedian(Matrix sample, double tolerance = 1e-6, int maxIterations = 200)
    {
        double[] center = Mean(sample), next = new double[center.Length], pull = new double[center.Length];
        double[] row = new double[center.Length], difference = new double[center.Length];
        double scale = 0;
        for (int iteration = 0; iteration < maxIterations; iteration++)
        {
            // next = Σ x/‖x−c‖ / Σ 1/‖x−c‖ and pull = Σ (x−c)/‖x−c‖, both over the rows that are not at c.
            next.AsSpan().Clear();
            pull.AsSpan().Clear();
            double weights = 0, distances = 0;
            int here = 0;
            for (int i = 0; i < sample.Rows; i++)
            {
                TensorPrimitives.ConvertTruncating<float, double>(sample.Row(i), row);
                TensorPrimitives.Subtract(row, center, difference);
                double distance = Norms.L2(difference);
                distances += distance;
                if (distance <= 1e-12 * scale || distance == 0)
                {
                    here++;
                    continue;
                }

                weights += 1 / distance;
                TensorPrimitives.MultiplyAdd(row, 1 / distance, next, next);
                TensorPrimitives.MultiplyAdd(difference, 1 / distance, pull, pull);
            }

            scale = distances / sample.Rows;
            if (here == sample.Rows) break;
            TensorPrimitives.Divide(next, weights, next);

            // Rows at the center hold it with a force of one each: it stays when the others pull no harder.
            double force = Norms.L2(pull), stay = here == 0 ? 0 : Math.Min(1, here / force);
            for (int j = 0; j < center.Length; j++) next[j] = ((1 - stay) * next[j]) + (stay * center[j]);
            TensorPrimitives.Subtract(center, next, difference);
            double step = Norms.L2(difference);
            (center, next) = (next, center);
            if (step <= tolerance * scale) break;
        }

        float[] median = new float[center.Length];
        TensorPrimitives.ConvertTruncating<double, float>(center, median);
        return median;
    }

    private static double MeanDistance(Matrix sample, double[] center)
    {
        double[] difference = new double[center.Length];
        double sum = 0;
        for (int row = 0; row < sample.Rows; row++)
        {
            TensorPrimitives.ConvertTruncating<float, double>(sample.Row(row), difference);
            TensorPrimitives.Subtract(difference, center, difference);
            sum += Norms.L2(difference);
        }

        return sum / sample.Rows;
    }

    private static void AddRows(Matrix block, int count, double[] sum, double[] row)
    {
        for (int i = 0; i < count; i++)
        {
            TensorPrimitives.ConvertTruncating<float, double>(block.Row(i), row);
            TensorPrimitives.Add(sum, row, sum);
        }
    }
}
