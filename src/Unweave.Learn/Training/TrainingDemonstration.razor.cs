using System.Globalization;
using Unweave.Components;
using Unweave.Learn.Live;
using Unweave.Training;

namespace Unweave.Learn.Training;

/// <summary>A sparse autoencoder, trained live with the reader's settings.</summary>
public sealed partial class TrainingDemonstration : LiveDemonstration
{
    private const int Columns = 12;

    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    private LiveSettings chosen = LiveSettings.Default(DataKind.Patches, SparsityKind.TopK);
    private Experiment? experiment;
    private Snapshot before = null!; // of the run's settings, before its first step
    private Snapshot seen = null!;
    private string? refused;
    private long done;
    private int at;

    /// <inheritdoc/>
    internal override (long Done, long All) Steps => (done, LiveSettings.Steps);

    /// <inheritdoc/>
    private protected override int StepsPerFrame => 32;

    /// <summary>The settings of the run: those that were given last, at the start or at a reset.</summary>
    internal LiveSettings Settings => before.Settings;

    /// <summary>What there is to see.</summary>
    internal Snapshot Seen => seen;

    private string PenaltyName => seen.Settings.Sparsity switch { SparsityKind.L1 => "λ·L1", SparsityKind.Kl => "β·ΣKL", _ => "AuxK" };

    private string Status => Stage switch
    {
        LiveStage.Ready => "Ready",
        LiveStage.Waiting when Place > 0 => $"Waiting: {Turn}",
        LiveStage.Waiting => "Starting",
        LiveStage.Running => "Training",
        LiveStage.Paused => "Paused",
        LiveStage.Finished => "Finished",
        _ => "Stopped",
    };

    private string Note => refused ?? Trouble
        ?? (Stage == LiveStage.Waiting && Place > 0 ? "All training slots are taken; yours starts when another reader finishes or pauses."
        : chosen != Settings && Stage != LiveStage.Ready ? "This run keeps the settings it started with. Press Reset to use the new ones."
        : Stage == LiveStage.Finished ? Ended
        : Stage == LiveStage.Running ? "Slider changes take effect after Reset; changing data or loss restarts training."
        : $"{Figures.Count(LiveSettings.Steps)} steps of {LiveSettings.Batch} rows: about 15 seconds.");

    private string Ended => seen.Settings.Sparsity == SparsityKind.Kl && seen.Known is null
        ? $"Done: {Figures.Percent((double)seen.InBand / seen.Means.Count)} of the latents have a mean activation within ±50% of ρ."
        : seen.Known is { } known
            ? $"Done: {Figures.Percent(known.Score.Recovered)} of the known features have a latent with a cosine above 0.9."
        : $"Done: {Decimal(seen.Report!.Firing)} latents per patch explain {Figures.Percent(1 - seen.Report.Fvu)} of the variance of "
            + "the patches.";

    private string Penalty =>
        Of(report => Figures.Short(seen.Settings.Sparsity == SparsityKind.TopK ? report.Loss.Auxiliary : report.Loss.Sparsity));

    private IReadOnlyList<ChartSeries> Losses =>
    [
        new ChartSeries("reconstruction", [.. seen.Losses.Select(point => ((double)point.Step, point.Reconstruction))]),
        .. seen.Settings.Sparsity == SparsityKind.TopK
            ? (IEnumerable<ChartSeries>)[]
            : [new ChartSeries(PenaltyName, [.. seen.Losses.Select(point => ((double)point.Step, point.Sparsity))])],
    ];

    private IReadOnlyList<ChartBar> Histogram => seen.Activations is not { } bins
        ? [.. Enumerable.Range(0, 24).Select(_ => new ChartBar("", 0))]
        : [.. bins.Counts.Select((count, i) => new ChartBar($"{Edge(bins, i)} to {Edge(bins, i + 1)}: {Figures.Count(count)}", count))];

    // The latents that the row shown is made of, as far as they are worth a frame.
    private IEnumerable<int> Marked =>
        seen.Examples.Count == 0 ? [] : seen.Examples[at].Parts.Where(part => part.Weight >= 0.05).Select(part => part.Latent);

    /// <inheritdoc/>
    protected override void OnInitialized() => seen = before = Experiment.Before(chosen);

    /// <summary>Chooses the data and the loss: begins anew with the settings that go with them.</summary>
    internal Task Choose(DataKind data, SparsityKind sparsity) => Reset(LiveSettings.Default(data, sparsity) with { Seed = chosen.Seed });

    /// <summary>Ends the run; the next one has these settings, unless they contradict each other.</summary>
    internal async Task Reset(LiveSettings next)
    {
        chosen = next;
        try
        {
            (before, refused) = (Experiment.Before(next), null);
        }
        catch (InputException e)
        {
            refused = e.Message;
            return;
        }

        await Reset();
    }

    /// <inheritdoc/>
    private protected override bool Advance(CancellationToken left)
    {
        experiment ??= new Experiment(Settings);
        experiment.Step();
        done++;
        return !experiment.Finished;
    }

    /// <inheritdoc/>
    private protected override void Capture()
    {
        if (experiment is null) return;
        seen = experiment.Capture();
        if (experiment.Finished) End();
    }

    /// <inheritdoc/>
    private protected override void Forget()
    {
        End();
        (done, seen) = (0, before);
    }

    private void End()
    {
        experiment?.Dispose();
        experiment = null;
    }

    // Before the first step there is no run to keep.
    private Task Set(LiveSettings next)
    {
        chosen = next;
        return Stage == LiveStage.Ready ? Reset(next) : Task.CompletedTask;
    }

    private string Of(Func<StepReport, string> figure) => seen.Report is { } report ? figure(report) : "–";

    // Where a latent's square is in the picture of the dictionary.
    private string Square(int latent)
    {
        const double Cell = Patches.Side + 1;
        double width = (Columns * Cell) + 1, height = (((seen.Tiles.Count + Columns - 1) / Columns) * Cell) + 1;
        return $"left:{Share(latent % Columns * Cell, width)};top:{Share(latent / Columns * Cell, height)};"
            + $"width:{Share(Cell + 1, width)};height:{Share(Cell + 1, height)}";
    }

    private static string Share(double part, double whole) => $"{Figures.Css(100 * part / whole)}%";

    private static string Edge(ActivationBins bins, int edge) => Figures.Short(bins.Largest * edge / bins.Counts.Count);

    private static string Recovered(KnownFeatures known) =>
        $"{Math.Round(known.Score.Recovered * LiveSettings.KnownFeatures)} of {LiveSettings.KnownFeatures}";

    private static string ZeroShare(ActivationBins bins) => $"{Figures.Percent(bins.Zero)} are 0";

    private static string Decimal(double value) => value.ToString("F1", Invariant);

    private static double Rate(double power) => double.Round(Math.Pow(10, power), 6);
}
