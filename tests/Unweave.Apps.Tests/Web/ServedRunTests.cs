using System.Runtime.InteropServices;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Checkpoints;
using Unweave.Hosts;
using Unweave.Interpretation;
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

    [Fact]
    public void The_points_of_a_map_are_read_once_for_all_readers_and_again_when_the_catalog_changes()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 60);
        using var runs = new ServedRuns(new ServeOptions { Folder = place["run"] });
        Assert.True(runs.TryGet("run", out ServedRun? run));
        Assert.Null(run.Maps.Of(run.Catalog!));

        using FeatureCatalog elsewhere = FeatureCatalog.Open(place["run"]);
        elsewhere.WriteMap([new MapPoint(0, 1, 2), new MapPoint(SampleCatalog.Dead, 3, 4), new MapPoint(10, 5, 6)]);
        LatentMap map = run.Maps.Of(run.Catalog!)!;
        Assert.Same(map, run.Maps.Of(run.Catalog!));
        (int[] latents, float[] x, float[] scores, byte[] kinds) = Columns(map);
        Assert.Equal([0, SampleCatalog.Dead, 10], latents);
        Assert.Equal([1, 3, 5], x);
        IReadOnlyList<FeatureRow> rows = elsewhere.Rows(latents);
        Assert.Equal((float)rows[0].Score!.Value, scores[0]);
        Assert.True(float.IsNaN(scores[1]));
        Assert.Equal(rows.Select(row => (byte)row.Kind), kinds);
        Assert.True(map.Contains(10) && !map.Contains(11) && !map.Contains(-1) && !map.Contains(1_000_000));
        Assert.Equal(3, map.Kinds.Sum(kind => kind.Count));

        elsewhere.WriteMap([new MapPoint(11, 7, 8)]);
        LatentMap moved = run.Maps.Of(run.Catalog!)!;
        Assert.Equal(1, moved.Count);
        elsewhere.AddLabels([(11, new FeatureLabel("a better one", "tokens", 0.999, double.NaN, 40))]);
        Assert.Equal(0.999f, Columns(run.Maps.Of(run.Catalog!)!).Scores[0]);
    }

    [Fact]
    public void Latents_are_colored_by_the_largest_parts_of_the_corpus()
    {
        LatentContext Of(int latent, string? source) => new(latent, [], [], source);
        MapSources sources = MapSources.From(
            [Of(0, "a"), Of(1, "b"), Of(2, null), Of(3, "b"), .. "cdefg".Select((c, i) => Of(4 + i, $"{c}"))])!;
        Assert.Equal([("b", 2), ("a", 1), ("c", 1), ("d", 1), ("e", 1)], sources.Parts);
        Assert.Equal([2, 1, 0, 1, 3, 4, 5, 0, 0], sources.OfLatents);
        Assert.Equal(3, sources.Others);
        Assert.Null(MapSources.From([Of(0, "a"), Of(1, "a"), Of(2, null)])); // one part tells nothing apart
        Assert.Null(MapSources.From([]));
    }

    [Fact]
    public void Names_for_a_map_are_of_labels_far_enough_from_each_other_none_twice()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 120);
        using FeatureCatalog catalog = FeatureCatalog.Open(place["run"]);
        Assert.Empty(MapName.Choose(catalog, []));
        IReadOnlyList<MapName> line =
            MapName.Choose(catalog, [.. Enumerable.Range(0, 120).Select(latent => new MapPoint(latent, latent, 0))]);
        Assert.InRange(line.Count, 3, 120);
        Assert.Equal(line.Count, line.Select(name => name.Text).Distinct(StringComparer.Ordinal).Count());
        int[] places = [.. line.Select(name => name.Latent).Order()];
        Assert.All(places.Zip(places.Skip(1)), pair => Assert.True(pair.Second - pair.First > 0.06 * 119));
        Assert.All(line, name => Assert.InRange(name.Text.Length, 1, 29));
        Assert.Single(MapName.Choose(catalog, [.. Enumerable.Range(0, 120).Select(latent => new MapPoint(latent, 0, 0))]));
    }

    [Fact]
    public void A_step_of_a_map_being_made_is_packed_once_for_all_who_watch()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 40);
        using var runs = new ServedRuns(new ServeOptions { Folder = place["run"] });
        Assert.True(runs.TryGet("run", out ServedRun? run));
        var first = new FeatureMapProgress(1, 10, 2.5, [new MapPoint(3, 1, 1), new MapPoint(4_000, 2, 2)]);
        LatentMap? shown = run.Maps.Of(run.Catalog!, first);
        Assert.Equal(1, shown?.Count); // a latent of another build is left out
        Assert.Same(shown, run.Maps.Of(run.Catalog!, first));
        Assert.NotSame(shown, run.Maps.Of(run.Catalog!, first with { Iteration = 2 }));
        Assert.Null(run.Maps.Of(run.Catalog!, progress: null));
    }

    private static (int[] Latents, float[] X, float[] Scores, byte[] Kinds) Columns(LatentMap map)
    {
        using var bytes = new MemoryStream();
        using (Stream packed = map.Open()) packed.CopyTo(bytes);
        byte[] all = bytes.ToArray();
        int n = map.Count;
        float[] Floats(int column) => MemoryMarshal.Cast<byte, float>(all.AsSpan(4 * n * column, 4 * n)).ToArray();
        return (MemoryMarshal.Cast<byte, int>(all.AsSpan(0, 4 * n)).ToArray(), Floats(1), Floats(3), all[(20 * n)..]);
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
