using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// llamascopium's dictionaries over several layers. Crosscoders: one sum over all heads, biases too, selected for each head by its decoder
/// norms. Cross-layer transcoders: an encoder a layer, decoders by the layer that is written to, <c>W_D.TO [to + 1, n, d]</c>.
/// </summary>
internal static class LlamaScopiumLayers
{
    private const string ThresholdName = "activation_function.log_jumprelu_threshold";

    /// <summary>Reads a crosscoder or a cross-layer transcoder.</summary>
    public static MultilayerAutoencoder Read(string dialect, DialectSettings settings, TensorFile weights, string at)
    {
        bool later = settings.Required("sae_type") is "clt";
        string[] hooks = Hooks(settings, later ? "hook_points_in" : "hook_points"), targets = later ? Hooks(settings,
            "hook_points_out") : hooks;
        int[] shape = weights.ShapeOf(at + "W_E", 3);
        (int layers, int width, int n) = (shape[0], shape[1], shape[2]);
        if (hooks.Length != layers || targets.Length != layers)
            throw settings.Refuse(later ? "hook_points_in" : "hook_points", $"but the weights have {layers} layers");
        if ((long)layers * n > int.MaxValue || (long)layers * width > int.MaxValue)
            throw new InputException($"{weights.Path}: '{at}W_E' has shape [{string.Join(", ", shape)}], which is too large.");
        string activation = settings.Text("act_fn") ?? "relu", normalization = settings.Text("norm_activation") ?? "inference";
        bool scales = normalization is "dataset-wise", bias = settings.Flag("use_decoder_bias", otherwise: true);
        if (!scales && normalization is not "inference")
            throw settings.Refuse("norm_activation", "of which dataset-wise and inference are known of several layers");
        var options = new MultilayerOptions
        {
            Layers = layers,
            Latents = layers * n,
            SharedEncoder = !later,
            WritesLater = later,
            Weighed = settings.Flag("sparsity_include_decoder_norm", otherwise: true),
            Normalizes = scales,
            Activation = activation switch
            {
                "relu" => LayerActivation.Relu,
                "jumprelu" => LayerActivation.JumpRelu,
                "topk" => LayerActivation.TopK,
                "layertopk" => LayerActivation.TopKOfAll,
                _ => throw settings.Refuse("act_fn", "of which relu, jumprelu, topk and layertopk are known of several layers"),
            },
            K = activation is "topk" or "layertopk" ? settings.Required("top_k", settings.Count("top_k")) : 0,
        };
        return PretrainedReading.Make<MultilayerAutoencoder>(options, layers * width, layers * width, [weights], made =>
        {
            ReadEncoders(weights, at, made, width, n);
            for (int layer = 0; layer < layers; layer++)
                for (int block = 0; block < made.Blocks[layer].Count; block++)
                {
                    string name = later ? $"{at}W_D.{layer + block}" : at + "W_D";
                    if (weights.ShapeOf(name, 3) is var found && (found[1] != n || found[2] != width
                        || found[0] != (later ? layer + block + 1 : layers)))
                        throw new InputException(
                            $"{weights.Path}: '{name}' has shape [{string.Join(", ", found)}], which does not fit W_E.");
                    weights.ReadRows(name, made.Blocks[layer][block], (long)layer * n * width);
                }

            for (int layer = 0; bias && layer < layers; layer++)
                weights.ReadVector(later ? $"{at}b_D.{layer}" : at + "b_D", made.DecoderBias.Row(0).Slice(layer * width, width),
                    later ? null : (long)layer * width);
            ReadThresholds(weights, at, made, n);
            for (int layer = 0; scales && layer < layers; layer++)
            {
                made.NormScale!.Row(0).Slice(layer * width, width).Fill(ScaledNorms.Factor(weights, at, hooks[layer], width));
                made.RestoreScale!.Row(0).Slice(layer * width, width).Fill(1 / ScaledNorms.Factor(weights, at, targets[layer], width));
            }

            var facts = new Dictionary<string, string>(StringComparer.Ordinal) { ["hooks"] = TensorFile.OneLine(string.Join(", ", hooks)) };
            if (later) facts["output hooks"] = TensorFile.OneLine(string.Join(", ", targets));
            ScaledNorms.AddNorms(facts, weights, at);
            made.Origin = new Origin(dialect,
            [
                later ? "latents write to their layer and all later ones" : "one sum over all layers, selected for each layer",
                .. options.Weighed ? (string[])["latents are selected by their values times their decoder norms"] : [],
                .. scales ? (string[])["each layer's inputs have a factor of their own, which is undone at the output"] : [],
            ])
            {
                Facts = facts,
                Folded = later ? [] : ["b_E of all layers is summed"],
                Settings = settings.Json.ToJsonString(),
            };
        });
    }

    /// <summary>The tensors of one, and its settings.</summary>
    public static List<TensorToWrite> Tensors(MultilayerAutoencoder autoencoder, JsonObject settings, string dialect, string title)
    {
        MultilayerOptions options = autoencoder.Options;
        int layers = options.Layers, n = options.LatentsOfLayer, width = autoencoder.InputWidth / layers;
        bool later = options.WritesLater;
        if (options.SharedEncoder == later) throw Refuse(later ? "one encoder for all layers" : "an encoder for each layer",
            later ? "a cross-layer transcoder has one for each" : "a crosscoder has one for all");
        if (autoencoder.OutputWidth != autoencoder.InputWidth) throw Refuse($"outputs of width {autoencoder.OutputWidth}",
            "they are as wide as inputs");
        float[] inputs = Factors(autoencoder.NormScale, autoencoder.NormMean, autoencoder.InputScale, inverse: false);
        float[] outputs = Factors(autoencoder.RestoreScale, autoencoder.RestoreMean, 1 / autoencoder.OutputScale, inverse: true);
        bool scales = inputs.Concat(outputs).Any(factor => factor != 1);
        if (!later
            && !inputs.Zip(outputs).All(pair => ScaledNorms.Same(pair.First,
                pair.Second))) throw Refuse("outputs with other factors than the inputs", "a crosscoder's hooks have one norm each");
        string[] hooks = SetHooks(settings, later ? "hook_points_in" : "hook_points", autoencoder, "hooks", layers);
        string[] targets = later ? SetHooks(settings, "hook_points_out", autoencoder, "output hooks", layers, "out") : hooks;
        settings["sae_type"] = later ? "clt" : "crosscoder";
        settings["d_model"] = width;
        settings["expansion_factor"] = n % width == 0 ? n / width : (double)n / width;
        settings["use_decoder_bias"] = true;
        bool jumps = options.Activation == LayerActivation.JumpRelu
            && autoencoder.Thresholds!.Any(row => row.Row(0).ContainsAnyExceptInRange(float.NegativeInfinity, 0));
        settings["act_fn"] = options.Activation switch
        {
            LayerActivation.JumpRelu when jumps => "jumprelu",
            LayerActivation.TopK => "topk",
            LayerActivation.TopKOfAll => "layertopk",
            _ => "relu",
        };
        settings["norm_activation"] = scales ? "dataset-wise" : "inference";
        settings["sparsity_include_decoder_norm"] = options.Weighed;
        if (options.K > 0) settings["top_k"] = options.K;
        else settings.TryAdd("top_k", (JsonNode)1);
        List<TensorToWrite> tensors =
        [
            TensorToWrite.Made("W_E", ElementType.Float32, [layers, width, n], take =>
            {
                if (later) foreach (Matrix encoder in autoencoder.Encoders) GeneralForm.Tensor("", encoder, null, 1,
                    rows: false).Emit(take);
                else GeneralForm.Tensor("", autoencoder.Encoders[0], null, 1, rows: false).Emit(take);
            }),
            Stacked("b_E", [layers, n],
                [.. Enumerable.Range(0, layers).Select(layer => later ? autoencoder.EncoderBiases[layer].Row(0).ToArray()
                : layer == 0 ? autoencoder.EncoderBiases[0].Row(0).ToArray() : new float[n])]),
        ];
        float[] bias = autoencoder.DecoderBias.Row(0).ToArray();
        if (later)
        {
            for (int target = 0; target < layers; target++)
            {
                int to = target;
                tensors.Add(TensorToWrite.Made($"W_D.{to}", ElementType.Float32, [to + 1, n, width], take =>
                {
                    for (int layer = 0; layer <= to; layer++) TensorToWrite.From("", autoencoder.Blocks[layer][to - layer]).Emit(take);
                }));
                tensors.Add(TensorToWrite.From($"b_D.{to}", bias[(to * width)..((to + 1) * width)]));
            }
        }
        else
        {
            tensors.Add(TensorToWrite.Made("W_D", ElementType.Float32, [layers, n, width], take =>
            {
                foreach (IReadOnlyList<Matrix> own in autoencoder.Blocks) TensorToWrite.From("", own[0]).Emit(take);
            }));
            tensors.Add(TensorToWrite.From("b_D", bias, [layers, width]));
        }

        if (jumps) AddThresholds(tensors, autoencoder);
        foreach ((string hook, float factor) in hooks.Zip(inputs).Concat(later ? targets.Zip(outputs) : []))
            if (scales) tensors.Add(DialectWriting.Number(ScaledNorms.NormPrefix + hook, ScaledNorms.Norm(autoencoder, hook, width,
                factor)));
        tensors.AddRange(ScaledNorms.OtherNorms(autoencoder, dialect, scales ? [.. hooks, .. targets] : []));
        return tensors;

        InputException Refuse(string setting, string why) => new($"This autoencoder has {setting}, which {title} cannot say: {why}.");

        // One factor for all numbers of a layer.
        float[] Factors(Matrix? scale, Matrix? mean, float common, bool inverse)
        {
            if (mean?.Row(0).ContainsAnyExcept(0f) == true) throw Refuse("means that are subtracted", "its inputs have factors alone");
            return [.. Enumerable.Range(0, layers).Select(layer =>
            {
                float factor = scale is null ? 1 : scale[0, layer * width];
                if (scale?.Row(0).Slice(layer * width, width).ContainsAnyExcept(factor) == true)
                    throw Refuse("a factor for each number of an input", "it has one for each layer");
                return inverse ? 1 / (factor * common) : factor * common;
            })];
        }
    }

    private static void ReadEncoders(TensorFile weights, string at, MultilayerAutoencoder made, int width, int n)
    {
        if (made.Options.SharedEncoder)
        {
            weights.ReadTransposed(at + "W_E", made.Encoders[0], 0);
            var biases = new float[made.Options.Layers * n];
            weights.ReadVector(at + "b_E", biases);
            for (int i = 0; i < biases.Length; i++) made.EncoderBiases[0][0, i % n] += biases[i];
            return;
        }

        for (int layer = 0; layer < made.Options.Layers; layer++)
        {
            weights.ReadTransposed(at + "W_E", made.Encoders[layer], (long)layer * n * width);
            weights.ReadVector(at + "b_E", made.EncoderBiases[layer].Row(0), (long)layer * n);
        }
    }

    // A crosscoder's heads share their thresholds.
    private static void ReadThresholds(TensorFile weights, string at, MultilayerAutoencoder made, int n)
    {
        if (made.Thresholds is null) return;
        var thresholds = new float[made.Options.SharedEncoder ? n : made.Options.Layers * n];
        ScaledNorms.ReadThresholds(weights, at + ThresholdName, thresholds);
        for (int layer = 0; layer < made.Options.Layers; layer++)
            thresholds.AsSpan(made.Options.SharedEncoder ? 0 : layer * n, n).CopyTo(made.Thresholds[layer].Row(0));
    }

    private static void AddThresholds(List<TensorToWrite> tensors, MultilayerAutoencoder autoencoder)
    {
        float[][] logarithms = [.. autoencoder.Thresholds!.Select(row => ScaledNorms.Logarithms(row.Row(0).ToArray(),
            () =>
                new InputException("This autoencoder has thresholds of 0 or less, which llamascopium cannot say: it keeps their "
                    + "logarithms.")))];
        if (!autoencoder.Options.SharedEncoder)
        {
            tensors.Add(Stacked(ThresholdName, [logarithms.Length, logarithms[0].Length], logarithms));
            return;
        }

        if (logarithms.Any(layer => !layer.AsSpan().SequenceEqual(logarithms[0])))
            throw new InputException("This autoencoder has thresholds for each layer, which llamascopium cannot say: a crosscoder has "
                + "one for all.");
        tensors.Add(TensorToWrite.From(ThresholdName, logarithms[0]));
    }

    private static TensorToWrite Stacked(string name, long[] shape, float[][] rows) =>
        TensorToWrite.From(name, [.. rows.SelectMany(row => row)], shape);

    private static string[] Hooks(DialectSettings settings, string key)
    {
        if (settings.Json[key] is not JsonArray list || list.Count == 0) throw settings.Refuse(key, "where a list of hooks is due");
        return [.. list.Select(node => node is JsonValue value && value.TryGetValue(out string? hook) ? hook
            : throw settings.Refuse(key, "where a list of texts is due"))];
    }

    private static string[] SetHooks(JsonObject settings, string key, SparseAutoencoder autoencoder, string fact, int layers,
        string suffix = "in")
    {
        if (settings[key] is JsonArray list && list.Count == layers) return [.. list.Select(node => (string)node!)];
        string[] hooks = DialectWriting.Fact(autoencoder, fact)?.Split(", ") is { } known && known.Length == layers ? known
            : [.. Enumerable.Range(0, layers).Select(layer => $"blocks.{layer}.{suffix}")];
        settings[key] = new JsonArray([.. hooks.Select(hook => (JsonNode)hook)]);
        return hooks;
    }
}
