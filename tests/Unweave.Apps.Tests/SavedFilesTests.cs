using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

/// <summary>The folder of a run that version 0.1 trained, measured and cataloged is what today's command works on.</summary>
public sealed class SavedFilesTests : IDisposable
{
    private readonly Workplace place = new();

    public SavedFilesTests() => Copy(Saved("hosted"), place["hosted"]);

    [Fact]
    public async Task Features_are_listed_shown_and_marked()
    {
        JsonArray golden = Golden("hosted.features")["features"]!.AsArray();
        Outcome list = (await place.Run("features", "list", "hosted", "--json")).Succeeded();
        Assert.Equal(golden.Select(Key), list.Json["features"]!.AsArray().Select(Key), StringComparer.Ordinal);
        Outcome shown = (await place.Run("features", "show", "hosted", "5", "--json")).Succeeded();
        Assert.Equal("the fifth", (string?)shown.Json["summary"]!["label"]);
        (await place.Run("features", "mark", "hosted", "6", "--label", "the sixth")).Succeeded();
        Assert.Contains("the sixth", (await place.Run("features", "list", "hosted", "sixth")).Succeeded().Output, StringComparison.Ordinal);

        static string Key(JsonNode? row) => $"{row!["latent"]} {row["label"]} {row["topTokens"]} {row["starred"]}";
    }

    [Fact]
    public async Task An_autoencoder_is_inspected_and_spliced_into_its_model()
    {
        JsonNode golden = Golden("hosted.inspect")["files"]![0]!["tensors"]!;
        Outcome inspected = (await place.Run("inspect", "hosted/autoencoder.safetensors", "--json")).Succeeded();
        JsonNode file = inspected.Json["files"]![0]!;
        Assert.Equal("matches", (string?)file["checksum"]);
        Assert.Equal(golden.ToJsonString(), file["tensors"]!.ToJsonString());

        JsonNode splice = Golden("hosted.splice");
        Outcome measured = (await place.Run("eval", "hosted", "--model", Model, "--text", Saved("texts.jsonl"), "--json")).Succeeded();
        foreach (string figure in (string[])["predictions", "clean", "spliced", "zero", "mean", "divergence", "agreement"])
            Assert.Equal((double)splice[figure]!, (double)measured.Json[figure]!, 1e-3);
        Assert.Equal((double)splice["reconstruction"]!["fvu"]!, (double)measured.Json["reconstruction"]!["fvu"]!, 1e-3);
    }

    [Fact]
    public async Task A_finished_run_and_an_interrupted_one_are_resumed()
    {
        foreach (string run in (string[])["hosted", "kl"])
        {
            if (!Directory.Exists(place[run])) Copy(Saved(run), place[run]);
            string data = Saved(run is "hosted" ? "harvest" : "vectors.npy");
            Outcome resumed = (await place.Run("train", data, "--config", $"{run}/config.json", "--resume", "-o", run)).Succeeded();
            if (run is "kl") Assert.Contains("FVU", resumed.Output, StringComparison.Ordinal);
            (await place.Run("eval", run, data, "--all")).Succeeded();
        }
    }

    public void Dispose() => place.Dispose();

    private static string Saved(string name) => Path.Combine(Root, "tests/Unweave.Tests/Fixtures/v0.1", name);

    private static string Model => Path.Combine(Root, "models/english-4m");

    private static string Root { get; } = Repository();

    private static JsonNode Golden(string name) => JsonNode.Parse(File.ReadAllText(Saved($"golden/{name}.json")))!;

    private static string Repository([System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../.."));

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
