using Microsoft.AspNetCore.Components;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Runs;
using Unweave.Training;
using Unweave.Web.Runs;

namespace Unweave.Web.Pages;

/// <summary>A run: how it trained, what it was measured to be, and its features in numbers.</summary>
public sealed partial class Overview
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    private static readonly FeatureQuery BestLabelsFirst = new() { Order = FeatureOrder.Score, Descending = true, Labelled = true };

    private readonly CancellationTokenSource stop = new();
    private RunStatus status = RunStatus.None;
    private DateTime evaluated;
    private TrainingOptions? settings;
    private Autoencoder? trained;
    private AutoencoderOptions? options;
    private HostReference? reference;
    private FeatureCatalog? catalog;
    private string? catalogProblem, hostProblem;
    private int dead, labeled, starred;
    private IReadOnlyList<ChartBar> density = [];
    private IReadOnlyList<(FeatureKind Kind, int Count)> kinds = [];

    [Inject] private TimeProvider Time { get; set; } = null!;

    private MetricsState Log => status.Log;

    // Fixed from the start, so that nothing moves while the run trains.
    private double? End => status.Steps > 0 ? status.Steps : null;

    private IReadOnlyList<(string Title, ChartSeries Series)> Small =>
    [
        ("L0: active latents of a row", ActiveLatents), ("Dead latents", Line("dead", line => line.Dead)),
        ("Learning rate", Line("rate", line => line.LearningRate)),
    ];

    private string Constants => string.Join(", ", Small.Where(chart => IsConstant(chart.Series))
        .Select(chart => $"{chart.Title.Split(':')[0]} ({Figures.Short(chart.Series.Points[0].Y)})"));

    private string SourceWords
    {
        get
        {
            if (catalog?.Source is not { } source) return "";
            string hook = source.Hook is { } name ? $", at {name}" : "";
            string rows = $"{Figures.Count(source.Rows)} {(source.Model is null ? "rows" : "tokens")}";
            return $"From {rows} of {RunDescription.ShortPath(source.Texts)}{hook}.";
        }
    }

    private IReadOnlyList<ChartSeries> Loss
    {
        get
        {
            bool sparsity = Log.Lines.Any(line => line.Sparsity > 0), auxiliary = Log.Lines.Any(line => line.Auxiliary > 0);
            List<ChartSeries> series = [Line("loss", line => line.Loss)];
            if (sparsity || auxiliary) series.Add(Line("reconstruction", line => line.Reconstruction));
            if (sparsity) series.Add(Line("sparsity", line => line.Sparsity));
            if (auxiliary) series.Add(Line("auxiliary", line => line.Auxiliary));
            return [.. series.Select(one => one with { Points = [.. one.Points.Where(point => point.Y > 0)] })];
        }
    }

    private IReadOnlyList<ChartSeries> Fvu => Log.Validations.Count == 0
        ? [Line("training", line => line.Fvu)]
        : [Line("training", line => line.Fvu), new ChartSeries("validation", Points(Log.Validations, line => line.ValidationFvu))];

    // With a KL penalty every latent has an activation above 0, so L0 says nothing: how many fire is logged beside it.
    private ChartSeries ActiveLatents => Line(Log.Lines.Any(line => line.Firing < line.L0) ? "firing" : "L0", line => line.Firing);

    /// <inheritdoc/>
    public void Dispose()
    {
        stop.Cancel();
        stop.Dispose();
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        settings = Run.Settings;
        Refresh();
        (catalog, reference) = (null, null);
        hostProblem = Problem(() => reference = Run.Files.Host);
        catalogProblem = Problem(() =>
        {
            catalog = Run.Catalog;
            if (catalog is not null) Count(catalog);
        });
        if (catalogProblem is null && catalog is null) catalogProblem = Run.CatalogProblem;
    }

    /// <inheritdoc/>
    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender) _ = Watch();
    }

    /// <summary>Why something cannot be read; the rest of the page does without it.</summary>
    private static string? Problem(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }

    private static bool IsConstant(ChartSeries series) =>
        series.Points.Count > 0 && series.Points.All(point => point.Y == series.Points[0].Y);

    private static (double X, double Y)[] Points(IReadOnlyList<MetricsLine> lines, Func<MetricsLine, double> value) =>
        [.. lines.Select(line => ((double)line.Step, value(line))).Where(point => double.IsFinite(point.Item2))];

    private ChartSeries Line(string name, Func<MetricsLine, double> value) => new(name, Points(Log.Lines, value));

    private string Browse(FeatureQuery query) => Links.Features(Run.Name, FeatureAddress.Write(query));

    /// <summary>Looks at the log once a second, and draws when there is something new.</summary>
    private async Task Watch()
    {
        CancellationToken ended = stop.Token;
        using var timer = new PeriodicTimer(Beat, Time);
        try
        {
            while (await timer.WaitForNextTickAsync(ended)) await InvokeAsync(Look);
        }
        catch (OperationCanceledException)
        {
            // the page was left
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            // the log cannot be read any more: what was drawn stays
        }
    }

    private void Look()
    {
        (RunStatus was, DateTime before) = (status, evaluated);
        Refresh();
        bool same = status.Log.Read == was.Log.Read && status.Live == was.Live && status.Finished == was.Finished;
        if (!same || evaluated != before) StateHasChanged();
    }

    private void Refresh()
    {
        status = RunStatus.Read(Run, Time);
        evaluated = File.GetLastWriteTimeUtc(Run.Files.EvaluationPath);
        trained = Run.Trained;
        options = settings?.Autoencoder ?? trained?.Options;
    }

    private void Count(FeatureCatalog from)
    {
        IReadOnlyList<double> frequencies = from.Frequencies();
        dead = frequencies.Count(frequency => frequency <= 0);
        density = DensityBars.Count(frequencies);
        int Total(FeatureQuery query) => from.Find(query with { Take = 1 }).Total;
        kinds = [.. Enum.GetValues<FeatureKind>().Select(kind => (kind, Total(new FeatureQuery { Kinds = [kind] })))];
        labeled = Total(new FeatureQuery { Labelled = true });
        starred = Total(new FeatureQuery { Starred = true });
    }
}
