using System.Diagnostics;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Onnx;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Benchmarks;

/// <summary>What <see cref="SweepBenchmark"/> measured, in seconds.</summary>
/// <param name="Points">Autoencoders of the sweep.</param>
/// <param name="Rows">Rows that each is trained on.</param>
/// <param name="Singles">Time of each trained alone, its own pass of the model included.</param>
/// <param name="ReadShare">Share of that time spent waiting for rows, of all of them together.</param>
/// <param name="Sweep">Time of the sweep.</param>
/// <param name="Same">Whether the sweep wrote the same bytes.</param>
internal sealed record SweepFigures(int Points, long Rows, IReadOnlyList<double> Singles, double ReadShare, double Sweep, bool Same)
{
    /// <summary>The sweep's time over that of all single runs.</summary>
    public double Ratio => Sweep / Singles.Sum();
}

/// <summary>
/// Times a sweep over k on a model's activations as they are made, beside as many single runs of <see cref="Trainer"/>, the model's pass
/// included in each.
/// </summary>
internal static class SweepBenchmark
{
    /// <summary>Runs the single runs, then the sweep.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="hook">Where to read.</param>
    /// <param name="corpus">The texts.</param>
    /// <param name="points">Autoencoders: k = 4, 8, 12 and so on.</param>
    /// <param name="latents">Latents of each.</param>
    /// <param name="batch">Rows of a batch.</param>
    /// <param name="rows">Rows that each is trained on.</param>
    /// <param name="buffer">Rows that are shuffled at once.</param>
    public static async Task<SweepFigures> Run(
        OnnxHost model, ITokenizer tokenizer, Hook hook, TextCorpus corpus, int points, int latents, int batch, long rows, int buffer)
    {
        using var read = new ActivationPass(model, tokenizer, [hook], new PassOptions());
        DirectoryInfo folder = Directory.CreateTempSubdirectory("unweave-sweep-");
        try
        {
            var file = SweepFile.Parse(
                $$"""
                { "rows": {{rows}}, "batch": {{batch}}, "checkpointMinutes": 0,
                  "autoencoder": { "latents": {{latents}}, "k": [{{string.Join(", ", Enumerable.Range(1, points).Select(i => 4 * i))}}] } }
                """,
                "benchmark", Path.Combine(folder.FullName, "sweep"));
            StreamedData Open(TrainingOptions options) => new(() => Harvester.Stream(read, corpus, CancellationToken.None), hook.Width,
                buffer, options.Seed, 1024, hook.Name)
            {
                Fingerprint = "benchmark",
            };
            var singles = new List<double>();
            double waited = 0;
            long started;
            foreach (SweepPoint point in file.Points)
            {
                started = Stopwatch.GetTimestamp();
                using StreamedData data = Open(point.Options);
                TimeSpan begun = default;
                var steps = Trainer.Run(point.Options with { Output = Path.Combine(folder.FullName, point.Name) }, data);
                await foreach (StepReport step in steps)
                {
                    if (step.Step == 1) begun = Stopwatch.GetElapsedTime(started); // which filled the buffer: reading, all but a step of it
                    waited += step.Times.Read.TotalSeconds;
                }

                singles.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
                waited += begun.TotalSeconds;
            }

            started = Stopwatch.GetTimestamp();
            await foreach (SweepReport report in SweepTrainer.Run(file, hook.Name, Open)) _ = report;
            double sweep = Stopwatch.GetElapsedTime(started).TotalSeconds;
            bool same = file.Points.All(point => File.ReadAllBytes(Path.Combine(point.Options.Output!, "training.safetensors")).AsSpan()
                .SequenceEqual(File.ReadAllBytes(Path.Combine(folder.FullName, point.Name, "training.safetensors"))));
            return new SweepFigures(points, rows, singles, waited / singles.Sum(), sweep, same);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
