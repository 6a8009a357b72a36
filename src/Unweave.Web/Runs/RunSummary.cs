using Unweave.Autoencoders;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Web.Runs;

/// <summary>A run as a line of a table beside others. Nothing large is opened for it. NaN stands for what is not known.</summary>
internal sealed record RunSummary(string Name)
{
    /// <summary>Its architecture, in a word.</summary>
    public string Architecture { get; private init; } = "";

    /// <summary>Active latents asked for, where the architecture has them.</summary>
    public int? K { get; private init; }

    /// <summary>Number of latents.</summary>
    public int? Latents { get; private init; }

    /// <summary>What it was trained on: the model's hook, or its files.</summary>
    public string Data { get; private init; } = "";

    /// <summary>Share of the variance that is not explained: measured, else as it was last validated in training.</summary>
    public double Fvu { get; private init; } = double.NaN;

    /// <summary>Active latents of a row: measured, else as they were last in training.</summary>
    public double L0 { get; private init; } = double.NaN;

    /// <summary>Share of the model's loss recovered.</summary>
    public double Recovered { get; private init; } = double.NaN;

    /// <summary>Share of latents that never fired.</summary>
    public double Dead { get; private init; } = double.NaN;

    /// <summary>Whether the figures were measured, not read off the log.</summary>
    public bool Measured { get; private init; }

    /// <summary>Rows that it has trained on.</summary>
    public long? Rows { get; private init; }

    /// <summary>When it was last written to.</summary>
    public DateTime? Date { get; private init; }

    /// <summary>How far it is.</summary>
    public RunStatus Status { get; private init; } = RunStatus.None;

    /// <summary>Its settings; null where it has no run file.</summary>
    public TrainingOptions? Settings { get; private init; }

    /// <summary>Whether texts can be searched by its latents.</summary>
    public bool HasIndex { get; private init; }

    /// <summary>Why something of it cannot be read; null when all can.</summary>
    public string? Problem { get; private init; }

    /// <summary>Reads it.</summary>
    /// <param name="run">The run.</param>
    /// <param name="time">What time it is.</param>
    public static RunSummary Read(ServedRun run, TimeProvider time)
    {
        try
        {
            RunStatus status = RunStatus.Read(run, time);
            TrainingOptions? settings = run.Settings;
            (EvaluationTables? measured, string? problem) = (null, null);
            try
            {
                measured = EvaluationTables.Read(run.Files);
            }
            catch (InputException e)
            {
                problem = e.Message; // of another autoencoder: the rest holds
            }

            AutoencoderOptions? options = settings?.Autoencoder;
            MetricsLine? last = status.Log.Last, validated = status.Log.Validations is [.., var latest] ? latest : null;
            int? latents = (options as DictionaryOptions)?.Latents;
            return new RunSummary(run.Name)
            {
                Architecture = options is null ? "" : Autoencoders.Architecture.From(options).Name,
                K = RunDescription.ActiveLatents(options),
                Latents = latents,
                Data = RunDescription.Data(settings, run.Origin),
                Fvu = First(measured?.Trained.Fvu, validated?.ValidationFvu, last?.Fvu),
                L0 = First(measured?.Trained.L0, last?.Firing),
                Recovered = measured?.Recovered ?? double.NaN,
                Dead = First(measured?.Trained.Dead, latents > 0 ? last?.Dead / latents : null),
                Measured = double.IsFinite(measured?.Trained.Fvu ?? double.NaN),
                Rows = last?.Rows,
                Date = Written(run.Files),
                Status = status,
                Settings = settings,
                HasIndex = run.HasIndex,
                Problem = problem,
            };
        }
        catch (InputException e)
        {
            return new RunSummary(run.Name) { HasIndex = run.HasIndex, Problem = e.Message };
        }
    }

    private static double First(params ReadOnlySpan<double?> values)
    {
        foreach (double? value in values)
            if (value is { } known && double.IsFinite(known)) return known;
        return double.NaN;
    }

    private static DateTime? Written(RunFolder files)
    {
        string[] there = [.. new[] { files.AutoencoderPath, files.MetricsPath, files.SettingsPath }.Where(File.Exists)];
        return there.Length == 0 ? null : there.Max(File.GetLastWriteTime);
    }
}
