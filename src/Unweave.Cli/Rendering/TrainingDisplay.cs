using System.Globalization;
using Spectre.Console;
using Unweave.Training;

namespace Unweave.Cli.Rendering;

/// <summary>
/// Shows a run while it goes on, on standard error: on a terminal, lines that are redrawn in place; in a log, a plain line every few
/// seconds.
/// </summary>
internal sealed class TrainingDisplay(TimeProvider time)
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(5), LiveInterval = TimeSpan.FromMilliseconds(100);
    private readonly IAnsiConsole console = Screen.Progress;
    private long started, firstDone, shown;
    private StepReport? first;
    private double? validationFvu;

    /// <summary>Time since <see cref="Follow"/> began.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(started);

    /// <summary>Shows each step until the run ends.</summary>
    /// <param name="title">What is trained, in a line.</param>
    /// <param name="steps">The run.</param>
    /// <returns>The last step, or null when there was none to do.</returns>
    public async Task<StepReport?> Follow(string title, IAsyncEnumerable<StepReport> steps)
    {
        started = time.GetTimestamp();
        Console.Error.WriteLine(title);
        if (!Screen.ProgressIsLive) return await FollowInLog(steps);
        StepReport? last = null;
        await console.Live(new Text("measuring the data …")).StartAsync(async context =>
        {
            await foreach (StepReport step in steps)
            {
                last = step;
                Remember(step);
                if (!Due(LiveInterval) && !step.Last) continue;
                context.UpdateTarget(Draw(step));
            }
        });
        return last;
    }

    private async Task<StepReport?> FollowInLog(IAsyncEnumerable<StepReport> steps)
    {
        StepReport? last = null;
        await foreach (StepReport step in steps)
        {
            last = step;
            Remember(step);
            if (!Due(LogInterval) && !step.Last) continue;
            Console.Error.WriteLine($"step {step.Step}/{step.Steps}  {Pace(step)}{Describe(step)}");
        }

        return last;
    }

    private void Remember(StepReport step)
    {
        if (first is null) (first, firstDone) = (step, time.GetTimestamp());
        validationFvu = step.ValidationFvu ?? validationFvu;
    }

    /// <summary>True when the last time shown is long enough ago; then this is the last time shown.</summary>
    private bool Due(TimeSpan interval)
    {
        if (shown != 0 && time.GetElapsedTime(shown) < interval) return false;
        shown = time.GetTimestamp();
        return true;
    }

    /// <summary>
    /// Steps a second since this process's first step, and the time left at that rate; nothing at that first step, whose time is mostly the
    /// start's.
    /// </summary>
    private string Pace(StepReport step)
    {
        if (step.Step == first!.Step) return "";
        double rate = (step.Step - first.Step) / Math.Max(time.GetElapsedTime(firstDone).TotalSeconds, 1e-3);
        return $"{rate.ToString(rate < 10 ? "F1" : "F0", CultureInfo.InvariantCulture)} steps/s  "
            + $"{Figures.Duration(TimeSpan.FromSeconds((step.Steps - step.Step) / rate))} left  ";
    }

    private Rows Draw(StepReport step)
    {
        double share = (double)step.Step / step.Steps;
        string pace = $"{Math.Floor(share * 100)}%  step {Figures.Count(step.Step)} of {Figures.Count(step.Steps)}  {Pace(step)}".TrimEnd();
        int width = Math.Clamp(console.Profile.Width - pace.Length - 3, 0, 40);
        return new Rows(
            new Columns(new Markup(Bar.Draw(share, width, console)), new Text(pace)) { Expand = false },
            new Text(Describe(step)));
    }

    private string Describe(StepReport step)
    {
        var parts = new List<string> { $"loss {Figures.Short(step.Loss.Total)}", $"FVU {Figures.Short(step.Fvu)}" };
        if (validationFvu is { } held && double.IsFinite(held)) parts.Add($"held-out FVU {Figures.Short(held)}");
        if (step.L0 > 0)
        {
            parts.Add(TrainingEnd.L0(step));
            parts.Add($"dead {Figures.Count(step.Dead)}");
        }

        if (step.Checkpoint is not null) parts.Add("saved");
        return string.Join("  ", parts);
    }
}
