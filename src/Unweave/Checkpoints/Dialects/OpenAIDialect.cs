using System.Globalization;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// OpenAI's sparse_autoencoder: one state dict of torch, <c>&lt;layer&gt;.pt</c>. TopK implies layer norm, which the file does not say:
/// z = postact(top-k(W_enc(norm(x) − pre_bias) + latent_bias)), x̂ = norm⁻¹(zW_dec + pre_bias). ReLU has no norm.
/// </summary>
internal sealed class OpenAIDialect : IDialect
{
    private const string FileFact = "file";
    private static readonly string[] Endings = [".pt", ".pth"];

    /// <inheritdoc/>
    public string Name => "openai";

    /// <inheritdoc/>
    public string Title => "OpenAI sparse_autoencoder";

    /// <inheritdoc/>
    public string Signature => "a .pt with pre_bias, latent_bias, encoder.weight and decoder.weight";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) => Candidates(files).Any();

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        string name = PretrainedReading.TheOne(files, Candidates(files));
        TensorFile weights = files.Tensors(name);
        int[] shape = weights.ShapeOf("encoder.weight", 2);
        (int latents, int width) = (shape[0], shape[1]);
        string activation = weights.Metadata.GetValueOrDefault("activation") ?? "ReLU";
        bool tied = weights.Find("decoder.weight") is null, topK = activation is "TopK";
        var options = new PretrainedOptions { Latents = latents, Centered = true, Tied = tied };
        if (topK)
        {
            options = options with
            {
                Activation = CodeActivation.TopK,
                K = ReadK(weights),
                Signed = PostActivation(weights) is "Identity",
                Normalization = InputNormalization.Layer,
                Restores = true,
            };
        }
        else if (activation is not "ReLU")
        {
            throw new InputException($"{files.PathOf(name)}: activation is '{TensorFile.OneLine(activation)}', of which only TopK and "
                + $"ReLU are known.");
        }

        return PretrainedReading.Make<PretrainedAutoencoder>(options, width, width, [weights], made =>
        {
            weights.ReadRows("encoder.weight", made.Weights.Encoder);
            if (!tied) weights.ReadTransposed("decoder.weight", made.Weights.Decoder);
            weights.ReadVector("latent_bias", made.Weights.EncoderBias.Row(0));
            weights.ReadVector("pre_bias", made.Weights.DecoderBias.Row(0));
            made.Origin = new Origin(Name,
            [
                "pre_bias is subtracted from the input",
                .. topK ? (string[])["inputs pass layer norm, which TopK implies here; it is undone at the output"] : [],
                .. options.Signed ? (string[])["negative values among the k largest are kept"] : [],
                .. tied ? (string[])["the encoder is the decoder"] : [],
            ])
            {
                Facts = new Dictionary<string, string>(StringComparer.Ordinal) { [FileFact] = name },
            };
        });
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        form.Require(CodeActivation.TopK, CodeActivation.Relu);
        form.FoldIntoWeights();
        bool topK = form.Options.Activation == CodeActivation.TopK;
        form.RefuseAllBut("tied", topK ? "normalization" : "", topK ? "signed" : "");
        form.RequireSquare();
        form.Center(true);
        if (topK && form.Options is not { Normalization: InputNormalization.Layer, Restores: true })
            throw form.Refuse("inputs as they are", "TopK there implies layer norm of the input, undone at the output");
        var content = new PickledDictionary
        {
            ("pre_bias", TensorToWrite.From("pre_bias", form.DecoderBias)),
            ("latent_bias", TensorToWrite.From("latent_bias", form.Bias)),
            ("stats_last_nonzero", TensorToWrite.From("stats_last_nonzero", new long[form.Latents])),
            ("latents_activation_frequency", TensorToWrite.From("latents_activation_frequency", new float[form.Latents])),
            ("latents_mean_square", TensorToWrite.From("latents_mean_square", new float[form.Latents])),
            ("encoder.weight", form.Encoder("encoder.weight", rows: true)),
            form.Options.Tied
                ? ("decoder.linear.weight", form.Decoder("decoder.linear.weight", rows: true))
                : ("decoder.weight", form.Decoder("decoder.weight", rows: false)),
            ("activation", topK ? "TopK" : "ReLU"),
        };
        if (topK)
        {
            content.Add(("activation_state_dict", new PickledDictionary
            {
                ("k", (int)form.Options.K),
                ("postact_fn", form.Options.Signed ? "Identity" : "ReLU"),
            }));
        }

        string name = autoencoder.Origin?.Dialect is "openai" && DialectWriting.Fact(autoencoder, FileFact) is { } file ? file
            : "autoencoder.pt";
        TorchWriter.Write(Path.Combine(folder, name), content);
    }

    private static IEnumerable<string> Candidates(CheckpointFiles files) => files.Ending(Endings).Where(name =>
        files.FindTensors(name) is TorchFile weights && weights.HasAll("pre_bias", "latent_bias", "encoder.weight")
            && (weights.HasAll("decoder.weight") || (weights.HasAll("decoder.linear.weight")
                && weights.Metadata.ContainsKey("activation"))));

    private static int ReadK(TensorFile weights) =>
        int.TryParse(weights.Metadata.GetValueOrDefault("activation_state_dict.k"), CultureInfo.InvariantCulture, out int k) ? k
        : throw new InputException($"{weights.Path}: activation_state_dict.k is missing or no whole number, which TopK needs.");

    private static string PostActivation(TensorFile weights)
    {
        string name = weights.Metadata.GetValueOrDefault("activation_state_dict.postact_fn") ?? "ReLU";
        return name is "ReLU" or "Identity" ? name : throw new InputException(
            $"{weights.Path}: activation_state_dict.postact_fn is '{TensorFile.OneLine(name)}', of which only ReLU and Identity are "
                + $"known.");
    }
}
