using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Learn.Training;

/// <summary>
/// Small squares cut out of the pictures of clothes, in the form that sparse coding of images has been trained on since Olshausen and Field
/// (1996): flat squares left out, each square's mean taken off and its contrast made equal, then all whitened, so that edges count as much
/// as broad shades. Made when first asked for, and shared.
/// </summary>
internal static class Patches
{
    /// <summary>Pixels of a row, and rows of a patch.</summary>
    public const int Side = 8;

    /// <summary>Pixels of a patch.</summary>
    public const int Pixels = Side * Side;

    /// <summary>How many there are.</summary>
    public const int Count = 20_000;

    // In units of 0 to 1: below it a square is background or plain cloth.
    private const double LeastContrast = 0.08;

    // Directions whose variance is small beside the mean are noise and rounding; whitening keeps them small.
    private const double WhiteningFloor = 0.1;

    // Rows of a dictionary have norm 1 and a sigmoid at most 1: at this scale a few latents near 1 make up a patch.
    private const double Scale = 0.5;

    private static readonly Lazy<MatrixSource> all = new(Make);

    /// <summary>All patches, a row each; shared by all readers and never disposed.</summary>
    public static IActivationSource All => all.Value;

    private static MatrixSource Make()
    {
        using Matrix patches = Cut();
        return new MatrixSource(Whiten(patches), "patches of pictures of clothes", ownsMatrix: true);
    }

    // Pictures in turn, a place drawn in each: every picture gives the same number of patches, as far as it has squares with contrast.
    private static Matrix Cut()
    {
        const int Places = FashionImages.Side - Side + 1;
        var rng = new Rng(1996);
        var patches = new Matrix(Count, Pixels);
        for (int patch = 0, picture = 0; patch < Count; picture = (picture + 1) % FashionImages.Count)
        {
            ReadOnlySpan<byte> image = FashionImages.Image(picture);
            int top = (int)rng.NextBelow(Places), left = (int)rng.NextBelow(Places);
            Span<float> row = patches.Row(patch);
            for (int y = 0; y < Side; y++)
                for (int x = 0; x < Side; x++) row[(y * Side) + x] = image[((top + y) * FashionImages.Side) + left + x] / 255f;
            TensorPrimitives.Subtract(row, TensorPrimitives.Sum<float>(row) / Pixels, row);
            float contrast = TensorPrimitives.Norm<float>(row) / Side;
            if (contrast < LeastContrast) continue;
            TensorPrimitives.Divide(row, contrast, row);
            patch++;
        }

        return patches;
    }

    // Divided by the standard deviation along each principal axis, and turned back (ZCA): the result still looks like the patch.
    private static Matrix Whiten(Matrix patches)
    {
        double[] mean = InputStatistics.Mean(patches);
        double[][] covariance = Zeros();
        for (int r = 0; r < patches.Rows; r++)
        {
            double[] row = Centered(r);
            for (int i = 0; i < Pixels; i++) DoubleRows.AddScaled(covariance[i], row, row[i] / patches.Rows);
        }

        (double[] variances, double[][] axes) = JacobiEigen.Solve(covariance);
        double[][] whitening = Zeros();
        for (int axis = 0; axis < Pixels; axis++)
        {
            double factor = Scale / Math.Sqrt(Math.Max(0, variances[axis]) + WhiteningFloor);
            for (int i = 0; i < Pixels; i++) DoubleRows.AddScaled(whitening[i], axes[axis], factor * axes[axis][i]);
        }

        var result = new Matrix(patches.Rows, Pixels);
        for (int r = 0; r < patches.Rows; r++)
        {
            double[] row = Centered(r);
            for (int i = 0; i < Pixels; i++) result[r, i] = (float)DoubleRows.Dot(whitening[i], row);
        }

        return result;

        double[] Centered(int r) => [.. mean.Select((m, c) => patches[r, c] - m)];

        static double[][] Zeros() => [.. Enumerable.Range(0, Pixels).Select(_ => new double[Pixels])];
    }
}
