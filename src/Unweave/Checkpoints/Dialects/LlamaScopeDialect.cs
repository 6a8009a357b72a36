using System.Numerics.Tensors;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// Llama Scope of 2024: <c>hyperparams.json</c> and <c>checkpoints/final.safetensors</c> or <c>.pt</c>. What its loader folds is folded
/// here
/// in the same order: the data set's norms, then the decoder's, then the threshold counts.
/// </summary>
internal sealed class LlamaScopeDialect : IDialect
{
    private const string SettingsName = "hyperparams.json", WeightsName = "checkpoints/final.safetensors",
        TorchName = "checkpoints/final.pt";

    /// <inheritdoc/>
    public string Name => "llama_scope";

    /// <inheritdoc/>
    public string Title => "Llama Scope (2024)";

    /// <inheritdoc/>
    public string Signature => $"{SettingsName} beside {WeightsName} or .pt";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) => files.FindSettings(SettingsName) is not null && WeightsOf(files) is not null;

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        DialectSettings settings = files.Settings(SettingsName);
        TensorFile weights = files.Tensors(WeightsOf(files)!);
        string at = weights.HasAll("sae.encoder.weight") ? "sae." : "";
        int[] shape = weights.ShapeOf(at + "encoder.weight", 2), output = weights.ShapeOf(at + "decoder.weight", 2);
        (int latents, int width) = (shape[0], shape[1]);
        if (settings.Flag("use_glu_encoder")) throw settings.Refuse("use_glu_encoder",
            "a gated linear encoder, which is not read from these files");
        bool weighs = settings.Flag("sparsity_include_decoder_norm"), bias = settings.Flag("use_decoder_bias", otherwise: true);
        string normalization = settings.Text("norm_activation") ?? "inference", activation = settings.Text("act_fn") ?? "relu";
        bool scales = normalization is "dataset-wise";
        var options = new PretrainedOptions
        {
            Latents = latents,
            Activation = activation switch
            {
                "relu" => CodeActivation.Relu,
                "topk" => CodeActivation.TopK,
                "jumprelu" => CodeActivation.JumpRelu,
                _ => throw settings.Refuse("act_fn", "of which relu, topk and jumprelu are known"),
            },
            K = activation is "topk" ? settings.Required("top_k", settings.Count("top_k")) : 0,
            Signed = activation is "jumprelu",
            Weight = weighs ? LatentWeight.Norm : LatentWeight.None,
            GivesWeighed = weighs,
            Centered = settings.Flag("apply_decoder_bias_to_pre_encoder"),
            Normalization = normalization switch
            {
                "inference" or "dataset-wise" or "none" => InputNormalization.None,
                "token-wise" => InputNormalization.Length,
                _ => throw settings.Refuse("norm_activation", "of which dataset-wise, token-wise and inference are known"),
            },
        };
        float inputFactor = scales ? NormOf(settings, "in", width) : 1, outputFactor = scales ? NormOf(settings, "out", width) : 1;
        return PretrainedReading.Make<PretrainedAutoencoder>(options, width, output[0], [weights], made =>
        {
            weights.ReadRows(at + "encoder.weight", made.Weights.Encoder);
            weights.ReadTransposed(at + "decoder.weight", made.Weights.Decoder);
            weights.ReadVector(at + "encoder.bias", made.Weights.EncoderBias.Row(0));
            if (bias) weights.ReadVector(at + "decoder.bias", made.Weights.DecoderBias.Row(0));
            made.Threshold?.Row(0).Fill((float)settings.Required("jump_relu_threshold", settings.Number("jump_relu_threshold")));
            if (scales)
            {
                Span<float> encoderBias = made.Weights.EncoderBias.Row(0), decoderBias = made.Weights.DecoderBias.Row(0);
                TensorPrimitives.Divide(encoderBias, inputFactor, encoderBias);
                TensorPrimitives.Divide(decoderBias, outputFactor, decoderBias);
                if (inputFactor != outputFactor)
                    for (int i = 0; i < latents; i++) TensorPrimitives.Multiply(made.Decoder.Row(i), inputFactor / outputFactor,
                        made.Decoder.Row(i));
            }

            made.Origin = new Origin(Name,
            [
                options.Centered ? "the decoder's bias is subtracted from the input"
                    : "the decoder's bias is not subtracted from the input",
                .. weighs ? (string[])["latents are given times their decoder norms, which decoding divides by"] : [],
                .. activation is "jumprelu" ? (string[])["one strict threshold, without a ReLU"] : [],
                .. options.Normalization == InputNormalization.Length
                    ? (string[])["inputs are brought to length √d, and outputs stay so"] : [],
            ])
            {
                Folded = scales
                    ? ["encoder.bias/f_in, decoder.bias/f_out and W_dec·f_in/f_out, f = √d over the data set's mean norms"] : [],
                Facts = ScaledNorms.Facts(settings),
                Settings = settings.Json.ToJsonString(),
            };
        });
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        form.Require(CodeActivation.Relu, CodeActivation.TopK, CodeActivation.JumpRelu);
        form.FoldScales();
        form.FoldLatentScale();
        if (!form.Options.GivesWeighed || form.Options.Weight != LatentWeight.Norm) form.FoldWeight();
        form.RefuseAllBut("normalization", "signed", "weight", "tied");
        form.RequireSquare();
        bool jumps = form.Options.Activation == CodeActivation.JumpRelu;
        if (form.Options.Signed && !jumps) throw form.Refuse("signed", "its TopK has no values below 0");
        float threshold = jumps ? form.Thresholds[0] : 0;
        if (form.Thresholds.Any(value => value != threshold)) throw form.Refuse("a threshold for each latent",
            "jump_relu_threshold is one for all");
        JsonObject settings = DialectWriting.Settings(autoencoder, Name);
        ScaledNorms.SetHooks(autoencoder, settings);
        settings["use_decoder_bias"] = true;
        settings["apply_decoder_bias_to_pre_encoder"] = form.Options.Centered;
        settings["d_model"] = form.InputWidth;
        settings["d_sae"] = form.Latents;
        settings.TryAdd("expansion_factor", (JsonNode)((double)form.Latents / form.InputWidth));
        settings["act_fn"] = jumps ? "jumprelu" : form.Options.Activation == CodeActivation.TopK ? "topk" : "relu";
        if (jumps) settings["jump_relu_threshold"] = form.Options.Signed ? threshold : Math.Max(threshold, 0);
        else settings.TryAdd("jump_relu_threshold", (JsonNode)0.0);
        if (form.Options.Activation == CodeActivation.TopK) settings["top_k"] = (int)form.Options.K;
        else settings.TryAdd("top_k", (JsonNode)1);
        settings["norm_activation"] = ScaledNorms.NormalizationName(form, restores: false);
        settings["dataset_average_activation_norm"] = null;
        settings["sparsity_include_decoder_norm"] = form.Options.Weight == LatentWeight.Norm;
        settings["use_glu_encoder"] = false;
        DialectWriting.Json(Path.Combine(folder, SettingsName), settings);
        Directory.CreateDirectory(Path.Combine(folder, "checkpoints"));
        DialectWriting.Safetensors(
            Path.Combine(folder, WeightsName),
            [
                TensorToWrite.From("decoder.bias", form.DecoderBias), form.Decoder("decoder.weight", rows: false),
                TensorToWrite.From("encoder.bias", form.Bias), form.Encoder("encoder.weight", rows: true),
            ]);
    }

    private static string? WeightsOf(CheckpointFiles files) => ((string[])[WeightsName, TorchName]).FirstOrDefault(name =>
        files.FindTensors(name) is { } weights && (weights.HasAll("encoder.weight") || weights.HasAll("sae.encoder.weight")));

    private static float NormOf(DialectSettings settings, string side, int width)
    {
        const string Key = "dataset_average_activation_norm";
        DialectSettings norms = settings.Find(Key) ?? throw settings.Refuse(Key, "which dataset-wise needs");
        return ScaledNorms.Factor(width, norms.Required(side, norms.Number(side)), what => norms.Refuse(side, what));
    }
}
