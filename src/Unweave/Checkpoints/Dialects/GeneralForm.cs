using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Unweave.Autoencoders;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// An autoencoder as writers see it: the general form, whatever architecture it has. What a dialect cannot say is folded into the weights
/// where that keeps codes and reconstructions, factor by factor while they are written, so that no second copy of them exists; or refused
/// by name.
/// </summary>
internal sealed class GeneralForm
{
    private readonly SparseAutoencoder source;
    private readonly string dialect;
    private readonly float[]?[] factors = new float[]?[2]; // of each latent: on its encoder row, on its decoder row
    private float inputFactor = 1, outputFactor = 1;

    private GeneralForm(SparseAutoencoder source, PretrainedOptions options, string dialect)
    {
        (this.source, Options, this.dialect) = (source, options, dialect);
        Bias = options.Activation == CodeActivation.Gated ? new float[source.Latents] : source.Weights.EncoderBias.Row(0).ToArray();
        DecoderBias = source.Weights.DecoderBias.Row(0).ToArray();
    }

    /// <summary>The formula, as what was folded leaves it.</summary>
    public PretrainedOptions Options { get; private set; }

    /// <summary>The autoencoder as the general form; null for an architecture of ours.</summary>
    public PretrainedAutoencoder? Pretrained => source as PretrainedAutoencoder;

    /// <summary>b_enc, as what was folded leaves it.</summary>
    public float[] Bias { get; }

    /// <summary>b_dec, as what was folded leaves it.</summary>
    public float[] DecoderBias { get; }

    /// <summary>The thresholds, as what was folded leaves them; empty without.</summary>
    public float[] Thresholds { get; private set; } = [];

    /// <summary>Factors of latents at decoding; empty without.</summary>
    public float[] LatentScale { get; private set; } = [];

    /// <summary>b_gate, as what was folded leaves it; empty unless gated.</summary>
    public float[] GateBias { get; private init; } = [];

    /// <summary>b_mag, as what was folded leaves it; empty unless gated.</summary>
    public float[] MagnitudeBias { get; private init; } = [];

    /// <summary>r_mag; empty unless gated.</summary>
    public float[] LogMagnitude { get; private init; } = [];

    /// <summary>Number of latents.</summary>
    public int Latents => source.Latents;

    /// <summary>Width of an input.</summary>
    public int InputWidth => source.InputWidth;

    /// <summary>Width of an output.</summary>
    public int OutputWidth => source.OutputWidth;

    /// <summary>The form of an autoencoder.</summary>
    /// <param name="autoencoder">Of any architecture.</param>
    /// <param name="dialect">The dialect's title, for messages.</param>
    /// <exception cref="InputException">Its architecture is none that the general form has.</exception>
    public static GeneralForm Of(SparseAutoencoder autoencoder, string dialect)
    {
        var general = new PretrainedOptions { Latents = autoencoder.Latents, Centered = true };
        switch (autoencoder)
        {
            case PretrainedAutoencoder pretrained:
                return new GeneralForm(autoencoder, pretrained.Options, dialect)
                {
                    Thresholds = pretrained.Threshold?.Row(0).ToArray() ?? [],
                    LatentScale = pretrained.LatentScale?.Row(0).ToArray() ?? [],
                    GateBias = pretrained.GateBias?.Row(0).ToArray() ?? [],
                    MagnitudeBias = pretrained.MagnitudeBias?.Row(0).ToArray() ?? [],
                    LogMagnitude = pretrained.LogMagnitude?.Row(0).ToArray() ?? [],
                };
            case TrainedAutoencoder trained when Trained(trained) is { } options:
                return new GeneralForm(autoencoder, options, dialect)
                {
                    Thresholds = trained switch
                    {
                        BatchTopKAutoencoder batch => [.. Enumerable.Repeat(batch.Threshold, batch.Latents)],
                        JumpReluAutoencoder jump => [.. jump.Threshold.Row(0).ToArray().Select(threshold => MathF.Max(threshold, 0))],
                        _ => [],
                    },
                    GateBias = trained is GatedAutoencoder gated ? gated.Weights.EncoderBias.Row(0).ToArray() : [],
                    MagnitudeBias = (trained as GatedAutoencoder)?.MagnitudeBias.Row(0).ToArray() ?? [],
                    LogMagnitude = (trained as GatedAutoencoder)?.LogMagnitude.Row(0).ToArray() ?? [],
                };
            default:
                throw new InputException(
                    $"{dialect} has no autoencoder of the kind '{autoencoder.Options.Describe()}'; it can be kept in Unweave's own "
                        + $"format.");
        }
    }

    // What one that was trained here is, once it is trained; null where the general form has no such formula.
    private static PretrainedOptions? Trained(TrainedAutoencoder autoencoder)
    {
        var settings = (SparseOptions)autoencoder.Options;
        if (settings is SelectionOptions { IstaStep: > 0 }) return null;
        var general = new PretrainedOptions
        {
            Latents = autoencoder.Latents,
            Centered = autoencoder.Weights.CentersInput,
            Skip = settings.Skip,
        };
        return settings switch
        {
            TopKOptions or HierarchicalTopKOptions =>
                general with { Activation = CodeActivation.TopK, K = ((SelectionOptions)settings).K },
            MatryoshkaOptions { SortByFrequency: false } nested =>
                general with { Activation = CodeActivation.JumpRelu, Groups = Sizes(nested) },
            CrosscoderOptions => null,
            BatchSelectionOptions or JumpReluOptions => general with { Activation = CodeActivation.JumpRelu },
            GatedOptions => general with { Activation = CodeActivation.Gated },
            ReluOptions => general with { Activation = CodeActivation.Relu },
            _ => null,
        };
    }

    private static int[] Sizes(MatryoshkaOptions nested)
    {
        int[] ends = [.. nested.InnerSizes, nested.Latents];
        return [.. ends.Select((end, group) => group == 0 ? end : end - ends[group - 1])];
    }

    /// <summary>W_skip, <c>[output width, input width]</c>, for vectors as they are given.</summary>
    public TensorToWrite SkipTensor(string name) => source is TrainedAutoencoder { Skip: { } own }
        ? Tensor(name, own, factors: null, source.InputScale / source.OutputScale, rows: true)
        : TensorToWrite.From(name, Pretrained!.Skip!);

    /// <summary>An error that says what the dialect cannot.</summary>
    /// <param name="setting">The key or tensor that would be lost.</param>
    /// <param name="why">What the dialect has instead, as a sentence that follows.</param>
    public InputException Refuse(string setting, string why) =>
        new($"This autoencoder has {setting}, which {dialect} cannot say: {why}.");

    /// <summary>Refuses all of the formula that hardly any dialect has, unless it is named.</summary>
    public void RefuseAllBut(params ReadOnlySpan<string> allowed)
    {
        PretrainedOptions o = Options;
        foreach ((string setting, bool used, string why) in ((string, bool, string)[])
        [
            ("glu", o.Glu, "it has no gated linear encoder"),
            ("skip", o.Skip, "its output would lose W_skip·x"),
            ("normalization", o.Normalization != InputNormalization.None,
                $"its inputs are not normalized ({o.Normalization})"),
            ("inclusive", o.Inclusive && o.Activation == CodeActivation.JumpRelu,
                "its thresholds are strict, and a value may equal one"),
            ("parts", o.Parts > 1, "it has no dictionary over several layers"),
            ("signed", o.Signed && MayBeNegative, "its codes are never negative"),
            ("weight", o.Weight != LatentWeight.None, "it selects without decoder norms"),
            ("latent_scale", o.LatentScale, "it decodes without factors on latents"),
            ("tied", o.Tied, "its encoder is a tensor of its own"),
        ])
        {
            if (used && !allowed.Contains(setting)) throw Refuse(setting, why);
        }
    }

    /// <summary>The activation is one of these, or it is refused.</summary>
    public void Require(params ReadOnlySpan<CodeActivation> known)
    {
        foreach (CodeActivation activation in known)
            if (activation == Options.Activation) return;
        if (Options is { Activation: CodeActivation.JumpRelu, Signed: false } && known.Contains(CodeActivation.Relu)
            && !Thresholds.Any(threshold => threshold > 0))
        {
            Options = Options with { Activation = CodeActivation.Relu, Inclusive = false }; // no threshold is above what ReLU drops
            Thresholds = [];
            return;
        }

        IEnumerable<string> titles = known.ToArray().Distinct().Select(one => new PretrainedOptions { Activation = one }.Title);
        throw Refuse($"the activation {Options.Title}", $"it has {string.Join(", ", titles)}");
    }

    /// <summary>Outputs are as wide as inputs, or it is refused.</summary>
    public void RequireSquare()
    {
        if (InputWidth != OutputWidth) throw Refuse($"outputs of width {OutputWidth}", $"they are as wide as inputs ({InputWidth})");
    }

    /// <summary>The encoder is the decoder, by its settings or by its numbers; or it is refused.</summary>
    public void RequireTied()
    {
        bool same = factors[0] is null && factors[1] is null && inputFactor == 1 && outputFactor == 1 && InputWidth == OutputWidth;
        for (int i = 0; same && !Options.Tied && i < Latents; i++)
            same = source.Weights.Encoder.Row(i).SequenceEqual(source.Weights.Decoder.Row(i));
        if (!same) throw Refuse("W_enc of its own", "its encoder is its decoder");
        Options = Options with { Tied = true };
    }

    /// <summary>True where a code may have a value below 0.</summary>
    private bool MayBeNegative => Options.Activation != CodeActivation.JumpRelu || Thresholds.Any(threshold => threshold < 0);

    /// <summary>Folds all that a plain dictionary has no place for: scales, factors of latents, the weight that selects them.</summary>
    public void FoldIntoWeights()
    {
        FoldScales();
        FoldLatentScale();
        FoldWeight();
    }

    /// <summary>Refuses a normalization that the output undoes, or does not, otherwise than the dialect's.</summary>
    /// <param name="restores">Whether the dialect undoes it.</param>
    /// <param name="why">What the dialect does, for the message.</param>
    public void RequireRestores(bool restores, string why)
    {
        if (Options.Restores != restores)
            throw Refuse(restores ? "outputs that stay normalized" : "a normalization undone at the output", why);
    }

    /// <summary>Folds the factors on inputs and outputs into the weights; drops a sign that no code can have.</summary>
    public void FoldScales()
    {
        (float input, float output) = (source.InputScale, source.OutputScale);
        KeepScales();
        if (input == 1 && output == 1) return;
        if (Options.Normalization != InputNormalization.None || Options.IsPursuit)
            throw Refuse($"input_scale {input}", "it is not one of an autoencoder that normalizes its inputs itself");
        if (Options.Centered && input != output) Center(false);
        if (Options.Weight != LatentWeight.None && output != 1) FoldWeight();
        if (Options.Tied) Options = Options with { Tied = false };
        (inputFactor, outputFactor) = (input, 1 / output);
        foreach (ref float value in DecoderBias.AsSpan()) value /= output;
    }

    /// <summary>Multiplies the encoder by a factor, and the decoder, but not b_dec, by another.</summary>
    public void Rescale(float encoder, float decoder) => (inputFactor, outputFactor) = (inputFactor * encoder, outputFactor * decoder);

    /// <summary>Leaves the factors on inputs and outputs to the dialect, which says them; drops a sign that no code can have.</summary>
    public void KeepScales()
    {
        if (Options.Signed && !MayBeNegative) Options = Options with { Signed = false };
    }

    /// <summary>Folds the decoder's norms into the encoder, where codes are given weighed; divides thresholds by them elsewhere.</summary>
    public void FoldWeight()
    {
        if (Options.Weight == LatentWeight.None) return;
        float[] weights = Pretrained!.SelectionWeights!.Row(0).ToArray();
        if (weights.Contains(0)) throw Refuse("weight with a decoder row of 0", "its weight cannot be folded");
        if (Options.GivesWeighed)
        {
            factors[0] = Times(factors[0], weights, divide: false);
            factors[1] = Times(factors[1], weights, divide: true);
            TensorPrimitives.Multiply(Bias, weights, Bias);
        }
        else if (Options.Activation == CodeActivation.JumpRelu)
        {
            TensorPrimitives.Divide(Thresholds, weights, Thresholds);
        }
        else if (Options.Activation is not (CodeActivation.Relu or CodeActivation.TanhRelu))
        {
            throw Refuse("weight", "codes that are selected by decoder norms and given without them cannot be folded");
        }

        Options = Options with { Weight = LatentWeight.None, GivesWeighed = false };
    }

    /// <summary>Folds factors of latents at decoding into the decoder.</summary>
    public void FoldLatentScale()
    {
        if (!Options.LatentScale) return;
        FoldWeight();
        factors[1] = Times(factors[1], LatentScale, divide: false);
        Options = Options with { LatentScale = false };
        LatentScale = [];
    }

    /// <summary>Makes the encoder one that subtracts b_dec, or that does not: b_enc ± W_enc·b_dec takes it over.</summary>
    public void Center(bool centered)
    {
        if (Options.Centered == centered) return;
        if (Options.IsPursuit || Options.Glu || InputWidth != OutputWidth)
            throw Refuse(centered ? "an encoder that does not subtract b_dec" : "an encoder that subtracts b_dec",
                "its bias cannot take that over");
        for (int i = 0; i < Latents; i++)
        {
            double dot = 0;
            ReadOnlySpan<float> row = source.Weights.Encoder.Row(i);
            for (int c = 0; c < row.Length; c++) dot += (double)row[c] * DecoderBias[c];
            float shift = (float)(dot * inputFactor * (factors[0]?[i] ?? 1) * (centered ? 1 : -1));
            if (Options.Activation == CodeActivation.Gated)
            {
                GateBias[i] += shift;
                MagnitudeBias[i] += shift * MathF.Exp(LogMagnitude[i]);
            }
            else
            {
                Bias[i] += shift;
            }
        }

        Options = Options with { Centered = centered };
    }

    /// <summary>W_enc, latents as rows <c>[n, d]</c> or as columns <c>[d, n]</c>.</summary>
    public TensorToWrite Encoder(string name, bool rows) => Tensor(name, source.Weights.Encoder, factors[0], inputFactor, rows);

    /// <summary>W_dec, latents as rows <c>[n, d]</c> or as columns <c>[d, n]</c>.</summary>
    public TensorToWrite Decoder(string name, bool rows) => Tensor(name, source.Weights.Decoder, factors[1], outputFactor, rows);

    /// <summary>Norms of the decoder's rows as they are written.</summary>
    public float[] DecoderNorms()
    {
        var norms = new float[Latents];
        for (int i = 0; i < Latents; i++)
            norms[i] = (float)(Norms.L2(source.Weights.Decoder.Row(i)) * Math.Abs((factors[1]?[i] ?? 1) * (double)outputFactor));
        return norms;
    }

    /// <summary>One row of W_dec as it is written.</summary>
    public float[] DecoderRow(int latent)
    {
        float[] row = source.Weights.Decoder.Row(latent).ToArray();
        float factor = outputFactor * (factors[1]?[latent] ?? 1);
        if (factor != 1) TensorPrimitives.Multiply(row, factor, row);
        return row;
    }

    /// <summary>A matrix of weights, its rows multiplied, as it lies or transposed.</summary>
    public static TensorToWrite Tensor(string name, Matrix matrix, float[]? factors, float factor, bool rows)
    {
        if (rows && factors is null && factor == 1) return TensorToWrite.From(name, matrix);
        long[] shape = rows ? [matrix.Rows, matrix.Columns] : [matrix.Columns, matrix.Rows];
        return TensorToWrite.Made(name, ElementType.Float32, shape, take =>
        {
            if (rows)
            {
                var row = new float[matrix.Columns];
                for (int i = 0; i < matrix.Rows; i++)
                {
                    TensorPrimitives.Multiply(matrix.Row(i), factor * (factors?[i] ?? 1), row);
                    take(MemoryMarshal.AsBytes(row.AsSpan()));
                }

                return;
            }

            const int Deep = 32;
            var block = new float[Math.Min(Deep, matrix.Columns) * matrix.Rows];
            for (int from = 0; from < matrix.Columns; from += Deep)
            {
                int count = Math.Min(Deep, matrix.Columns - from);
                for (int i = 0; i < matrix.Rows; i++)
                {
                    ReadOnlySpan<float> row = matrix.Row(i).Slice(from, count);
                    float scale = factor * (factors?[i] ?? 1);
                    for (int c = 0; c < count; c++) block[(c * matrix.Rows) + i] = scale == 1 ? row[c] : row[c] * scale;
                }

                take(MemoryMarshal.AsBytes(block.AsSpan(0, count * matrix.Rows)));
            }
        });
    }

    private static float[] Times(float[]? factors, float[] by, bool divide)
    {
        float[] result = factors is null ? [.. Enumerable.Repeat(1f, by.Length)] : [.. factors];
        if (divide) TensorPrimitives.Divide(result, by, result);
        else TensorPrimitives.Multiply(result, by, result);
        return result;
    }
}
