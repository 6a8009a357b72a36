using System.Globalization;
using System.Text.Json;
using Unweave.Formats;

namespace Unweave.Training;

/// <summary>
/// A run's log, <c>metrics.jsonl</c>: a line of JSON for every tenth step, every validation and the last step. A resumed run drops
/// the lines after its checkpoint, a torn last one included, so that no step is told twice.
/// </summary>
internal sealed class MetricsLog : IDisposable
{
    /// <summary>Name of the file in a run's folder.</summary>
    public const string FileName = "metrics.jsonl";

    private const int Every = 10;

    private readonly StreamWriter writer;

    /// <summary>Starts or continues the log of a run.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="step">Steps done so far: lines of later ones are dropped.</param>
    public MetricsLog(string folder, long step)
    {
        string path = Path.Combine(folder, FileName);
        string[] kept = step > 0 && File.Exists(path) ? [.. File.ReadLines(path).Where(line => StepOf(line) is { } of && of <= step)] : [];
        AtomicFile.Write(path, stream =>
        {
            using var whole = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            foreach (string line in kept) whole.WriteLine(line);
        });
        writer = new StreamWriter(path, append: true) { NewLine = "\n", AutoFlush = true };
    }

    /// <summary>Writes a line when the step is one to tell of.</summary>
    public void Add(StepReport report)
    {
        if (report.Step % Every != 0 && report.ValidationFvu is null && !report.Last) return;
        var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("step", report.Step);
            json.WriteNumber("rows", report.Rows);
            json.WriteNumber("loss", report.Loss.Total);
            json.WriteNumber("reconstruction", report.Loss.Reconstruction);
            json.WriteNumber("sparsity", report.Loss.Sparsity);
            json.WriteNumber("auxiliary", report.Loss.Auxiliary);
            Number(json, "fvu", report.Fvu);
            json.WriteNumber("l0", report.L0);
            if (report.Firing != report.L0) json.WriteNumber("firing", report.Firing);
            json.WriteNumber("dead", report.Dead);
            json.WriteNumber("learningRate", report.LearningRate);
            if (report.GradientNorm is { } norm) Number(json, "gradientNorm", norm);
            if (report.ValidationFvu is { } validation) Number(json, "validationFvu", validation);
            json.WriteNumber("milliseconds", Math.Round(report.Times.Total.TotalMilliseconds, 3));
            json.WriteEndObject();
        }

        writer.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    /// <inheritdoc/>
    public void Dispose() => writer.Dispose();

    // Constant data have no variance, so their FVU is not a number that JSON can hold.
    private static void Number(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteString(name, value.ToString(CultureInfo.InvariantCulture));
    }

    private static long? StepOf(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.GetProperty("step").GetInt64();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null; // the line that a killed run was writing
        }
    }
}
