using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// circuit-tracer's transcoders of one layer: <c>layer_I.safetensors</c> beside <c>config.yaml</c>. z = h where h &gt; threshold, without a
/// ReLU, or the k largest with their signs, or relu(h), h = W_enc·x + b_enc; ŷ = zW_dec + b_dec + W_skip·x.
/// </summary>
internal sealed class CircuitTracerDialect : IDialect
{
    private const string SettingsName = "config.yaml", ThresholdName = "activation_function.threshold", FileFact = "file",
        Kind = "transcoder_set";

    /// <inheritdoc/>
    public string Name => "circuit_tracer";

    /// <inheritdoc/>
    public string Title => "circuit-tracer";

    /// <inheritdoc/>
    public string Signature => "layer_I.safetensors with W_enc and W_dec of one shape, or W_enc_I and W_dec_I.safetensors";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) => CircuitTracerLayers.Recognizes(files) || Candidates(files).Any();

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        DialectSettings settings = files.FlatYaml(SettingsName);
        if (CircuitTracerLayers.Recognizes(files)) return CircuitTracerLayers.Read(Name, files, settings);
        string file = PretrainedReading.TheOne(files, Candidates(files));
        TensorFile weights = files.Tensors(file);
        int[] shape = weights.ShapeOf("W_enc", 2), output = weights.ShapeOf("W_dec", 2);
        bool thresholds = weights.Find(ThresholdName) is not null, topK = !thresholds && (weights.Find("k") is not null
            || settings.Text("activation") is "topk");
        bool skip = weights.Find("W_skip") is not null;
        if (!thresholds && !topK && settings.Text("activation") is { } activation and not "relu")
            throw settings.Refuse("activation", $"but the weights have no '{ThresholdName}'");
        var options = new PretrainedOptions
        {
            Latents = shape[0],
            Activation = thresholds ? CodeActivation.JumpRelu : topK ? CodeActivation.TopK : CodeActivation.Relu,
            K = !topK ? 0 : weights.Find("k") is not null ? weights.ReadNumber("k") : settings.Required("k", settings.Count("k")),
            Signed = thresholds || topK,
            Skip = skip,
        };
        return PretrainedReading.Make<PretrainedAutoencoder>(options, shape[1], output[1], [weights], made =>
        {
            weights.ReadRows("W_enc", made.Weights.Encoder);
            weights.ReadVector("b_enc", made.Weights.EncoderBias.Row(0));
            weights.ReadRows("W_dec", made.Weights.Decoder);
            weights.ReadVector("b_dec", made.Weights.DecoderBias.Row(0));
            if (thresholds) weights.ReadVector(ThresholdName, made.Threshold!.Row(0));
            if (skip) weights.ReadRows("W_skip", made.Skip!);
            var facts = new Dictionary<string, string>(StringComparer.Ordinal) { [FileFact] = file };
            PretrainedReading.Add(facts, "model", settings.Json["model_name"]);
            PretrainedReading.Add(facts, "hook", settings.Json["feature_input_hook"]);
            PretrainedReading.Add(facts, "output hook", settings.Json["feature_output_hook"]);
            made.Origin = new Origin(Name,
            [
                "b_dec is not subtracted from the input",
                .. thresholds ? (string[])["thresholds are strict and no ReLU is applied"] : [],
                .. topK ? (string[])["negative values among the k largest are kept"] : [],
                .. skip ? (string[])["the output has W_skip·x of the input as it is"] : [],
            ])
            {
                Facts = facts,
                Settings = settings.Json.Count > 0 ? settings.Json.ToJsonString() : null,
            };
        });
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        if (autoencoder is MultilayerAutoencoder layers)
        {
            CircuitTracerLayers.Write(layers, folder, SettingsName, Name, Title);
            return;
        }

        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        form.Require(CodeActivation.Relu, CodeActivation.JumpRelu, CodeActivation.TopK);
        form.FoldIntoWeights();
        form.RefuseAllBut("skip", "signed", "tied");
        form.RequireSquare();
        form.Center(false);
        bool topK = form.Options.Activation == CodeActivation.TopK;
        if (topK && !form.Options.Signed) throw form.Refuse("relu on the k largest", "its TopK keeps negative values");
        string file = autoencoder.Origin?.Dialect is "circuit_tracer" && DialectWriting.Fact(autoencoder, FileFact) is { } own ? own
            : "layer_0.safetensors";
        JsonObject settings = DialectWriting.Settings(autoencoder, Name);
        settings["model_kind"] = Kind;
        settings.TryAdd("model_name", (JsonNode)(DialectWriting.Fact(autoencoder, "model") ?? "unknown"));
        settings.TryAdd("feature_input_hook", (JsonNode)(DialectWriting.Fact(autoencoder, "hook") ?? "mlp.hook_in"));
        settings.TryAdd("feature_output_hook", (JsonNode)(DialectWriting.Fact(autoencoder, "output hook") ?? "hook_mlp_out"));
        if (form.Options.Activation != CodeActivation.JumpRelu) settings["activation"] = topK ? "topk" : "relu";
        if (topK) settings["k"] = (int)form.Options.K;
        settings["transcoders"] = new JsonArray(file);
        FlatYaml.Write(Path.Combine(folder, SettingsName), settings);
        List<TensorToWrite> tensors =
        [
            form.Encoder("W_enc", rows: true), form.Decoder("W_dec", rows: true),
            TensorToWrite.From("b_enc", form.Bias), TensorToWrite.From("b_dec", form.DecoderBias),
        ];
        if (form.Options.Activation == CodeActivation.JumpRelu)
        {
            float[] thresholds = form.Options.Signed ? form.Thresholds : [.. form.Thresholds.Select(value => MathF.Max(value, 0))];
            tensors.Add(TensorToWrite.From(ThresholdName, thresholds));
        }

        if (topK) tensors.Add(TensorToWrite.From("k", [(long)form.Options.K], []));
        if (form.Options.Skip) tensors.Add(form.SkipTensor("W_skip"));
        DialectWriting.Safetensors(Path.Combine(folder, file), tensors);
    }

    private static IEnumerable<string> Candidates(CheckpointFiles files) => files.Ending(".safetensors").Where(file =>
        file.StartsWith("layer_", StringComparison.Ordinal) && files.FindTensors(file) is { } weights
            && weights.HasAll("W_enc", "W_dec", "b_enc", "b_dec") && weights["W_enc"].Shape is [var n, _]
                && weights["W_dec"].Shape is [var m, _]
            && n == m);
}
