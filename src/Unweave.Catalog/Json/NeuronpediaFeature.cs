using System.Text.Json.Serialization;
using Unweave.Interpretation;

namespace Unweave.Catalog.Json;

/// <summary>
/// A feature under the keys that Neuronpedia's dashboards use. What the catalog does not know is empty: alignment with neurons, correlated
/// neurons and features, the histogram of logits, and direct attribution.
/// </summary>
public sealed record NeuronpediaFeature
{
    /// <summary>Number of the latent.</summary>
    [JsonPropertyName("feature_index")] public required int Index { get; init; }

    /// <summary>Empty.</summary>
    [JsonPropertyName("neuron_alignment_indices")] public IReadOnlyList<int> AlignmentIndices { get; init; } = [];

    /// <summary>Empty.</summary>
    [JsonPropertyName("neuron_alignment_values")] public IReadOnlyList<double> AlignmentValues { get; init; } = [];

    /// <summary>Empty.</summary>
    [JsonPropertyName("neuron_alignment_l1")] public IReadOnlyList<double> AlignmentL1 { get; init; } = [];

    /// <summary>Empty.</summary>
    [JsonPropertyName("correlated_neurons_indices")] public IReadOnlyList<int> NeuronsIndices { get; init; } = [];

    /// <summary>Empty.</summary>
    [JsonPropertyName("correlated_neurons_pearson")] public IReadOnlyList<double> NeuronsPearson { get; init; } = [];

    /// <summary>Empty.</summary>
    [JsonPropertyName("correlated_neurons_l1")] public IReadOnlyList<double> NeuronsL1 { get; init; } = [];

    /// <summary>Empty: the catalog's neighbors are by cosine and by mutual information, which is not what these keys mean.</summary>
    [JsonPropertyName("correlated_features_indices")] public IReadOnlyList<int> FeaturesIndices { get; init; } = [];

    /// <summary>Empty.</summary>
    [JsonPropertyName("correlated_features_pearson")] public IReadOnlyList<double> FeaturesPearson { get; init; } = [];

    /// <summary>Empty.</summary>
    [JsonPropertyName("correlated_features_l1")] public IReadOnlyList<double> FeaturesL1 { get; init; } = [];

    /// <summary>The tokens whose logits it lowers most.</summary>
    [JsonPropertyName("neg_str")] public required IReadOnlyList<string> LoweredTokens { get; init; }

    /// <summary>By how much.</summary>
    [JsonPropertyName("neg_values")] public required IReadOnlyList<float> LoweredLogits { get; init; }

    /// <summary>The tokens whose logits it raises most.</summary>
    [JsonPropertyName("pos_str")] public required IReadOnlyList<string> RaisedTokens { get; init; }

    /// <summary>By how much.</summary>
    [JsonPropertyName("pos_values")] public required IReadOnlyList<float> RaisedLogits { get; init; }

    /// <summary>Share of tokens on which it fires.</summary>
    [JsonPropertyName("frac_nonzero")] public required double Frequency { get; init; }

    /// <summary>Middles of the bins of its activations.</summary>
    [JsonPropertyName("freq_hist_data_bar_values")] public required IReadOnlyList<double> HistogramValues { get; init; }

    /// <summary>Tokens in each bin.</summary>
    [JsonPropertyName("freq_hist_data_bar_heights")] public required IReadOnlyList<long> HistogramHeights { get; init; }

    /// <summary>Empty.</summary>
    [JsonPropertyName("logits_hist_data_bar_values")] public IReadOnlyList<double> LogitsValues { get; init; } = [];

    /// <summary>Empty.</summary>
    [JsonPropertyName("logits_hist_data_bar_heights")] public IReadOnlyList<long> LogitsHeights { get; init; } = [];

    /// <summary>Windows that were read.</summary>
    [JsonPropertyName("n_prompts_total")] public required long Prompts { get; init; }

    /// <summary>Tokens of a window.</summary>
    [JsonPropertyName("n_tokens_in_prompt")] public required int TokensInPrompt { get; init; }

    /// <summary>The texts.</summary>
    [JsonPropertyName("dataset")] public required string Dataset { get; init; }

    /// <summary>Examples: the strongest, then those drawn from each range of strengths.</summary>
    [JsonPropertyName("activations")] public required IReadOnlyList<NeuronpediaExample> Activations { get; init; }

    /// <summary>A feature of a catalog under these keys.</summary>
    public static NeuronpediaFeature Of(Feature feature, CatalogSource source) => new()
    {
        Index = feature.Latent,
        LoweredTokens = [.. feature.Lowered.Select(token => token.Text)],
        LoweredLogits = [.. feature.Lowered.Select(token => token.Logit)],
        RaisedTokens = [.. feature.Raised.Select(token => token.Text)],
        RaisedLogits = [.. feature.Raised.Select(token => token.Logit)],
        Frequency = feature.Frequency,
        HistogramValues = [.. feature.Histogram.Counts.Select((_, bin) => (bin + 0.5) * feature.Histogram.Width)],
        HistogramHeights = feature.Histogram.Counts,
        Prompts = source.Windows,
        TokensInPrompt = source.Context,
        Dataset = source.Texts,
        Activations =
        [
            .. feature.Top.Select(example => NeuronpediaExample.Of(example, -1, -1)),
            .. feature.Quantiles.SelectMany(group =>
                group.Examples.Select(example => NeuronpediaExample.Of(example, group.From, group.To))),
        ],
    };
}

/// <summary>An example under Neuronpedia's keys.</summary>
/// <param name="Tokens">The text, a piece a token.</param>
/// <param name="Values">The activation on each.</param>
/// <param name="BinMin">Weakest peak of its group; −1 for one of the strongest of all.</param>
/// <param name="BinMax">Strongest peak of its group; −1 for one of the strongest of all.</param>
/// <param name="BinContains">Share of activations in its group: not known, so −1.</param>
/// <param name="Peak">Which token the peak is.</param>
public sealed record NeuronpediaExample(
    [property: JsonPropertyName("tokens")] IReadOnlyList<string> Tokens,
    [property: JsonPropertyName("values")] IReadOnlyList<float> Values,
    [property: JsonPropertyName("bin_min")] double BinMin,
    [property: JsonPropertyName("bin_max")] double BinMax,
    [property: JsonPropertyName("bin_contains")] double BinContains,
    [property: JsonPropertyName("qualifying_token_index")] int Peak)
{
    /// <summary>An example under these keys.</summary>
    public static NeuronpediaExample Of(FeatureExample example, double least, double most) =>
        new(example.Pieces, example.Activations, least, most, -1, example.Peak);
}
