using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Cli;

/// <summary>How a run ended.</summary>
/// <param name="Last">The last step done; null when there was none left to do.</param>
/// <param name="Interrupted">True when it was stopped before its end.</param>
/// <param name="Elapsed">Time that it took, since it was started or resumed.</param>
internal sealed record TrainingEnd(StepReport? Last, bool Interrupted, TimeSpan Elapsed)
{
    /// <summary>Documents of the texts trained on that could not be read; null where there were no texts.</summary>
    public long? MalformedDocuments { get; init; }

    /// <summary>Runs training to its end or its interruption, and shows it on the way.</summary>
    /// <param name="options">The run.</param>
    /// <param name="source">Its vectors.</param>
    /// <param name="name">What they are, for the title.</param>
    /// <param name="resume">True to go on from its checkpoint.</param>
    /// <param name="cancellationToken">Stops it, with a checkpoint.</param>
    public static Task<TrainingEnd> RunAsync(TrainingOptions options, IActivationSource source, string name, bool resume,
        CancellationToken cancellationToken) =>
        RunAsync(
            $"{(source is ActivationFiles { IsEndless: true } ? "a stream of" : Figures.Count(source.Rows))} vectors "
                + $"of width {source.Width}: {name}",
            options,
            Trainer.Run(options, source, resume, cancellationToken: cancellationToken), cancellationToken);

    /// <summary>Runs training on rows that come in an order of their own, and shows it on the way.</summary>
    /// <param name="options">The run.</param>
    /// <param name="data">Its rows.</param>
    /// <param name="name">What they are, for the title.</param>
    /// <param name="resume">True to go on from its checkpoint.</param>
    /// <param name="host">Where the rows come from.</param>
    /// <param name="cancellationToken">Stops it, with a checkpoint.</param>
    public static Task<TrainingEnd> RunAsync(
        TrainingOptions options, ITrainingData data, string name, bool resume, HostReference host, CancellationToken cancellationToken) =>
        RunAsync($"a stream of vectors of width {data.Width}: {name}", options,
            Trainer.Run(options, data, resume, host, cancellationToken: cancellationToken), cancellationToken);

    private static async Task<TrainingEnd> RunAsync(string data, TrainingOptions options, IAsyncEnumerable<StepReport> steps,
        CancellationToken cancellationToken)
    {
        var display = new TrainingDisplay(TimeProvider.System);
        StepReport? last = await display.Follow($"Training {options.Autoencoder.Describe()}, on {data}", steps);
        KeepAnnotated(RunFolder.Open(options.Output!));
        return new TrainingEnd(last, cancellationToken.IsCancellationRequested && last is not { Last: true }, display.Elapsed);
    }

    // Catalogs of earlier runs that training set aside: those with nothing in them but what can be made again go.
    private static void KeepAnnotated(RunFolder run)
    {
        foreach (string earlier in run.EarlierCatalogs())
        {
            if (!IsAnnotated(earlier)) File.Delete(earlier);
            else Console.Error.WriteLine($"{earlier} keeps the features of an earlier run, because of the labels, notes or answers in it.");
        }

        static bool IsAnnotated(string path)
        {
            try
            {
                using var catalog = FeatureCatalog.Open(path);
                return catalog.HasAnnotations;
            }
            catch (InputException)
            {
                return true; // what cannot be read is not thrown away
            }
        }
    }

    /// <summary>Says how it ended, and what comes next.</summary>
    public void Write(TrainingOptions options)
    {
        if (Interrupted)
        {
            Console.Out.WriteLine(
                Last is null
                    ? "Stopped before the first step."
                    : $"Stopped after step {Figures.Count(Last.Step)} of {Figures.Count(Last.Steps)}.");
            if (options.Output is not null) Console.Out.WriteLine($"Go on with: unweave train --resume -o {options.Output}");
            return;
        }

        if (Last is null)
        {
            Console.Out.WriteLine($"The run in {options.Output} is already finished.");
            return;
        }

        string held = Last.ValidationFvu is not { } fvu ? ""
            : double.IsFinite(fvu) ? $", {Figures.Short(fvu)} held out" : ", too few rows held out to measure";
        string sparse = options.Autoencoder is DictionaryOptions ? $", {L0(Last)}, {Figures.Count(Last.Dead)} dead latents" : "";
        string start = Last.StoppedEarly
            ? $"Stopped early after step {Figures.Count(Last.Step)} of {Figures.Count(Last.Steps)}, because validation had stopped "
                + "improving,"
            : "Trained";
        Console.Out.WriteLine($"{start} in {Figures.Duration(Elapsed)}: FVU {Figures.Short(Last.Fvu)}{held}{sparse}.");
        if (options.Output is null) return;
        Console.Out.WriteLine($"Written to {options.Output}. Measure it: unweave eval {options.Output}");
    }

    /// <summary>How it ended, as JSON.</summary>
    public JsonObject ToJson(TrainingOptions options)
    {
        JsonObject json = Measures(options);
        if (MalformedDocuments is { } malformed) json[MalformedTexts.Key] = malformed;
        return json;
    }

    private JsonObject Measures(TrainingOptions options) => new()
    {
        ["output"] = options.Output,
        ["finished"] = !Interrupted,
        ["step"] = Last?.Step,
        ["steps"] = options.Steps,
        ["rows"] = Last?.Rows,
        ["loss"] = Last?.Loss.Total,
        ["fvu"] = Finite(Last?.Fvu),
        ["validationFvu"] = Finite(Last?.ValidationFvu),
        ["l0"] = Last?.L0,
        ["firing"] = Last?.Firing,
        ["dead"] = Last?.Dead,
        ["stoppedEarly"] = Last?.StoppedEarly ?? false,
        ["seconds"] = Math.Round(Elapsed.TotalSeconds, 3),
    };

    /// <summary>Constant data have no variance, so their FVU is not a number that JSON has.</summary>
    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    /// <summary>The active latents of a row; of sigmoid codes, which are never 0, also how many fire.</summary>
    public static string L0(StepReport step) => step.Firing == step.L0
        ? $"L0 {Figures.Short(step.L0)}"
        : $"L0 {Figures.Short(step.L0)}, of which {Figures.Short(step.Firing)} above 0.5";
}
