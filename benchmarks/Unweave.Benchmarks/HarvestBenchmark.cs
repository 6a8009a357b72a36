using System.Diagnostics;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Benchmarks;

/// <summary>Times of one kind of run, in milliseconds.</summary>
/// <param name="Median">The median round.</param>
/// <param name="Minimum">The fastest round.</param>
/// <param name="TokensPerSecond">Tokens of the texts a second, of the median.</param>
internal sealed record HarvestTimes(double Median, double Minimum, double TokensPerSecond)
{
    /// <summary>Sums up rounds.</summary>
    internal static HarvestTimes From(double[] times, long rows) => new(MedianOf(times), times.Min(), rows / MedianOf(times) * 1000);

    /// <summary>The median.</summary>
    internal static double MedianOf(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>What a harvest costs beside the model alone.</summary>
/// <param name="Threads">Threads of an operation.</param>
/// <param name="Rows">Rows of a round.</param>
/// <param name="Runtime">ONNX Runtime alone on the same batches: no tokenizer, nothing copied, nothing written.</param>
/// <param name="Harvest">The whole harvest: reading, tokenizing, running, copying, writing, checksums.</param>
/// <param name="Share">Median over the rounds of runtime's time over harvest's: its throughput as a share of the model's alone.</param>
/// <param name="PeakResidentBytes">Most memory that the process had.</param>
internal sealed record HarvestFigures(
    int Threads, long Rows, HarvestTimes Runtime, HarvestTimes Harvest, double Share, long PeakResidentBytes);

/// <summary>Times a harvest and the model alone on the same batches, in turn.</summary>
internal static class HarvestBenchmark
{
    /// <summary>Runs the benchmark.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="hook">The hook.</param>
    /// <param name="corpus">The texts.</param>
    /// <param name="tokens">Tokens of a round, to the end of a document.</param>
    /// <param name="rounds">Rounds of each, after one to warm up.</param>
    /// <param name="cancellationToken">Ends the benchmark.</param>
    public static HarvestFigures Run(
        OnnxHost model, ITokenizer tokenizer, Hook hook, TextCorpus corpus, long tokens, int rounds,
            CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(corpus);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rounds);
        var options = new PassOptions();
        HarvestManifest manifest = Harvester.Describe(model, tokenizer, [hook], corpus, options);
        var batches = new List<TokenBatch>();
        using (var recorded = new ActivationPass(new Recorder(model, batches), tokenizer, [hook], options))
            Harvest(recorded, corpus, manifest, tokens, cancellationToken);
        using var alone = (OnnxRun)model.Open(new HostPlan([hook]));
        using var pass = new ActivationPass(model, tokenizer, [hook], options);
        double[] runtime = new double[rounds], harvest = new double[rounds];
        long rows = 0;
        for (int round = -1; round < rounds; round++)
        {
            long started = Stopwatch.GetTimestamp();
            foreach (TokenBatch batch in batches)
            {
                cancellationToken.ThrowIfCancellationRequested();
                alone.RunAlone(batch);
            }

            long between = Stopwatch.GetTimestamp();
            rows = Harvest(pass, corpus, manifest, tokens, cancellationToken);
            if (round < 0) continue;
            runtime[round] = Stopwatch.GetElapsedTime(started, between).TotalMilliseconds;
            harvest[round] = Stopwatch.GetElapsedTime(between).TotalMilliseconds;
        }

        double share = HarvestTimes.MedianOf([.. runtime.Zip(harvest, (one, other) => one / other)]);
        return new HarvestFigures(
            model.Threads, rows, HarvestTimes.From(runtime, rows), HarvestTimes.From(harvest, rows), share, Process
                .GetCurrentProcess().PeakWorkingSet64);
    }

    private static long Harvest(
        ActivationPass pass, TextCorpus corpus, HarvestManifest manifest, long tokens, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("unweave-bench-").FullName;
        try
        {
            using var writer = HarvestWriter.Create(folder, manifest);
            Harvester.Run(pass, corpus, writer, tokens, cancellationToken: cancellationToken);
            return writer.Rows;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Notes the batches that a model is run on.</summary>
    private sealed class Recorder(IHostModel model, List<TokenBatch> batches) : IHostModel
    {
        public string Name => model.Name;

        public string Hash => model.Hash;

        public HostInput Input => model.Input;

        public int? Vocabulary => model.Vocabulary;

        public bool PredictsTokens => model.PredictsTokens;

        public IReadOnlyList<Hook> Hooks => model.Hooks;

        public IHostRun Open(HostPlan plan) => new RecorderRun(model.Open(plan), batches);

        public void Dispose()
        {
        }
    }

    private sealed class RecorderRun(IHostRun run, List<TokenBatch> batches) : IHostRun
    {
        public Matrix Output => run.Output;

        public void Run(HostBatch batch, Matrix? patch = null)
        {
            batches.Add((TokenBatch)batch);
            run.Run(batch, patch);
        }

        public Matrix Activations(int index) => run.Activations(index);

        public void Dispose() => run.Dispose();
    }
}
