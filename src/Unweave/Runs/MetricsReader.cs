namespace Unweave.Runs;

/// <summary>What a log holds at a moment.</summary>
/// <param name="Lines">Its lines, ascending by step: all of a short log, means over stretches of equal length of a long one.</param>
/// <param name="Validations">Lines with a validation, thinned likewise.</param>
/// <param name="Last">The last line; null of an empty log.</param>
/// <param name="Read">Lines read so far: another number is another state.</param>
internal sealed record MetricsState(IReadOnlyList<MetricsLine> Lines, IReadOnlyList<MetricsLine> Validations, MetricsLine? Last, long Read)
{
    /// <summary>Time that the steps so far took together, those between two lines as long as the later one.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Steps a second over the last lines; NaN where the log does not say.</summary>
    public double StepsPerSecond { get; init; } = double.NaN;
}

/// <summary>
/// Reads a run's log while it is written: each reading goes on where the last one ended, a torn last line waits for its end, and a log that
/// starts again (the run was resumed from an earlier checkpoint) is read again. However long the log, memory holds a few hundred lines.
/// </summary>
internal sealed class MetricsReader(string path)
{
    private readonly Lock entry = new();
    private const int Recent = 20;

    private readonly Queue<double> recent = new();
    private Stretches lines = new(), validations = new();
    private double milliseconds;
    private MetricsLine? last;
    private long offset, read;

    /// <summary>Reads what was added, and gives the whole.</summary>
    public MetricsState Read()
    {
        lock (entry)
        {
            if (!Continue())
            {
                (lines, validations, last, offset, read, milliseconds) = (new Stretches(), new Stretches(), null, 0, 0, 0);
                recent.Clear();
                Continue();
            }

            return new MetricsState(lines.ToList(), validations.ToList(), last, read)
            {
                Elapsed = TimeSpan.FromMilliseconds(milliseconds),
                StepsPerSecond = recent.Count == 0 ? double.NaN : 1000 / Math.Max(recent.Average(), 1e-3),
            };
        }
    }

    /// <summary>Reads on; false when the file is not the one that was read so far.</summary>
    private bool Continue()
    {
        if (!File.Exists(path)) return offset == 0;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (stream.Length < offset) return false;
        if (stream.Length == offset) return true;
        if (offset > 0)
        {
            stream.Position = offset - 1;
            if (stream.ReadByte() != '\n') return false;
        }

        byte[] buffer = new byte[1 << 16];
        int held = 0;
        while (stream.Read(buffer.AsSpan(held)) is > 0 and var count)
        {
            held += count;
            int start = 0;
            for (int end; (end = buffer.AsSpan(start, held - start).IndexOf((byte)'\n')) >= 0; start += end + 1)
            {
                offset += end + 1;
                if (MetricsLine.Parse(buffer.AsSpan(start, end)) is not { } line) continue;
                if (last is not null && line.Step <= last.Step) return false;
                Time(line);
                last = line;
                read++;
                lines.Add(line);
                if (!double.IsNaN(line.ValidationFvu)) validations.Add(line);
            }

            buffer.AsSpan(start, held - start).CopyTo(buffer);
            held -= start;
            if (held == buffer.Length) return true; // no line of a log is this long: nothing after it is read
        }

        return true;
    }

    private void Time(MetricsLine line)
    {
        if (double.IsNaN(line.Milliseconds)) return;
        milliseconds += line.Milliseconds * (line.Step - (last?.Step ?? 0));
        recent.Enqueue(line.Milliseconds);
        if (recent.Count > Recent) recent.Dequeue();
    }

    /// <summary>Means over stretches of lines; when there are too many, every two become one.</summary>
    private sealed class Stretches
    {
        private const int Most = 600;
        private readonly List<MetricsLine> done = [];
        private readonly List<MetricsLine> open = [];
        private int length = 1;

        public void Add(MetricsLine line)
        {
            open.Add(line);
            if (open.Count < length) return;
            done.Add(Mean(open));
            open.Clear();
            if (done.Count < Most) return;
            List<MetricsLine> halved = [.. done.Chunk(2).Select(Mean)];
            done.Clear();
            done.AddRange(halved);
            length *= 2;
        }

        public List<MetricsLine> ToList() => open.Count == 0 ? [.. done] : [.. done, Mean(open)];

        private static MetricsLine Mean(IReadOnlyList<MetricsLine> lines)
        {
            if (lines.Count == 1) return lines[0];
            MetricsLine last = lines[^1];
            double Average(Func<MetricsLine, double> value) =>
                lines.Select(value).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();
            return new MetricsLine(
                last.Step, last.Rows, Average(line => line.Loss), Average(line => line.Reconstruction), Average(line => line.Sparsity),
                Average(line => line.Auxiliary), Average(line => line.Fvu), Average(line => line.ValidationFvu), Average(line => line.L0),
                Average(line => line.Firing), Average(line => line.Dead), Average(line => line.LearningRate),
                Average(line => line.Milliseconds));
        }
    }
}
