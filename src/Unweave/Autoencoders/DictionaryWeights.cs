using System.Numerics.Tensors;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>
/// The four tensors of an autoencoder with a dictionary: W_enc and W_dec <c>[n, d]</c>, a latent a row, b_enc <c>[n]</c> and
/// b_dec <c>[d]</c>.
/// </summary>
internal sealed class DictionaryWeights
{
    public const int EncoderIndex = 0, EncoderBiasIndex = 1, DecoderIndex = 2, DecoderBiasIndex = 3;

    /// <summary>Starts with random unit decoder rows and W_enc = W_dec (one of the two keys against dead latents in Gao et al. 2024), biases 0.</summary>
    public DictionaryWeights(int latents, int width, bool unitDecoder, Rng rng)
    {
        Encoder = new Matrix(latents, width);
        EncoderBias = new Matrix(1, latents);
        Decoder = new Matrix(latents, width);
        DecoderBias = new Matrix(1, width);
        for (int latent = 0; latent < latents; latent++)
        {
            Span<float> row = Decoder.Row(latent);
            rng.FillNormal(row);
            double norm = 0;
            foreach (float value in row) norm += (double)value * value;
            float scale = (float)(1 / Math.Sqrt(norm));
            foreach (ref float value in row) value *= scale;
            row.CopyTo(Encoder.Row(latent));
        }

        Parameters =
        [
            new("W_enc", Encoder, PerLatent: true),
            new("b_enc", EncoderBias, PerLatent: true),
            new("W_dec", Decoder, UnitRows: unitDecoder, PerLatent: true),
            new("b_dec", DecoderBias),
        ];
    }

    public Matrix Encoder { get; }

    public Matrix EncoderBias { get; }

    public Matrix Decoder { get; }

    public Matrix DecoderBias { get; }

    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Gives one latent a new direction.</summary>
    public void Replace(int latent, ReadOnlySpan<float> direction, float encoderNorm)
    {
        direction.CopyTo(Decoder.Row(latent));
        Span<float> encoder = Encoder.Row(latent);
        for (int i = 0; i < encoder.Length; i++) encoder[i] = direction[i] * encoderNorm;
        EncoderBias[0, latent] = 0;
    }

    /// <summary>The encoder's input: x·scale − b_dec.</summary>
    public Matrix Centre(Matrix x, float scale, Workers workers)
    {
        var centred = new Matrix(x.Rows, x.Columns);
        Centre(x, scale, workers, centred);
        return centred;
    }

    /// <summary>The encoder's input, into a matrix that is used again.</summary>
    public void Centre(Matrix x, float scale, Workers workers, Matrix centred) =>
        workers.Run(RowParts.Count(x.Rows), part =>
        {
            (int first, int end) = RowParts.Range(part, x.Rows);
            for (int r = first; r < end; r++)
            {
                Span<float> target = centred.Row(r);
                TensorPrimitives.Multiply(x.Row(r), scale, target);
                TensorPrimitives.Subtract(target, DecoderBias.Row(0), target);
            }
        });

    /// <summary>Decodes sparse codes: Σ z·W_dec + b_dec, divided by the input scale.</summary>
    public unsafe void Decode(SparseCodes codes, float inputScale, Workers workers, Matrix reconstruction)
    {
        KernelSet kernels = KernelSet.Current;
        float* dictionary = Decoder.Pointer, output = reconstruction.Pointer;
        int width = Decoder.Columns;
        workers.Run(RowParts.Count(codes.Rows), part =>
        {
            (int first, int end) = RowParts.Range(part, codes.Rows);
            for (int r = first; r < end; r++)
            {
                DecoderBias.Row(0).CopyTo(reconstruction.Row(r));
                fixed (int* latents = codes.Latents(r))
                fixed (float* values = codes.Values(r))
                    kernels.WeightedSum(output + ((nint)r * width), dictionary, width, latents, values, codes.RowCount(r));
                if (inputScale != 1) kernels.Scale(output + ((nint)r * width), 1 / inputScale, width);
            }
        });
    }
}

/// <summary>How rows are divided among threads: always in the same parts, whatever the number of threads.</summary>
internal static class RowParts
{
    public const int Size = 32;

    public static int Count(int rows) => (rows + Size - 1) / Size;

    public static (int First, int End) Range(int part, int rows) => (part * Size, Math.Min(rows, (part + 1) * Size));
}
