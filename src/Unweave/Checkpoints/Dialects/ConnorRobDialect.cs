using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// The attention-output autoencoders of Kissane and Krzyzanowski (2024): <c>NAME.pt</c> beside <c>NAME_cfg.json</c>.
/// z = relu((x − b_dec)W_enc + b_enc), x̂ = zW_dec + b_dec.
/// </summary>
internal sealed class ConnorRobDialect : IDialect
{
    private const string FileFact = "file", Ending = ".pt", SettingsEnding = "_cfg.json";

    /// <inheritdoc/>
    public string Name => "connor_rob";

    /// <inheritdoc/>
    public string Title => "Kissane and Krzyzanowski's attention-output autoencoders";

    /// <inheritdoc/>
    public string Signature => $"NAME.pt with W_enc and W_dec beside NAME{SettingsEnding} with act_size";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) => Candidates(files).Any();

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        string file = PretrainedReading.TheOne(files, Candidates(files));
        TensorFile weights = files.Tensors(file);
        DialectSettings settings = files.Settings(SettingsOf(file));
        var options = new PretrainedOptions { Activation = CodeActivation.Relu, Centered = true };
        return SaeLensFiles.Read(weights, options, made =>
        {
            var facts = new Dictionary<string, string>(StringComparer.Ordinal) { [FileFact] = file };
            PretrainedReading.Add(facts, "hook", settings.Json["act_name"]);
            PretrainedReading.Add(facts, "layer", settings.Json["layer"]);
            made.Origin = new Origin(Name, ["b_dec is subtracted from the input", "the heads of hook_z lie side by side in a vector"])
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
        form.Require(CodeActivation.Relu);
        form.FoldIntoWeights();
        form.RefuseAllBut("tied");
        form.RequireSquare();
        form.Center(true);
        JsonObject settings = DialectWriting.Settings(autoencoder, Name);
        settings["act_size"] = form.InputWidth;
        settings["dict_size"] = form.Latents;
        if (DialectWriting.Fact(autoencoder, "hook") is { } hook) settings["act_name"] = hook;
        string file = autoencoder.Origin?.Dialect is "connor_rob" && DialectWriting.Fact(autoencoder, FileFact) is { } own ? own
            : $"autoencoder{Ending}";
        DialectWriting.Json(Path.Combine(folder, SettingsOf(file)), settings);
        var content = new PickledDictionary();
        foreach (TensorToWrite tensor in SaeLensFiles.Tensors(form)) content.Add((tensor.Info.Name, tensor));
        TorchWriter.Write(Path.Combine(folder, file), content);
    }

    private static IEnumerable<string> Candidates(CheckpointFiles files) => files.Ending(Ending).Where(file =>
        files.FindSettings(SettingsOf(file))?.ContainsKey("act_size") == true
        && files.FindTensors(file) is TorchFile weights && weights.HasAll("W_enc", "W_dec", "b_enc", "b_dec"));

    private static string SettingsOf(string file) => string.Concat(file.AsSpan(0, file.Length - Ending.Length), SettingsEnding);
}
