using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// llamascopium: <c>config.json</c> beside <c>sae_weights.safetensors</c> or <c>.pt</c> with <c>W_E</c>. u = f_in·x·W_E + b_E, times a
/// sigmoid where it has a gated linear encoder; z = activation(u·‖W_D‖)/‖W_D‖; x̂ = (zW_D + b_D)/f_out.
/// </summary>
internal sealed class LlamaScopiumDialect : IDialect
{
    private const string SettingsName = "config.json", WeightsName = "sae_weights.safetensors", TorchName = "sae_weights.pt",
        ThresholdName = "activation_function.log_jumprelu_threshold";

    /// <inheritdoc/>
    public string Name => "llamascopium";

    /// <inheritdoc/>
    public string Title => "llamascopium";

    /// <inheritdoc/>
    public string Signature => $"{SettingsName} with sae_type beside {WeightsName} or .pt with W_E";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) =>
        files.FindSettings(SettingsName)?.ContainsKey("sae_type") == true && WeightsOf(files) is not null;

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        DialectSettings settings = files.Settings(SettingsName);
        TensorFile weights = files.Tensors(WeightsOf(files)!);
        string at = weights.HasAll("sae.W_E") ? "sae." : "";
        return settings.Required("sae_type") switch
        {
            "sae" => ReadDictionary(settings, weights, at),
            "crosscoder" or "clt" => LlamaScopiumLayers.Read(Name, settings, weights, at),
            _ => throw settings.Refuse("sae_type", "of which sae, crosscoder and clt are known"),
        };
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        JsonObject settings = DialectWriting.Settings(autoencoder, Name);
        List<TensorToWrite> tensors = autoencoder is MultilayerAutoencoder layers
            ? LlamaScopiumLayers.Tensors(layers, settings, Name, Title)
            : Tensors(autoencoder, settings);
        DialectWriting.Json(Path.Combine(folder, SettingsName), settings);
        DialectWriting.Safetensors(Path.Combine(folder, WeightsName), tensors);
    }

    private PretrainedAutoencoder ReadDictionary(DialectSettings settings, TensorFile weights, string at)
    {
        int[] shape = weights.ShapeOf(at + "W_E", 2), output = weights.ShapeOf(at + "W_D", 2);
        (int width, int latents) = (shape[0], shape[1]);
        string activation = settings.Text("act_fn") ?? "relu", normalization = settings.Text("norm_activation") ?? "inference";
        string hook = settings.Required("hook_point_in"), target = settings.Required("hook_point_out");
        bool ofRows = normalization is "token-wise" or "batch-wise", glu = settings.Flag("use_glu_encoder");
        if (ofRows && !string.Equals(hook, target, StringComparison.Ordinal))
            throw settings.Refuse("norm_activation", "which of a transcoder needs the targets to undo it");
        var options = new PretrainedOptions
        {
            Latents = latents,
            Activation = activation switch
            {
                "relu" => CodeActivation.Relu,
                "topk" => CodeActivation.TopK,
                "batchtopk" => CodeActivation.BatchTopK,
                "jumprelu" => CodeActivation.JumpRelu,
                _ => throw settings.Refuse("act_fn", "which is not known of a single layer"),
            },
            K = activation is "topk" or "batchtopk" ? settings.Required("top_k", settings.Count("top_k")) : 0,
            Weight = settings.Flag("sparsity_include_decoder_norm", otherwise: true) ? LatentWeight.Norm : LatentWeight.None,
            Glu = glu,
            Normalization = normalization switch
            {
                "inference" or "dataset-wise" => InputNormalization.None,
                "token-wise" => InputNormalization.Length,
                "batch-wise" => InputNormalization.BatchLength,
                _ => throw settings.Refuse("norm_activation", "which is not known"),
            },
            Restores = ofRows,
        };
        bool bias = settings.Flag("use_decoder_bias", otherwise: true);
        return PretrainedReading.Make<PretrainedAutoencoder>(options, width, output[1], [weights], made =>
        {
            weights.ReadTransposed(at + "W_E", made.Weights.Encoder);
            weights.ReadVector(at + "b_E", made.Weights.EncoderBias.Row(0));
            weights.ReadRows(at + "W_D", made.Weights.Decoder);
            if (bias) weights.ReadVector(at + "b_D", made.Weights.DecoderBias.Row(0));
            if (made.Threshold is not null) ScaledNorms.ReadThresholds(weights, at + ThresholdName, made.Threshold.Row(0));
            if (glu)
            {
                weights.ReadTransposed(at + "W_E_glu", made.GluEncoder!);
                weights.ReadVector(at + "b_E_glu", made.GluBias!.Row(0));
            }

            if (normalization is "dataset-wise")
            {
                made.InputScale = ScaledNorms.Factor(weights, at, hook, width);
                made.OutputScale = ScaledNorms.Factor(weights, at, target, width);
            }

            Dictionary<string, string> facts = ScaledNorms.Facts(settings);
            ScaledNorms.AddNorms(facts, weights, at);
            made.Origin = new Origin(Name,
            [
                "b_D is not subtracted from the input",
                .. options.Weight != LatentWeight.None ? (string[])["latents are selected by their values times their decoder norms"] : [],
                .. normalization is "inference" ? (string[])[]
                    : [$"inputs are normalized ({normalization}), which is undone at the output"],
                .. glu ? (string[])["a gated linear encoder"] : [],
                .. options.Activation == CodeActivation.BatchTopK ? (string[])["codes are selected over the whole batch"] : [],
            ])
            {
                Facts = facts,
                Settings = settings.Json.ToJsonString(),
            };
        });
    }

    private List<TensorToWrite> Tensors(SparseAutoencoder autoencoder, JsonObject settings)
    {
        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        form.Require(CodeActivation.Relu, CodeActivation.TopK, CodeActivation.JumpRelu, CodeActivation.BatchTopK);
        (string hook, string target) = ScaledNorms.SetHooks(autoencoder, settings);
        (float input, float output) = (autoencoder.InputScale, autoencoder.OutputScale);
        bool scales = (input != 1 || output != 1) && form.Options.Normalization == InputNormalization.None
            && (input == output || !string.Equals(hook, target, StringComparison.Ordinal));
        if (scales) form.KeepScales();
        else form.FoldScales();
        form.FoldLatentScale();
        if (form.Options.GivesWeighed || form.Options.Weight != LatentWeight.Norm) form.FoldWeight();
        ScaledNorms.DropThresholds(form);
        form.RefuseAllBut("normalization", "weight", "glu", "tied");
        form.RequireSquare();
        if (scales && form.Options.Centered && input != output) throw form.Refuse("centered", "b_D is never subtracted there");
        form.Center(false);
        bool bias = settings["use_decoder_bias"]?.ToString() is not "false" || form.DecoderBias.Any(value => value != 0);
        settings["sae_type"] = "sae";
        settings["d_model"] = form.InputWidth;
        settings["expansion_factor"] = LmSaesDialect.Expansion(form);
        settings["use_decoder_bias"] = bias;
        settings["act_fn"] = form.Options.Activation switch
        {
            CodeActivation.JumpRelu => "jumprelu",
            CodeActivation.TopK => "topk",
            CodeActivation.BatchTopK => "batchtopk",
            _ => "relu",
        };
        settings["norm_activation"] = scales ? "dataset-wise" : ScaledNorms.NormalizationName(form, restores: true);
        settings["sparsity_include_decoder_norm"] = form.Options.Weight == LatentWeight.Norm;
        if (form.Options.K > 0) settings["top_k"] = (int)form.Options.K;
        else settings.TryAdd("top_k", (JsonNode)1);
        settings["use_glu_encoder"] = form.Options.Glu;
        List<TensorToWrite> tensors = [form.Decoder("W_D", rows: true), form.Encoder("W_E", rows: false)];
        if (bias) tensors.Add(TensorToWrite.From("b_D", form.DecoderBias));
        tensors.Add(TensorToWrite.From("b_E", form.Bias));
        if (form.Options.Glu)
        {
            tensors.Add(GeneralForm.Tensor("W_E_glu", form.Pretrained!.GluEncoder!, null, 1, rows: false));
            tensors.Add(TensorToWrite.From("b_E_glu", form.Pretrained.GluBias!.Row(0).ToArray()));
        }

        if (form.Options.Activation == CodeActivation.JumpRelu)
            tensors.Add(TensorToWrite.From(ThresholdName, ScaledNorms.Logarithms(form)));
        if (scales)
        {
            float norm = ScaledNorms.Norm(autoencoder, hook, form.InputWidth, input);
            tensors.Add(DialectWriting.Number(ScaledNorms.NormPrefix + hook, norm));
            if (!string.Equals(hook, target, StringComparison.Ordinal))
                tensors.Add(DialectWriting.Number(ScaledNorms.NormPrefix + target, ScaledNorms.Norm(autoencoder, target,
                    form.OutputWidth, output)));
        }

        tensors.AddRange(ScaledNorms.OtherNorms(autoencoder, Name, scales ? [hook, target] : []));
        return tensors;
    }

    private static string? WeightsOf(CheckpointFiles files) => ((string[])[WeightsName, TorchName]).FirstOrDefault(name =>
        files.FindTensors(name) is { } weights && (weights.HasAll("W_E") || weights.HasAll("sae.W_E")));
}
