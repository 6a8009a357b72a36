using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// circuit-tracer's cross-layer transcoders: <c>W_enc_L.safetensors</c> with encoder, biases and thresholds of a layer, and
/// <c>W_dec_L.safetensors</c> <c>[n, layers from L on, d]</c>, beside <c>config.yaml</c>.
/// </summary>
internal static class CircuitTracerLayers
{
    private const string Kind = "cross_layer_transcoder";

    /// <summary>Whether the files of a first layer are there.</summary>
    public static bool Recognizes(CheckpointFiles files) =>
        files.FindTensors(EncoderFile(0))?.Has("W_enc_0", 2) == true && files.Has(DecoderFile(0));

    /// <summary>Reads one.</summary>
    public static MultilayerAutoencoder Read(string dialect, CheckpointFiles files, DialectSettings settings)
    {
        int layers = 0;
        while (files.Has(EncoderFile(layers))) layers++;
        TensorFile first = files.Tensors(EncoderFile(0));
        int[] shape = first.ShapeOf("W_enc_0", 2);
        (int n, int width) = (shape[0], shape[1]);
        bool jumps = first.Find("threshold_0") is not null;
        if ((long)layers * n > int.MaxValue || (long)layers * width > int.MaxValue)
            throw new InputException($"{files.Path}: {layers} layers of {n} latents over {width} numbers are too many.");
        if (first.Find("W_skip_0") is not null) throw new InputException($"{first.Path}: 'W_skip_0' is a skip connection of a "
            + $"cross-layer transcoder, which is not read.");
        var options = new MultilayerOptions
        {
            Layers = layers,
            Latents = layers * n,
            WritesLater = true,
            Activation = jumps ? LayerActivation.JumpRelu : LayerActivation.Relu,
            Signed = jumps,
        };
        TensorFile[] held =
            [.. Enumerable.Range(0, layers).SelectMany(layer => (string[])[EncoderFile(layer), DecoderFile(layer)]).Select(files.Tensors)];
        return PretrainedReading.Make<MultilayerAutoencoder>(options, layers * width, layers * width, held, made =>
        {
            for (int layer = 0; layer < layers; layer++)
            {
                TensorFile encoder = files.Tensors(EncoderFile(layer)), decoder = files.Tensors(DecoderFile(layer));
                string l = layer.ToString(CultureInfo.InvariantCulture);
                encoder.ReadRows($"W_enc_{l}", made.Encoders[layer]);
                encoder.ReadVector($"b_enc_{l}", made.EncoderBiases[layer].Row(0));
                encoder.ReadVector($"b_dec_{l}", made.DecoderBias.Row(0).Slice(layer * width, width));
                if (jumps) encoder.ReadVector($"threshold_{l}", made.Thresholds![layer].Row(0));
                IReadOnlyList<Matrix> blocks = made.Blocks[layer];
                int[] found = decoder.ShapeOf($"W_dec_{l}", 3);
                if (found[0] != n || found[1] != blocks.Count || found[2] != width)
                    throw new InputException($"{decoder.Path}: 'W_dec_{l}' has shape [{string.Join(", ", found)}] where "
                        + $"[{n}, {blocks.Count}, {width}] is due.");
                decoder.ReadEach($"W_dec_{l}", n, blocks.Count * width, 0, (row, values) =>
                {
                    for (int block = 0; block < blocks.Count; block++) values.Slice(block * width, width).CopyTo(blocks[block].Row(row));
                });
            }

            var facts = new Dictionary<string, string>(StringComparer.Ordinal);
            PretrainedReading.Add(facts, "model", settings.Json["model_name"]);
            PretrainedReading.Add(facts, "hook", settings.Json["feature_input_hook"]);
            PretrainedReading.Add(facts, "output hook", settings.Json["feature_output_hook"]);
            made.Origin = new Origin(dialect,
            [
                "latents write to their layer and all later ones",
                "b_dec is not subtracted from the input",
                .. jumps ? (string[])["thresholds are strict and no ReLU is applied"] : [],
            ])
            {
                Facts = facts,
                Settings = settings.Json.Count > 0 ? settings.Json.ToJsonString() : null,
            };
        });
    }

    /// <summary>Writes one into a folder.</summary>
    public static void Write(MultilayerAutoencoder autoencoder, string folder, string settingsName, string dialect, string title)
    {
        MultilayerOptions options = autoencoder.Options;
        if (!options.WritesLater || options.SharedEncoder) throw Refuse("codes of layers that write to themselves alone",
            "it has cross-layer transcoders");
        if (options.Activation is not (LayerActivation.Relu or LayerActivation.JumpRelu)) throw Refuse($"the activation "
            + $"{options.Activation}", "its layers have ReLU or thresholds");
        if (autoencoder.OutputWidth != autoencoder.InputWidth) throw Refuse($"outputs of width {autoencoder.OutputWidth}",
            "they are as wide as inputs");
        if (autoencoder.InputScale != 1 || autoencoder.OutputScale != 1) throw Refuse("input_scale", "keep it natively, or fold it first");
        int width = autoencoder.InputWidth / options.Layers;
        JsonObject settings = DialectWriting.Settings(autoencoder, dialect);
        settings["model_kind"] = Kind;
        settings.TryAdd("model_name", (JsonNode)(DialectWriting.Fact(autoencoder, "model") ?? "unknown"));
        settings.TryAdd("feature_input_hook", (JsonNode)(DialectWriting.Fact(autoencoder, "hook") ?? "hook_resid_mid"));
        settings.TryAdd("feature_output_hook", (JsonNode)(DialectWriting.Fact(autoencoder, "output hook") ?? "hook_mlp_out"));
        FlatYaml.Write(Path.Combine(folder, settingsName), settings);
        for (int layer = 0; layer < options.Layers; layer++) WriteLayer(autoencoder, layer, width, folder);

        InputException Refuse(string setting, string why) => new($"This autoencoder has {setting}, which {title} cannot say: {why}.");
    }

    // What normalizes inputs and outputs goes into the weights, and so do the norms that thresholds were compared with.
    private static void WriteLayer(MultilayerAutoencoder autoencoder, int layer, int width, string folder)
    {
        string l = layer.ToString(CultureInfo.InvariantCulture);
        Matrix encoder = autoencoder.Encoders[layer];
        float[] bias = autoencoder.EncoderBiases[layer].Row(0).ToArray(), output = autoencoder.DecoderBias.Row(0).Slice(layer * width,
            width).ToArray();
        float[]? scale = Part(autoencoder.NormScale, layer), mean = Part(autoencoder.NormMean, layer);
        if (mean is not null)
        {
            for (int i = 0; i < bias.Length; i++)
            {
                double shift = 0;
                for (int c = 0; c < width; c++) shift += (double)encoder[i, c] * scale![c] * mean[c];
                bias[i] -= (float)shift;
            }
        }

        if (Part(autoencoder.RestoreScale, layer) is { } restored)
            TensorPrimitives.MultiplyAdd(output, restored, Part(autoencoder.RestoreMean, layer), output);
        List<TensorToWrite> tensors =
        [
            Scaled($"W_enc_{l}", [encoder.Rows, width], encoder.Rows, row => encoder.Row(row), scale),
            TensorToWrite.From($"b_enc_{l}", bias),
            TensorToWrite.From($"b_dec_{l}", output),
        ];
        if (autoencoder.Thresholds is { } all)
        {
            float[] thresholds = all[layer].Row(0).ToArray();
            if (!autoencoder.Options.Signed) foreach (ref float value in thresholds.AsSpan()) value = MathF.Max(value, 0);
            if (autoencoder.SelectionWeights is { } weights) TensorPrimitives.Divide(thresholds, weights[layer].Row(0), thresholds);
            tensors.Add(TensorToWrite.From($"threshold_{l}", thresholds));
        }

        IReadOnlyList<Matrix> blocks = autoencoder.Blocks[layer];
        DialectWriting.Safetensors(Path.Combine(folder, EncoderFile(layer)), tensors);
        DialectWriting.Safetensors(
            Path.Combine(folder, DecoderFile(layer)),
            [
                Scaled(
                    $"W_dec_{l}", [encoder.Rows, blocks.Count, width], encoder.Rows * blocks.Count,
                    row => blocks[row % blocks.Count].Row(row / blocks.Count), null,
                    row => Part(autoencoder.RestoreScale, layer + (row % blocks.Count))),
            ]);

        float[]? Part(Matrix? of, int at) => of?.Row(0).Slice(at * width, width).ToArray();
    }

    private delegate Span<float> RowOf(int row);

    private static TensorToWrite Scaled(
        string name, long[] shape, int rows, RowOf rowOf, float[]? factors, Func<int, float[]?>? factorsOf = null) =>
        TensorToWrite.Made(name, ElementType.Float32, shape, take =>
        {
            for (int row = 0; row < rows; row++)
            {
                Span<float> values = rowOf(row);
                if ((factorsOf?.Invoke(row) ?? factors) is { } by)
                {
                    var scaled = new float[values.Length];
                    TensorPrimitives.Multiply(values, by, scaled);
                    values = scaled;
                }

                take(MemoryMarshal.AsBytes(values));
            }
        });

    private static string EncoderFile(int layer) => string.Create(CultureInfo.InvariantCulture, $"W_enc_{layer}.safetensors");

    private static string DecoderFile(int layer) => string.Create(CultureInfo.InvariantCulture, $"W_dec_{layer}.safetensors");
}
