using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// Principal component analysis. With as many components as numbers a row it is the best linear reconstruction from k numbers, which an
/// autoencoder of k active latents has to beat to have found more than the directions of most variance; with more, each row keeps the
/// k components where it is largest.
/// </summary>
internal sealed class PcaBaseline : Baseline
{
    /// <summary>Components that rows may choose from, at most: more take too long to find.</summary>
    public const int MostComponents = 256;

    private const int SampleRows = 50_000;

    private PcaBaseline(string name, int k, Matrix components, float[] center, double[] variances)
        : base(name, k, components, center) => Variances = variances;

    /// <summary>Variance of the sample along each of the components, descending, <c>[components]</c>.</summary>
    public IReadOnlyList<double> Variances { get; }

    /// <summary>Fits the components to rows of a source: all of them, or 50,000 drawn at random when there are more.</summary>
    /// <param name="source">The training rows.</param>
    /// <param name="k">Numbers of a row.</param>
    /// <param name="components">Number of components, from k to the width.</param>
    /// <param name="seed">Seed of the draw.</param>
    public static PcaBaseline Fit(IActivationSource source, int k, int components, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (k < 1 || components > source.Width)
        {
            throw new InputException(
                $"PCA of width {source.Width} has 1 to {source.Width} components; {components} were asked for, {k} of them for a row.");
        }

        using var sample = BaselineSample.Draw(source, SampleRows, seed);
        (double[][] axes, double[] variances) = PrincipalComponents.Compute(sample.Rows, components, seed, Workers.Shared);
        string name = components == k ? $"PCA, {k} components" : $"PCA, {k} of {components} by row";
        return new PcaBaseline(name, k, ToMatrix(axes), sample.Center,
            [.. variances.Select(value => Math.ScaleB(value, 2 * sample.Exponent))]);
    }

    /// <summary>Rows of doubles as a matrix.</summary>
    public static Matrix ToMatrix(double[][] rows)
    {
        var matrix = new Matrix(rows.Length, rows[0].Length);
        for (int i = 0; i < rows.Length; i++) TensorPrimitives.ConvertTruncating<double, float>(rows[i], matrix.Row(i));
        return matrix;
    }

    /// <inheritdoc/>
    private protected override void EncodeCentered(Matrix centered, SparseCodes codes)
    {
        using var scores = new Matrix(centered.Rows, Directions.Rows);
        using (var product = new DenseProduct(Workers.Shared))
        {
            product.PackRight(Directions, transposed: true);
            product.Multiply(centered, transposed: false, scores);
        }

        EncodeRows(centered.Rows, r => [.. SupportFit.Largest(scores.Row(r), Numbers).Select(i => (i, scores[r, i]))], codes);
    }
}
