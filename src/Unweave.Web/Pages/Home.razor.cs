using System.Globalization;
using Microsoft.AspNetCore.Components;
using Unweave.Runs;
using Unweave.Web.Components;
using Unweave.Web.Runs;

namespace Unweave.Web.Pages;

/// <summary>The runs there are, side by side, as they appear, train and end.</summary>
public sealed partial class Home
{
    private const int MostNames = 16; // in a plane: more would lie on one another

    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);

    private static readonly Column[] Columns =
    [
        new("run", "name of its folder", false, run => run.Name, run => new MarkupString(""), Largest: false),
        new("architecture", "kind of autoencoder", false, run => run.Architecture, run => Text(run.Architecture), Largest: false),
        new("k", "active latents of a row that were asked for", true, run => run.K, run => Text(run.K)),
        new("latents", "size of the dictionary", true, run => run.Latents, run => Text(run.Latents)),
        new("data", "the model and hook, or the files, that it was trained on", false, run => run.Data, run => Text(run.Data),
            Largest: false),
        new("FVU", "share of the variance that is not explained", true, run => run.Fvu, run => Measured(run, run.Fvu, "F3"),
            Largest: false),
        new("L0", "active latents of a row", true, run => run.L0, run => Measured(run, run.L0, "0.#"), Largest: false),
        new("recovered", "share of the model's loss that is recovered over zeros", true, run => run.Recovered,
            run => Text(Share(run.Recovered, "0.0"))),
        new("dead", "share of latents that never fired", true, run => run.Dead, run => Measured(run, 100 * run.Dead, "0.#", "%"),
            Largest: false),
        new("rows", "rows, or tokens, that it has trained on", true, run => run.Rows, run => Text(run.Rows)),
        new("date", "when it was last written to", false, run => run.Date,
            run => Text(run.Date?.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture))),
        new("status", "how far it is", false, run => run.Status.Words, run => Text(run.Status.Words), Largest: false),
    ];

    private readonly CancellationTokenSource left = new();
    private readonly HashSet<string> chosen = new(StringComparer.Ordinal);
    private IReadOnlyList<RunSummary> runs = [];
    private IReadOnlyList<string> sweeps = [];
    private IReadOnlyList<PlanePoint> plane = [];
    private Column sorted = Columns[0];
    private bool down;

    [Inject] private ServedRuns Runs { get; set; } = null!;

    [Inject] private NavigationManager Navigation { get; set; } = null!;

    [Inject] private TimeProvider Time { get; set; } = null!;

    private bool Comparable => chosen.Count > 1;

    /// <inheritdoc/>
    public void Dispose()
    {
        left.Cancel();
        left.Dispose();
    }

    /// <inheritdoc/>
    protected override void OnInitialized()
    {
        if (Runs.Folder is null)
        {
            Navigation.NavigateTo(Learn.Chapter.Start, forceLoad: true, replace: true);
            return;
        }

        bool first = string.Equals(new Uri(Navigation.Uri).AbsolutePath, "/", StringComparison.Ordinal);
        bool isSweep = Runs.Folder is { } folder && SweepFolder.Exists(folder);
        if (first && isSweep) Navigation.NavigateTo(Links.Sweep(Runs.Sweeps()[0]), replace: true);
        else if (first && Runs.Names() is [string only]) Navigation.NavigateTo(First(only), replace: true);
        else Look();
    }

    /// <inheritdoc/>
    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender) _ = Watch();
    }

    private static MarkupString Text(object? value) =>
        new(System.Net.WebUtility.HtmlEncode(value is int or long ? Figures.Count(Convert.ToInt64(value, CultureInfo.InvariantCulture))
            : value?.ToString() ?? ""));

    private static string Share(double share, string format) =>
        double.IsFinite(share) ? (100 * share).ToString(format, CultureInfo.InvariantCulture) + "%" : "";

    // Figures that were not measured but read off the log are told apart.
    private static MarkupString Measured(RunSummary run, double value, string format, string unit = "")
    {
        if (!double.IsFinite(value)) return new MarkupString("");
        string written = value.ToString(format, CultureInfo.InvariantCulture) + unit;
        return new MarkupString(run.Measured ? written : $"<i>{written}</i>");
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

    private string First(string name) => Runs.TryGet(name, out ServedRun? run) ? run.FirstPage : Links.Run(name);

    private void Look()
    {
        var found = new List<RunSummary>();
        foreach (string name in Runs.Names())
            if (Runs.TryGet(name, out ServedRun? run)) found.Add(run.Summary(Time));
        sweeps = Runs.Sweeps();
        chosen.IntersectWith(found.Select(run => run.Name));
        runs = Order(found);
        string[] kinds = [.. found.Select(run => run.Architecture).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        plane =
        [
            .. found.Where(run => double.IsFinite(run.L0) && double.IsFinite(run.Fvu)).Select(run =>
                new PlanePoint(run.Name, run.L0, run.Fvu, run.Architecture, Array.IndexOf(kinds, run.Architecture) % 5 + 1,
                    Links.Run(run.Name))),
        ];
    }

    private IReadOnlyList<RunSummary> Order(IEnumerable<RunSummary> of)
    {
        var known = of.ToLookup(run => sorted.Key(run) is { } key and not "" && key is not double.NaN);
        IEnumerable<RunSummary> ascending = known[true].OrderBy(sorted.Key, KeyComparer.Instance);
        // Runs of which it is not known come last either way.
        return [.. down ? ascending.Reverse() : ascending, .. known[false]];
    }

    private void Sort(Column column)
    {
        down = ReferenceEquals(column, sorted) ? !down : column.Largest;
        sorted = column;
        runs = Order(runs);
    }

    private void Choose(string name)
    {
        if (!chosen.Remove(name) && chosen.Count < CompareRuns.Most) chosen.Add(name);
    }

    private string? Sorted(Column column) =>
        !ReferenceEquals(column, sorted) ? null : down ? "descending" : "ascending";

    private string Arrow(Column column) => !ReferenceEquals(column, sorted) ? "" : down ? "↓" : "↑";

    /// <summary>A column of the table.</summary>
    /// <param name="Name">Its heading.</param>
    /// <param name="Meaning">What it says.</param>
    /// <param name="Right">Whether its values are numbers.</param>
    /// <param name="Key">What it is sorted by.</param>
    /// <param name="Write">How a run's value is written.</param>
    /// <param name="Largest">Whether the first click puts the largest on top.</param>
    private sealed record Column(
        string Name, string Meaning, bool Right, Func<RunSummary, object?> Key, Func<RunSummary, MarkupString> Write, bool Largest = true);

    private sealed class KeyComparer : IComparer<object?>
    {
        public static KeyComparer Instance { get; } = new();

        public int Compare(object? x, object? y) => x is string one && y is string other
            ? string.Compare(one, other, StringComparison.Ordinal)
            : System.Collections.Comparer.DefaultInvariant.Compare(x, y);
    }
}
