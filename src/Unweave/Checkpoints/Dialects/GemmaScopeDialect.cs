using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// Gemma Scope: <c>params.npz</c>; Gemma Scope 2: <c>params.safetensors</c> beside <c>config.json</c>. z = relu(h)·[h &gt; threshold] with
/// h = xW_enc + b_enc, x̂ = zW_dec + b_dec, of Scope 2's affine transcoders + x·A, A not transposed.
/// </summary>
internal sealed class GemmaScopeDialect : IDialect
{
    private const string SettingsName = "config.json", ArrayName = "params.npz", WeightsName = "params.safetensors",
        Skip = "affine_skip_connection";

    /// <inheritdoc/>
    public string Name => "gemma_scope";

    /// <inheritdoc/>
    public string Title => "Gemma Scope";

    /// <inheritdoc/>
    public string Signature => $"{ArrayName} with W_enc and threshold, or {WeightsName} with w_enc and threshold";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) => WeightsOf(files) is not null;

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        string name = WeightsOf(files)!;
        TensorFile weights = files.Tensors(name);
        bool second = weights.HasAll("w_enc");
        string encoder = second ? "w_enc" : "W_enc", decoder = second ? "w_dec" : "W_dec";
        int[] shape = weights.ShapeOf(encoder, 2), output = weights.ShapeOf(decoder, 2);
        (int width, int latents) = (shape[0], shape[1]);
        DialectSettings? settings = files.FindSettings(SettingsName) is null ? null : files.Settings(SettingsName);
        if (settings?.Text("architecture") is { } architecture and not "jump_relu")
            throw settings.Refuse("architecture", $"of which only jump_relu is known (it says {architecture})");
        bool skip = weights.Find(Skip) is not null, embedding = !second && IsOfEmbeddings(files.Folder);
        var options = new PretrainedOptions { Latents = latents, Activation = CodeActivation.JumpRelu, Skip = skip };
        return PretrainedReading.Make<PretrainedAutoencoder>(options, width, output[1], [weights], made =>
        {
            weights.ReadTransposed(encoder, made.Weights.Encoder);
            weights.ReadVector("b_enc", made.Weights.EncoderBias.Row(0));
            weights.ReadRows(decoder, made.Weights.Decoder);
            weights.ReadVector("b_dec", made.Weights.DecoderBias.Row(0));
            weights.ReadVector("threshold", made.Threshold!.Row(0));
            if (skip) weights.ReadTransposed(Skip, made.Skip!);
            if (embedding)
            {
                // b_dec is of the embeddings themselves, and is scaled like the rest at the output.
                made.InputScale = made.OutputScale = (float)(1 / Math.Sqrt(width));
                foreach (ref float value in made.Weights.DecoderBias.Row(0)) value *= made.OutputScale;
            }

            var facts = new Dictionary<string, string>(StringComparer.Ordinal);
            PretrainedReading.Add(facts, "model", settings?.Json["model_name"]);
            PretrainedReading.Add(facts, "hook", settings?.Json["hf_hook_point_in"]);
            PretrainedReading.Add(facts, "output hook", settings?.Json["hf_hook_point_out"]);
            PretrainedReading.Add(facts, "authors' l0", settings?.Json["l0"]);
            if (settings is null)
            {
                const string MeanActive = "average_l0_";
                facts["path"] = PathParts(files.Folder);
                string? l0 = facts["path"].Split('/').LastOrDefault(part => part.StartsWith(MeanActive, StringComparison.Ordinal));
                if (l0 is not null) facts["authors' l0"] = TensorFile.OneLine(l0[MeanActive.Length..]);
            }

            made.Origin = new Origin(Name,
            [
                "b_dec is not subtracted from the input",
                "thresholds are strict",
                .. skip ? (string[])["the output has x·A of the input as it is, A as it is stored"] : [],
            ])
            {
                Folded = embedding ? ["W_enc/√d and W_dec·√d, as its folder says that it is of embeddings"] : [],
                Facts = facts,
                Settings = settings?.Json.ToJsonString(),
            };
        });
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        form.Require(CodeActivation.JumpRelu, CodeActivation.Relu);
        form.FoldIntoWeights();
        form.RefuseAllBut("skip", "tied");
        form.Center(false);
        if (IsOfEmbeddings(folder)) form.Rescale((float)Math.Sqrt(form.InputWidth), (float)(1 / Math.Sqrt(form.InputWidth)));
        bool second = form.Options.Skip || (autoencoder.Origin is { Dialect: "gemma_scope", Settings: not null });
        TensorToWrite[] tensors =
        [
            form.Encoder(second ? "w_enc" : "W_enc", rows: false),
            form.Decoder(second ? "w_dec" : "W_dec", rows: true),
            TensorToWrite.From("b_enc", form.Bias),
            TensorToWrite.From("b_dec", form.DecoderBias),
            TensorToWrite.From("threshold", form.Options.Activation == CodeActivation.Relu ? new float[form.Latents] : form.Thresholds),
        ];
        if (!second)
        {
            NpzWriter.Write(Path.Combine(folder, ArrayName), tensors);
            return;
        }

        JsonObject settings = DialectWriting.Settings(autoencoder, Name);
        settings["width"] = form.Latents;
        settings["architecture"] = "jump_relu";
        settings["affine_connection"] = form.Options.Skip;
        if (DialectWriting.Fact(autoencoder, "model") is { } model) settings.TryAdd("model_name", (JsonNode)model);
        if (DialectWriting.Fact(autoencoder, "hook") is { } hook) settings.TryAdd("hf_hook_point_in", (JsonNode)hook);
        if ((DialectWriting.Fact(autoencoder, "output hook") ?? DialectWriting.Fact(autoencoder, "hook")) is { } output)
            settings.TryAdd("hf_hook_point_out", (JsonNode)output);
        DialectWriting.Json(Path.Combine(folder, SettingsName), settings);
        DialectWriting.Safetensors(
            Path.Combine(folder, WeightsName),
            form.Options.Skip ? [.. tensors, GeneralForm.Tensor(Skip, form.Pretrained!.Skip!, null, 1, rows: false)] : tensors);
    }

    private static string? WeightsOf(CheckpointFiles files) =>
        files.FindTensors(ArrayName)?.HasAll("W_enc", "W_dec", "b_enc", "b_dec", "threshold") == true ? ArrayName
        : files.FindTensors(WeightsName)?.HasAll("w_enc", "w_dec", "b_enc", "b_dec", "threshold") == true ? WeightsName
        : null;

    // Scope 1 has no settings: what it is of is in the names of its folders, <c>embedding/width_4k/average_l0_6</c>.
    private static bool IsOfEmbeddings(string folder) =>
        PathParts(folder).Split('/').Contains("embedding", StringComparer.Ordinal);

    private static string PathParts(string folder) =>
        string.Join('/', Path.GetFullPath(folder).Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).TakeLast(3));
}
