using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// lm-saes of March 2025 (Llama-Scope-R1-Distill): <c>config.json</c> beside <c>sae_weights.safetensors</c> with <c>encoder.weight</c>.
/// u = f·x·W_enc + b_enc; z = u where u·‖W_dec‖ is selected; x̂ = zW_dec + b_dec at the scale of f, which is not undone.
/// </summary>
internal sealed class LmSaesDialect : IDialect
{
    private const string SettingsName = "config.json", WeightsName = "sae_weights.safetensors", ThresholdName = "log_jumprelu_threshold";

    /// <inheritdoc/>
    public string Name => "lm_saes";

    /// <inheritdoc/>
    public string Title => "lm-saes (2025)";

    /// <inheritdoc/>
    public string Signature => $"{SettingsName} beside {WeightsName} with encoder.weight";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) => files.FindSettings(SettingsName)?.ContainsKey("d_model") == true
        && files.FindTensors(WeightsName)?.HasAll("encoder.weight", "decoder.weight") == true;

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        DialectSettings settings = files.Settings(SettingsName);
        TensorFile weights = files.Tensors(WeightsName);
        if (settings.Text("sae_type") is not (null or "sae")) throw settings.Refuse("sae_type",
            "of which only sae is known in these files");
        if (settings.Flag("use_glu_encoder")) throw settings.Refuse("use_glu_encoder",
            "a gated linear encoder, which is not read from these files");
        int[] shape = weights.ShapeOf("encoder.weight", 2), output = weights.ShapeOf("decoder.weight", 2);
        string activation = settings.Text("act_fn") ?? "relu", normalization = settings.Text("norm_activation") ?? "inference";
        var options = new PretrainedOptions
        {
            Latents = shape[0],
            Activation = activation switch
            {
                "relu" => CodeActivation.Relu,
                "topk" => CodeActivation.TopK,
                "jumprelu" => CodeActivation.JumpRelu,
                _ => throw settings.Refuse("act_fn", "of which relu, topk and jumprelu are known"),
            },
            K = activation is "topk" ? settings.Required("top_k", settings.Count("top_k")) : 0,
            Weight = settings.Flag("sparsity_include_decoder_norm", otherwise: true) ? LatentWeight.Norm : LatentWeight.None,
            Centered = settings.Flag("apply_decoder_bias_to_pre_encoder"),
            Normalization = normalization switch
            {
                "inference" or "dataset-wise" => InputNormalization.None,
                "token-wise" => InputNormalization.Length,
                "batch-wise" => InputNormalization.BatchLength,
                _ => throw settings.Refuse("norm_activation", "which is not known"),
            },
        };
        bool bias = settings.Flag("use_decoder_bias", otherwise: true);
        return PretrainedReading.Make<PretrainedAutoencoder>(options, shape[1], output[0], [weights], made =>
        {
            weights.ReadRows("encoder.weight", made.Weights.Encoder);
            weights.ReadTransposed("decoder.weight", made.Weights.Decoder);
            weights.ReadVector("encoder.bias", made.Weights.EncoderBias.Row(0));
            if (bias) weights.ReadVector("decoder.bias", made.Weights.DecoderBias.Row(0));
            if (made.Threshold is not null) ScaledNorms.ReadThresholds(weights, ThresholdName, made.Threshold.Row(0));
            if (normalization is "dataset-wise")
                made.InputScale = ScaledNorms.Factor(weights, "", settings.Required("hook_point_in"), shape[1]);
            Dictionary<string, string> facts = ScaledNorms.Facts(settings);
            ScaledNorms.AddNorms(facts, weights, "");
            made.Origin = new Origin(Name,
            [
                options.Centered ? "the decoder's bias is subtracted from the input"
                    : "the decoder's bias is not subtracted from the input",
                .. options.Weight != LatentWeight.None ? (string[])["latents are selected by their values times their decoder norms"] : [],
                .. normalization is "inference" ? (string[])[] : [$"inputs are normalized ({normalization}), and outputs stay so"],
            ])
            {
                Facts = facts,
                Settings = settings.Json.ToJsonString(),
            };
        });
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        form.Require(CodeActivation.Relu, CodeActivation.TopK, CodeActivation.JumpRelu);
        bool scales = autoencoder.InputScale != 1 && autoencoder.OutputScale == 1 && form.Options.Normalization == InputNormalization.None;
        if (scales) form.KeepScales();
        else form.FoldScales();
        form.FoldLatentScale();
        if (form.Options.GivesWeighed || form.Options.Weight != LatentWeight.Norm) form.FoldWeight();
        ScaledNorms.DropThresholds(form);
        form.RefuseAllBut("normalization", "weight", "tied");
        form.RequireSquare();
        JsonObject settings = DialectWriting.Settings(autoencoder, Name);
        settings["sae_type"] = "sae";
        (string hook, _) = ScaledNorms.SetHooks(autoencoder, settings);
        settings["d_model"] = form.InputWidth;
        settings["expansion_factor"] = Expansion(form);
        settings["use_decoder_bias"] = true;
        settings.TryAdd("use_glu_encoder", (JsonNode)false);
        settings["act_fn"] = form.Options.Activation switch
        {
            CodeActivation.JumpRelu => "jumprelu",
            CodeActivation.TopK => "topk",
            _ => "relu",
        };
        settings["apply_decoder_bias_to_pre_encoder"] = form.Options.Centered;
        settings["norm_activation"] = scales ? "dataset-wise" : ScaledNorms.NormalizationName(form, restores: false);
        settings["sparsity_include_decoder_norm"] = form.Options.Weight == LatentWeight.Norm;
        if (form.Options.Activation == CodeActivation.TopK) settings["top_k"] = (int)form.Options.K;
        else settings.TryAdd("top_k", (JsonNode)1);
        DialectWriting.Json(Path.Combine(folder, SettingsName), settings);
        List<TensorToWrite> tensors =
        [
            TensorToWrite.From("decoder.bias", form.DecoderBias), form.Decoder("decoder.weight", rows: false),
            TensorToWrite.From("encoder.bias", form.Bias), form.Encoder("encoder.weight", rows: true),
        ];
        if (form.Options.Activation == CodeActivation.JumpRelu)
            tensors.Add(TensorToWrite.From(ThresholdName, ScaledNorms.Logarithms(form)));
        if (scales)
        {
            float norm = ScaledNorms.Norm(autoencoder, hook, form.InputWidth, autoencoder.InputScale);
            tensors.Add(DialectWriting.Number(ScaledNorms.NormPrefix + hook, norm));
        }

        tensors.AddRange(ScaledNorms.OtherNorms(autoencoder, Name, scales ? [hook] : []));
        DialectWriting.Safetensors(Path.Combine(folder, WeightsName), tensors);
    }

    /// <summary>Latents for each number of an input, whole where it is.</summary>
    public static JsonNode Expansion(GeneralForm form) => form.Latents % form.InputWidth == 0
        ? (JsonNode)(form.Latents / form.InputWidth)
        : (JsonNode)((double)form.Latents / form.InputWidth);
}
