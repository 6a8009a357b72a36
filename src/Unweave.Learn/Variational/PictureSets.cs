using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Learn.Variational;

/// <summary>
/// The pictures that every reader's autoencoder trains on, and those that none sees: made when first asked for, and shared.
/// </summary>
internal static class PictureSets
{
    /// <summary>Pictures to train on.</summary>
    public const int Training = 9_000;

    /// <summary>Pictures held out.</summary>
    public const int Test = 1_000;

    private static readonly Lazy<MatrixSource> source =
        new(() => new MatrixSource(FashionImages.Rows(0, Training), "the pictures", ownsMatrix: true));
    private static readonly Lazy<Matrix> test = new(() => FashionImages.Rows(Training, Test));

    /// <summary>Those to train on.</summary>
    public static MatrixSource Source => source.Value;

    /// <summary>Those held out, <c>[1000, 784]</c>; nobody's to change or to dispose.</summary>
    public static Matrix HeldOut => test.Value;
}
