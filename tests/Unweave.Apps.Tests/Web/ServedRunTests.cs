using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Web;
using Unweave.Web.Runs;

namespace Unweave.Apps.Tests.Web;

/// <summary>A run that changes while it is served: what is in use stays open until it is let go of.</summary>
public sealed class ServedRunTests
{
    private static readonly string Model = Path.Combine(AppContext.BaseDirectory, "models", "english-4m");

    [Fact]
    public void What_is_leased_is_disposed_when_the_last_lets_go_of_it()
    {
        var value = new Disposed();
        var leased = new Leased<Disposed>(value);
        Lease<Disposed> first = leased.Lease(), second = leased.Lease();
        leased.Release();
        first.Dispose();
        first.Dispose(); // twice counts once
        Assert.False(value.Is);
        second.Dispose();
        Assert.True(value.Is);
        Assert.Throws<ObjectDisposedException>(leased.Lease);
    }

    [Fact]
    public void A_model_in_use_survives_that_the_autoencoder_is_written_again()
    {
        using var place = new Workplace();
        using (OnnxHost model = OnnxHost.Open(Model))
        {
            Save(place["run"], model.FindOne("blocks.1").Width, 64);
            ITokenizer tokenizer = TokenizerFile.Open(Model);
            var reference = new HostReference(model.Name, model.Hash, tokenizer.Name, tokenizer.Hash, "blocks.1", 64, false);
            File.WriteAllBytes(place["run/host.json"], reference.ToJson());
        }

        using var runs = new ServedRuns(new ServeOptions { Folder = place["run"] });
        Assert.True(runs.TryGet("run", out ServedRun? run));
        using Lease<ServedHost> before = run.LeaseHost();
        int width = run.Autoencoder!.InputWidth;
        Save(place["run"], width, 96);
        using Lease<ServedHost> after = run.LeaseHost();
        Assert.NotSame(before.Value, after.Value);
        Assert.Equal(64, before.Value.Autoencoder.Encode("The old one still reads.").Codes.DictionarySize);
        Assert.Equal(96, after.Value.Autoencoder.Encode("The new one reads too.").Codes.DictionarySize);
        run.Dispose();
        Assert.Equal(96, after.Value.Autoencoder.Encode("Also when the server stops.").Codes.DictionarySize);
    }

    [Fact]
    public void A_run_whose_model_is_gone_says_so_and_one_whose_catalog_is_of_another_autoencoder_too()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"]);
        Save(place["run"], 16, 200);
        File.WriteAllBytes(place["run/host.json"], new HostReference("/gone/model.onnx", "aa", "x", "bb", "blocks.1", 64, false).ToJson());
        using var runs = new ServedRuns(new ServeOptions { Folder = place["run"] });
        Assert.True(runs.TryGet("run", out ServedRun? run));
        Assert.Null(run.LeaseHost(out string? missing));
        Assert.Contains("no longer at /gone/model.onnx", missing, StringComparison.Ordinal);
        Assert.NotNull(run.Catalog); // of a version that kept no hash
        Assert.Null(run.CatalogProblem);
    }

    [Fact]
    public void The_squared_distance_is_named_as_what_it_is()
    {
        using var place = new Workplace();
        place.Write("run/eval.json", """{"autoencoder":{"mse":3.5}}""");
        MetricRow row = Assert.Single(EvaluationTables.Read(Unweave.Runs.RunFolder.Open(place["run"]))!.Metrics);
        Assert.Equal("squared distance, mean over rows", row.Meaning);
    }

    private static void Save(string folder, int width, int latents)
    {
        using Autoencoder made = new TopKOptions { Latents = latents, K = 4 }.Build(width, new Rng((ulong)latents));
        made.Save(folder);
    }

    private sealed class Disposed : IDisposable
    {
        public bool Is { get; private set; }

        public void Dispose() => Is = true;
    }
}
