using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Tests.Evaluation;

/// <summary>A sparse autoencoder with given directions and no training: z = relu(Dx), x̂ = Dᵀz.</summary>
internal sealed class FixedDictionary(Matrix directions) : SparseAutoencoder(new ReluOptions { Latents = directions.Rows }, directions.Columns)
{
    public override AutoencoderOptions Options { get; } = new ReluOptions { Latents = directions.Rows };

    public override IReadOnlyList<Parameter> Parameters => [];

    public override Matrix Decoder => directions;

    public override void StartAt(ReadOnlySpan<float> centre) => throw new NotSupportedException();

    public override void Replace(int latent, ReadOnlySpan<float> direction, float encoderNorm) => throw new NotSupportedException();

    public override Gradients CreateGradients(Workers workers) => throw new NotSupportedException();

    public override void Encode(Matrix x, SparseCodes codes)
    {
        var rows = Enumerable.Range(0, x.Rows).Select(r => Enumerable.Range(0, Latents)
            .Select(i => (Latent: i, Value: (float)Enumerable.Range(0, InputWidth).Sum(c => (double)directions[i, c] * x[r, c])))
            .Where(entry => entry.Value > 0).ToArray()).ToArray();
        codes.Layout([.. rows.Select(row => row.Length)]);
        int at = 0;
        foreach ((int latent, float value) in rows.SelectMany(row => row))
        {
            codes.LatentsForWriting[at] = latent;
            codes.ValuesForWriting[at++] = value;
        }
    }

    public override void Decode(SparseCodes codes, Matrix reconstruction)
    {
        reconstruction.Clear();
        for (int r = 0; r < codes.Rows; r++)
            for (int j = 0; j < codes.RowCount(r); j++)
                for (int c = 0; c < InputWidth; c++) reconstruction[r, c] += codes.Values(r)[j] * directions[codes.Latents(r)[j], c];
    }

    public override void Reconstruct(Matrix x, Matrix reconstruction) => Decode(Encode(x), reconstruction);
}
