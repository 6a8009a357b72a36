using System.Globalization;
using System.Text;
using System.Text.Json;
using Unweave.Training;

namespace Unweave.Runs;

/// <summary>
/// A line of a run's log. What a line leaves out is NaN; latents that fire are those of L0 where the line does not count them apart.
/// </summary>
internal sealed record MetricsLine(
    long Step, long Rows, double Loss, double Reconstruction, double Sparsity, double Auxiliary, double Fvu, double ValidationFvu,
    double L0, double Firing, double Dead, double LearningRate, double Milliseconds)
{
    /// <summary>Reads a line; null when it is not one.</summary>
    public static MetricsLine? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            if (!JsonDocument.TryParseValue(ref reader, out JsonDocument? document)) return null;
            using (document)
            {
                JsonElement root = document.RootElement;
                double Number(string name) =>
                    root.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number
                        ? value.GetDouble()
                        : double.NaN;
                // the name before version 0.2
                double step = Number("step"), rows = Number(root.TryGetProperty("rows", out _) ? "rows" : "tokens");
                double l0 = Number("l0"), firing = Number("firing");
                return double.IsNaN(step)
                    ? null
                    : new MetricsLine(
                        (long)step, double.IsNaN(rows) ? 0 : (long)rows, Number("loss"), Number("reconstruction"), Number("sparsity"),
                        Number("auxiliary"), Number("fvu"), Number("validationFvu"), l0, double.IsNaN(firing) ? l0 : firing, Number("dead"),
                        Number("learningRate"), Number("milliseconds"));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null; // the line that a killed run was writing
        }
    }

    /// <summary>The line of a step.</summary>
    public static string Write(StepReport report)
    {
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

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    // Constant data have no variance, so their FVU is not a number that JSON can hold.
    private static void Number(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteString(name, value.ToString(CultureInfo.InvariantCulture));
    }
}
