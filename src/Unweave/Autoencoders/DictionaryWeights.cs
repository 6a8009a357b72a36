using System.Numerics.Tensors;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>
/// The tensors of a dictionary of n latents: W_enc <c>[n, input width]</c> and W_dec <c>[n, output width]</c>, a latent a row,
/// b_enc <c>[n]</c> and b_dec <c>[output width]</c>.
/// </summary>
internal sealed class DictionaryWeights
{
    public const int EncoderIndex = 0, EncoderBiasIndex = 1, DecoderIndex = 2, DecoderBiasIndex = 3;

    /// <summary>Makes the weights of a dictionary of a space over itself.</summary>
    /// <param name="latents">Number of latents n.</param>
    /// <param name="width">Width d of the vectors.</param>
    /// <param name="rng">
    /// Source of random decoder rows, with W_enc along W_dec (one of the two keys against dead latents in Gao et al. 2024); null
    /// leaves zeros, for weights that are read.
    /// </param>
    /// <param name="unitDecoder">Decoder rows stay at unit norm.</param>
    /// <param name="initNorm">Norm of the encoder's rows at the start, and of the decoder's where they are free.</param>
    /// <param name="centersInput">The encoder reads x − b_dec; false: it reads x.</param>
    public DictionaryWeights(int latents, int width, Rng? rng, bool unitDecoder = true, double initNorm = 1, bool centersInput = true)
        : this(latents, width, width, unitDecoder, centersInput)
    {
        if (rng is null) return;
        for (int latent = 0; latent < latents; latent++)
        {
            Span<float> row = Decoder.Row(latent);
            FillUnit(row, rng);
            TensorPrimitives.Multiply(row, (float)initNorm, Encoder.Row(latent));
            if (!unitDecoder) Encoder.Row(latent).CopyTo(row);
        }
    }

    /// <summary>Makes the weights of a dictionary from one space to another: random directions in both, which know nothing of each
    /// other.</summary>
    public static DictionaryWeights BetweenSpaces(
        int latents, int inputWidth, int outputWidth, Rng? rng, bool unitDecoder = true, double initNorm = 1)
    {
        var weights = new DictionaryWeights(latents, inputWidth, outputWidth, unitDecoder, centersInput: false);
        if (rng is null) return weights;
        for (int latent = 0; latent < latents; latent++)
        {
            FillUnit(weights.Decoder.Row(latent), rng);
            FillUnit(weights.Encoder.Row(latent), rng);
            TensorPrimitives.Multiply(weights.Encoder.Row(latent), (float)initNorm, weights.Encoder.Row(latent));
            if (!unitDecoder) TensorPrimitives.Multiply(weights.Decoder.Row(latent), (float)initNorm, weights.Decoder.Row(latent));
        }

        return weights;
    }

    /// <summary>Makes weights of zeros between two spaces.</summary>
    /// <param name="latents">Number of latents n.</param>
    /// <param name="inputWidth">Width of an input.</param>
    /// <param name="outputWidth">Width of an output.</param>
    /// <param name="unitDecoder">Decoder rows stay at unit norm.</param>
    /// <param name="centersInput">As above; false where b_dec lies in another space than x.</param>
    /// <param name="tied">The encoder is the decoder: one tensor, W_dec.</param>
    public DictionaryWeights(
        int latents, int inputWidth, int outputWidth, bool unitDecoder, bool centersInput, bool tied = false)
    {
        CentersInput = centersInput;
        Decoder = new Matrix(latents, outputWidth);
        Encoder = tied ? Decoder : new Matrix(latents, inputWidth);
        EncoderBias = new Matrix(1, latents);
        DecoderBias = new Matrix(1, outputWidth);
        Parameter[] encoder = tied ? [] : [new("W_enc", Encoder, PerLatent: true)];
        Parameters =
        [
            .. encoder,
            new("b_enc", EncoderBias, PerLatent: true),
            new("W_dec", Decoder, UnitRows: unitDecoder, PerLatent: true),
            new("b_dec", DecoderBias),
        ];
    }

    /// <summary>The encoder reads x − b_dec.</summary>
    public bool CentersInput { get; }

    public Matrix Encoder { get; }

    public Matrix EncoderBias { get; }

    public Matrix Decoder { get; }

    public Matrix DecoderBias { get; }

    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The encoder's input: x·scale, less b_dec where it is centered.</summary>
    public Matrix EncoderInput(Matrix x, float scale, Workers workers)
    {
        var input = new Matrix(x.Rows, x.Columns);
        Shift(x, scale, CentersInput, workers, input);
        return input;
    }

    /// <summary>The encoder's input of a scaled batch, into a matrix that is used again.</summary>
    public void EncoderInput(Matrix x, Workers workers, Matrix input) => Shift(x, 1, CentersInput, workers, input);

    /// <summary>What the dictionary's part of a reconstruction should be, y − b_dec, into a matrix that is used again.</summary>
    public void DictionaryTarget(Matrix y, Workers workers, Matrix target) => Shift(y, 1, center: true, workers, target);

    private void Shift(Matrix x, float scale, bool center, Workers workers, Matrix result) =>
        workers.Run(RowParts.Count(x.Rows), part =>
        {
            (int first, int end) = RowParts.Range(part, x.Rows);
            for (int r = first; r < end; r++)
            {
                Span<float> row = result.Row(r);
                TensorPrimitives.Multiply(x.Row(r), scale, row);
                if (center) TensorPrimitives.Subtract(row, DecoderBias.Row(0), row);
            }
        });

    /// <summary>The input of a second encoding: x_c + η(x_c − Σ z⁰ W_dec).</summary>
    /// <param name="input">x_c, the first encoding's input, <c>[batch, d]</c>.</param>
    /// <param name="first">z⁰, its codes.</param>
    /// <param name="step">η.</param>
    /// <param name="workers">The threads to run on.</param>
    /// <param name="refined">Overwritten, <c>[batch, d]</c>.</param>
    public unsafe void Refine(Matrix input, SparseCodes first, double step, Workers workers, Matrix refined)
    {
        KernelSet kernels = KernelSet.Current;
        int width = Decoder.Columns;
        workers.Run(RowParts.Count(first.Rows), part =>
        {
            (int from, int end) = RowParts.Range(part, first.Rows);
            for (int r = from; r < end; r++)
            {
                float* row = refined.Pointer + ((nint)r * width);
                new Span<float>(row, width).Clear();
                fixed (int* latents = first.Latents(r))
                fixed (float* values = first.Values(r))
                    kernels.WeightedSum(row, Decoder.Pointer, width, latents, values, first.RowCount(r));
                kernels.Scale(row, (float)-step, width);
                kernels.AddScaled(row, input.Pointer + ((nint)r * width), (float)(1 + step), width);
            }
        });
    }

    /// <summary>The threshold above which so many latents of a row are active on average; 0 where fewer are positive.</summary>
    /// <param name="active">Latents of a row, on average.</param>
    /// <param name="rows">Rows at the scale of the weights, <c>[rows, input width]</c>; up to 1,024 of them are read.</param>
    public unsafe float ThresholdOf(double active, Matrix rows)
    {
        const int MostRows = 1024;
        using Matrix some = rows.CopyRows(0, Math.Min(rows.Rows, MostRows)), input = EncoderInput(some, 1, Workers.Shared);
        using var encoder = new FusedEncoder(Workers.Shared);
        SparseCodes positive = new(Encoder.Rows), largest = new(Encoder.Rows);
        encoder.Load(input);
        encoder.Above(Encoder, EncoderBias.Pointer, 0, positive);
        long budget = (long)Math.Round(active * some.Rows);
        return positive.Count <= budget ? 0 : NarrowedCodes.ByBatch(positive, budget, largest);
    }

    /// <summary>Decodes sparse codes: Σ z·W_dec + b_dec, divided by the output scale.</summary>
    public unsafe void Decode(SparseCodes codes, float outputScale, Workers workers, Matrix reconstruction)
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
                if (outputScale != 1) kernels.Scale(output + ((nint)r * width), 1 / outputScale, width);
            }
        });
    }

    /// <summary>Gives the decoder random directions of length 1.</summary>
    public void FillDecoder(Rng rng)
    {
        for (int latent = 0; latent < Decoder.Rows; latent++) FillUnit(Decoder.Row(latent), rng);
    }

    private static void FillUnit(Span<float> row, Rng rng)
    {
        rng.FillNormal(row);
        double norm = 0;
        foreach (float value in row) norm += (double)value * value;
        float scale = (float)(1 / Math.Sqrt(norm));
        foreach (ref float value in row) value *= scale;
    }
}

/// <summary>How rows are divided among threads: always in the same parts, whatever the number of threads.</summary>
internal static class RowParts
{
    public const int Size = 32;

    public static int Count(int rows) => (rows + Size - 1) / Size;

    public static (int First, int End) Range(int part, int rows) => (part * Size, Math.Min(rows, (part + 1) * Size));
}
