using System.Globalization;
using Spectre.Console;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Cli.Rendering;

/// <summary>
/// Shows a sweep while it goes on, on standard error: on a terminal, a table that is redrawn in place; in a log, a plain line every few
/// seconds and one for each autoencoder that ends.
/// </summary>
internal sealed class SweepDisplay(SweepFile file, TimeProvider time)
{
    private const int MostRows = 24;

    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(5), LiveInterval = TimeSpan.FromMilliseconds(200);
    private readonly Dictionary<string, (StepReport? Step, SweepReport Report)> last = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double> held = new(StringComparer.Ordinal);
    private long started, shown;

    /// <summary>Time since <see cref="Follow"/> began.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(started);

    /// <summary>Shows each step until the sweep ends.</summary>
    /// <param name="title">What is trained, in a line.</param>
    /// <param name="reports">The sweep.</param>
    public async Task Follow(string title, IAsyncEnumerable<SweepReport> reports)
    {
        started = time.GetTimestamp();
        Console.Error.WriteLine(title);
        if (!Screen.ProgressIsLive)
        {
            await foreach (SweepReport report in reports)
            {
                Remember(report);
                if (report.Ended is not null) Console.Error.WriteLine(Ending(report));
                else if (report.Step is { } step && Due(LogInterval))
                    Console.Error.WriteLine($"pass {report.Pass}/{file.Passes.Count}  step {step.Step}/{step.Steps}  "
                        + $"{Figures.Short(Rate())} steps/s of all");
            }

            return;
        }

        await Screen.Progress.Live(new Text("measuring the data …")).StartAsync(async context =>
        {
            await foreach (SweepReport report in reports)
            {
                Remember(report);
                if (Due(LiveInterval) || report.Ended is not null) context.UpdateTarget(Draw());
            }
        });
    }

    private string Ending(SweepReport report)
    {
        StepReport? step = last[report.Point.Name].Step;
        string figures = step is null ? "" : $"  FVU {Figures.Short(held.GetValueOrDefault(report.Point.Name, step.Fvu))}  "
            + $"L0 {Figures.Short(step.L0)}  dead {Figures.Count(step.Dead)}";
        string reason = report.Reason is null ? "" : $": {report.Reason}";
        return $"{report.Point.Name} {report.Ended.ToString()!.ToLowerInvariant()}{reason}{figures}";
    }

    private void Remember(SweepReport report)
    {
        StepReport? step = report.Step ?? (last.TryGetValue(report.Point.Name, out var before) ? before.Step : null);
        last[report.Point.Name] = (step, report);
        steps += report.Step is null ? 0 : 1;
        if (report.Step?.ValidationFvu is { } fvu && double.IsFinite(fvu)) held[report.Point.Name] = fvu;
    }

    private long steps;

    private double Rate() => steps / Math.Max(Elapsed.TotalSeconds, 1e-3);

    private bool Due(TimeSpan interval)
    {
        if (shown != 0 && time.GetElapsedTime(shown) < interval) return false;
        shown = time.GetTimestamp();
        return true;
    }

    private Table Draw()
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("autoencoder");
        table.AddColumn("");
        foreach (string heading in (string[])["L0", "FVU", "dead"]) table.AddColumn(Heading.Number(heading));
        foreach (SweepPoint point in file.Points.Take(MostRows))
        {
            if (!last.TryGetValue(point.Name, out var now) || now.Step is not { } step)
            {
                table.AddRow(Markup.Escape(point.Name), "", "", "", "");
                continue;
            }

            string state = now.Report.Ended is { } ended && ended != SweepStatus.Finished
                ? ended.ToString().ToLowerInvariant()
                : Bar.Draw((double)step.Step / step.Steps, 16, Screen.Progress)
                    + string.Create(CultureInfo.InvariantCulture, $" {Math.Floor(100.0 * step.Step / step.Steps)}%");
            table.AddRow(Markup.Escape(point.Name), state, Figures.Short(step.L0),
                Figures.Short(held.GetValueOrDefault(point.Name, step.Fvu)), Figures.Count(step.Dead));
        }

        if (file.Points.Count > MostRows) table.AddRow($"and {file.Points.Count - MostRows} more", "", "", "", "");
        return table;
    }
}
