namespace Unweave.Learn.Numerics;

/// <summary>
/// The cosine transform of pictures (DCT-II, Ahmed, Natarajan and Rao 1974), orthonormal: a picture as a sum of cosine waves, without loss.
/// Pictures in JPEG are kept as the leading coefficients of their blocks.
/// </summary>
/// <remarks>
/// C[u, v] = a_u·a_v·Σ_y Σ_x f[y, x]·cos(π(2y+1)u/2h)·cos(π(2x+1)v/2w), with a_0 = √(1/n) and a_u = √(2/n) else for a side of n pixels. As
/// the waves are orthonormal, the inverse is the same sum over u and v, and Σf² = ΣC².
/// </remarks>
internal static class Dct
{
    /// <summary>The coefficients of a picture.</summary>
    /// <param name="image">Its pixels, <c>[height, width]</c>, row by row.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <returns>As many coefficients, <c>[u, v]</c>: u counts waves down, v across.</returns>
    /// <exception cref="ArgumentException">The pixels are no whole rows.</exception>
    public static double[] Forward(ReadOnlySpan<double> image, int width)
    {
        int height = Height(image.Length, width);
        return Multiply(Multiply(Waves(height), height, height, image, width), height, width, Transposed(Waves(width), width), width);
    }

    /// <summary>The picture of coefficients.</summary>
    /// <param name="coefficients">Coefficients, <c>[u, v]</c>.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <returns>The pixels, row by row.</returns>
    /// <exception cref="ArgumentException">The coefficients are no whole rows.</exception>
    public static double[] Inverse(ReadOnlySpan<double> coefficients, int width)
    {
        int height = Height(coefficients.Length, width);
        return Multiply(Multiply(Transposed(Waves(height), height), height, height, coefficients, width), height, width, Waves(width),
            width);
    }

    /// <summary>
    /// Places of coefficients from the slowest wave to the fastest: along the diagonals, to and fro, as JPEG orders them.
    /// </summary>
    /// <param name="height">Rows of the picture.</param>
    /// <param name="width">Pixels of a row.</param>
    public static int[] ZigZag(int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        return [.. Enumerable.Range(0, height * width).OrderBy(Diagonal)
            .ThenBy(place => Diagonal(place) % 2 == 0 ? place % width : place / width)];

        int Diagonal(int place) => (place / width) + (place % width);
    }

    private static int Height(int length, int width) =>
        width > 0 && length > 0 && length % width == 0 ? length / width :
            throw new ArgumentException($"{length} numbers are no whole rows of {width}.", nameof(width));

    /// <summary>A wave a row, <c>[n, n]</c>.</summary>
    private static double[] Waves(int n)
    {
        double[] waves = new double[n * n];
        for (int u = 0; u < n; u++)
            for (int x = 0; x < n; x++)
                waves[(u * n) + x] = Math.Sqrt((u == 0 ? 1.0 : 2.0) / n) * Math.Cos(Math.PI * ((2 * x) + 1) * u / (2 * n));
        return waves;
    }

    private static double[] Transposed(double[] square, int n)
    {
        double[] turned = new double[n * n];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) turned[(j * n) + i] = square[(i * n) + j];
        return turned;
    }

    private static double[] Multiply(ReadOnlySpan<double> a, int rows, int inner, ReadOnlySpan<double> b, int columns)
    {
        double[] product = new double[rows * columns];
        for (int i = 0; i < rows; i++)
        {
            for (int k = 0; k < inner; k++)
            {
                double factor = a[(i * inner) + k];
                for (int j = 0; j < columns; j++) product[(i * columns) + j] += factor * b[(k * columns) + j];
            }
        }

        return product;
    }
}
