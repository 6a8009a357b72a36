using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Training;

namespace Unweave.Runs;

/// <summary>
/// The folder of a sweep: a run's folder for each of its autoencoders, and <c>sweep.json</c>, which says what they are and how far. Figures
/// are read off the runs' own logs and evaluations.
/// </summary>
internal sealed class SweepFolder(string path)
{
    /// <summary>Name of the file that makes a folder one of a sweep.</summary>
    public const string FileName = "sweep.json";

    private const string LockName = "sweep.lock";

    private static readonly byte[] Start = "{\n  \"version\":"u8.ToArray(); // of every record

    private static readonly JsonTypeInfo<SweepRecord> Written = (JsonTypeInfo<SweepRecord>)new JsonSerializerOptions(
        SweepRecordJson.Default.Options)
    {
        TypeInfoResolver = SweepRecordJson.Default,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    }.GetTypeInfo(typeof(SweepRecord));

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    private string RecordPath => System.IO.Path.Combine(Path, FileName);

    /// <summary>Whether a folder is a sweep's. A sweep's own file, which people call so too, does not make it one.</summary>
    public static bool Exists(string folder)
    {
        try
        {
            using FileStream file = File.OpenRead(System.IO.Path.Combine(folder, FileName));
            byte[] start = new byte[Start.Length];
            return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && Start.SequenceEqual(start);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The folder of one of its runs.</summary>
    public string RunPath(SweepEntry entry) => System.IO.Path.Combine(Path, entry.Folder);

    /// <summary>Takes the folder for one process; dispose of it to free it.</summary>
    public FileStream Lock()
    {
        if (File.Exists(RecordPath) && !Exists(Path))
        {
            throw new InputException($"{RecordPath} is a file of another kind than the record that a sweep keeps there; name another "
                + "output folder.");
        }

        try
        {
            Directory.CreateDirectory(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The output folder {Path} cannot be made: {e.Message} Name another with output.", e);
        }

        return FolderLock.Take(Path, LockName, "is being trained into by another sweep; wait for its end, or name another output folder");
    }

    /// <summary>Reads the record as it was written.</summary>
    /// <exception cref="InputException">There is none, or it is damaged.</exception>
    public SweepRecord ReadRecord()
    {
        try
        {
            SweepRecord? record = JsonSerializer.Deserialize(File.ReadAllBytes(RecordPath), SweepRecordJson.Default.SweepRecord);
            return record is { Version: 1, Points.Count: > 0 } ? record
                : throw new InputException($"{RecordPath} is not the record of a sweep, or of another version of Unweave.");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{Path} holds no sweep ({FileName} is missing); name its folder, or start one with "
                + $"`unweave sweep FILE -o {Path}`.", e);
        }
        catch (JsonException e)
        {
            throw new InputException($"{RecordPath} is not the record of a sweep ({e.Message.Split('\n')[0]}); start the sweep again in "
                + $"another folder.", e);
        }
    }

    /// <summary>Reads the record with the figures that the runs' folders have now.</summary>
    /// <exception cref="InputException">There is none, or it is damaged.</exception>
    public SweepRecord Read()
    {
        SweepRecord record = ReadRecord();
        return record with { Points = [.. record.Points.Select(WithFigures)] };
    }

    /// <summary>Writes a record, its figures taken from the runs' folders.</summary>
    public SweepRecord Write(SweepRecord record)
    {
        SweepRecord whole = record with { Points = [.. record.Points.Select(WithFigures)] };
        byte[] json = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(whole, Written) + "\n");
        AtomicFile.Write(RecordPath, stream => stream.Write(json));
        return whole;
    }

    /// <summary>The record of a sweep that begins.</summary>
    /// <param name="file">The sweep.</param>
    /// <param name="data">What it is trained on.</param>
    public static SweepRecord Begin(SweepFile file, string data) => new()
    {
        Sweep = file.Options,
        Data = data,
        Points =
        [
            .. file.Points.Select(point => new SweepEntry
            {
                Folder = point.Name,
                Chosen = new JsonObject(point.Chosen.Select(one => KeyValuePair.Create(one.Key, one.Value?.DeepClone()))),
                Architecture = Architecture.From(point.Options.Autoencoder).Name,
                Latents = (point.Options.Autoencoder as DictionaryOptions)?.Latents,
                Steps = point.Options.Steps,
                Options = JsonNode.Parse(RunFile.Write(Kept(point.Options)))!.AsObject(),
            }),
        ],
    };

    /// <summary>The sweep that a record is of.</summary>
    /// <param name="data">The data; null takes those that were recorded.</param>
    public SweepFile ToFile(IReadOnlyList<string>? data = null)
    {
        SweepRecord record = ReadRecord();
        return SweepFile.Of(record.Sweep, Path, [.. record.Points.Select(entry =>
        {
            TrainingOptions options = RunFile.Parse(entry.Options.ToJsonString(), RecordPath);
            return new SweepPoint(entry.Folder, options with { Output = RunPath(entry), Data = data ?? options.Data },
                [.. entry.Chosen.Select(one => KeyValuePair.Create(one.Key, one.Value))]);
        })]);
    }

    /// <summary>Refuses to go on with another sweep than that of the record.</summary>
    /// <exception cref="InputException">It has other autoencoders, or goes otherwise.</exception>
    public static void CheckSame(SweepRecord record, SweepFile file, string path)
    {
        const string Fix = "go on without a file, as it was begun, or start it in another folder";
        if (record.Sweep != file.Options)
            throw new InputException($"the sweep in {path} goes by {record.Sweep.ToJson().ToJsonString()}, the file says "
                + $"{file.Options.ToJson().ToJsonString()}; {Fix}.");
        string[] had = [.. record.Points.Select(Told)], now = [.. Begin(file, "").Points.Select(Told)];
        if (had.SequenceEqual(now, StringComparer.Ordinal)) return;
        string? gone = had.Except(now, StringComparer.Ordinal).FirstOrDefault(), come = now.Except(had, StringComparer.Ordinal)
            .FirstOrDefault();
        throw new InputException($"the sweep in {path} is another than the file's: it has {Short(gone)}, the file {Short(come)}; {Fix}.");

        static string Told(SweepEntry entry) => entry.Folder + " " + RunFile.Write(
            RunFile.Parse(entry.Options.ToJsonString(), "sweep") with { Data = [], Targets = [], From = null });
        static string Short(string? told) => told is null ? "no more" : told.Split(' ')[0] + " with other settings or in another place";
    }

    // Places are kept whole, so that the sweep is found from any working folder.
    private static TrainingOptions Kept(TrainingOptions options) => options with
    {
        Threads = 0,
        Output = null,
        Data = [.. options.Data.Select(ActivationFiles.FullName)],
        Targets = [.. options.Targets.Select(ActivationFiles.FullName)],
        From = options.From is { } from ? System.IO.Path.GetFullPath(from) : null,
    };

    private SweepEntry WithFigures(SweepEntry entry)
    {
        var run = RunFolder.Open(RunPath(entry));
        MetricsState log = new MetricsReader(run.MetricsPath).Read();
        if (log.Last is not { } last) return entry;
        MetricsLine? validated = log.Validations is [.., var latest] ? latest : null;
        return entry with
        {
            Status = entry.Status == SweepStatus.Waiting ? SweepStatus.Training : entry.Status,
            Step = last.Step,
            Rows = last.Rows,
            L0 = Finite(last.L0),
            Fvu = Finite(validated?.ValidationFvu),
            Dead = entry.Latents is > 0 and var latents ? Finite(last.Dead / latents) : null,
            Recovered = Recovered(run),
            Minutes = log.Elapsed.TotalMinutes,
        };
    }

    private static double? Recovered(RunFolder run)
    {
        try
        {
            if (run.ReadEvaluation()?["splice"] is not JsonObject splice) return null;
            (double clean, double zero, double spliced) = (Number(splice, "clean"), Number(splice, "zero"), Number(splice, "spliced"));
            return Finite((zero - spliced) / (zero - clean));
        }
        catch (InputException)
        {
            return null; // measured of another autoencoder than the one that is there now
        }

        static double Number(JsonObject from, string name) =>
            from[name] is JsonValue value && value.TryGetValue(out double number) ? number : double.NaN;
    }

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
