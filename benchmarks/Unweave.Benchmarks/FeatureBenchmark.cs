using System.Diagnostics;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Onnx;

namespace Unweave.Benchmarks;

/// <summary>What feature statistics cost beside a harvest of the same texts.</summary>
/// <param name="Threads">Threads of an operation.</param>
/// <param name="Rows">Rows of a round.</param>
/// <param name="Latents">Latents of the autoencoder.</param>
/// <param name="Harvest">The whole harvest.</param>
/// <param name="FromHarvest">The statistics of that harvest: reading, encoding, counting.</param>
/// <param name="FromTexts">The statistics of the texts themselves: running the model, encoding, counting.</param>
/// <param name="HarvestShare">Median over the rounds of the harvest's time over that of its statistics.</param>
/// <param name="TextShare">Median over the rounds of the harvest's time over that of the texts' statistics.</param>
/// <param name="PeakResidentBytes">Most memory that the process had.</param>
internal sealed record FeatureFigures(
    int Threads, long Rows, int Latents, HarvestTimes Harvest, HarvestTimes FromHarvest, HarvestTimes FromTexts, double HarvestShare,
        double TextShare,
    long PeakResidentBytes);

/// <summary>Times a harvest, the statistics of it, and the statistics of the same texts, in turn.</summary>
internal static class FeatureBenchmark
{
    /// <summary>Runs the benchmark.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="hook">The hook.</param>
    /// <param name="corpus">The texts.</param>
    /// <param name="autoencoder">The autoencoder; its time does not depend on what it has learnt.</param>
    /// <param name="tokens">Tokens of a round, to the end of a document.</param>
    /// <param name="rounds">Rounds of each, after one to warm up.</param>
    /// <param name="cancellationToken">Ends the benchmark.</param>
    public static FeatureFigures Run(
        OnnxHost model, ITokenizer tokenizer, Hook hook, TextCorpus corpus, SparseAutoencoder autoencoder, long tokens, int rounds,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(corpus);
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rounds);
        var options = new PassOptions();
        HarvestManifest manifest = Harvester.Describe(model, tokenizer, [hook], corpus, options);
        using var pass = new ActivationPass(model, tokenizer, [hook], options);
        double[] harvest = new double[rounds], fromHarvest = new double[rounds], fromTexts = new double[rounds];
        long rows = 0;
        string folder = Directory.CreateTempSubdirectory("unweave-bench-").FullName;
        try
        {
            for (int round = -1; round < rounds; round++)
            {
                string shards = Path.Combine(folder, $"round{round}");
                long start = Stopwatch.GetTimestamp();
                using (var writer = HarvestWriter.Create(shards, manifest))
                    Harvester.Run(pass, corpus, writer, tokens, cancellationToken: cancellationToken);
                long harvested = Stopwatch.GetTimestamp();
                using (var made = Harvest.Open(shards))
                using (HarvestSource source = made.Source())
                using (var statistics = FeatureStatistics.FromHarvest(autoencoder, source, tokenizer, cancellationToken: cancellationToken))
                    rows = statistics.Rows;
                long counted = Stopwatch.GetTimestamp();
                using (var statistics = FeatureStatistics.FromTexts(
                    autoencoder, pass, tokenizer, corpus
                        .Documents(), rows: tokens, cancellationToken: cancellationToken)) rows = statistics.Rows;
                long ended = Stopwatch.GetTimestamp();
                Directory.Delete(shards, recursive: true);
                if (round < 0) continue;
                harvest[round] = Stopwatch.GetElapsedTime(start, harvested).TotalMilliseconds;
                fromHarvest[round] = Stopwatch.GetElapsedTime(harvested, counted).TotalMilliseconds;
                fromTexts[round] = Stopwatch.GetElapsedTime(counted, ended).TotalMilliseconds;
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return new FeatureFigures(
            model.Threads,
            rows,
            autoencoder.Latents,
            HarvestTimes.From(harvest, rows),
            HarvestTimes.From(fromHarvest, rows),
            HarvestTimes.From(fromTexts, rows),
            HarvestTimes.MedianOf([.. harvest.Zip(fromHarvest, (one, other) => one / other)]),
            HarvestTimes.MedianOf([.. harvest.Zip(fromTexts, (one, other) => one / other)]),
            Process.GetCurrentProcess().PeakWorkingSet64);
    }
}
