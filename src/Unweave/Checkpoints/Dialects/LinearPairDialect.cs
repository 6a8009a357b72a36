using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// Two linear layers in one file of torch, as Goodfire and the team of the DeepSeek-R1 autoencoders published theirs, without settings:
/// z = relu(W_enc·x + b_enc), x̂ = zW_dec + b_dec.
/// </summary>
/// <param name="name">The dialect's name.</param>
/// <param name="title">The dialect's title.</param>
/// <param name="encoder">Name of the first layer.</param>
/// <param name="decoder">Name of the second layer.</param>
internal sealed class LinearPairDialect(string name, string title, string encoder, string decoder) : IDialect
{
    private const string FileFact = "file";

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string Title => title;

    /// <inheritdoc/>
    public string Signature => $"a .pt with weight and bias of {encoder} and {decoder}, without settings";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) =>
        files.FindSettings("config.json")?.ContainsKey("trainer") != true // with it, it is dictionary_learning's
            && Candidates(files).Any();

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        string file = PretrainedReading.TheOne(files, Candidates(files));
        TensorFile weights = files.Tensors(file);
        int[] shape = weights.ShapeOf($"{encoder}.weight", 2);
        var options = new PretrainedOptions { Latents = shape[0], Activation = CodeActivation.Relu };
        return PretrainedReading.Make<PretrainedAutoencoder>(
            options, shape[1], weights.ShapeOf($"{decoder}.weight", 2)[0], [weights], made =>
            {
                weights.ReadRows($"{encoder}.weight", made.Weights.Encoder);
                weights.ReadVector($"{encoder}.bias", made.Weights.EncoderBias.Row(0));
                weights.ReadTransposed($"{decoder}.weight", made.Weights.Decoder);
                weights.ReadVector($"{decoder}.bias", made.Weights.DecoderBias.Row(0));
                made.Origin = new Origin(Name, ["the decoder's bias is not subtracted from the input"])
                {
                    Facts = new Dictionary<string, string>(StringComparer.Ordinal) { [FileFact] = file },
                };
            });
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        form.Require(CodeActivation.Relu);
        form.FoldIntoWeights();
        form.RefuseAllBut("tied");
        form.Center(false);
        string file = string.Equals(autoencoder.Origin?.Dialect, Name, StringComparison.Ordinal)
            && DialectWriting.Fact(autoencoder, FileFact) is { } own ? own : "autoencoder.pt";
        TorchWriter.Write(Path.Combine(folder, file), new PickledDictionary
        {
            ($"{encoder}.weight", form.Encoder("weight", rows: true)),
            ($"{encoder}.bias", TensorToWrite.From("bias", form.Bias)),
            ($"{decoder}.weight", form.Decoder("weight", rows: false)),
            ($"{decoder}.bias", TensorToWrite.From("bias", form.DecoderBias)),
        });
    }

    private IEnumerable<string> Candidates(CheckpointFiles files) => files.Ending(".pt", ".pth").Where(file =>
        files.FindTensors(file) is TorchFile { Tensors.Count: 4 } weights
            && weights.HasAll($"{encoder}.weight", $"{encoder}.bias", $"{decoder}.weight", $"{decoder}.bias"));
}
