using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// The SparseAutoEncoder module of sentence-transformers: <c>config.json</c> beside <c>model.safetensors</c> or <c>pytorch_model.bin</c>.
/// z = relu(top-k(W(norm(x) − pre_bias) + latent_bias)), x̂ = norm⁻¹(zW + pre_bias): the decoder is the encoder, kept once under the
/// decoder's name.
/// </summary>
internal sealed class SentenceTransformersDialect : IDialect
{
    private const string SettingsName = "config.json", WeightsName = "model.safetensors", TorchName = "pytorch_model.bin";

    /// <inheritdoc/>
    public string Name => "sentence_transformers";

    /// <inheritdoc/>
    public string Title => "sentence-transformers SparseAutoEncoder";

    /// <inheritdoc/>
    public string Signature => $"{SettingsName} with input_dim beside {WeightsName} or {TorchName} with latent_bias";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) =>
        files.FindSettings(SettingsName) is { } settings && settings.ContainsKey("input_dim")
        && WeightsOf(files) is { } name && files.FindTensors(name)!.HasAll("pre_bias", "latent_bias");

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        DialectSettings settings = files.Settings(SettingsName);
        PretrainedAutoencoder made = TiedTopK.Read(
            files.Tensors(WeightsOf(files)!), "", settings.Required("k", settings.Count("k")), settings.Flag("normalize"));
        made.Origin = new Origin(Name, TiedTopK.Conventions(made)) { Settings = settings.Json.ToJsonString() };
        return made;
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        GeneralForm form = TiedTopK.FormOf(autoencoder, Title);
        JsonObject settings = DialectWriting.Settings(autoencoder, Name);
        settings["input_dim"] = form.InputWidth;
        settings["hidden_dim"] = form.Latents;
        settings["k"] = (int)form.Options.K;
        settings.TryAdd("k_aux", (JsonNode)(form.InputWidth / 2));
        settings["normalize"] = form.Options.Normalization == InputNormalization.Layer;
        settings.TryAdd("dead_threshold", (JsonNode)30);
        DialectWriting.Json(Path.Combine(folder, SettingsName), settings);
        SafetensorsWriter.Write(
            Path.Combine(folder, WeightsName),
            [
                TensorToWrite.From("stats_last_nonzero", new long[form.Latents]),
                form.Decoder(TiedTopK.StoredName, rows: true),
                TensorToWrite.From("latent_bias", form.Bias),
                TensorToWrite.From("pre_bias", form.DecoderBias),
            ],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["encoder.weight"] = TiedTopK.StoredName });
    }

    private static string? WeightsOf(CheckpointFiles files) =>
        ((string[])[WeightsName, TorchName]).FirstOrDefault(name => files.FindTensors(name) is not null);
}

/// <summary>
/// CSR (Wen et al. 2025), the repository that the module of sentence-transformers comes from: the same tensors in
/// <c>checkpoint_N.pth</c>, which
/// stores neither k nor whether inputs are normalized.
/// </summary>
internal sealed class CsrDialect : IDialect
{
    private const string State = "state_dict.", Parallel = "state_dict.module.", FileFact = "file";

    /// <inheritdoc/>
    public string Name => "csr";

    /// <inheritdoc/>
    public string Title => "CSR";

    /// <inheritdoc/>
    public string Signature => "a .pth with state_dict.latent_bias";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) => Candidates(files).Any();

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        string name = PretrainedReading.TheOne(files, Candidates(files));
        TensorFile weights = files.Tensors(name);
        int k = files.Given.Count("k") ?? throw files.NotGiven("k", "32");
        if (!files.Given.Has("normalize")) throw files.NotGiven("normalize", "false");
        PretrainedAutoencoder made = TiedTopK.Read(weights, Prefix(weights)!, k, files.Given.Flag("normalize"));
        made.Origin = new Origin(Name, TiedTopK.Conventions(made))
        {
            Facts = new Dictionary<string, string>(StringComparer.Ordinal) { [FileFact] = name },
        };
        return made;
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        GeneralForm form = TiedTopK.FormOf(autoencoder, Title);
        string name = autoencoder.Origin?.Dialect is "csr" && DialectWriting.Fact(autoencoder, FileFact) is { } file ? file
            : "checkpoint_0.pth";
        TorchWriter.Write(Path.Combine(folder, name), new PickledDictionary
        {
            ("epoch", 0),
            ("state_dict", new PickledDictionary
            {
                ("pre_bias", TensorToWrite.From("pre_bias", form.DecoderBias)),
                ("latent_bias", TensorToWrite.From("latent_bias", form.Bias)),
                ("stats_last_nonzero", TensorToWrite.From("stats_last_nonzero", new long[form.Latents])),
                ("encoder.weight", form.Encoder("encoder.weight", rows: true)),
                (TiedTopK.StoredName, form.Decoder(TiedTopK.StoredName, rows: true)),
            }),
        });
        DialectWriting.Json(Path.Combine(folder, CheckpointFiles.GivenName), new JsonObject
        {
            ["k"] = (int)form.Options.K,
            ["normalize"] = form.Options.Normalization == InputNormalization.Layer,
        });
    }

    private static IEnumerable<string> Candidates(CheckpointFiles files) =>
        files.Ending(".pth", ".pt").Where(name => files.FindTensors(name) is TorchFile weights && Prefix(weights) is not null);

    private static string? Prefix(TensorFile weights) =>
        ((string[])[State, Parallel]).FirstOrDefault(at => weights.HasAll(at + "pre_bias", at + "latent_bias")
            && (weights.HasAll(at + TiedTopK.StoredName) || weights.HasAll(at + "encoder.weight")));
}

/// <summary>The formula that both share: TopK whose decoder is its encoder.</summary>
internal static class TiedTopK
{
    public const string StoredName = "decoder.linear.weight";

    /// <summary>Reads the tensors under a prefix.</summary>
    public static PretrainedAutoencoder Read(TensorFile weights, string at, int k, bool normalizes)
    {
        string name = at + StoredName;
        if (weights.Find(name) is null) name = at + "encoder.weight";
        int[] shape = weights.ShapeOf(name, 2);
        var options = new PretrainedOptions
        {
            Latents = shape[0],
            Activation = CodeActivation.TopK,
            K = k,
            Centered = true,
            Tied = true,
            Normalization = normalizes ? InputNormalization.Layer : InputNormalization.None,
            Restores = normalizes,
        };
        return PretrainedReading.Make<PretrainedAutoencoder>(options, shape[1], shape[1], [weights], made =>
        {
            weights.ReadRows(name, made.Weights.Decoder);
            weights.ReadVector(at + "latent_bias", made.Weights.EncoderBias.Row(0));
            weights.ReadVector(at + "pre_bias", made.Weights.DecoderBias.Row(0));
        });
    }

    /// <summary>What its files mean.</summary>
    public static IReadOnlyList<string> Conventions(PretrainedAutoencoder made) =>
    [
        "pre_bias is subtracted from the input",
        "the encoder is the decoder",
        .. made.Options.Restores ? (string[])["inputs pass layer norm, which is undone at the output"] : [],
    ];

    /// <summary>The form of what can be written so.</summary>
    public static GeneralForm FormOf(SparseAutoencoder autoencoder, string title)
    {
        GeneralForm form = GeneralForm.Of(autoencoder, title);
        form.Require(CodeActivation.TopK);
        form.FoldScales();
        bool normalizes = form.Options is { Normalization: InputNormalization.Layer, Restores: true };
        form.RefuseAllBut("tied", normalizes ? "normalization" : "");
        form.RequireTied();
        form.Center(true);
        return form;
    }
}
