using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

public sealed class MeasureTests
{
    private static readonly string[] Small = ["--latents", "64", "--k", "4", "--tokens", "20000", "--batch", "200", "--validation", "0.1"];

    [Fact]
    public async Task Autoencoders_of_one_data_set_stand_beside_each_other_and_their_baselines()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors");
        (await place.Run(["train", vectors, .. Small, "-o", "one"])).Succeeded();
        (await place.Run(["train", vectors, .. Small, "--seed", "5", "-o", "two"])).Succeeded();
        (await place.Run("measure", "one", "two", "--absorption", "--baselines", "none")).Refused("--absorption needs a host model");
        (await place.Run("measure", "one", "--stability")).Refused("name two or more");
        (await place.Run("measure", "one", "--splits", "1")).Refused("at least 2");

        Outcome shown = (await place.Run("measure", "one", "two", "--baselines", "pca,random")).Succeeded();
        foreach (string text in (string[])["PCA, 4 components", "random dictionary, 4 of 64", "one and two", "n-th decoder projection"])
            Assert.Contains(text, shown.Output, StringComparison.Ordinal);

        Assert.Contains("held out other rows", shown.Output, StringComparison.Ordinal); // another seed shuffles otherwise
        Outcome made = (await place.Run("measure", "one", "two", "--baselines", "none", "-o", "out", "--json")).Succeeded();
        JsonArray results = made.Json["results"]!.AsArray();
        string[] types =
            [.. results.Select(one => (string)one!["eval_type_id"]!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        Assert.Equal(["core", "unweave_decoder_projection", "unweave_stability"], types);
        JsonNode eval = (await place.Run("eval", "one", "--baselines", "none", "--json", "--no-save")).Succeeded().Json;
        JsonNode core = results.First(one => Is(one, "eval_type_id", "core") && Is(one, "sae_lens_id", "one"))!;
        Assert.Equal((double)eval["autoencoder"]!["explainedVariance"]!,
            (double)core["eval_result_metrics"]!["reconstruction_quality"]!["explained_variance"]!, 1e-9);
        foreach (string key in (string[])["eval_config", "eval_id", "datetime_epoch_millis", "eval_result_details", "sae_cfg_dict"])
            Assert.NotNull(core[key]);
        Assert.Equal(results.Count, Directory.GetFiles(place["out"]).Length);
    }

    [Fact]
    public async Task Labelled_texts_are_probed_by_their_embeddings()
    {
        using var place = new Workplace();
        string[] animals = ["cat", "dog", "horse", "cow", "wolf", "bear"], tools = ["hammer", "saw", "drill", "wrench", "pliers", "chisel"];
        IEnumerable<string> lines = Enumerable.Range(0, 96).Select(i =>
        {
            (string[] of, string topic) = i % 2 == 0 ? (animals, "animal") : (tools, "tool");
            string text = $"the {of[i / 2 % 6]} is number {i}", second = i / 2 % 2 == 0 ? "odd" : "even";
            return new JsonObject { ["text"] = text, ["topic"] = topic, ["second"] = second }.ToJsonString();
        });
        const string texts = "texts.jsonl";
        place.Write(texts, string.Join('\n', lines));
        (await place.Run("embed", texts, "-o", "vectors.npy")).Succeeded();
        (await place.Run("train", "vectors.npy", "--latents", "48", "--k", "6", "--tokens", "20000", "--batch", "48", "-o", "sae"))
            .Succeeded();
        (await place.Run("measure", "sae", "--probe", texts)).Refused("has no field label; its fields are");
        JsonNode measured = (await place.Run("measure", "sae", "--probe", texts, "--label", "topic", "--baselines", "identity", "--tpp",
            "--scr", "second", "--json")).Succeeded().Json;
        JsonNode probing = measured["results"]!.AsArray().First(one => Is(one, "eval_type_id", "sparse_probing"))!;
        JsonNode metrics = probing["eval_result_metrics"]!;
        Assert.True((double)metrics["llm"]!["llm_test_accuracy"]! > 0.9, metrics.ToJsonString());
        Assert.True((double)metrics["sae"]!["sae_top_16_test_accuracy"]! > 0.8, metrics.ToJsonString());
        Assert.Equal("texts.jsonl", (string)probing["eval_result_details"]![0]!["dataset_name"]!);
        Assert.Equal(3, probing["eval_result_unstructured"]!["texts.jsonl"]!["1"]!["accuracy_of_each_split"]!.AsArray().Count);
        foreach (string type in (string[])["tpp", "scr"])
        {
            JsonNode removal = measured["results"]!.AsArray().First(one => Is(one, "eval_type_id", type))!;
            Assert.NotNull(removal["eval_result_metrics"]![$"{type}_metrics"]);
            Assert.Contains("2605.18229", (string)removal["eval_result_unstructured"]!["warning"]!, StringComparison.Ordinal);
        }

        string shown = (await place.Run("measure", "sae", "--probe", texts, "--label", "topic", "--baselines", "none")).Succeeded().Output;
        Assert.Contains("smallest difference that shows", shown, StringComparison.Ordinal);
        Assert.Contains("A probe on the raw vectors reaches", shown, StringComparison.Ordinal);
    }

    private static bool Is(JsonNode? node, string key, string value) => string.Equals((string?)node?[key], value, StringComparison.Ordinal);
}
