using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Checkpoints.Dialects;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Training;

/// <summary>
/// First weights from an autoencoder that was trained before, by any library: the same function at the scale of the new data, as far as the
/// architecture in training can say it. Where that holds decoder rows at length 1, their lengths go to the encoder.
/// </summary>
internal static class WarmStart
{
    /// <summary>Sets the weights of a model whose scales are set.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The autoencoder to start from.</param>
    /// <returns>Whether it says which latents are active; where it does not, thresholds are to be set from the data.</returns>
    /// <exception cref="InputException">
    /// It has other widths or latents, or a formula that the model has not; the message says which.
    /// </exception>
    public static bool Load(Autoencoder model, string path)
    {
        if (model is not TrainedAutoencoder started)
            throw new InputException($"from is {path}, but a {model.Options.Title} autoencoder starts from weights of its own; train "
                + $"{Autoencoders.Architecture.NamesWhere(options => options is SparseOptions)}.");
        using SparseAutoencoder from = SparseAutoencoder.Load(path);
        if ((from.InputWidth, from.OutputWidth) != (model.InputWidth, model.OutputWidth))
            throw new InputException($"from is {path}, of width {from.InputWidth}, but the vectors have width {model.InputWidth}; start "
                + "from one of the same model and layer.");
        if (from.Latents != started.Latents)
            throw new InputException($"latents is {started.Latents}, but {path}, which training starts from, has {from.Latents}; set "
                + $"latents to {from.Latents}.");
        var form = GeneralForm.Of(from, $"training from {path}");
        form.Require(
            CodeActivation.Relu, CodeActivation.JumpRelu, CodeActivation.TopK, CodeActivation.BatchTopK, CodeActivation.Gated);
        form.FoldScales();
        form.FoldLatentScale();
        form.FoldWeight();
        if (started.Skip is null || !form.Options.Skip) form.RefuseAllBut("tied", "inclusive", "signed");
        else form.RefuseAllBut("tied", "inclusive", "signed", "skip");
        if (form.Options.Centered != started.Weights.CentersInput) form.Center(started.Weights.CentersInput);
        Copy(form, started);
        return form.Thresholds.Length > 0 || form.Options.Activation == CodeActivation.Gated;
    }

    private static void Copy(GeneralForm form, TrainedAutoencoder model)
    {
        DictionaryWeights weights = model.Weights;
        Copy(form.Encoder("W_enc", rows: true), weights.Encoder);
        Copy(form.Decoder("W_dec", rows: true), weights.Decoder);
        TensorPrimitives.Multiply(form.DecoderBias, model.OutputScale, weights.DecoderBias.Row(0));
        if (model.Skip is { } skip && form.Options.Skip)
        {
            Copy(form.SkipTensor("W_skip"), skip);
            TensorPrimitives.Multiply(skip.AsSpan(), model.OutputScale / model.InputScale, skip.AsSpan());
        }

        bool unit = model.Parameters.Any(parameter => ReferenceEquals(parameter.Value, weights.Decoder) && parameter.UnitRows);
        double thresholds = 0;
        for (int latent = 0; latent < model.Latents; latent++)
        {
            Span<float> encoder = weights.Encoder.Row(latent), decoder = weights.Decoder.Row(latent);
            TensorPrimitives.Multiply(decoder, model.OutputScale, decoder);
            float length = unit && Norms.L2(decoder) is > 0 and var norm ? (float)norm : 1;
            TensorPrimitives.Divide(decoder, length, decoder);
            TensorPrimitives.Multiply(encoder, length / model.InputScale, encoder);
            Start start = StartOf(form, latent, length);
            if (model is GatedAutoencoder gated)
            {
                weights.EncoderBias[0, latent] = start.Bias - start.Threshold;
                gated.MagnitudeBias[0, latent] = start.Bias * start.Slope;
                gated.LogMagnitude[0, latent] = MathF.Log(start.Slope);
                continue;
            }

            TensorPrimitives.Multiply(encoder, start.Slope, encoder);
            weights.EncoderBias[0, latent] = start.Bias * start.Slope;
            if (model is JumpReluAutoencoder jump) jump.Threshold[0, latent] = start.Threshold * start.Slope;
            thresholds += start.Threshold * (double)start.Slope / model.Latents;
        }

        if (model is BatchTopKAutoencoder batch && form.Thresholds.Length > 0) batch.Threshold = (float)thresholds;
        model.WeightsChanged();
    }

    // A latent as slope·(p + bias) where p + bias is above the threshold, p the encoder's product.
    private readonly record struct Start(float Bias, float Threshold, float Slope);

    private static Start StartOf(GeneralForm form, int latent, float length)
    {
        if (form.Options.Activation != CodeActivation.Gated)
            return new Start(form.Bias[latent] * length, form.Thresholds.Length > 0 ? form.Thresholds[latent] * length : 0, 1);
        float slope = MathF.Exp(form.LogMagnitude[latent]), bias = form.MagnitudeBias[latent] / slope;
        return new Start(bias * length, (bias - form.GateBias[latent]) * length, slope);
    }

    // What a writer streams, row after row.
    private static void Copy(TensorToWrite tensor, Matrix matrix)
    {
        int row = 0, column = 0;
        tensor.Emit(block =>
        {
            ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(block);
            while (!values.IsEmpty)
            {
                int count = Math.Min(values.Length, matrix.Columns - column);
                values[..count].CopyTo(matrix.Row(row)[column..]);
                values = values[count..];
                column += count;
                if (column < matrix.Columns) continue;
                (row, column) = (row + 1, 0);
            }
        });
    }
}
