using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>What the files of all versions of SAELens have in common: the tensors' names, and how inputs are normalized.</summary>
internal static class SaeLensFiles
{
    public const string SettingsName = "cfg.json", WeightsName = "sae_weights.safetensors";

    /// <summary>Whether the two files are there, with a dictionary.</summary>
    public static bool Recognizes(CheckpointFiles files) =>
        files.FindSettings(SettingsName) is not null && files.FindTensors(WeightsName)?.HasAll("W_dec") == true;

    /// <summary>Settings with a normalization of inputs.</summary>
    public static PretrainedOptions Normalization(DialectSettings settings, string? name, PretrainedOptions options) => name switch
    {
        null or "none" => options,
        "constant_norm_rescale" => options with { Normalization = InputNormalization.Length },
        "layer_norm" => options with { Normalization = InputNormalization.Layer },
        _ => throw settings.Refuse("normalize_activations", "of which none, constant_norm_rescale and layer_norm are known"),
    };

    /// <summary>The name of a normalization.</summary>
    /// <param name="form">What is written.</param>
    /// <param name="restores">Whether the files' architecture undoes it at the output.</param>
    public static string NormalizationName(GeneralForm form, bool restores)
    {
        if (form.Options.Normalization == InputNormalization.None) return "none";
        form.RequireRestores(restores, restores ? "an SAE undoes its normalization" : "its transcoders do not undo it");
        return form.Options.Normalization switch
        {
            InputNormalization.Length => "constant_norm_rescale",
            InputNormalization.Layer => "layer_norm",
            _ => throw form.Refuse($"normalization {form.Options.Normalization}", "it has constant_norm_rescale and layer_norm"),
        };
    }

    /// <summary>What settings mean that all versions share.</summary>
    public static IEnumerable<string> Conventions(PretrainedAutoencoder made)
    {
        PretrainedOptions options = made.Options;
        if (options.Weight != LatentWeight.None) yield return "latents are given times their decoder norms, which decoding divides by";
        if (options.Normalization != InputNormalization.None)
        {
            yield return $"inputs are normalized ({(options.Normalization == InputNormalization.Layer ? "layer norm" : "to length √d")}), "
                + (options.Restores ? "which is undone at the output" : "which the output keeps");
        }

        if (options.Skip) yield return "the output has W_skip·x of the input as it is";
    }

    /// <summary>Reads the weights of settings.</summary>
    public static PretrainedAutoencoder Read(TensorFile weights, PretrainedOptions options, Action<PretrainedAutoencoder> complete)
    {
        int[] decoder = weights.ShapeOf("W_dec", 2);
        int width = options.IsPursuit ? decoder[1] : weights.ShapeOf("W_enc", 2)[0];
        return PretrainedReading.Make<PretrainedAutoencoder>(options with { Latents = decoder[0] }, width, decoder[1], [weights], made =>
        {
            weights.ReadRows("W_dec", made.Weights.Decoder);
            weights.ReadVector("b_dec", made.Weights.DecoderBias.Row(0));
            if (!options.IsPursuit) weights.ReadTransposed("W_enc", made.Weights.Encoder);
            if (options.Activation == CodeActivation.Gated)
            {
                weights.ReadVector("b_gate", made.GateBias!.Row(0));
                weights.ReadVector("b_mag", made.MagnitudeBias!.Row(0));
                weights.ReadVector("r_mag", made.LogMagnitude!.Row(0));
            }
            else if (!options.IsPursuit)
            {
                weights.ReadVector("b_enc", made.Weights.EncoderBias.Row(0));
            }

            if (made.Threshold is not null) weights.ReadVector("threshold", made.Threshold.Row(0));
            if (made.Skip is not null) weights.ReadRows("W_skip", made.Skip);
            complete(made);
        });
    }

    /// <summary>The tensors of a dictionary.</summary>
    public static List<TensorToWrite> Tensors(GeneralForm form)
    {
        List<TensorToWrite> tensors = [form.Decoder("W_dec", rows: true)];
        if (!form.Options.IsPursuit) tensors.Add(form.Encoder("W_enc", rows: false));
        tensors.Add(TensorToWrite.From("b_dec", form.DecoderBias));
        if (form.Options.Activation == CodeActivation.Gated)
        {
            tensors.Add(TensorToWrite.From("b_gate", form.GateBias));
            tensors.Add(TensorToWrite.From("b_mag", form.MagnitudeBias));
            tensors.Add(TensorToWrite.From("r_mag", form.LogMagnitude));
        }
        else if (!form.Options.IsPursuit)
        {
            tensors.Add(TensorToWrite.From("b_enc", form.Bias));
        }

        if (form.Options.Activation == CodeActivation.JumpRelu) tensors.Add(TensorToWrite.From("threshold", form.Thresholds));
        return tensors;
    }
}
