using System.Diagnostics;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Interpretation;

namespace Unweave.Onnx;

/// <summary>What a survey of features costs beside a harvest of the same texts.</summary>
/// <param name="Threads">Threads of an operation.</param>
/// <param name="Rows">Rows of a round.</param>
/// <param name="Latents">Latents of the autoencoder.</param>
/// <param name="Harvest">The whole harvest.</param>
/// <param name="FromHarvest">The survey of that harvest: reading, encoding, counting.</param>
/// <param name="FromTexts">The survey of the texts themselves: running the model, encoding, counting.</param>
/// <param name="HarvestShare">Median over the rounds of the harvest's time over the survey's of it.</param>
/// <param name="TextShare">Median over the rounds of the harvest's time over the survey's of the texts.</param>
/// <param name="PeakResidentBytes">Most memory that the process had.</param>
public sealed record SurveyFigures(int Threads, long Rows, int Latents, HarvestTimes Harvest, HarvestTimes FromHarvest, HarvestTimes FromTexts, double HarvestShare, double TextShare, long PeakResidentBytes);

/// <summary>Times a harvest, a survey of it, and a survey of the same texts, in turn.</summary>
public static class SurveyBenchmark
{
    /// <summary>Runs the benchmark.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="hook">The hook.</param>
    /// <param name="corpus">The texts.</param>
    /// <param name="autoencoder">The autoencoder; its time does not depend on what it has learnt.</param>
    /// <param name="tokens">Tokens of a round, to the end of a document.</param>
    /// <param name="rounds">Rounds of each, after one to warm up.</param>
    /// <param name="cancellation">Ends the benchmark.</param>
    public static SurveyFigures Run(OnnxHost model, ITokenizer tokenizer, Hook hook, TextCorpus corpus, SparseAutoencoder autoencoder, long tokens, int rounds, CancellationToken cancellation = default)
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
                using (var writer = HarvestWriter.Create(shards, manifest)) Harvester.Run(pass, corpus, writer, tokens, cancellation: cancellation);
                long harvested = Stopwatch.GetTimestamp();
                using (var made = Data.Harvest.Open(shards))
                using (HarvestSource source = made.Source())
                using (var survey = FeatureSurvey.OfHarvest(autoencoder, source, tokenizer, cancellation: cancellation)) rows = survey.Rows;
                long surveyed = Stopwatch.GetTimestamp();
                using (var survey = FeatureSurvey.OfTexts(autoencoder, pass, tokenizer, corpus.Documents(), rows: tokens, cancellation: cancellation)) rows = survey.Rows;
                long ended = Stopwatch.GetTimestamp();
                Directory.Delete(shards, recursive: true);
                if (round < 0) continue;
                harvest[round] = Stopwatch.GetElapsedTime(start, harvested).TotalMilliseconds;
                fromHarvest[round] = Stopwatch.GetElapsedTime(harvested, surveyed).TotalMilliseconds;
                fromTexts[round] = Stopwatch.GetElapsedTime(surveyed, ended).TotalMilliseconds;
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return new SurveyFigures(
            model.Threads,
            rows,
            autoencoder.Latents,
            HarvestTimes.Of(harvest, rows),
            HarvestTimes.Of(fromHarvest, rows),
            HarvestTimes.Of(fromTexts, rows),
            HarvestTimes.MiddleOf([.. harvest.Zip(fromHarvest, (one, other) => one / other)]),
            HarvestTimes.MiddleOf([.. harvest.Zip(fromTexts, (one, other) => one / other)]),
            Process.GetCurrentProcess().PeakWorkingSet64);
    }
}
