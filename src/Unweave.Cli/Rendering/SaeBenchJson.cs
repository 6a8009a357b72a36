using System.Globalization;
using System.Text.Json.Nodes;
using Unweave.Evaluation;
using Unweave.Formats;

namespace Unweave.Cli.Rendering;

/// <summary>
/// Results in SAEBench's form: an object for each evaluation and coder, with its keys; what SAEBench lacks has types of its own.
/// </summary>
internal static class SaeBenchJson
{
    /// <summary>All results.</summary>
    public static JsonArray All(MeasureResult result) => [.. Results(result).Select(one => (JsonNode)one.Json)];

    /// <summary>Writes each result to a file: <c>TYPE_CODER.json</c>.</summary>
    public static void Write(string folder, MeasureResult result)
    {
        Directory.CreateDirectory(folder);
        foreach ((string coder, JsonObject json) in Results(result))
        {
            string name = string.Concat(coder.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' ? letter : '_'));
            string path = Path.Combine(folder, $"{json["eval_type_id"]}_{name}.json");
            byte[] bytes = System.Text.Encoding.UTF8.GetBytes(json.ToJsonString(Screen.Json));
            AtomicFile.Write(path, stream => stream.Write(bytes));
        }
    }

    private static IEnumerable<(string Coder, JsonObject Json)> Results(MeasureResult result)
    {
        long time = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        byte[] asked = System.Text.Encoding.UTF8.GetBytes($"{result.Where}\n{string.Join('\n', result.Coders)}\n{time}");
        string id = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(asked))[..32];
        for (int i = 0; i < result.Coders.Count; i++)
        {
            int coder = i;
            if (result.Reconstruction.Count > 0) yield return Made("core", Core(result.Reconstruction[i]), []);
            if (result.Probing.Count > 0) yield return Made("sparse_probing", Probing(result, i), Details(result, i));
            if (result.Absorption is { Refused: null } absorption)
                yield return Made("absorption_first_letter", Absorption(absorption.Coders[i]), Letters(absorption.Coders[i]));
            foreach (IGrouping<string, RemovalResult> kind in result.Removal.GroupBy(one => one.Kind, StringComparer.Ordinal))
                yield return Made(kind.Key, Removal(kind.Key, [.. kind.Select(one => one.Scores[coder])]),
                    [.. kind.Select(one => (JsonNode)Named(one.Name, Scores(kind.Key, one.Scores[coder])))]);
            if (i < result.Projection.Count && i < result.Autoencoders)
                yield return Made("unweave_decoder_projection", Projection(result.Projection[i]), []);
            if (result.Stability.Any(pair => Of(pair, coder)))
                yield return Made(
                    "unweave_stability", [], [.. result.Stability.Where(pair => Of(pair, coder)).Select(pair => (JsonNode)Pair(pair))]);

            (string, JsonObject) Made(string type, JsonObject metrics, JsonArray details) => (result.Coders[coder], new JsonObject
            {
                ["eval_type_id"] = type,
                ["eval_config"] = new JsonObject { ["splits"] = result.Splits, ["where"] = result.Where },
                ["eval_id"] = id,
                ["datetime_epoch_millis"] = time,
                ["eval_result_metrics"] = metrics,
                ["eval_result_details"] = details,
                ["eval_result_unstructured"] = Unstructured(result, type, coder),
                ["sae_bench_commit_hash"] = "",
                ["sae_lens_id"] = result.Coders[coder],
                ["sae_lens_release_id"] = "unweave",
                ["sae_lens_version"] = "",
                ["sae_cfg_dict"] = new JsonObject { ["architecture"] = result.Architectures[coder] ?? "baseline" },
            });
        }

        bool Of(Stability pair, int coder) => Same(pair.First, result.Coders[coder]) || Same(pair.Second, result.Coders[coder]);
    }

    private static JsonObject? Unstructured(MeasureResult result, string type, int coder)
    {
        if (type is "sparse_probing")
        {
            var sets = new JsonObject();
            foreach (ProbeResult set in result.Probing)
            {
                var sizes = new JsonObject();
                foreach (int k in SparseProbing.Sizes)
                {
                    sizes[Number(k)] = new JsonObject
                    {
                        ["accuracy_of_each_split"] = new JsonArray([.. set.Coders[coder].Accuracies[k].Select(value => (JsonNode)value)]),
                        ["smallest_difference_seen"] = set.SmallestDifference(k),
                    };
                }

                sets[set.Name] = sizes;
            }

            return sets;
        }

        return type is "tpp" or "scr" ? new JsonObject { ["warning"] = MeasureTables.Unreliable } : null;
    }

    private static JsonObject Core(EvaluationReport report) => new()
    {
        ["reconstruction_quality"] = new JsonObject
        {
            ["explained_variance"] = Finite(report.ExplainedVariance),
            ["explained_variance_without_outliers"] = Finite(1 - report.OrdinaryFvu),
            ["outlier_rows"] = report.OutlierRows,
            ["mse"] = Finite(report.Mse),
            ["cossim"] = Finite(report.Cosine),
        },
        ["shrinkage"] = new JsonObject
        {
            ["l2_ratio"] = Finite(report.L2Ratio),
            ["relative_reconstruction_bias"] = Finite(report.RelativeReconstructionBias),
        },
        ["sparsity"] = new JsonObject { ["l0"] = Finite(report.L0), ["l1"] = Finite(report.L1) },
        ["misc_metrics"] = new JsonObject { ["frac_alive"] = report.DeadFraction is { } dead ? 1 - dead : null },
    };

    private static JsonObject Probing(MeasureResult result, int coder)
    {
        JsonObject llm = new() { ["llm_test_accuracy"] = result.Probing.Average(set => set.Dense.Average()) }, sae = [];
        foreach (int k in SparseProbing.Sizes)
            sae[$"sae_top_{Number(k)}_test_accuracy"] = result.Probing.Average(set => set.Coders[coder].Accuracies[k].Average());
        return new JsonObject { ["llm"] = llm, ["sae"] = sae };
    }

    private static JsonArray Details(MeasureResult result, int coder) =>
    [
        .. result.Probing.Select(set =>
        {
            var one = new JsonObject { ["dataset_name"] = set.Name, ["llm_test_accuracy"] = set.Dense.Average() };
            foreach (int k in SparseProbing.Sizes) one[$"sae_top_{Number(k)}_test_accuracy"] = set.Coders[coder].Accuracies[k].Average();
            return (JsonNode)one;
        }),
    ];

    private static JsonObject Absorption(CoderAbsorption coder)
    {
        double[] fractions = [.. coder.Letters.SelectMany(split => split).Select(letter => letter.Fraction)],
            full = [.. coder.Letters.SelectMany(split => split).Select(letter => letter.Full)],
            main = [.. coder.Letters.SelectMany(split => split).Select(letter => (double)letter.MainLatents)];
        return new JsonObject
        {
            ["mean"] = new JsonObject
            {
                ["mean_absorption_fraction_score"] = coder.Fractions.Average(),
                ["mean_full_absorption_score"] = coder.Full.Average(),
                ["mean_num_split_features"] = coder.MainLatents,
                ["std_dev_absorption_fraction_score"] = Deviation(fractions),
                ["std_dev_full_absorption_score"] = Deviation(full),
                ["std_dev_num_split_features"] = Deviation(main),
            },
        };
    }

    private static JsonArray Letters(CoderAbsorption coder) =>
    [
        .. coder.Letters.SelectMany(split => split).GroupBy(letter => letter.Letter).OrderBy(group => group.Key).Select(group =>
            (JsonNode)new JsonObject
            {
                ["first_letter"] = $"{group.Key}",
                ["mean_absorption_fraction"] = group.Average(letter => letter.Fraction),
                ["full_absorption_rate"] = group.Average(letter => letter.Full),
                ["num_full_absorption"] = group.Sum(letter => letter.FullCount),
                ["num_probe_true_positives"] = group.Sum(letter => letter.Words),
                ["num_split_features"] = group.Average(letter => letter.MainLatents),
            }),
    ];

    private static JsonObject Removal(string kind, IReadOnlyList<IReadOnlyDictionary<int, RemovalScore>> sets) => new()
    {
        [$"{kind}_metrics"] = Scores(kind, ConceptRemoval.Sizes.ToDictionary(size => size, size => new RemovalScore(
            sets.Average(set => set[size].Total), sets.Average(set => set[size].Intended), sets.Average(set => set[size].Unintended)))),
    };

    private static JsonObject Scores(string kind, IReadOnlyDictionary<int, RemovalScore> scores)
    {
        var made = new JsonObject();
        foreach ((int size, RemovalScore score) in scores)
        {
            (string total, string intended, string unintended) = kind is "tpp"
                ? ($"tpp_threshold_{Number(size)}_total_metric", $"tpp_threshold_{Number(size)}_intended_diff_only",
                    $"tpp_threshold_{Number(size)}_unintended_diff_only")
                : ($"scr_metric_threshold_{Number(size)}", $"scr_dir1_threshold_{Number(size)}", $"scr_dir2_threshold_{Number(size)}");
            made[total] = Finite(score.Total);
            made[intended] = Finite(score.Intended);
            made[unintended] = Finite(score.Unintended);
        }

        return made;
    }

    private static JsonObject Projection(DecoderProjection projection)
    {
        var values = new JsonObject();
        foreach ((double share, double value) in projection.Values)
            values[share.ToString("0.###", CultureInfo.InvariantCulture)] = Finite(value);
        return new JsonObject { ["projection_at_share_of_latents"] = values, ["mean_pair_cosine"] = Finite(projection.PairCosine) };
    }

    private static JsonObject Pair(Stability pair) => new()
    {
        ["first"] = pair.First,
        ["second"] = pair.Second,
        ["pairs"] = pair.Pairs,
        ["mean_matched_cosine"] = pair.MeanCosine,
        ["share_above_0.7"] = pair.Above7,
        ["share_above_0.9"] = pair.Above9,
        ["mean_matched_cosine_of_random_directions"] = pair.Chance,
    };

    private static JsonObject Named(string name, JsonObject scores)
    {
        scores["dataset_name"] = name;
        return scores;
    }

    private static double Deviation(double[] values)
    {
        double mean = values.Average();
        return values.Length < 2 ? 0 : Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }

    private static bool Same(string one, string other) => string.Equals(one, other, StringComparison.Ordinal);

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
