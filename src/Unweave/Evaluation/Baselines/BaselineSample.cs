using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// The rows that a baseline is fitted to: a random sample less its mean, by a power of two at most 2 in magnitude, so that squares of
/// large or small values stay in the range of single precision.
/// </summary>
internal sealed class BaselineSample : IDisposable
{
    private BaselineSample(Matrix rows, float[] center, int exponent) => (Rows, Center, Exponent) = (rows, center, exponent);

    /// <summary>The rows, <c>[count, d]</c>, of mean 0.</summary>
    public Matrix Rows { get; }

    /// <summary>Their mean, at the scale of the data.</summary>
    public float[] Center { get; }

    /// <summary>The data are these rows times 2 to this power, plus <see cref="Center"/>.</summary>
    public int Exponent { get; }

    /// <summary>Draws a sample.</summary>
    /// <param name="source">The rows.</param>
    /// <param name="most">Rows wanted; a smaller source gives all it has.</param>
    /// <param name="seed">Seed of the draw.</param>
    public static BaselineSample Draw(IActivationSource source, int most, ulong seed)
    {
        Matrix rows = InputStatistics.Sample(source, most, seed);
        float[] center = [.. InputStatistics.Mean(rows).Select(value => (float)value)];
        float largest = 0;
        for (int r = 0; r < rows.Rows; r++)
        {
            Span<float> row = rows.Row(r);
            TensorPrimitives.Subtract(row, center, row);
            largest = Math.Max(largest, Math.Abs(TensorPrimitives.MaxMagnitude(row)));
        }

        int exponent = largest > 0 ? Math.ILogB(largest) : 0;
        for (int r = 0; r < rows.Rows; r++)
        {
            Span<float> row = rows.Row(r);
            for (int c = 0; c < row.Length; c++) row[c] = MathF.ScaleB(row[c], -exponent);
        }

        return new BaselineSample(rows, center, exponent);
    }

    /// <inheritdoc/>
    public void Dispose() => Rows.Dispose();
}
