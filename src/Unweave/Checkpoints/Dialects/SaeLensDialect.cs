using System.Globalization;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// SAELens from 6 on: <c>cfg.json</c> with <c>metadata</c> beside <c>sae_weights.safetensors</c>. Architectures standard, gated, jumprelu,
/// topk, matching_pursuit, temporal and four kinds of transcoders; batchtopk and matryoshka_batchtopk of training checkpoints.
/// </summary>
internal sealed class SaeLensDialect : IDialect
{
    private const string ScalerName = "activation_scaler.json", ScalerKey = "scaling_factor", Average = "expected_average_only_in",
        ThresholdName = "topk_threshold";

    /// <inheritdoc/>
    public string Name => "saelens";

    /// <inheritdoc/>
    public string Title => "SAELens";

    /// <inheritdoc/>
    public string Signature => $"{SaeLensFiles.SettingsName} with metadata beside {SaeLensFiles.WeightsName}";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) =>
        SaeLensFiles.Recognizes(files) && files.FindSettings(SaeLensFiles.SettingsName)!["metadata"] is JsonObject;

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        DialectSettings settings = files.Settings(SaeLensFiles.SettingsName);
        TensorFile weights = files.Tensors(SaeLensFiles.WeightsName);
        string architecture = settings.Text("architecture") ?? "standard";
        if (architecture is "temporal")
        {
            return SaeLensTemporal.Read(settings, weights, new Origin(Name,
                ["architecture temporal", "the rows of a call are one sequence", "codes are of what earlier positions do not predict"])
            {
                Facts = Facts(settings.Find("metadata")!, weights),
                Settings = settings.Json.ToJsonString(),
            });
        }

        bool transcoder = architecture.EndsWith("transcoder", StringComparison.Ordinal);
        bool subtracts = settings.Flag("apply_b_dec_to_input", otherwise: true) && !transcoder;
        PretrainedOptions options = Activation(settings, architecture) with { Centered = subtracts, Groups = Groups(settings) };
        float scale = 1;
        if (settings.Text("normalize_activations") is Average)
        {
            if (transcoder) throw settings.Refuse("normalize_activations", "of which the factor of a transcoder's output is not known");
            double? factor = files.Has(ScalerName)
                ? files.Settings(ScalerName).Number(ScalerKey)
                : files.Given.Number(ScalerKey);
            scale = (float)(factor is > 0 ? factor.Value : throw files.NotGiven(ScalerKey, "0.5"));
        }
        else
        {
            options = SaeLensFiles.Normalization(settings, settings.Text("normalize_activations"), options) with
            {
                Restores = settings.Text("normalize_activations") is not (null or "none") && !transcoder,
            };
        }

        bool usesBias = options.Activation != CodeActivation.MatchingPursuit || subtracts;
        return SaeLensFiles.Read(weights, options, made =>
        {
            (made.InputScale, made.OutputScale) = (scale, scale);
            if (!usesBias) made.Weights.DecoderBias.Clear();
            made.Origin = new Origin(Name,
            [
                $"architecture {architecture}",
                subtracts ? "b_dec is subtracted from the input" : "b_dec is not subtracted from the input",
                .. SaeLensFiles.Conventions(made),
                .. scale != 1 ? (string[])[$"inputs are multiplied and outputs divided by {scale:R} ({ScalerKey})"] : [],
                .. settings.Text("reshape_activations") is "hook_z" ? (string[])["the heads of hook_z lie side by side in a vector"] : [],
                .. options.Activation == CodeActivation.BatchTopK
                    ? (string[])["a training checkpoint: codes are selected over the whole batch"] : [],
            ])
            {
                Folded = usesBias ? [] : ["b_dec, which is neither subtracted nor added, is left out"],
                Facts = Facts(settings.Find("metadata")!, weights),
                Settings = settings.Json.ToJsonString(),
            };
        });
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        JsonObject settings = DialectWriting.Settings(autoencoder, Name);
        if (autoencoder is TemporalAutoencoder temporal)
        {
            List<TensorToWrite> sequence = SaeLensTemporal.Tensors(temporal, settings, Title);
            settings["architecture"] = "temporal";
            SetCommon(settings, autoencoder, []);
            DialectWriting.Json(Path.Combine(folder, SaeLensFiles.SettingsName), settings);
            DialectWriting.Safetensors(Path.Combine(folder, SaeLensFiles.WeightsName), sequence);
            return;
        }

        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        bool own = settings.Count > 0, scaled = own && settings["normalize_activations"]?.ToString() is Average;
        form.Require(
            CodeActivation.Relu, CodeActivation.JumpRelu, CodeActivation.TopK, CodeActivation.Gated, CodeActivation.MatchingPursuit,
            own ? CodeActivation.BatchTopK : CodeActivation.Relu);
        if (!scaled) form.FoldScales();
        form.FoldLatentScale();
        bool rescales = form.Options is
        {
            Activation: CodeActivation.TopK or CodeActivation.BatchTopK, Weight: LatentWeight.Norm, GivesWeighed: true
        };
        if (!rescales) form.FoldWeight();
        form.RefuseAllBut("skip", "normalization", "weight", "tied");
        bool transcoder = form.InputWidth != form.OutputWidth || form.Options.Skip || IsTranscoder(autoencoder, settings, form);
        if (transcoder) form.Center(false);
        string architecture = Architecture(form, transcoder, own ? settings["architecture"]?.ToString() : null);
        SetCommon(settings, autoencoder, form.Options.Groups);
        settings["apply_b_dec_to_input"] = form.Options.Centered;
        settings["normalize_activations"] = scaled ? Average : SaeLensFiles.NormalizationName(form, restores: !transcoder);
        if (form.Options.Activation is CodeActivation.TopK or CodeActivation.BatchTopK)
        {
            settings["k"] = form.Options.K == Math.Floor(form.Options.K) ? (JsonNode)(int)form.Options.K : (JsonNode)form.Options.K;
            settings["rescale_acts_by_decoder_norm"] = rescales;
        }

        if (transcoder) settings["d_out"] = form.OutputWidth;
        if (form.Options.Activation == CodeActivation.MatchingPursuit) Pursuit(settings, form);
        settings["architecture"] = architecture;
        DialectWriting.Json(Path.Combine(folder, SaeLensFiles.SettingsName), settings);
        List<TensorToWrite> tensors = SaeLensFiles.Tensors(form);
        if (form.Options.Skip) tensors.Add(form.SkipTensor("W_skip"));
        if (form.Options.Activation == CodeActivation.BatchTopK)
        {
            double threshold = DialectWriting.Fact(autoencoder, ThresholdName) is { } kept ? float.Parse(kept,
                CultureInfo.InvariantCulture) : 0;
            tensors.Add(TensorToWrite.Made(ThresholdName, ElementType.Float64, [], take => take(BitConverter.GetBytes(threshold))));
        }

        DialectWriting.Safetensors(Path.Combine(folder, SaeLensFiles.WeightsName), tensors);
        if (scaled)
            DialectWriting.Json(Path.Combine(folder, ScalerName), new JsonObject { [ScalerKey] = (JsonNode)autoencoder.InputScale });
    }

    private static PretrainedOptions Activation(DialectSettings settings, string architecture)
    {
        bool rescales = settings.Flag("rescale_acts_by_decoder_norm");
        PretrainedOptions Selecting(CodeActivation activation) => new()
        {
            Activation = activation,
            K = settings.Required("k", settings.Number("k")),
            Weight = rescales ? LatentWeight.Norm : LatentWeight.None,
            GivesWeighed = rescales,
        };
        return architecture switch
        {
            "standard" or "transcoder" => new() { Activation = CodeActivation.Relu },
            "skip_transcoder" => new() { Activation = CodeActivation.Relu, Skip = true },
            "gated" => new() { Activation = CodeActivation.Gated },
            "jumprelu" or "jumprelu_transcoder" => new() { Activation = CodeActivation.JumpRelu },
            "jumprelu_skip_transcoder" => new() { Activation = CodeActivation.JumpRelu, Skip = true },
            "topk" => Selecting(CodeActivation.TopK),
            "batchtopk" or "matryoshka_batchtopk" => Selecting(CodeActivation.BatchTopK),
            "matching_pursuit" => new()
            {
                Activation = CodeActivation.MatchingPursuit,
                K = settings.Count("max_iterations") ?? (settings.Json.ContainsKey("max_iterations")
                    ? settings.Required("d_in", settings.Count("d_in"))
                    : int.MaxValue), // before the key there was no end but the others
                ResidualThreshold = settings.Number("residual_threshold") ?? 0,
                StopsOnDuplicate = settings.Flag("stop_on_duplicate_support", otherwise: true),
            },
            _ => throw settings.Refuse("architecture", "which is not known"),
        };
    }

    // Widths count from the first latent; groups do not.
    private static int[] Groups(DialectSettings settings)
    {
        JsonNode? widths = settings.Json["matryoshka_widths"]
            ?? (settings.Json["metadata"]?["training_architecture_details"] as JsonObject)?["matryoshka_widths"];
        if (widths is not JsonArray list) return [];
        var sizes = new List<int>();
        int before = 0;
        foreach (JsonNode? node in list)
        {
            if (node is not JsonValue value || !value.TryGetValue(out int width) || width <= before) return [];
            sizes.Add(width - before);
            before = width;
        }

        return [.. sizes];
    }

    private static Dictionary<string, string> Facts(DialectSettings metadata, TensorFile weights)
    {
        var facts = new Dictionary<string, string>(StringComparer.Ordinal);
        PretrainedReading.Add(facts, "model", metadata.Json["model_name"]);
        PretrainedReading.Add(facts, "hook", metadata.Json["hook_name"]);
        PretrainedReading.Add(facts, "output hook", metadata.Json["hook_name_out"]);
        PretrainedReading.Add(facts, "dataset", metadata.Json["dataset_path"]);
        PretrainedReading.Add(facts, "context size", metadata.Json["context_size"]);
        PretrainedReading.Add(facts, "prepends a start token", metadata.Json["prepend_bos"]);
        PretrainedReading.Add(facts, "trained as", metadata.Json["training_architecture"]);
        PretrainedReading.Add(facts, "version", metadata.Json["sae_lens_version"]);
        if (weights.Find(ThresholdName) is { Count: 1 })
            facts[ThresholdName] = weights.ReadNumber(ThresholdName).ToString("R", CultureInfo.InvariantCulture);
        return facts;
    }

    // A transcoder by its own settings, by its hooks, or because only transcoders leave the output normalized.
    private static bool IsTranscoder(SparseAutoencoder autoencoder, JsonObject settings, GeneralForm form)
    {
        if (settings["architecture"]?.ToString() is { } own) return own.EndsWith("transcoder", StringComparison.Ordinal);
        if (form.Options.Activation is not (CodeActivation.Relu or CodeActivation.JumpRelu)) return false;
        return (form.Options.Normalization != InputNormalization.None && !form.Options.Restores)
            || (DialectWriting.Fact(autoencoder, "output hook") is { } output
                && !string.Equals(output, DialectWriting.Fact(autoencoder, "hook"), StringComparison.Ordinal));
    }

    private static string Architecture(GeneralForm form, bool transcoder, string? own)
    {
        string skip = form.Options.Skip ? "skip_" : "";
        return (form.Options.Activation, transcoder) switch
        {
            (CodeActivation.Relu, true) => $"{skip}transcoder",
            (CodeActivation.JumpRelu, true) => $"jumprelu_{skip}transcoder",
            (_, true) when form.Options.Skip => throw form.Refuse("skip",
                $"a {form.Options.Title} has none there, its output would lose W_skip·x"),
            (_, true) => throw form.Refuse($"outputs of width {form.OutputWidth}", $"a {form.Options.Title} there reconstructs its input"),
            (CodeActivation.Relu, _) => "standard",
            (CodeActivation.JumpRelu, _) => "jumprelu",
            (CodeActivation.Gated, _) => "gated",
            (CodeActivation.TopK, _) => "topk",
            (CodeActivation.MatchingPursuit, _) => "matching_pursuit",
            _ => own ?? "batchtopk",
        };
    }

    private static void SetCommon(JsonObject settings, SparseAutoencoder autoencoder, IReadOnlyList<int> groups)
    {
        settings["d_in"] = autoencoder.InputWidth;
        settings["d_sae"] = autoencoder.Latents;
        settings["dtype"] = "float32";
        settings.TryAdd("device", (JsonNode)"cpu");
        settings.TryAdd("reshape_activations", (JsonNode)"none");
        if (settings["metadata"] is not JsonObject) settings["metadata"] = Metadata(autoencoder, groups);
    }

    private static JsonObject Metadata(SparseAutoencoder autoencoder, IReadOnlyList<int> groups)
    {
        var metadata = new JsonObject { ["sae_lens_version"] = "6.39.0" };
        foreach ((string fact, string key) in ((string, string)[])
            [("model", "model_name"), ("hook", "hook_name"), ("output hook", "hook_name_out"), ("dataset", "dataset_path")])
            if (DialectWriting.Fact(autoencoder, fact) is { } value) metadata[key] = value;
        if (groups.Count == 0) return metadata;
        int end = 0;
        metadata["training_architecture"] = "matryoshka_batchtopk";
        metadata["training_architecture_details"] = new JsonObject
        {
            ["matryoshka_widths"] = new JsonArray([.. groups.Select(size => (JsonNode)(end += size))]),
        };
        return metadata;
    }

    private static void Pursuit(JsonObject settings, GeneralForm form)
    {
        PretrainedOptions options = form.Options;
        if (options.Signed) throw form.Refuse("signed", "its matching pursuit has no values below 0");
        settings["residual_threshold"] = options.ResidualThreshold;
        settings["stop_on_duplicate_support"] = options.StopsOnDuplicate;
        bool unset = settings.ContainsKey("max_iterations") && settings["max_iterations"] is null;
        if (options.K < int.MaxValue && !(unset && options.K == form.InputWidth)) settings["max_iterations"] = (int)options.K;
    }
}
