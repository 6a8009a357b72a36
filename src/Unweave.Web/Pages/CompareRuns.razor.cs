using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Components;
using Unweave.Runs;
using Unweave.Training;
using Unweave.Web.Runs;

namespace Unweave.Web.Pages;

/// <summary>Several runs side by side: their curves over one another, their figures, and the settings in which they differ.</summary>
public sealed partial class CompareRuns
{
    /// <summary>As many runs as there are colors.</summary>
    internal const int Most = 5;

    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource left = new();
    private IReadOnlyList<RunSummary> runs = [];
    private IReadOnlyList<(string Name, IReadOnlyList<string> Values)> table = [];
    private int same;

    [Inject] private ServedRuns Runs { get; set; } = null!;

    [Inject] private TimeProvider Time { get; set; } = null!;

    [SupplyParameterFromQuery(Name = "runs")] private string[]? Names { get; set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        left.Cancel();
        left.Dispose();
    }

    /// <inheritdoc/>
    protected override void OnParametersSet() => Look();

    /// <inheritdoc/>
    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender) _ = Watch();
    }

    private async Task Watch()
    {
        using var timer = new PeriodicTimer(Beat, Time);
        try
        {
            while (await timer.WaitForNextTickAsync(left.Token))
            {
                await InvokeAsync(() =>
                {
                    if (!runs.Any(run => run.Status.Live)) return;
                    Look();
                    StateHasChanged();
                });
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // the page was left
        }
    }

    // A name may hold a comma; what is no run's name is read as several.
    private IEnumerable<ServedRun> Chosen()
    {
        foreach (string name in (Names ?? []).SelectMany(name => Runs.TryGet(name, out _) ? [name] : name.Split(','))
            .Distinct(StringComparer.Ordinal).Take(Most))
            if (Runs.TryGet(name, out ServedRun? run)) yield return run;
    }

    private void Look()
    {
        runs = [.. Chosen().Select(run => run.Summary(Time))];
        List<(string, IReadOnlyList<string>)> rows =
        [
            ("FVU", Figures.Aligned([.. runs.Select(run => run.Fvu)])),
            ("L0", Figures.Aligned([.. runs.Select(run => run.L0)])),
            ("loss recovered, %", Figures.Aligned([.. runs.Select(run => 100 * run.Recovered)])),
            ("dead latents, %", Figures.Aligned([.. runs.Select(run => 100 * run.Dead)])),
            ("rows trained on", [.. runs.Select(run => run.Rows is { } count ? Figures.Count(count) : "")]),
            ("time of the steps", [.. runs.Select(run =>
                run.Status.Log.Elapsed > TimeSpan.Zero ? Figures.Duration(run.Status.Log.Elapsed) : "")]),
        ];
        rows.RemoveAll(row => row.Item2.All(value => value.Length == 0));
        Dictionary<string, string>[] settings = [.. runs.Select(run => Flat(run.Settings))];
        same = 0;
        foreach (string key in settings.SelectMany(one => one.Keys).Except(["output"], StringComparer.Ordinal))
        {
            string[] values = [.. settings.Select(one => one.GetValueOrDefault(key, ""))];
            if (values.Length > 1 && values.All(value => string.Equals(value, values[0], StringComparison.Ordinal))) same++;
            else rows.Add((key, values));
        }

        table = rows;
    }

    // Settings by name; those of the architecture stand beside the others.
    private static Dictionary<string, string> Flat(TrainingOptions? options)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal);
        if (options is null) return all;
        JsonObject json = JsonNode.Parse(RunFile.Write(options))!.AsObject();
        foreach ((string name, JsonNode? value) in json.SelectMany(pair =>
            pair.Value is JsonObject inner ? inner : Enumerable.Repeat(pair, 1)))
        {
            all[name] = value switch
            {
                null => "default",
                JsonArray list => string.Join(", ", list.Select(item => RunDescription.ShortPath(item?.ToString() ?? ""))),
                _ => value.ToString(),
            };
        }

        return all;
    }

    private IReadOnlyList<ChartSeries> Lines(Func<MetricsLine, double> value, bool positive = false) =>
    [
        .. runs.Select(run => new ChartSeries(run.Name, [.. run.Status.Log.Lines
            .Select(line => (X: (double)line.Rows, Y: value(line)))
            .Where(point => double.IsFinite(point.Y) && (!positive || point.Y > 0))])),
    ];
}
