using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>The row as its own code: the k elements that are farthest from their mean, the others at their mean.</summary>
internal sealed class IdentityBaseline : Baseline
{
    private const int SampleRows = 50_000;

    private IdentityBaseline(int k, Matrix directions, float[] center)
        : base($"identity, {k} of {directions.Rows}", k, directions, center)
    {
    }

    /// <summary>Takes the mean of rows of a source: all of them, or 50,000 drawn at random when there are more.</summary>
    public static IdentityBaseline Fit(IActivationSource source, int k, ulong seed)
    {
        using var sample = BaselineSample.Draw(source, SampleRows, seed);
        var directions = new Matrix(source.Width, source.Width);
        for (int i = 0; i < directions.Rows; i++) directions[i, i] = 1;
        return new IdentityBaseline(k, directions, sample.Center);
    }

    /// <inheritdoc/>
    private protected override void EncodeCentered(Matrix centered, SparseCodes codes) =>
        EncodeRows(centered.Rows, r => [.. SupportFit.Largest(centered.Row(r), Numbers).Select(i => (i, centered[r, i]))], codes);
}
