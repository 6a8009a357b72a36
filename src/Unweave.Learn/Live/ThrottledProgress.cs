namespace Unweave.Learn.Live;

/// <summary>Passes on what is reported at most eight times a second: a page need not follow faster.</summary>
/// <param name="report">Receives what gets through, on the thread that reports.</param>
internal sealed class ThrottledProgress<T>(Action<T> report) : IProgress<T>
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(125);
    private long last;

    /// <inheritdoc/>
    public void Report(T value)
    {
        if (last != 0 && TimeProvider.System.GetElapsedTime(last) < Frame) return;
        last = TimeProvider.System.GetTimestamp();
        report(value);
    }
}
