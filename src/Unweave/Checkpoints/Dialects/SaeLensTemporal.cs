using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>The temporal architecture of SAELens: a dictionary with layers of attention over the codes of earlier positions.</summary>
internal static class SaeLensTemporal
{
    private const string ScaleKey = "activation_normalization_factor", Scaling = "constant_scalar_rescale";

    /// <summary>Reads one.</summary>
    public static TemporalAutoencoder Read(DialectSettings settings, TensorFile weights, Origin origin)
    {
        int[] shape = weights.ShapeOf("W_dec", 2);
        bool tied = settings.Flag("tied_weights", otherwise: true), centered = settings.Flag("apply_b_dec_to_input", otherwise: true);
        if (tied && !centered) throw settings.Refuse("apply_b_dec_to_input", "with which versions differ in whether b_dec is added");
        string kind = settings.Text("sae_diff_type") ?? "topk";
        if (kind is not ("topk" or "relu")) throw settings.Refuse("sae_diff_type", "of which topk and relu are known");
        string normalization = settings.Text("normalize_activations") ?? "none";
        if (normalization is not ("none" or Scaling)) throw settings.Refuse("normalize_activations",
            $"of which none and {Scaling} are known here");
        var options = new TemporalOptions
        {
            Latents = shape[0],
            K = kind is "topk" ? settings.Count("kval_topk") ?? 0 : 0,
            Tied = tied,
            Centered = centered,
            Heads = settings.Required("n_heads", settings.Count("n_heads")),
            AttentionLayers = settings.Required("n_attn_layers", settings.Count("n_attn_layers")),
            KeyWidth = weights.ShapeOf("attn_layers.0.k_ctx.weight", 2)[0],
        };
        if (options.AttentionLayers > weights.Tensors.Count) throw settings.Refuse("n_attn_layers", "but the weights have fewer layers");
        return PretrainedReading.Make<TemporalAutoencoder>(options, shape[1], shape[1], [weights], made =>
        {
            weights.ReadRows("W_dec", made.Weights.Decoder);
            if (!tied) weights.ReadTransposed("W_enc", made.Weights.Encoder);
            weights.ReadVector("b_dec", made.Weights.DecoderBias.Row(0));
            foreach ((string name, LinearLayer layer) in Layers(made))
            {
                weights.ReadRows($"{name}.weight", layer.Weight);
                weights.ReadVector($"{name}.bias", layer.Bias.Row(0));
            }

            if (normalization is Scaling)
            {
                double scale = settings.Required(ScaleKey, settings.Number(ScaleKey));
                if ((float)scale is not (> 0 and < float.PositiveInfinity)) throw settings.Refuse(ScaleKey,
                    "where a positive factor is due");
                (made.InputScale, made.OutputScale) = ((float)scale, (float)scale);
            }

            made.Origin = origin;
        });
    }

    /// <summary>Sets what settings say of one, and gives its tensors.</summary>
    public static List<TensorToWrite> Tensors(TemporalAutoencoder autoencoder, JsonObject settings, string title)
    {
        TemporalOptions options = autoencoder.Options;
        (float input, float output) = (autoencoder.InputScale, autoencoder.OutputScale);
        if (input != output) throw new InputException($"This autoencoder has an output_scale other than its input_scale, which {title} "
            + $"cannot say: it has one factor.");
        settings["n_heads"] = options.Heads;
        settings["n_attn_layers"] = options.AttentionLayers;
        settings["bottleneck_factor"] = Math.Max(1, options.Latents / options.KeyWidth);
        settings["sae_diff_type"] = options.K > 0 ? "topk" : "relu";
        settings["kval_topk"] = options.K > 0 ? options.K : null;
        settings["tied_weights"] = options.Tied;
        settings["apply_b_dec_to_input"] = options.Centered;
        settings["normalize_activations"] = input == 1 ? "none" : Scaling;
        if (!(settings[ScaleKey] is JsonValue known && known.GetValueKind() == System.Text.Json.JsonValueKind.Number
            && (float)known.GetValue<double>() == input))
            settings[ScaleKey] = input;
        List<TensorToWrite> tensors =
        [
            TensorToWrite.From("W_dec", autoencoder.Weights.Decoder),
            TensorToWrite.From("b_dec", autoencoder.Weights.DecoderBias.Row(0).ToArray()),
        ];
        if (!options.Tied) tensors.Add(GeneralForm.Tensor("W_enc", autoencoder.Weights.Encoder, null, 1, rows: false));
        foreach ((string name, LinearLayer layer) in Layers(autoencoder))
        {
            tensors.Add(TensorToWrite.From($"{name}.weight", layer.Weight));
            tensors.Add(TensorToWrite.From($"{name}.bias", layer.Bias.Row(0).ToArray()));
        }

        return tensors;
    }

    private static IEnumerable<(string Name, LinearLayer Layer)> Layers(TemporalAutoencoder autoencoder) =>
        autoencoder.Layers.SelectMany((layer, i) => ((string, LinearLayer)[])
        [
            ($"attn_layers.{i}.k_ctx", layer.Keys), ($"attn_layers.{i}.q_target", layer.Queries),
            ($"attn_layers.{i}.v_ctx", layer.Values), ($"attn_layers.{i}.c_proj", layer.Output),
        ]);
}
