using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Web.Runs;

/// <summary>How far a run is: what its log and its files say at a moment.</summary>
/// <param name="Log">Its log.</param>
/// <param name="Steps">Steps in all; 0 where that is not known.</param>
/// <param name="Live">Whether it is training now: its log grew lately and has not reached its end.</param>
/// <param name="Finished">Whether its autoencoder is there, and nothing goes on.</param>
internal sealed record RunStatus(MetricsState Log, long Steps, bool Live, bool Finished)
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    /// <summary>Nothing is known yet.</summary>
    public static RunStatus None { get; } = new(new MetricsState([], [], null, 0), 0, false, false);

    /// <summary>The share of its steps that are done; NaN where their number is not known.</summary>
    public double Share => Steps > 0 && Log.Last is { } now ? Math.Min(1, (double)now.Step / Steps) : double.NaN;

    /// <summary>Time that the steps still to do take at the present speed; null where that is not known.</summary>
    public TimeSpan? Left =>
        Live && Steps > 0 && Log.Last is { } now && double.IsFinite(Log.StepsPerSecond)
            ? TimeSpan.FromSeconds(Math.Max(0, Steps - now.Step) / Log.StepsPerSecond)
            : null;

    /// <summary>In a few words: training with how much of it done, trained, or stopped.</summary>
    public string Words => this switch
    {
        { Live: true } => double.IsNaN(Share) ? "training" : $"training, {Figures.Percent(Share)}",
        { Finished: true } => "trained",
        { Log.Last: { } last } => $"stopped at step {Figures.Count(last.Step)}",
        _ => "not started",
    };

    /// <summary>Speed, time left and time spent, as far as the log says; null where it says nothing.</summary>
    public string? Pace
    {
        get
        {
            if (Log.Last is null || Log.Elapsed == TimeSpan.Zero) return null;
            string spent = Figures.Duration(Log.Elapsed);
            if (!Live) return $"{Figures.Count(Log.Last.Step)} steps in {spent}";
            string left = Left is { } time ? $" · about {Figures.Duration(time)} left" : "";
            return $"{Figures.Short(Log.StepsPerSecond)} steps/s{left} · {spent} so far";
        }
    }

    /// <summary>Reads it.</summary>
    /// <param name="run">The run.</param>
    /// <param name="time">What time it is.</param>
    /// <exception cref="InputException">The run file is damaged.</exception>
    public static RunStatus Read(ServedRun run, TimeProvider time)
    {
        MetricsState log = run.Log.Read();
        TrainingOptions? settings = run.Settings;
        string file = run.Files.MetricsPath;
        bool complete = settings is { Steps: > 0 } known && log.Last?.Step >= known.Steps;
        bool live = log.Last is not null && !complete && File.Exists(file)
            && time.GetUtcNow().UtcDateTime - File.GetLastWriteTimeUtc(file) < Silence;
        return new RunStatus(log, settings?.Steps ?? 0, live, !live && File.Exists(run.Files.AutoencoderPath));
    }
}
