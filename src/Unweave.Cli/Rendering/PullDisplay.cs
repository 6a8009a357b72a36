using Unweave.Onnx;

namespace Unweave.Cli.Rendering;

/// <summary>
/// Shows what a pull fetches, on standard error: on a terminal in one line that is redrawn, in a log a line every few seconds, and a line
/// for every wait.
/// </summary>
/// <param name="time">Clock.</param>
internal sealed class PullDisplay(TimeProvider time) : IProgress<HubProgress>
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(5), LiveInterval = TimeSpan.FromMilliseconds(100);
    private readonly long started = time.GetTimestamp();
    private string path = "";
    private long pathStarted, shown = time.GetTimestamp(), first;

    /// <summary>Time since this display was made.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(started);

    /// <inheritdoc/>
    public void Report(HubProgress value)
    {
        if (value.Waiting is { } waiting)
        {
            Write(value.Path.Length > 0 ? $"{value.Path}: {waiting}" : waiting);
            return;
        }

        if (!string.Equals(path, value.Path, StringComparison.Ordinal) || value.Bytes < first)
            (path, pathStarted, first) = (value.Path, time.GetTimestamp(), value.Bytes);
        if (value.Path.Length == 0 || time.GetElapsedTime(shown) < (Screen.ProgressIsLive ? LiveInterval : LogInterval)) return;
        shown = time.GetTimestamp();
        double rate = (value.Bytes - first) / time.GetElapsedTime(pathStarted).TotalSeconds;
        string rest = value.Size is { } size && rate > 0
            ? $"  {Figures.Duration(TimeSpan.FromSeconds(Math.Min((size - value.Bytes) / rate, TimeSpan.MaxValue.TotalSeconds / 2)))} left"
            : "";
        string done = Figures.Bytes(value.Bytes) + (value.Size is { } whole ? $" of {Figures.Bytes(whole)}" : "");
        string speed = rate > 0 ? $"  {Figures.Bytes((long)rate)}/s" : "";
        Write($"{value.Path}  {done}{speed}{rest}");
    }

    /// <summary>Takes the redrawn line away.</summary>
    public static void Clear()
    {
        if (Screen.ProgressIsLive) Console.Error.Write("\r\u001b[K");
    }

    private static void Write(string line)
    {
        if (!Screen.ProgressIsLive) Console.Error.WriteLine(line);
        else Console.Error.Write(
            $"\r\u001b[K{(line.Length < Screen.Progress.Profile.Width ? line : line[..(Screen.Progress.Profile.Width - 1)])}");
    }
}
