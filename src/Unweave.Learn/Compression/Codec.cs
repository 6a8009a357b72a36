using Unweave.Autoencoders;
using Unweave.Evaluation;
using Unweave.Learn.Numerics;
using Unweave.Numerics;

namespace Unweave.Learn.Compression;

/// <summary>A way to squeeze a picture through a few numbers and build it again.</summary>
internal interface ICodec
{
    /// <summary>Builds pictures again from a few numbers each.</summary>
    /// <param name="pictures">Pictures, <c>[count, 784]</c>, from 0 to 1.</param>
    /// <param name="numbers">Numbers that are kept of a picture.</param>
    /// <returns>The pictures built again; the caller disposes of them.</returns>
    Matrix Rebuild(Matrix pictures, int numbers);
}

/// <summary>The cosine transform: the coefficients of the slowest waves are kept, in JPEG's order.</summary>
internal sealed class CosineCodec : ICodec
{
    private static readonly int[] order = Dct.ZigZag(FashionImages.Side, FashionImages.Side);

    /// <inheritdoc/>
    public Matrix Rebuild(Matrix pictures, int numbers)
    {
        var rebuilt = new Matrix(pictures.Rows, pictures.Columns);
        for (int r = 0; r < pictures.Rows; r++)
        {
            double[] picture = [.. pictures.Row(r).ToArray().Select(pixel => (double)pixel)],
                coefficients = Dct.Forward(picture, FashionImages.Side), kept = new double[coefficients.Length];
            foreach (int place in order.Take(numbers)) kept[place] = coefficients[place];
            double[] again = Dct.Inverse(kept, FashionImages.Side);
            for (int i = 0; i < again.Length; i++) rebuilt[r, i] = (float)again[i];
        }

        return rebuilt;
    }
}

/// <summary>Principal components: the best that a linear encoder and decoder can do.</summary>
/// <param name="components">As many as are ever kept, of most variance first.</param>
internal sealed class ComponentsCodec(Baseline components) : ICodec
{
    /// <inheritdoc/>
    public Matrix Rebuild(Matrix pictures, int numbers)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(numbers, components.Latents);
        var all = new SparseCodes(components.Latents);
        components.Encode(pictures, all);
        long[] starts = [.. Enumerable.Range(0, pictures.Rows + 1).Select(row => (long)row * numbers)];
        int[] kept = [.. Enumerable.Range(0, pictures.Rows).SelectMany(row => all.Latents(row)[..numbers].ToArray())];
        float[] values = [.. Enumerable.Range(0, pictures.Rows).SelectMany(row => all.Values(row)[..numbers].ToArray())];
        var rebuilt = new Matrix(pictures.Rows, pictures.Columns);
        components.Decode(new SparseCodes(components.Latents, starts, kept, values), rebuilt);
        return rebuilt;
    }
}

/// <summary>A trained autoencoder.</summary>
internal sealed class TrainedCodec(UndercompleteAutoencoder autoencoder) : ICodec
{
    private readonly Lock entry = new();

    /// <inheritdoc/>
    public Matrix Rebuild(Matrix pictures, int numbers)
    {
        var rebuilt = new Matrix(pictures.Rows, pictures.Columns);
        lock (entry) autoencoder.Reconstruct(pictures, rebuilt);
        return rebuilt;
    }

    /// <summary>The code of pictures, <c>[count, width]</c>; the caller disposes of it.</summary>
    public Matrix Code(Matrix pictures)
    {
        lock (entry) return autoencoder.Encode(pictures);
    }
}
