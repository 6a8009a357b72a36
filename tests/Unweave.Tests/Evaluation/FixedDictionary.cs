using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Tests.Evaluation;

/// <summary>A sparse autoencoder with given directions and no training: z = relu(Dx), x̂ = Dᵀz.</summary>
internal sealed class FixedDictionary(Matrix directions)
    : SparseAutoencoder(new ReluOptions { Latents = directions.Rows }, Dictionary(directions))
{
    public override AutoencoderOptions Options { get; } = new ReluOptions { Latents = directions.Rows };

    internal override LossAndGradients CreateGradients(Workers workers) => throw new NotSupportedException();

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

    private static DictionaryWeights Dictionary(Matrix directions)
    {
        var weights = new DictionaryWeights(directions.Rows, directions.Columns, rng: null);
        directions.CopyTo(weights.Decoder);
        return weights;
    }
}
