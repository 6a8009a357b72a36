using System.Text;
using Unweave.Formats;
using Unweave.Training;

namespace Unweave.Runs;

/// <summary>
/// Writes a run's log: a line of JSON for every tenth step, every validation and the last step. A resumed run drops
/// the lines after its checkpoint, a torn last one included, so that no step is reported twice.
/// </summary>
internal sealed class MetricsWriter : IDisposable
{
    private const int Every = 10;

    private readonly string path;
    private readonly StreamWriter writer;

    /// <summary>Starts or continues the log of a run.</summary>
    /// <param name="path">The file.</param>
    /// <param name="step">Steps done so far: lines of later ones are dropped.</param>
    /// <param name="through">Puts a stream of the caller's in front of the file: how a test stands in for a full disk.</param>
    public MetricsWriter(string path, long step, Func<Stream, Stream>? through = null)
    {
        this.path = path;
        string[] kept = step > 0 && File.Exists(path)
            ? [.. File.ReadLines(path).Where(line => MetricsLine.Parse(Encoding.UTF8.GetBytes(line)) is { } whole && whole.Step <= step)]
            : [];
        AtomicFile.Write(path, stream =>
        {
            using var whole = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            foreach (string line in kept) whole.WriteLine(line);
        });
        var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        writer = new StreamWriter(through is null ? file : through(file)) { NewLine = "\n", AutoFlush = true };
    }

    /// <summary>Writes a line when the step is one to report.</summary>
    /// <exception cref="InputException">The disk is full, or the file may not grow.</exception>
    public void Add(StepReport report)
    {
        if (report.Step % Every != 0 && report.ValidationFvu is null && !report.Last) return;
        try
        {
            writer.WriteLine(MetricsLine.Write(report));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            throw new InputException(
                $"{path}: cannot be written ({e.Message}); make room on its disk, then go on from the last checkpoint with --resume.", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            writer.Dispose();
        }
        catch (IOException)
        {
            // Of a line that could not be written: that was reported.
        }
    }
}
