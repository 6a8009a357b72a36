using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;

namespace Unweave.Training;

/// <summary>One autoencoder of a sweep.</summary>
/// <param name="Name">Name of its folder: its number and what makes it another than the others, such as <c>3-k32-latents4096</c>.</param>
/// <param name="Options">Its settings; the output is its folder.</param>
/// <param name="Chosen">What makes it another than the others: settings by name, in the order of the file.</param>
internal sealed record SweepPoint(string Name, TrainingOptions Options, IReadOnlyList<KeyValuePair<string, JsonNode?>> Chosen);

/// <summary>
/// The file of a sweep: a run file (<see cref="RunFile"/>) in which any setting may be a list of values, the autoencoder too, and which may
/// say under <c>sweep</c> how the sweep goes. It means every combination.
/// </summary>
internal sealed class SweepFile
{
    private const int LongestName = 80;

    /// <summary>Settings that belong to the sweep as a whole.</summary>
    public static IReadOnlyList<string> Fixed { get; } =
        ["data", "targets", "tensor", "output", "threads", "checkpointSteps", "checkpointMinutes"];

    private SweepFile(SweepOptions options, string output, IReadOnlyList<SweepPoint> points) =>
        (Options, Output, Points) = (options, output, points);

    /// <summary>How the sweep goes.</summary>
    public SweepOptions Options { get; }

    /// <summary>The folder whose subfolders are the runs.</summary>
    public string Output { get; }

    /// <summary>Its autoencoders, in the order of the file's lists, the first varying slowest.</summary>
    public IReadOnlyList<SweepPoint> Points { get; }

    /// <summary>
    /// The autoencoders that are trained together, pass by pass: those that see the same rows in the same order at the same scale, because
    /// they agree in seed, validation, batch and input scaling; at most as many at once as the options say.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<SweepPoint>> Passes =>
    [
        .. Points.GroupBy(point => (point.Options.Seed, point.Options.Validation, point.Options.Batch, point.Options.InputScaling))
            .SelectMany(group => group.Chunk(Options.AtOnce == 0 ? Points.Count : Options.AtOnce)),
    ];

    /// <summary>A sweep of autoencoders that are known one by one.</summary>
    internal static SweepFile Of(SweepOptions options, string output, IReadOnlyList<SweepPoint> points) => new(options, output, points);

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="output">The folder of the sweep where the file names none; null takes <c>sweep</c>.</param>
    /// <param name="data">The data; null takes those of the file.</param>
    /// <exception cref="InputException">
    /// It is not there or not the file of a sweep: the message names the file, the line, the setting and the fix.
    /// </exception>
    public static SweepFile Read(string path, string? output = null, IReadOnlyList<string>? data = null) =>
        From(RunFileDraft.OpenSweep(path), path, output, data);

    /// <summary>Reads a file's text.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">What to call it in messages: its path.</param>
    /// <param name="output">As for <see cref="Read"/>.</param>
    /// <param name="data">As for <see cref="Read"/>.</param>
    /// <exception cref="InputException">It is not the file of a sweep.</exception>
    public static SweepFile Parse(string json, string name, string? output = null, IReadOnlyList<string>? data = null) =>
        From(RunFileDraft.Parse(json, name, several: true), name, output, data);

    /// <summary>The same sweep with something else in the settings of each.</summary>
    public SweepFile With(Func<TrainingOptions, TrainingOptions> change) =>
        new(Options, Output, [.. Points.Select(point => point with { Options = change(point.Options) })]);

    /// <summary>Refuses contradictions, of each autoencoder and with how the sweep goes.</summary>
    /// <param name="width">Width d of the vectors.</param>
    /// <param name="targetWidth">Width of their targets; null when the vectors are their own targets.</param>
    /// <exception cref="InputException">Names the autoencoder, both settings and the fix.</exception>
    public void Validate(int width, int? targetWidth = null)
    {
        foreach (SweepPoint point in Points)
        {
            try
            {
                point.Options.Validate(width, targetWidth);
            }
            catch (InputException e) when (Points.Count > 1)
            {
                throw new InputException($"{point.Name}: {e.Message}", e);
            }

            if (Options.StopFactor is { } factor && (point.Options.Validation == 0 || point.Options.ValidateEvery == 0))
                throw new InputException($"sweep.stopFactor is {factor} but validation is {point.Options.Validation} and validateEvery is "
                    + $"{point.Options.ValidateEvery} in {point.Name}; the rule compares validations, so it needs both above 0.");
        }
    }

    private static SweepFile From(RunFileDraft draft, string name, string? output, IReadOnlyList<string>? data)
    {
        SweepOptions options = draft.Sweep is { } given ? SweepOptions.Read(given.Value, given.Origin) : new SweepOptions();
        var combinations = draft.Combinations(Fixed);
        string digits = "D" + (combinations.Count - 1).ToString(CultureInfo.InvariantCulture).Length;
        string? folder = output;
        var points = new List<SweepPoint>();
        foreach ((RunFileDraft one, IReadOnlyList<KeyValuePair<string, JsonNode?>> chosen) in combinations)
        {
            TrainingOptions settings = one.ToOptions();
            folder ??= settings.Output ?? "sweep";
            string called = Name(points.Count.ToString(digits, CultureInfo.InvariantCulture), chosen);
            settings = settings with { Output = Path.Combine(folder, called), Data = data ?? settings.Data };
            points.Add(new SweepPoint(called, settings, chosen));
        }

        IGrouping<string, SweepPoint>? same = points.GroupBy(point => RunFile.Write(point.Options with { Output = null }),
            StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1);
        return same is null ? new SweepFile(options, folder!, points)
            : throw new InputException($"{name}: {same.First().Name} and {same.Last().Name} have the same settings; leave one out.");
    }

    private static string Name(string number, IReadOnlyList<KeyValuePair<string, JsonNode?>> chosen)
    {
        var name = new StringBuilder(number);
        foreach ((string setting, JsonNode? value) in chosen)
            name.Append('-').Append(setting is Architecture.Key ? "" : setting).Append(Text(value));
        return name.Length <= LongestName ? name.ToString() : name.ToString(0, LongestName).TrimEnd('-', '.');
    }

    // What any file system takes in a name.
    private static string Text(JsonNode? value)
    {
        string text = value is JsonArray items ? string.Join('x', items.Select(Text))
            : value?.GetValueKind() == System.Text.Json.JsonValueKind.String ? (string)value! : value?.ToJsonString() ?? "null";
        var kept = new StringBuilder();
        foreach (char c in text) kept.Append(char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '_');
        return kept.ToString();
    }
}
