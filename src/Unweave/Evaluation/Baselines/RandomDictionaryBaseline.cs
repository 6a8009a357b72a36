using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// A dictionary of random unit rows: each vector, centered, takes the k rows of largest positive inner product, with coefficients
/// refitted by least squares. The fairest form of "k latents without learning"; what training has to beat.
/// </summary>
internal sealed class RandomDictionaryBaseline : Baseline
{
    private const int SampleRows = 50_000;

    private readonly Matrix bias;

    private RandomDictionaryBaseline(int k, Matrix directions, float[] center)
        : base($"random dictionary, {k} of {directions.Rows}", k, directions, center) => bias = new Matrix(1, directions.Rows);

    /// <summary>Draws the dictionary, and takes the mean of rows of a source: all, or 50,000 at random when there are more.</summary>
    public static RandomDictionaryBaseline Fit(IActivationSource source, int k, int latents, ulong seed)
    {
        using var sample = BaselineSample.Draw(source, SampleRows, seed);
        return new RandomDictionaryBaseline(k, UnitRows(latents, source.Width, new Rng(seed)), sample.Center);
    }

    /// <summary>Random directions, uniform over the sphere.</summary>
    public static Matrix UnitRows(int count, int width, Rng rng)
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

    /// <inheritdoc/>
    private protected override unsafe void EncodeCentered(Matrix centered, SparseCodes codes)
    {
        var chosen = new SparseCodes(Latents);
        using (var encoder = new FusedEncoder(Workers.Shared))
        {
            encoder.Load(centered);
            encoder.TopK(Directions, bias.Pointer, Numbers, [], chosen);
        }

        EncodeRows(centered.Rows, r => SupportFit.LeastSquares(Directions, chosen.Latents(r), centered.Row(r)), codes);
    }

    /// <inheritdoc/>
    private protected override void Release() => bias.Dispose();
}
