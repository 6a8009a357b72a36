using System.Numerics.Tensors;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Training;

/// <summary>
/// An affine map of the inputs for training, x' = W(x − μ): centering (W a factor) or whitening (W = √(tr Σ/d)·Σ^−½ up to scale, so that
/// all directions have one variance; arXiv 2511.13981). It is folded into the weights of what training gives: W_enc ← W_enc W, W_dec ←
/// W_dec W⁻¹, b_dec ← μ + W⁻¹ b_dec, which is the same function of x.
/// </summary>
internal sealed class InputTransform : IDisposable
{
    private const double LeastShare = 1e-4; // of the mean variance: what hardly varies is not blown up

    private readonly float[] mean;
    private readonly Matrix? forward, inverse; // null for a factor alone
    private readonly float factor;
    private readonly DenseProduct product;

    private InputTransform(float[] mean, Matrix? forward, Matrix? inverse, float factor, Workers workers)
    {
        (this.mean, this.forward, this.inverse, this.factor) = (mean, forward, inverse, factor);
        product = new DenseProduct(workers);
    }

    /// <summary>The map that a scaling asks for, from a sample of the inputs; null where it is one factor on them as they are.</summary>
    public static InputTransform? From(InputScaling scaling, Matrix sample, Workers workers)
    {
        if (scaling is InputScaling.MeanNorm or InputScaling.None) return null;
        int width = sample.Columns;
        double[] center = new double[width];
        for (int r = 0; r < sample.Rows; r++)
            for (int c = 0; c < width; c++) center[c] += sample[r, c] / (double)sample.Rows;
        float[] middle = [.. center.Select(value => (float)value)];
        using Matrix centered = sample.Clone();
        for (int r = 0; r < centered.Rows; r++) TensorPrimitives.Subtract(centered.Row(r), middle, centered.Row(r));
        if (scaling == InputScaling.Center) return new InputTransform(middle, null, null, InputStatistics.Scale(centered), workers);

        double[][] covariance = Covariance(centered, workers);
        (double[] variances, double[][] axes) = JacobiEigen.Solve(covariance);
        double least = LeastShare * variances.Average();
        if (!(least > 0)) throw new InputException("inputScaling is whiten, but the vectors are all alike; set inputScaling to meanNorm.");
        double[] deviations = [.. variances.Select(variance => Math.Sqrt(Math.Max(variance, least)))];
        return new InputTransform(
            middle, Symmetric(axes, [.. deviations.Select(deviation => 1 / deviation)]), Symmetric(axes, deviations), 1, workers);
    }

    /// <summary>Maps rows in place.</summary>
    public void Apply(Matrix rows)
    {
        for (int r = 0; r < rows.Rows; r++)
        {
            TensorPrimitives.Subtract(rows.Row(r), mean, rows.Row(r));
            if (factor != 1) TensorPrimitives.Multiply(rows.Row(r), factor, rows.Row(r));
        }

        if (forward is null) return;
        using Matrix from = rows.Clone();
        product.PackRight(forward, transposed: true);
        product.Multiply(from, transposed: false, rows);
    }

    /// <summary>The autoencoder of vectors as they are that one in training on mapped ones is.</summary>
    /// <returns>A new one; the caller disposes it.</returns>
    public SparseAutoencoder Fold(SparseAutoencoder trained)
    {
        var folded = (SparseAutoencoder)trained.Options.Build(trained.InputWidth, trained.OutputWidth, rng: null);
        foreach ((Parameter from, Parameter to) in trained.Parameters.Zip(folded.Parameters)) from.Value.AsSpan().CopyTo(to.Value.AsSpan());
        Map(trained.Weights.Encoder, folded.Weights.Encoder, forward, factor);
        Map(trained.Weights.Decoder, folded.Weights.Decoder, inverse, 1 / factor);
        Map(trained.Weights.DecoderBias, folded.Weights.DecoderBias, inverse, 1 / factor);
        TensorPrimitives.Add(folded.Weights.DecoderBias.Row(0), mean, folded.Weights.DecoderBias.Row(0));
        folded.WeightsChanged();
        return folded;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        product.Dispose();
        forward?.Dispose();
        inverse?.Dispose();
    }

    private void Map(Matrix from, Matrix to, Matrix? by, float scale)
    {
        if (by is null)
        {
            TensorPrimitives.Multiply(from.AsSpan(), scale, to.AsSpan());
            return;
        }

        product.PackRight(by, transposed: true); // symmetric
        product.Multiply(from, transposed: false, to);
    }

    private static double[][] Covariance(Matrix centered, Workers workers)
    {
        int width = centered.Columns;
        using var dense = new DenseProduct(workers);
        using var squares = new Matrix(width, width);
        dense.PackRight(centered, transposed: false);
        dense.Multiply(centered, transposed: true, squares);
        double[][] covariance = new double[width][];
        for (int i = 0; i < width; i++)
        {
            covariance[i] = new double[width];
            for (int j = 0; j < width; j++) covariance[i][j] = (squares[i, j] + (double)squares[j, i]) / 2 / centered.Rows;
        }

        return covariance;
    }

    // Σ v·f·vᵀ.
    private static Matrix Symmetric(double[][] axes, double[] factors)
    {
        int width = axes.Length;
        var matrix = new Matrix(width, width);
        double[] row = new double[width];
        for (int i = 0; i < width; i++)
        {
            Array.Clear(row);
            for (int k = 0; k < width; k++) TensorPrimitives.MultiplyAdd(axes[k], axes[k][i] * factors[k], row, row);
            for (int j = 0; j < width; j++) matrix[i, j] = (float)row[j];
        }

        return matrix;
    }
}
