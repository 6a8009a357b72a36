using System.Text.Json;

namespace Unweave.Web;

/// <summary>A line of a run's log. What a line leaves out is NaN.</summary>
internal sealed record LogLine(long Step, long Tokens, double Loss, double Reconstruction, double Sparsity, double Auxiliary, double Fvu, double ValidationFvu, double L0, double Dead, double LearningRate)
{
    /// <summary>Reads a line; null when it is not one.</summary>
    public static LogLine? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            if (!JsonDocument.TryParseValue(ref reader, out JsonDocument? document)) return null;
            using (document)
            {
                JsonElement root = document.RootElement;
                double Number(string name) => root.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : double.NaN;
                double step = Number("step"), rows = Number(root.TryGetProperty("rows", out _) ? "rows" : "tokens"); // the name before version 0.2
                return double.IsNaN(step)
                    ? null
                    : new LogLine((long)step, double.IsNaN(rows) ? 0 : (long)rows, Number("loss"), Number("reconstruction"), Number("sparsity"), Number("auxiliary"), Number("fvu"), Number("validationFvu"), Number("l0"), Number("dead"), Number("learningRate"));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}

/// <summary>What a log holds at a moment.</summary>
/// <param name="Lines">Its lines, ascending by step: all of a short log, means over stretches of equal length of a long one.</param>
/// <param name="Validations">Lines with a validation, thinned likewise.</param>
/// <param name="Last">The last line; null of an empty log.</param>
/// <param name="Read">Lines read so far: another number is another state.</param>
internal sealed record LogState(IReadOnlyList<LogLine> Lines, IReadOnlyList<LogLine> Validations, LogLine? Last, long Read);

/// <summary>
/// A run's log, read while it is written: each look goes on where the last one ended, a torn last line waits for its end, and a log
/// that starts again (the run was resumed from an earlier checkpoint) is read again. However long the log, memory holds a few hundred lines.
/// </summary>
internal sealed class RunLog(string path)
{
    /// <summary>Name of the file in a run's folder.</summary>
    public const string FileName = "metrics.jsonl";

    private readonly Lock entry = new();
    private Stretches lines = new(), validations = new();
    private LogLine? last;
    private long offset, read;

    /// <summary>Reads what was added, and gives the whole.</summary>
    public LogState Look()
    {
        lock (entry)
        {
            if (!Continue())
            {
                (lines, validations, last, offset, read) = (new Stretches(), new Stretches(), null, 0, 0);
                Continue();
            }

            return new LogState(lines.ToList(), validations.ToList(), last, read);
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
                if (LogLine.Parse(buffer.AsSpan(start, end)) is not { } line) continue;
                if (last is not null && line.Step <= last.Step) return false;
                last = line;
                read++;
                lines.Add(line);
                if (!double.IsNaN(line.ValidationFvu)) validations.Add(line);
            }

            buffer.AsSpan(start, held - start).CopyTo(buffer);
            held -= start;
            if (held == buffer.Length) return true; // a line of this length is none of a log: nothing after it is read
        }

        return true;
    }

    /// <summary>Means over stretches of lines; when there are too many, every two become one.</summary>
    private sealed class Stretches
    {
        private const int Most = 600;
        private readonly List<LogLine> done = [];
        private readonly List<LogLine> open = [];
        private int length = 1;

        public void Add(LogLine line)
        {
            open.Add(line);
            if (open.Count < length) return;
            done.Add(Mean(open));
            open.Clear();
            if (done.Count < Most) return;
            List<LogLine> halved = [.. done.Chunk(2).Select(Mean)];
            done.Clear();
            done.AddRange(halved);
            length *= 2;
        }

        public List<LogLine> ToList() => open.Count == 0 ? [.. done] : [.. done, Mean(open)];

        private static LogLine Mean(IReadOnlyList<LogLine> lines)
        {
            if (lines.Count == 1) return lines[0];
            LogLine last = lines[^1];
            double Of(Func<LogLine, double> value) => lines.Select(value).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();
            return new LogLine(last.Step, last.Tokens, Of(line => line.Loss), Of(line => line.Reconstruction), Of(line => line.Sparsity), Of(line => line.Auxiliary), Of(line => line.Fvu), Of(line => line.ValidationFvu), Of(line => line.L0), Of(line => line.Dead), Of(line => line.LearningRate));
        }
    }
}
