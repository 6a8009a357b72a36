using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// dictionary_learning (saprmarks): <c>ae.pt</c> beside <c>config.json</c>, whose <c>trainer.dict_class</c> says which of seven formulas it
/// is.
/// </summary>
internal sealed class DictionaryLearningDialect : IDialect
{
    private const string SettingsName = "config.json", WeightsName = "ae.pt", EvaluationName = "eval_results.json";

    // Tensors that only one class has, in the order in which they are looked for.
    private static readonly (string Tensor, string Class)[] Telling =
    [
        ("group_sizes", "MatryoshkaBatchTopKSAE"), ("gate_bias", "GatedAutoEncoder"), ("bias", "AutoEncoder"),
    ];

    /// <inheritdoc/>
    public string Name => "dictionary_learning";

    /// <inheritdoc/>
    public string Title => "dictionary_learning";

    /// <inheritdoc/>
    public string Signature => $"{WeightsName} beside {SettingsName} with trainer.dict_class";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files)
    {
        if (WeightsOf(files) is not { } name || files.FindTensors(name) is not TorchFile weights) return false;
        if (weights.HasAll("activation_mean")) return false; // crosscoder_learning keeps the names and normalizes
        string at = Prefix(weights);
        return (Trainer(files)?.Text("dict_class") is not null && weights.Tensors.Any(tensor => IsWeight(tensor.Name, at)))
            || Telling.Any(one => weights.HasAll(at + one.Tensor, at + (weights.Has(at + "W_enc", 2) ? "W_enc" : "encoder.weight")));
    }

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        string name = WeightsOf(files)!;
        TensorFile weights = files.Tensors(name);
        DialectSettings? trainer = Trainer(files);
        string at = Prefix(weights), kind = trainer?.Text("dict_class")
            ?? Telling.Where(one => weights.HasAll(at + one.Tensor)).Select(one => one.Class).FirstOrDefault()
            ?? throw new InputException($"{files.PathOf(name)}: {SettingsName} with trainer.dict_class is missing beside it, which says "
                + $"the formula.");
        bool columns = weights.HasAll(at + "W_enc");
        int[] shape = weights.ShapeOf(at + (columns ? "W_enc" : "encoder.weight"), 2);
        (int latents, int width) = columns ? (shape[1], shape[0]) : (shape[0], shape[1]);
        var options = new PretrainedOptions { Latents = latents, Centered = kind is not ("AutoEncoderNew" or "JumpReluAutoEncoder") };
        options = kind switch
        {
            "AutoEncoder" or "AutoEncoderNew" => options with { Activation = CodeActivation.Relu },
            "GatedAutoEncoder" => options with { Activation = CodeActivation.Gated },
            "AutoEncoderTopK" => options with { Activation = CodeActivation.TopK, K = ReadK(weights, at, trainer) },
            "JumpReluAutoEncoder" or "BatchTopKSAE" => options with { Activation = CodeActivation.JumpRelu },
            "MatryoshkaBatchTopKSAE" => options with { Activation = CodeActivation.JumpRelu, Groups = Groups(weights, at, latents) },
            _ => throw trainer!.Refuse("dict_class", "a class that is not known"),
        };
        string bias = kind switch
        {
            "AutoEncoder" => "bias",
            "AutoEncoderNew" => "decoder.bias",
            "GatedAutoEncoder" => "decoder_bias",
            _ => "b_dec",
        };
        return PretrainedReading.Make<PretrainedAutoencoder>(options, width, width, [weights], made =>
        {
            if (columns) weights.ReadTransposed(at + "W_enc", made.Weights.Encoder);
            else weights.ReadRows(at + "encoder.weight", made.Weights.Encoder);
            if (columns) weights.ReadRows(at + "W_dec", made.Weights.Decoder);
            else weights.ReadTransposed(at + "decoder.weight", made.Weights.Decoder);
            weights.ReadVector(at + bias, made.Weights.DecoderBias.Row(0));
            if (made.GateBias is null)
            {
                weights.ReadVector(at + (columns ? "b_enc" : "encoder.bias"), made.Weights.EncoderBias.Row(0));
            }
            else
            {
                weights.ReadVector(at + "gate_bias", made.GateBias.Row(0));
                weights.ReadVector(at + "mag_bias", made.MagnitudeBias!.Row(0));
                weights.ReadVector(at + "r_mag", made.LogMagnitude!.Row(0));
            }

            if (kind is "JumpReluAutoEncoder") weights.ReadVector(at + "threshold", made.Threshold!.Row(0));
            else made.Threshold?.Row(0).Fill(weights.ReadNumber(at + "threshold"));
            made.Origin = new Origin(Name,
            [
                $"class {kind}",
                options.Centered ? $"{bias} is subtracted from the input" : $"{bias} is not subtracted from the input",
                .. kind is "BatchTopKSAE" or "MatryoshkaBatchTopKSAE"
                    ? (string[])["codes are selected by the threshold that training left, not by batch"] : [],
                .. at.Length > 0 ? (string[])["a backup of a run that was stopped: its biases are not scaled by norm_factor"] : [],
            ])
            {
                Facts = Facts(files, weights, at, trainer),
                Settings = files.Has(SettingsName) ? files.Settings(SettingsName).Json.ToJsonString() : null,
            };
        });
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        form.Require(CodeActivation.Relu, CodeActivation.JumpRelu, CodeActivation.TopK, CodeActivation.Gated);
        form.FoldIntoWeights();
        form.RefuseAllBut("tied");
        form.RequireSquare();
        bool even = form.Thresholds.Distinct().Count() == 1;
        if (form.Options.Activation is CodeActivation.TopK or CodeActivation.Gated) form.Center(true);
        else if (form.Options.Activation == CodeActivation.JumpRelu && !even) form.Center(false);
        string kind = form.Options.Activation switch
        {
            CodeActivation.Relu => form.Options.Centered ? "AutoEncoder" : "AutoEncoderNew",
            CodeActivation.Gated => "GatedAutoEncoder",
            CodeActivation.TopK => "AutoEncoderTopK",
            _ => !form.Options.Centered ? "JumpReluAutoEncoder" : form.Options.Groups.Count > 0 ? "MatryoshkaBatchTopKSAE" : "BatchTopKSAE",
        };
        JsonObject settings = DialectWriting.Settings(autoencoder, Name);
        if (settings["trainer"] is not JsonObject trainer) settings["trainer"] = trainer = [];
        trainer["dict_class"] = kind;
        trainer["activation_dim"] = form.InputWidth;
        trainer["dict_size"] = form.Latents;
        int k = TrainedK(autoencoder, form);
        if (kind is "AutoEncoderTopK" or "BatchTopKSAE" or "MatryoshkaBatchTopKSAE") trainer["k"] = k;
        if (DialectWriting.Fact(autoencoder, "model") is { } model) trainer.TryAdd("lm_name", (JsonNode)model);
        if (DialectWriting.Fact(autoencoder, "hook") is { } hook) trainer.TryAdd("submodule_name", (JsonNode)hook);
        DialectWriting.Json(Path.Combine(folder, SettingsName), settings);
        TorchWriter.Write(Path.Combine(folder, WeightsName), Tensors(autoencoder, form, kind, k));
    }

    private static PickledDictionary Tensors(SparseAutoencoder autoencoder, GeneralForm form, string kind, int k)
    {
        bool columns = kind is "JumpReluAutoEncoder" or "MatryoshkaBatchTopKSAE";
        var tensors = new PickledDictionary
        {
            columns ? ("W_enc", form.Encoder("W_enc", rows: false)) : ("encoder.weight", form.Encoder("encoder.weight", rows: true)),
            columns ? ("W_dec", form.Decoder("W_dec", rows: true)) : ("decoder.weight", form.Decoder("decoder.weight", rows: false)),
        };
        void Vector(string name, float[] values) => tensors.Add((name, TensorToWrite.From(name, values)));
        Vector(
            kind switch { "AutoEncoder" => "bias", "AutoEncoderNew" => "decoder.bias", "GatedAutoEncoder" => "decoder_bias", _ => "b_dec" },
            form.DecoderBias);
        if (kind is "GatedAutoEncoder")
        {
            Vector("gate_bias", form.GateBias);
            Vector("mag_bias", form.MagnitudeBias);
            Vector("r_mag", form.LogMagnitude);
            return tensors;
        }

        Vector(columns ? "b_enc" : "encoder.bias", form.Bias);
        if (kind is "JumpReluAutoEncoder") Vector("threshold", form.Thresholds);
        if (kind is not ("AutoEncoderTopK" or "BatchTopKSAE" or "MatryoshkaBatchTopKSAE")) return tensors;
        tensors.Add(("k", DialectWriting.Number("k", k)));
        float threshold = kind is not "AutoEncoderTopK" ? form.Thresholds[0]
            : DialectWriting.Fact(autoencoder, "threshold") is { } kept && autoencoder.Options is PretrainedOptions
                ? float.Parse(kept, System.Globalization.CultureInfo.InvariantCulture)
                : -1;
        tensors.Add(("threshold", DialectWriting.Number("threshold", threshold)));
        if (form.Options.Groups.Count > 0 && kind is "MatryoshkaBatchTopKSAE")
            tensors.Add(("group_sizes", TensorToWrite.From("group_sizes", [.. form.Options.Groups.Select(size => (long)size)])));
        return tensors;
    }

    // Its classes of thresholds keep the k that they were trained with, and need one.
    private static int TrainedK(SparseAutoencoder autoencoder, GeneralForm form) =>
        form.Options.Activation == CodeActivation.TopK ? (int)form.Options.K
        : autoencoder.Options is SelectionOptions own ? own.K
        : int.TryParse(DialectWriting.Fact(autoencoder, "k"), out int k) && k > 0 ? k : 1;

    private static string? WeightsOf(CheckpointFiles files)
    {
        if (files.Has(WeightsName)) return WeightsName;
        string[] one = [.. files.Ending(".pt")];
        return one.Length == 1 && Trainer(files) is not null ? one[0] : null;
    }

    private static DialectSettings? Trainer(CheckpointFiles files) =>
        files.FindSettings(SettingsName) is { } settings && settings["trainer"] is JsonObject trainer
            ? new DialectSettings(trainer, files.PathOf(SettingsName))
            : null;

    private static string Prefix(TensorFile weights) => weights.HasAll("ae.encoder.weight") || weights.HasAll("ae.W_enc") ? "ae." : "";

    private static bool IsWeight(string name, string at) =>
        name.StartsWith(at, StringComparison.Ordinal) && name[at.Length..] is "encoder.weight" or "W_enc";

    private static double ReadK(TensorFile weights, string at, DialectSettings? trainer) =>
        weights.HasAll(at + "k") ? weights.ReadNumber(at + "k")
        : trainer?.Count("k")
            ?? throw new InputException($"{weights.Path}: neither the tensor k nor trainer.k in {SettingsName} is there.");

    private static int[] Groups(TensorFile weights, string at, int latents)
    {
        TensorInfo tensor = weights[at + "group_sizes"];
        if (tensor.Count is < 1 or > int.MaxValue
            || tensor.Count > latents) throw new InputException($"{weights.Path}: '{tensor.Name}' is empty or too long.");
        var sizes = new float[tensor.Count];
        weights.ReadVector(tensor.Name, sizes);
        if (sizes.Any(size => size < 1) || sizes.Sum(size => (double)size) > latents)
            throw new InputException($"{weights.Path}: '{tensor.Name}' does not divide the {latents} latents.");
        return [.. sizes.Select(size => (int)size)];
    }

    private static Dictionary<string, string> Facts(CheckpointFiles files, TensorFile weights, string at, DialectSettings? trainer)
    {
        var facts = new Dictionary<string, string>(StringComparer.Ordinal);
        PretrainedReading.Add(facts, "model", trainer?.Json["lm_name"]);
        PretrainedReading.Add(facts, "hook", trainer?.Json["submodule_name"]);
        PretrainedReading.Add(facts, "layer", trainer?.Json["layer"]);
        PretrainedReading.Add(facts, "trainer", trainer?.Json["trainer_class"]);
        foreach (string number in (string[])["k", "threshold"])
            if (weights.Find(at + number) is { Count: 1 })
                facts[number] = weights.ReadNumber(at + number).ToString("R", System.Globalization.CultureInfo.InvariantCulture);
        if (files.FindSettings(EvaluationName) is { } evaluation)
            foreach ((string key, JsonNode? value) in evaluation)
                if (value is JsonValue && value.GetValueKind() == System.Text.Json.JsonValueKind.Number)
                    PretrainedReading.Add(facts, $"authors' {key}", value);
        return facts;
    }
}
