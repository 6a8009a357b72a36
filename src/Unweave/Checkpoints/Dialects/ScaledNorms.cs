using System.Globalization;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// What the dialects of OpenMOSS's library have in common: factors √d/norm from the mean norm of a data set, thresholds kept as logarithms,
/// and how settings name activations and normalizations.
/// </summary>
internal static class ScaledNorms
{
    public const string NormPrefix = "dataset_average_activation_norm.";

    /// <summary>√d over a mean norm.</summary>
    public static float Factor(int width, double norm, Func<string, InputException> refuse) =>
        norm > 0 && double.IsFinite(norm) && (float)(Math.Sqrt(width) / norm) is > 0 and < float.PositiveInfinity and var factor
            ? factor
            : throw refuse($"{norm.ToString("G6", CultureInfo.InvariantCulture)}, where a mean norm is due");

    /// <summary>The factor of a hook, from the norm that the weights hold.</summary>
    public static float Factor(TensorFile weights, string at, string hook, int width)
    {
        string name = at + NormPrefix + hook;
        return Factor(width, weights.ReadNumber(name), what =>
            new InputException($"{weights.Path}: '{TensorFile.OneLine(name)}' is {what}."));
    }

    /// <summary>The norm that gives a factor: the one that a fact remembers, where it does, else √d over the factor.</summary>
    public static float Norm(SparseAutoencoder autoencoder, string hook, int width, float factor)
    {
        if (DialectWriting.Fact(autoencoder, NormPrefix + hook) is { } text
            && float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float known)
            && Same((float)(Math.Sqrt(width) / known), factor))
            return known;
        return (float)(Math.Sqrt(width) / factor);
    }

    /// <summary>Whether two factors are the same but for rounding.</summary>
    public static bool Same(float a, float b) => MathF.Abs(a - b) <= 1e-6f * MathF.Abs(a);

    /// <summary>Reads thresholds that are kept as logarithms.</summary>
    public static void ReadThresholds(TensorFile weights, string name, Span<float> thresholds)
    {
        weights.ReadVector(name, thresholds);
        foreach (ref float value in thresholds)
        {
            value = MathF.Exp(value);
            if (!float.IsFinite(value)) throw new InputException($"{weights.Path}: '{name}' has a logarithm of more than a number can be.");
        }
    }

    /// <summary>The logarithms of thresholds: those whose exponential is the threshold again, where there are such.</summary>
    public static float[] Logarithms(GeneralForm form) =>
        Logarithms(form.Thresholds, () => form.Refuse("thresholds of 0 or less", "it keeps their logarithms"));

    /// <summary>The same of any thresholds.</summary>
    public static float[] Logarithms(float[] thresholds, Func<InputException> refuse)
    {
        var logarithms = new float[thresholds.Length];
        for (int i = 0; i < logarithms.Length; i++)
        {
            float threshold = thresholds[i], log = MathF.Log(threshold);
            if (!(threshold > 0)) throw refuse();
            foreach (float near in (float[])[log, MathF.BitIncrement(log), MathF.BitDecrement(log)])
            {
                if (MathF.Exp(near) != threshold) continue;
                log = near;
                break;
            }

            logarithms[i] = log;
        }

        return logarithms;
    }

    /// <summary>ReLU for thresholds that are all 0 or less, which have no logarithms and select nothing that ReLU would not.</summary>
    public static void DropThresholds(GeneralForm form)
    {
        if (form.Options is { Activation: CodeActivation.JumpRelu, Signed: false }) form.Require(CodeActivation.Relu, CodeActivation.TopK,
            form.Thresholds.Any(threshold => threshold > 0) ? CodeActivation.JumpRelu : CodeActivation.Relu, CodeActivation.BatchTopK);
    }

    /// <summary>Remembers the norms that weights hold.</summary>
    public static void AddNorms(Dictionary<string, string> facts, TensorFile weights, string at)
    {
        foreach (TensorInfo tensor in weights.Tensors)
        {
            if (tensor.Count == 1 && tensor.Name.StartsWith(at + NormPrefix, StringComparison.Ordinal))
                facts[TensorFile.OneLine(tensor.Name[at.Length..])] = weights.ReadNumber(tensor.Name).ToString("R",
                    CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The norms that an autoencoder came with, as tensors, but for those of some hooks.</summary>
    public static IEnumerable<TensorToWrite> OtherNorms(SparseAutoencoder autoencoder, string dialect, IEnumerable<string> hooks)
    {
        if (!string.Equals(autoencoder.Origin?.Dialect, dialect, StringComparison.Ordinal)) yield break;
        foreach ((string name, string text) in autoencoder.Origin!.Facts)
        {
            if (name.StartsWith(NormPrefix, StringComparison.Ordinal) && !hooks.Contains(name[NormPrefix.Length..], StringComparer.Ordinal)
                && float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float norm))
                yield return DialectWriting.Number(name, norm);
        }
    }

    /// <summary>The name of a normalization of rows, or of none.</summary>
    public static string NormalizationName(GeneralForm form, bool restores)
    {
        if (form.Options.Normalization == InputNormalization.None) return "inference";
        form.RequireRestores(restores, restores ? "it undoes a normalization at the output" : "its outputs stay normalized");
        return form.Options.Normalization switch
        {
            InputNormalization.Length => "token-wise",
            InputNormalization.BatchLength => "batch-wise",
            _ => throw form.Refuse($"normalization {form.Options.Normalization}", "it has token-wise, batch-wise and dataset-wise"),
        };
    }

    /// <summary>Facts that all its settings hold.</summary>
    public static Dictionary<string, string> Facts(DialectSettings settings)
    {
        var facts = new Dictionary<string, string>(StringComparer.Ordinal);
        PretrainedReading.Add(facts, "hook", settings.Json["hook_point_in"]);
        PretrainedReading.Add(facts, "output hook", settings.Json["hook_point_out"]);
        return facts;
    }

    /// <summary>Sets the hooks in settings that do not have them.</summary>
    public static (string In, string Out) SetHooks(SparseAutoencoder autoencoder, JsonObject settings)
    {
        string hook = settings["hook_point_in"]?.ToString() ?? DialectWriting.Fact(autoencoder, "hook") ?? "hook";
        string output = settings["hook_point_out"]?.ToString() ?? DialectWriting.Fact(autoencoder, "output hook") ?? hook;
        (settings["hook_point_in"], settings["hook_point_out"]) = (hook, output);
        return (hook, output);
    }
}
