using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// EleutherAI's sparsify: <c>cfg.json</c> and <c>sae.safetensors</c> in a folder a hook.
/// z = top-k(relu(W_enc(x − [not transcode]b_dec) + b_enc)), or the largest of each of k groups; x̂ = zW_dec + b_dec + W_skip·x.
/// </summary>
internal sealed class SparsifyDialect : IDialect
{
    private const string SettingsName = "cfg.json", WeightsName = "sae.safetensors";

    /// <inheritdoc/>
    public string Name => "sparsify";

    /// <inheritdoc/>
    public string Title => "sparsify";

    /// <inheritdoc/>
    public string Signature => $"{SettingsName} beside {WeightsName} with encoder.weight and W_dec";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) =>
        files.Has(SettingsName) && files.FindTensors(WeightsName)?.HasAll("encoder.weight", "W_dec") == true;

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        DialectSettings settings = files.Settings(SettingsName);
        TensorFile weights = files.Tensors(WeightsName);
        int[] shape = weights.ShapeOf("encoder.weight", 2);
        (int latents, int width) = (shape[0], shape[1]);
        string activation = settings.Text("activation") ?? "topk";
        if (settings.Flag("signed")) throw settings.Refuse("signed", "a selection by magnitude, which is not read");
        int claimed = settings.Count("num_latents") is > 0 and { } given ? given
            : (int)Math.Min(int.MaxValue, (settings.Count("expansion_factor") ?? 0) * (long)width);
        if (claimed != 0 && claimed != latents)
            throw settings.Refuse(settings.Count("num_latents") > 0 ? "num_latents" : "expansion_factor",
                $"but the weights have {latents} latents");
        bool transcode = settings.Flag("transcode"), skip = weights.Find("W_skip") is not null;
        var options = new PretrainedOptions
        {
            Latents = latents,
            Activation = activation switch
            {
                "topk" => CodeActivation.TopK,
                "groupmax" => CodeActivation.GroupMax,
                _ => throw settings.Refuse("activation", "of which only topk and groupmax are known"),
            },
            K = settings.Required("k", settings.Count("k")),
            Centered = !transcode,
            Skip = skip,
        };
        return PretrainedReading.Make<PretrainedAutoencoder>(options, width, width, [weights], made =>
        {
            weights.ReadRows("encoder.weight", made.Weights.Encoder);
            weights.ReadVector("encoder.bias", made.Weights.EncoderBias.Row(0));
            weights.ReadRows("W_dec", made.Weights.Decoder);
            weights.ReadVector("b_dec", made.Weights.DecoderBias.Row(0));
            if (skip) weights.ReadRows("W_skip", made.Skip!);
            made.Origin = new Origin(Name,
            [
                transcode ? "b_dec is not subtracted from the input (transcode)" : "b_dec is subtracted from the input",
                "relu before the selection",
                .. skip ? (string[])["the output has W_skip·x of the input as it is"] : [],
            ])
            {
                Facts = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["hook"] = Path.GetFileName(Path.GetFullPath(files.Folder)),
                },
                Settings = settings.Json.ToJsonString(),
            };
        });
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        form.Require(CodeActivation.TopK, CodeActivation.GroupMax);
        form.FoldIntoWeights();
        form.RefuseAllBut("skip", "tied");
        form.RequireSquare();
        JsonObject settings = DialectWriting.Settings(autoencoder, Name);
        settings["activation"] = form.Options.Activation == CodeActivation.TopK ? "topk" : "groupmax";
        settings.TryAdd("expansion_factor", (JsonNode)Math.Max(1, form.Latents / form.InputWidth));
        settings.TryAdd("normalize_decoder", (JsonNode)false);
        if (settings["num_latents"] is not JsonValue || form.Latents != (double?)settings["expansion_factor"] * form.InputWidth)
            settings["num_latents"] = form.Latents;
        settings["k"] = (int)form.Options.K;
        settings.TryAdd("multi_topk", (JsonNode)false);
        settings["skip_connection"] = form.Options.Skip;
        settings["transcode"] = !form.Options.Centered;
        settings["d_in"] = form.InputWidth;
        List<TensorToWrite> tensors =
        [
            form.Decoder("W_dec", rows: true),
            TensorToWrite.From("b_dec", form.DecoderBias),
            TensorToWrite.From("encoder.bias", form.Bias),
            form.Encoder("encoder.weight", rows: true),
        ];
        if (form.Options.Skip) tensors.Insert(1, form.SkipTensor("W_skip"));
        DialectWriting.Json(Path.Combine(folder, SettingsName), settings);
        DialectWriting.Safetensors(Path.Combine(folder, WeightsName), tensors);
    }
}
