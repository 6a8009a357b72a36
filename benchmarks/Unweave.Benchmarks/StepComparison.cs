using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Benchmarks;

/// <summary>A line of the table of steps.</summary>
/// <param name="Name">Architecture and settings, as they were asked for.</param>
/// <param name="L0">Numbers that a row's reconstruction used, on average.</param>
/// <param name="Step">Median and fastest step, in milliseconds.</param>
/// <param name="Ratio">Median over rounds of the step's time over that of TopK in the same round.</param>
internal sealed record ComparedStep(string Name, double L0, PhaseFigures Step, double Ratio);

/// <summary>
/// Times the training steps of several architectures beside TopK's: all of the registry by default. Rounds are interleaved, so that what
/// else the machine does meets all alike, and a step is compared with TopK's of its own round.
/// </summary>
internal static class StepComparison
{
    // What an architecture is besides with these settings; the registry alone does not list it.
    private static readonly string[] Variants = ["topk:istaStep=0.3", "matryoshka:prefixes=@6"];

    /// <summary>All architectures that can be trained, and variants of some.</summary>
    public static IReadOnlyList<string> All => [.. Architecture.Trainable.Select(one => one.Name), .. Variants];

    /// <summary>Times them.</summary>
    /// <param name="names">
    /// Names, each with settings of its own where given: <c>matryoshka:prefixes=@6</c>, where @6 stands for six prefixes that double up to
    /// n itself.
    /// </param>
    /// <param name="batch">Rows of a batch.</param>
    /// <param name="width">Width d of the vectors.</param>
    /// <param name="latents">Number of latents n.</param>
    /// <param name="k">Active latents of a row; architectures without a k start at a threshold at which as many are active.</param>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="threads">Threads; 0 takes one for each processor.</param>
    /// <param name="rounds">Timed steps of each, after two to warm up.</param>
    public static IReadOnlyList<ComparedStep> Run(
        IReadOnlyList<string> names, int batch, int width, int latents, int k, OptimizerKind optimizer, int threads, int rounds)
    {
        using var workers = new Workers(threads);
        using Matrix x = new(batch, width);
        var rng = new Rng(1);
        rng.FillNormal(x.AsSpan());
        string[] all = ["topk", .. names.Where(name => name is not "topk")];
        var learners = new List<CpuLearner>();
        double[] l0 = new double[all.Length];
        double[][] times = [.. all.Select(_ => new double[rounds])];
        try
        {
            foreach (string name in all)
            {
                AutoencoderOptions options = Options(name, latents, k);
                options.Validate(width);
                learners.Add(new CpuLearner(Started(options, x, k, workers), new TrainingOptions
                {
                    Autoencoder = options,
                    Optimizer = optimizer,
                }, workers));
            }

            for (int round = -2; round < rounds; round++)
            {
                for (int i = 0; i < all.Length; i++)
                {
                    long start = Stopwatch.GetTimestamp();
                    // A rate so small that L0 stays what it is.
                    LearnerStep step = learners[i].Step(new Batch(x), new StepSettings(1, default, 7, 1, round + 3), 1e-7);
                    if (round < 0) continue;
                    times[i][round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                    l0[i] = (double)step.Entries / batch;
                }
            }
        }
        finally
        {
            foreach (CpuLearner learner in learners) learner.Dispose();
        }

        return
        [
            .. all.Select((name, i) => new ComparedStep(name, l0[i], Figures(times[i]),
                Figures([.. times[i].Zip(times[0], (own, topK) => own / topK)]).Median)),
        ];
    }

    private static AutoencoderOptions Options(string name, int latents, int k)
    {
        string[] parts = name.Split(':');
        Architecture architecture = Architecture.Find(parts[0]) is { Defaults.Trainable: true } found ? found
            : throw new InputException($"--architecture {parts[0]}: there is none of that name to train; name some of {string.Join(", ",
                Architecture.Trainable.Select(one => one.Name))}, or all.");
        JsonObject settings = architecture.DefaultsAsJson;
        foreach ((string setting, int value) in ((string, int)[])[("latents", latents), ("k", k), ("targetL0", k), ("auxK", 0)])
            if (settings.ContainsKey(setting)) settings[setting] = value;
        foreach (string given in parts.Skip(1))
        {
            string[] pair = given.Split('=');
            if (pair.Length != 2 || !settings.ContainsKey(pair[0]))
                throw new InputException($"--architecture {name}: {given} is no setting of {parts[0]}; write NAME:SETTING=VALUE.");
            settings[pair[0]] = pair[1].StartsWith('@') ? Doubling(latents, int.Parse(pair[1][1..], null)) : Value(pair[1]);
        }

        return settings.Deserialize(AutoencoderJsonContract.Default.AutoencoderOptions)!;
    }

    private static JsonArray Doubling(int latents, int count) =>
        [.. Enumerable.Range(1, count - 1).Select(i => JsonValue.Create(latents >> (count - i)))]; // the last is n, which need not be said

    private static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return text;
        }
    }

    // As training starts, with as many latents active as TopK has.
    private static Autoencoder Started(AutoencoderOptions options, Matrix x, int k, Workers workers)
    {
        Autoencoder model = options.Build(x.Columns, new Rng(1));
        model.InitializeThresholds(x);
        if (model is not SparseAutoencoder sparse || options is SelectionOptions or KlOptions or JumpReluOptions) return model;
        float threshold = sparse.Weights.ThresholdOf(k, x);
        foreach (ref float bias in sparse.Weights.EncoderBias.AsSpan()) bias -= threshold;
        model.WeightsChanged();
        return model;
    }

    private static PhaseFigures Figures(double[] times)
    {
        double[] sorted = [.. times.Order()];
        return new PhaseFigures(sorted[sorted.Length / 2], sorted[0]);
    }
}
