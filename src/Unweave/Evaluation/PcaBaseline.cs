using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// Principal component analysis: the best linear reconstruction from k numbers a row. What a sparse autoencoder of k active latents
/// has to beat to have found more than the directions of most variance.
/// </summary>
public sealed class PcaBaseline : IDisposable
{
    private const int LargestSample = 50_000;

    private readonly Matrix components;
    private readonly float[] mean;

    private PcaBaseline(Matrix components, float[] mean, double[] variances) =>
        (this.components, this.mean, Variances) = (components, mean, variances);

    /// <summary>Variance of the sample along each of the components, descending, <c>[k]</c>.</summary>
    public IReadOnlyList<double> Variances { get; }

    /// <summary>Fits the components to rows of a source: all of them, or 50,000 drawn at random when there are more.</summary>
    /// <param name="source">The training rows.</param>
    /// <param name="k">Number of components, at most the width.</param>
    /// <param name="seed">Seed of the draw.</param>
    public static PcaBaseline Fit(IActivationSource source, int k, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(source);
        int d = source.Width;
        if (k < 1 || k > d) throw new InputException($"PCA of width {d} has 1 to {d} components; {k} were asked for.");
        using Matrix sample = InputStatistics.Sample(source, LargestSample, seed);
        float[] center = [.. InputStatistics.Mean(sample).Select(value => (float)value)];
        float largest = 0;
        for (int r = 0; r < sample.Rows; r++)
        {
            Span<float> row = sample.Row(r);
            TensorPrimitives.Subtract(row, center, row);
            largest = Math.Max(largest, Math.Abs(TensorPrimitives.MaxMagnitude(row)));
        }

        // By a power of two to at most 2, so that squares of large or small values stay in the range of single precision.
        int exponent = largest > 0 ? Math.ILogB(largest) : 0;
        for (int r = 0; r < sample.Rows; r++)
        {
            Span<float> row = sample.Row(r);
            for (int c = 0; c < d; c++) row[c] = MathF.ScaleB(row[c], -exponent);
        }

        (double[][] axes, double[] variances) = PrincipalComponents.Compute(sample, k, seed, Workers.Shared);
        var fitted = new Matrix(k, d);
        for (int i = 0; i < k; i++)
            for (int c = 0; c < d; c++) fitted[i, c] = (float)axes[i][c];
        return new PcaBaseline(fitted, center, [.. variances.Select(value => Math.ScaleB(value, 2 * exponent))]);
    }

    /// <summary>Evaluates on every row of a source, with the metrics of <see cref="Evaluator"/>.</summary>
    /// <param name="source">The held-out rows.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    public EvaluationReport Run(IActivationSource source, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Width != mean.Length)
            throw new InputException($"The width of {source.Name} is {source.Width}; the components were fitted to width {mean.Length}.");
        var sums = new ReconstructionSums(source.Width);
        foreach (Matrix x in Evaluator.Blocks(source, progress: null, cancellationToken))
        {
            using var reconstruction = new Matrix(x.Rows, x.Columns);
            Reconstruct(x, reconstruction, components.Rows);
            sums.Add(x, reconstruction);
        }

        return sums.Report($"PCA, {components.Rows} components") with { L0 = components.Rows };
    }

    /// <summary>Reconstructs rows from their first components.</summary>
    /// <param name="x">The rows, <c>[rows, d]</c>.</param>
    /// <param name="reconstruction">Filled, of the same shape.</param>
    /// <param name="k">How many components, from 1 to as many as were fitted.</param>
    public void Reconstruct(Matrix x, Matrix reconstruction, int k)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(reconstruction);
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(k, components.Rows);
        using Matrix centered = x.Clone(), first = new(k, components.Columns), scores = new(x.Rows, k);
        for (int i = 0; i < k; i++) components.Row(i).CopyTo(first.Row(i));
        using var product = new DenseProduct(Workers.Shared);
        Shift(centered, -1);
        product.PackRight(first, transposed: true);
        product.Multiply(centered, transposed: false, scores);
        product.PackRight(first, transposed: false);
        product.Multiply(scores, transposed: false, reconstruction);
        Shift(reconstruction, 1);
    }

    /// <inheritdoc/>
    public void Dispose() => components.Dispose();

    private void Shift(Matrix x, int sign)
    {
        for (int r = 0; r < x.Rows; r++)
        {
            Span<float> row = x.Row(r);
            for (int c = 0; c < row.Length; c++) row[c] += sign * mean[c];
        }
    }
}
