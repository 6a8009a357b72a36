using System.Diagnostics;
using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Tests.Catalog;

/// <summary>A catalog of many latents. UNWEAVE_LARGE=1 makes it one of 100,000 and prints how long each query takes.</summary>
public sealed class LargeCatalogTests(ITestOutputHelper output) : IDisposable
{
    private static readonly bool Large = Environment.GetEnvironmentVariable("UNWEAVE_LARGE") is "1";

    private static readonly string[] Vocabulary =
    [
        .. Enumerable.Range(0, 20_000).Select(number => number == 0 ? "the" : MadeFeatures.Word(number * 7919 % 100_003)),
    ];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Many_latents_are_built_in_bounded_memory_and_found_quickly()
    {
        int latents = Large ? 100_000 : 2_000;
        long most = 0;
        IEnumerable<(Feature, IReadOnlyList<FeatureLabel>)> features = Enumerable.Range(0, latents).Select(latent =>
        {
            if (latent % 500 == 499) most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true));
            return (Made(latent),
                (IReadOnlyList<FeatureLabel>)(
                    latent % 3 == 0
                        ? []
                        : [
                            new FeatureLabel($"{Vocabulary[latent % 300]} and {Vocabulary[latent % 20_000]}", "tokens",
                                0.5 + (latent % 100 * 0.005), double.NaN, 200)]));
        });
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var clock = Stopwatch.StartNew();
        FeatureCatalog.Build(folder.Path, MadeFeatures.Source(latents), features);
        output.WriteLine(
            $"build: {clock.Elapsed.TotalSeconds:F1} s, {new FileInfo(folder[FeatureCatalog.FileName]).Length / 1e6:F0} MB, "
            + $"{(most - before) / 1e6:F0} MB of memory");
        // A batch is held, never all: a feature here takes some 40 kB.
        Assert.True(most - before <= 40_000_000, $"{most - before} bytes");

        using FeatureCatalog catalog = FeatureCatalog.Open(folder.Path);
        Time("open", () => FeatureCatalog.Open(folder.Path).Dispose());
        foreach (FeatureOrder order in Enum.GetValues<FeatureOrder>())
        {
            foreach (bool descending in (bool[])[false, true])
                Find($"by {order}{(descending ? " down" : "")}", new FeatureQuery { Order = order, Descending = descending }, latents);
            Find($"by {order}, from the middle", new FeatureQuery { Order = order, Skip = latents / 2 }, latents);
        }

        Find("of a kind", new FeatureQuery { Kinds = [FeatureKind.Token, FeatureKind.Ordinary] });
        Find("of a kind by score", new FeatureQuery { Kinds = [FeatureKind.Token], Order = FeatureOrder.Score, Descending = true });
        Find("frequency by max", new FeatureQuery { MinFrequency = 0.01, MaxFrequency = 0.02, Order = FeatureOrder.Max });
        Find("score by label", new FeatureQuery { MinScore = 0.7, Order = FeatureOrder.Label });
        Find("unlabelled by frequency", new FeatureQuery { Labelled = false, Order = FeatureOrder.Frequency });
        foreach (string text in (string[])["the", "t", "w", "wb", Vocabulary[3], Vocabulary[40], Vocabulary[900] + " " + Vocabulary[2],
            Vocabulary[15_000], "the " + Vocabulary[1] + " w", "nothing-of-the-kind", "123"])
        {
            foreach (FeatureOrder order in (FeatureOrder[])[FeatureOrder.Relevance, FeatureOrder.Frequency, FeatureOrder.Score])
                Find($"\"{text}\" by {order}", new FeatureQuery { Text = text, Order = order });
        }

        Find("\"the\" from the middle", new FeatureQuery { Text = "the", Skip = latents / 2 });
        Time("next by score", () => catalog.Next(new FeatureQuery { Order = FeatureOrder.Score }, latents / 2));
        Time("next of \"the\"", () => catalog.Next(new FeatureQuery { Text = "the" }, latents / 2));
        Time("read", () => catalog.Read(latents / 2));
        Time("star", () => catalog.SetStar(latents / 2, true));
        Time($"labels for {latents / 10}",
            () =>
                catalog.AddLabels(
                    Enumerable.Range(0, latents / 10).Select(latent => (latent * 10, new FeatureLabel("added", "topic", 0.9, 0.9, 100)))));
        Assert.Equal(latents / 10, catalog.Find(new FeatureQuery { Text = "added" }).Total);
        Time("frequencies", () => catalog.Frequencies());
        Time("100 rows", () => catalog.Rows([.. Enumerable.Range(0, 100)]));

        void Find(string what, FeatureQuery query, int? total = null)
        {
            FeatureRows found = Time(what, () => catalog.Find(query));
            Assert.Equal(total ?? found.Total, found.Total);
            Assert.Equal(Math.Min(query.Take, Math.Max(0, found.Total - query.Skip)), found.Rows.Count);
        }
    }

    private T Time<T>(string what, Func<T> call)
    {
        call();
        var clock = Stopwatch.StartNew();
        T result = call();
        if (Large)
            output.WriteLine($"{clock.Elapsed.TotalMilliseconds,8:F1} ms  {what}{(result is FeatureRows rows ? $" ({rows.Total})" : "")}");
        return result;
    }

    private void Time(string what, Action call) => Time(what, () =>
    {
        call();
        return true;
    });

    // Words are as frequent as in a text: Zipf's law.
    private static Feature Made(int latent)
    {
        var rng = new Rng(3, (ulong)latent);
        FeatureExample[] examples = [.. Enumerable.Range(0, 15).Select(index =>
        {
            string[] pieces =
            [
                .. Enumerable.Range(0, 32).Select(_ => " " + Vocabulary[(int)Math.Pow(Vocabulary.Length, rng.NextDouble()) - 1]),
            ];
            return new FeatureExample($"document {index}", (latent * 100L) + index, index, pieces,
                [.. pieces.Select((_, place) => place % 5 == 0 ? (float)rng.NextDouble() : 0f)], 0);
        })];
        return MadeFeatures.Of(latent, examples: 1) with
        {
            Kind = (FeatureKind)(latent % 5),
            Top = examples[..10],
            Quantiles = [new ExampleGroup(0, 1, 1, examples[10..])],
        };
    }
}
