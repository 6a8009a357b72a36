using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// SAELens before 6: a flat <c>cfg.json</c> beside <c>sae_weights.safetensors</c>. TopK is told by <c>activation_fn_str</c>, whatever
/// <c>architecture</c> says; factors of finetuned latents are a tensor of their own, which the library's loader could not read.
/// </summary>
internal sealed class SaeLensFlatDialect : IDialect
{
    private const string ScaleFact = "tensor of latents' factors";
    private static readonly string[] ScaleNames = ["scaling_factor", "finetuning_scaling_factor"];

    /// <inheritdoc/>
    public string Name => "saelens_pre6";

    /// <inheritdoc/>
    public string Title => "SAELens before 6";

    /// <inheritdoc/>
    public string Signature => $"{SaeLensFiles.SettingsName} without metadata beside {SaeLensFiles.WeightsName}";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) =>
        SaeLensFiles.Recognizes(files) && files.FindSettings(SaeLensFiles.SettingsName)!["metadata"] is not JsonObject;

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        DialectSettings settings = files.Settings(SaeLensFiles.SettingsName);
        TensorFile weights = files.Tensors(SaeLensFiles.WeightsName);
        string architecture = settings.Text("architecture") ?? "standard";
        string activation = settings.Text("activation_fn_str") ?? settings.Text("activation_fn") ?? "relu";
        string? scales = ScaleNames.FirstOrDefault(name => weights.Find(name) is not null);
        if (scales is not null && settings.Has("finetuning_scaling_factor") && !settings.Flag("finetuning_scaling_factor"))
            throw settings.Refuse("finetuning_scaling_factor",
                $"but the weights have '{scales}', so that it is not told whether it counts");
        PretrainedOptions options = (architecture, activation) switch
        {
            (_, "topk") when architecture is "standard" or "topk" => new()
            {
                Activation = CodeActivation.TopK,
                K = settings.Find("activation_fn_kwargs") is { } arguments ? arguments.Required("k", arguments.Count("k"))
                    : throw new InputException($"{files.PathOf(SaeLensFiles.SettingsName)}: activation_fn_kwargs.k is missing."),
            },
            ("standard", "relu") => new() { Activation = CodeActivation.Relu },
            ("standard", "tanh-relu") => new() { Activation = CodeActivation.TanhRelu },
            ("gated", "relu") => new() { Activation = CodeActivation.Gated },
            ("jumprelu", "relu") => new() { Activation = CodeActivation.JumpRelu },
            ("standard" or "gated" or "jumprelu" or "topk", _) =>
                throw settings.Refuse(settings.Has("activation_fn_str") ? "activation_fn_str" : "activation_fn",
                    $"which a {architecture} is not known with"),
            _ => throw settings.Refuse("architecture", "which is not known"),
        };
        options = options with { Centered = settings.Flag("apply_b_dec_to_input", otherwise: true), LatentScale = scales is not null };
        bool said = settings.Json["normalize_activations"] is JsonValue value && value.TryGetValue(out bool normalizes)
            ? !normalizes ? false : throw settings.Refuse("normalize_activations", "whose factor is not kept")
            : settings.Has("normalize_activations");
        options = SaeLensFiles.Normalization(settings, said ? settings.Text("normalize_activations") : null, options);
        options = options with { Restores = options.Normalization != InputNormalization.None };
        return SaeLensFiles.Read(weights, options, made =>
        {
            if (scales is not null) weights.ReadVector(scales, made.LatentScale!.Row(0));
            var facts = new Dictionary<string, string>(StringComparer.Ordinal);
            PretrainedReading.Add(facts, "model", settings.Json["model_name"]);
            PretrainedReading.Add(facts, "hook", settings.Json["hook_name"] ?? settings.Json["hook_point"]);
            PretrainedReading.Add(facts, "dataset", settings.Json["dataset_path"]);
            PretrainedReading.Add(facts, "context size", settings.Json["context_size"]);
            PretrainedReading.Add(facts, "prepends a start token", settings.Json["prepend_bos"]);
            if (scales is not null) facts[ScaleFact] = scales;
            made.Origin = new Origin(Name,
            [
                $"architecture {architecture}, activation {activation}",
                options.Centered ? "b_dec is subtracted from the input" : "b_dec is not subtracted from the input",
                .. SaeLensFiles.Conventions(made),
                .. scales is not null ? (string[])[$"'{scales}' multiplies latents where they are decoded"] : [],
                .. facts.GetValueOrDefault("hook")?.EndsWith("_z", StringComparison.Ordinal) == true
                    ? (string[])["the heads of hook_z lie side by side in a vector"] : [],
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
        form.Require(CodeActivation.Relu, CodeActivation.TanhRelu, CodeActivation.JumpRelu, CodeActivation.TopK, CodeActivation.Gated);
        form.FoldScales();
        form.FoldWeight();
        form.RefuseAllBut("normalization", "latent_scale", "tied");
        form.RequireSquare();
        JsonObject settings = DialectWriting.Settings(autoencoder, Name);
        bool second = settings.ContainsKey("hook_point"); // the names of 2.0
        bool topK = form.Options.Activation == CodeActivation.TopK;
        string activation = topK ? "topk" : form.Options.Activation == CodeActivation.TanhRelu ? "tanh-relu" : "relu";
        settings["d_in"] = form.InputWidth;
        settings["d_sae"] = form.Latents;
        settings["apply_b_dec_to_input"] = form.Options.Centered;
        if (!second)
        {
            settings.TryAdd("architecture", form.Options.Activation switch
            {
                CodeActivation.Gated => "gated",
                CodeActivation.JumpRelu => "jumprelu",
                CodeActivation.TopK => "topk",
                _ => "standard",
            });
            settings["activation_fn_str"] = activation;
            settings["activation_fn_kwargs"] = topK ? new JsonObject { ["k"] = (int)form.Options.K } : new JsonObject();
            settings["finetuning_scaling_factor"] = form.Options.LatentScale;
            settings["normalize_activations"] = SaeLensFiles.NormalizationName(form, restores: true);
            settings.TryAdd("model_name", (JsonNode)(DialectWriting.Fact(autoencoder, "model") ?? ""));
            settings.TryAdd("hook_name", (JsonNode)(DialectWriting.Fact(autoencoder, "hook") ?? ""));
        }

        settings.TryAdd("dtype", (JsonNode)"float32");
        settings.TryAdd("device", (JsonNode)"cpu");
        DialectWriting.Json(Path.Combine(folder, SaeLensFiles.SettingsName), settings);
        List<TensorToWrite> tensors = SaeLensFiles.Tensors(form);
        if (form.Options.LatentScale)
            tensors.Add(TensorToWrite.From(DialectWriting.Fact(autoencoder, ScaleFact) ?? ScaleNames[0], form.LatentScale));
        DialectWriting.Safetensors(Path.Combine(folder, SaeLensFiles.WeightsName), tensors);
    }
}
