using System.Diagnostics;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Benchmarks;

/// <summary>What embedding costs beside the model alone. Times are medians in milliseconds.</summary>
/// <param name="Texts">Texts of a round.</param>
/// <param name="Tokens">Their tokens, filling included.</param>
/// <param name="Batches">Batches of a round.</param>
/// <param name="Runtime">ONNX Runtime alone on the same batches: no tokenizer, nothing pooled.</param>
/// <param name="Embed">Texts to vectors.</param>
/// <param name="Share">Median over the rounds of the runtime's time over the whole.</param>
/// <param name="One">One text alone.</param>
internal sealed record EmbedFigures(int Texts, long Tokens, int Batches, double Runtime, double Embed, double Share, double One);

/// <summary>Times a sentence encoder and the model alone on the same batches, in turn.</summary>
internal static class EmbedBenchmark
{
    private const int Single = 50;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="embedder">The encoder.</param>
    /// <param name="texts">The texts of a round.</param>
    /// <param name="rounds">Rounds of each, after one to warm up.</param>
    /// <param name="cancellationToken">Ends the benchmark.</param>
    public static EmbedFigures Run(OnnxEmbedder embedder, string[] texts, int rounds, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(embedder);
        ArgumentNullException.ThrowIfNull(texts);
        IReadOnlyList<TokenBatch> batches = embedder.Batches(texts);
        double[] runtime = new double[rounds], embed = new double[rounds], one = new double[Math.Min(Single, texts.Length)];
        for (int round = -1; round < rounds; round++)
        {
            long started = Stopwatch.GetTimestamp();
            foreach (TokenBatch batch in batches)
            {
                cancellationToken.ThrowIfCancellationRequested();
                embedder.RunAlone(batch);
            }

            long between = Stopwatch.GetTimestamp();
            using Matrix vectors = embedder.Embed(texts, cancellationToken);
            if (round < 0) continue;
            runtime[round] = Stopwatch.GetElapsedTime(started, between).TotalMilliseconds;
            embed[round] = Stopwatch.GetElapsedTime(between).TotalMilliseconds;
        }

        for (int i = 0; i < one.Length; i++)
        {
            long started = Stopwatch.GetTimestamp();
            using Matrix vector = embedder.Embed([texts[i]], cancellationToken);
            one[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        return new EmbedFigures(texts.Length, batches.Sum(batch => (long)batch.Count * batch.Length), batches.Count,
            HarvestTimes.MedianOf(runtime), HarvestTimes.MedianOf(embed),
            HarvestTimes.MedianOf([.. runtime.Zip(embed, (alone, whole) => alone / whole)]), HarvestTimes.MedianOf(one));
    }
}
