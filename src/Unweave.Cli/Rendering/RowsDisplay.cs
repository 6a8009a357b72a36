namespace Unweave.Cli.Rendering;

/// <summary>
/// Shows how many rows are done, on standard error: on a terminal in one line that is redrawn, in a log a line every few seconds.
/// </summary>
/// <param name="verb">What is done to them: "encoded".</param>
/// <param name="total">Number of rows, or 0 where it is not known.</param>
/// <param name="time">Clock.</param>
internal sealed class RowsDisplay(string verb, long total, TimeProvider time) : IProgress<long>
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(5), LiveInterval = TimeSpan.FromMilliseconds(100);
    private readonly long started = time.GetTimestamp();
    private long shown = time.GetTimestamp();

    /// <summary>Time since this display was made.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(started);

    /// <summary>Says how many rows are done.</summary>
    public void Report(long done)
    {
        if (time.GetElapsedTime(shown) < (Screen.ProgressIsLive ? LiveInterval : LogInterval)) return;
        shown = time.GetTimestamp();
        double rate = done / Elapsed.TotalSeconds;
        string line = total == 0
            ? $"{verb} {Figures.Count(done)} rows  {Figures.Short(rate)} rows/s"
            : $"{verb} {Figures.Count(done)} of {Figures.Count(total)} rows  {Figures.Short(rate)} rows/s  "
                + $"{Figures.Duration(TimeSpan.FromSeconds((total - done) / rate))} left";
        if (Screen.ProgressIsLive) Console.Error.Write($"\r\u001b[K{line}");
        else Console.Error.WriteLine(line);
    }

    /// <summary>Takes the redrawn line away.</summary>
    public static void Clear()
    {
        if (Screen.ProgressIsLive) Console.Error.Write("\r\u001b[K");
    }
}
