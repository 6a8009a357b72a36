using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Components;
using Unweave.Autoencoders;
using Unweave.Runs;
using Unweave.Web.Components;
using Unweave.Web.Runs;

namespace Unweave.Web.Pages;

/// <summary>A sweep: its autoencoders in a table and in planes of sparsity and error, and the laws fitted to them.</summary>
public sealed partial class Sweep
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource left = new();
    private SweepRecord? record;
    private string? problem;
    private IReadOnlyList<Column> columns = [];
    private IReadOnlyList<SweepEntry> points = [];
    private IReadOnlyList<PlanePoint> byError = [], byRecovery = [];
    private IReadOnlyList<(double X, double Y)> frontByError = [], frontByRecovery = [];
    private string sorted = "";
    private bool down;

    /// <summary>The sweep's name, from the address.</summary>
    [Parameter] public string SweepName { get; set; } = "";

    [Inject] private ServedRuns Runs { get; set; } = null!;

    [Inject] private NavigationManager Navigation { get; set; } = null!;

    [Inject] private TimeProvider Time { get; set; } = null!;

    private string Told
    {
        get
        {
            int count = record!.Points.Count, over = record.Points.Count(point => point.Status is not (SweepStatus.Waiting
                or SweepStatus.Training));
            string far = over == count ? "" : $", {over} of them done";
            return $"{Figures.Count(count)} autoencoders{far}{(record.Data is { } data ? $", on {data}" : "")}";
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        left.Cancel();
        left.Dispose();
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (Runs.Sweep(SweepName) is null) Navigation.NotFound();
        else Look();
    }

    /// <inheritdoc/>
    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender) _ = Watch();
    }

    private static string Symbol(string name) =>
        name.Replace("_k", "ₖ", StringComparison.Ordinal).Replace("_n", "ₙ", StringComparison.Ordinal);

    private static string Exponent(ScalingLaw law, int index, double value) =>
        value.ToString("0.###", CultureInfo.InvariantCulture)
            + (law.Errors.Count == 0 ? "" : " ± " + law.Errors[index].ToString("0.###", CultureInfo.InvariantCulture));

    private static string Status(SweepEntry point) => point.Status switch
    {
        SweepStatus.Waiting => "waiting",
        SweepStatus.Finished => "finished",
        SweepStatus.Diverged => "diverged",
        SweepStatus.Stopped => $"stopped at step {Figures.Count(point.Step)}",
        _ => $"training, {Figures.Percent((double)point.Step / Math.Max(1, point.Steps))}",
    };

    private static List<Column> Columns(SweepRecord record)
    {
        string[] settings = [.. record.Points.SelectMany(point => point.Chosen.Select(one => one.Key)).Distinct(StringComparer.Ordinal)];
        var all = new List<Column>
        {
            new("autoencoder", "its folder", false, point => point.Folder, point => point.Folder),
        };
        foreach (string setting in settings)
        {
            bool number = record.Points.All(point => point.Chosen[setting]?.GetValueKind() is null or JsonValueKind.Number);
            all.Add(new Column(setting, "setting", number, point => Key(point.Chosen[setting]),
                point => point.Chosen.TryGetPropertyValue(setting, out JsonNode? value) ? Text(value) : ""));
        }

        all.Add(Number("L0", "active latents of a row", point => point.L0, "0.#"));
        all.Add(Number("FVU", "share of the variance of held-out rows that is not explained", point => point.Fvu, "F4"));
        if (record.Points.Any(point => point.Recovered is not null))
            all.Add(Number("recovered", "share of the model's loss that is recovered over zeros", point => 100 * point.Recovered, "0.0",
                "%"));
        all.Add(Number("dead", "share of latents that are dead", point => 100 * point.Dead, "0.#", "%"));
        all.Add(Number("minutes", "minutes of its own steps", point => point.Minutes, "0.0"));
        all.Add(new Column("status", "how far it is", false, Status, Status));
        return all;
    }

    private static Column Number(string name, string meaning, Func<SweepEntry, double?> value, string format, string unit = "") =>
        new(name, meaning, true, point => value(point),
            point => value(point) is { } known ? known.ToString(format, CultureInfo.InvariantCulture) + unit : "");

    private static object? Key(JsonNode? value) => value?.GetValueKind() switch
    {
        null => null,
        JsonValueKind.Number => (double)value,
        _ => Text(value),
    };

    private static string Text(JsonNode? value) =>
        value?.GetValueKind() == JsonValueKind.String ? (string)value! : value?.ToJsonString() ?? "null";

    private async Task Watch()
    {
        using var timer = new PeriodicTimer(Beat, Time);
        try
        {
            while (await timer.WaitForNextTickAsync(left.Token))
            {
                await InvokeAsync(() =>
                {
                    if (record?.Points.All(point => point.Status is SweepStatus.Finished or SweepStatus.Diverged) == true) return;
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

    private void Look()
    {
        try
        {
            record = Runs.Sweep(SweepName)?.Read();
            problem = null;
        }
        catch (InputException e)
        {
            problem = e.Message;
        }

        if (record is null) return;
        columns = Columns(record);
        points = Order(record.Points);
        string[] kinds = [.. record.Points.Select(point => point.Architecture).Distinct(StringComparer.Ordinal)];
        (byError, frontByError) = Plane(point => point.Fvu, kinds, lower: true);
        (byRecovery, frontByRecovery) = Plane(point => point.Recovered, kinds, lower: false);
    }

    private (IReadOnlyList<PlanePoint> Points, IReadOnlyList<(double X, double Y)> Front) Plane(
        Func<SweepEntry, double?> value, string[] kinds, bool lower)
    {
        SweepEntry[] drawn = [.. record!.Points.Where(point => point.L0 is >= 0 && value(point) is >= 0)];
        IReadOnlyList<PlanePoint> places =
        [
            .. drawn.Select(point => new PlanePoint(point.Folder, point.L0!.Value, value(point)!.Value, point.Architecture,
                Array.IndexOf(kinds, point.Architecture) % 5 + 1, Address(point) ?? Links.Sweep(SweepName),
                point.Status is SweepStatus.Stopped or SweepStatus.Diverged)),
        ];
        var front = ParetoFront.Of(drawn.Where(point => point.Status is not (SweepStatus.Stopped or SweepStatus.Diverged))
            .Select(point => (point.L0!.Value, value(point)!.Value)), lower);
        return (places, [.. front.Select(point => (point.L0, point.Value))]);
    }

    private string? Address(SweepEntry point)
    {
        string name = Runs.NameOf(SweepName, point);
        return point.Status == SweepStatus.Waiting ? null : Links.Run(name);
    }

    private IReadOnlyList<SweepEntry> Order(IReadOnlyList<SweepEntry> of)
    {
        if (columns.FirstOrDefault(column => string.Equals(column.Name, sorted, StringComparison.Ordinal)) is not { } by) return of;
        var known = of.ToLookup(point => by.Key(point) is not null);
        IEnumerable<SweepEntry> ascending = known[true].OrderBy(point => by.Key(point) as double? ?? double.PositiveInfinity)
            .ThenBy(point => by.Key(point) as string, StringComparer.Ordinal);
        return [.. down ? ascending.Reverse() : ascending, .. known[false]];
    }

    private void Sort(Column column)
    {
        down = string.Equals(column.Name, sorted, StringComparison.Ordinal) && !down;
        sorted = column.Name;
        points = Order(record!.Points);
    }

    private string? Sorted(Column column) =>
        !string.Equals(column.Name, sorted, StringComparison.Ordinal) ? null : down ? "descending" : "ascending";

    private string Arrow(Column column) =>
        !string.Equals(column.Name, sorted, StringComparison.Ordinal) ? "" : down ? "↓" : "↑";

    /// <summary>A column of the table.</summary>
    /// <param name="Name">Its heading.</param>
    /// <param name="Meaning">What it says.</param>
    /// <param name="Right">Whether its values are numbers.</param>
    /// <param name="Key">What it is sorted by: a number or a text; null where it is not known.</param>
    /// <param name="Write">How an autoencoder's value is written.</param>
    private sealed record Column(
        string Name, string Meaning, bool Right, Func<SweepEntry, object?> Key, Func<SweepEntry, string> Write);
}
