using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Unweave.Formats;

namespace Unweave.Data;

/// <summary>
/// The files of a harvest and the manifest that lists them: <c>manifest.json</c>; for each shard <c>HOOK/00000.safetensors</c>
/// (<c>activations</c>, <c>[rows, width]</c>), <c>rows/00000.safetensors</c> (<c>document</c>, <c>token</c>, <c>position</c>) and
/// <c>documents/00000.jsonl</c>. What the manifest does not list is not part of the harvest.
/// </summary>
internal sealed partial class HarvestFiles
{
    /// <summary>Folders beside those of the hooks.</summary>
    public const string Rows = "rows", Documents = "documents";

    /// <summary>Name of the manifest, and what is added to the name of a file that is being written.</summary>
    public const string ManifestName = "manifest.json", Partial = ".partial";

    private const string Format = "unweave-harvest";
    private const int Version = 1;
    private const long LongestManifest = 1 << 30;

    private readonly string[] hookFolders;

    private HarvestFiles(string folder, HarvestManifest manifest, bool complete, IEnumerable<HarvestShard> shards)
    {
        (Folder, Manifest, Complete) = (folder, manifest, complete);
        hookFolders = manifest.Folders();
        Shards.AddRange(shards);
    }

    /// <summary>The harvest's folder.</summary>
    public string Folder { get; }

    /// <summary>What the harvest is.</summary>
    public HarvestManifest Manifest { get; }

    /// <summary>Whether the whole corpus is in it.</summary>
    public bool Complete { get; private set; }

    /// <summary>Documents after the last with rows that could not be read.</summary>
    public long MalformedAtEnd { get; private set; }

    /// <summary>Documents that could not be read, so far.</summary>
    public long Malformed => Shards.Sum(shard => shard.Malformed ?? 0) + MalformedAtEnd;

    /// <summary>The whole shards.</summary>
    public List<HarvestShard> Shards { get; } = [];

    private string ManifestPath => Path.Combine(Folder, ManifestName);

    /// <summary>Whether a folder holds a harvest.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, ManifestName));

    /// <summary>Starts a harvest in a folder that has none.</summary>
    public static HarvestFiles Create(string folder, HarvestManifest manifest)
    {
        manifest.Validate(folder);
        var files = new HarvestFiles(folder, manifest, complete: false, []);
        try
        {
            foreach (string sub in files.AllFolders())
            {
                string path = Path.Combine(folder, sub);
                if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
                    throw new InputException(
                        $"{path}: is there already, with files, but no harvest is in {folder}; choose another folder, or remove it.");
            }

            Directory.CreateDirectory(folder);
            files.Write();
            foreach (string sub in files.AllFolders()) Directory.CreateDirectory(Path.Combine(folder, sub));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: the folder cannot be made: {e.Message.TrimEnd('.')}; choose another.", e);
        }

        return files;
    }

    /// <summary>Reads the manifest and compares it with the sizes of the files.</summary>
    public static HarvestFiles Read(string folder)
    {
        if (!Exists(folder)) throw new InputException($"{folder}: is not a harvest: there is no {ManifestName} in it.");
        HarvestFile file = Parse(Path.Combine(folder, ManifestName));
        file.Harvest.Validate(Path.Combine(folder, ManifestName));
        var files = new HarvestFiles(folder, file.Harvest, file.Complete, file.Shards);
        files.Check(file);
        return files;
    }

    /// <summary>Where a shard's part lies, relative to the harvest's folder.</summary>
    public static string Name(string sub, int shard) =>
        $"{sub}/{shard:D5}.{(string.Equals(sub, Documents, StringComparison.Ordinal) ? "jsonl" : "safetensors")}";

    /// <summary>Where a shard's activations of a hook lie.</summary>
    public string HookPath(int hook, int shard) => Full(Name(hookFolders[hook], shard));

    /// <summary>Where a shard's index of rows lies.</summary>
    public string RowsPath(int shard) => Full(Name(Rows, shard));

    /// <summary>Where a shard's table of documents lies.</summary>
    public string DocumentsPath(int shard) => Full(Name(Documents, shard));

    /// <summary>A file of a shard as the manifest lists it.</summary>
    public HarvestShardFile Listed(string path, string sha256) =>
        new(Path.GetRelativePath(Folder, path).Replace(Path.DirectorySeparatorChar, '/'), new FileInfo(path).Length, sha256);

    /// <summary>Takes a whole shard into the manifest.</summary>
    public void Add(HarvestShard shard)
    {
        Shards.Add(shard);
        Write();
    }

    /// <summary>Marks the harvest as whole.</summary>
    /// <param name="malformedAtEnd">Documents after the last with rows that could not be read.</param>
    public void Finish(long malformedAtEnd)
    {
        (Complete, MalformedAtEnd) = (true, malformedAtEnd);
        Write();
    }

    /// <summary>
    /// Removes what a writer that was stopped left: partial files, and files of shards that the manifest does not list. Nothing else.
    /// </summary>
    public void RemoveLeftovers()
    {
        try
        {
            foreach (string sub in AllFolders())
            {
                string path = Path.Combine(Folder, sub);
                Directory.CreateDirectory(path);
                foreach (string file in Directory.GetFiles(path))
                    if (ShardName().Match(Path.GetFileName(file)) is { Success: true } match
                        && (
                            match.Groups["partial"].Success || !int.TryParse(match.Groups["shard"].ValueSpan, out int shard)
                                || shard >= Shards.Count))
                        File.Delete(file);
            }

            foreach (string file in Directory.GetFiles(Folder, $"{ManifestName}{Partial}-*")) File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{Folder}: what an interrupted harvest left cannot be removed: {e.Message.TrimEnd('.')}; check the "
                + "folder's permissions.", e);
        }
    }

    /// <summary>The one checksum of a shard: over those of its files.</summary>
    public static string ShardHash(IEnumerable<HarvestShardFile> files) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Concat(files.Select(file => file.Sha256 + "\n")))));

    private IEnumerable<string> AllFolders() => [.. hookFolders, Rows, Documents];

    private string Full(string name) => Path.Combine(Folder, name.Replace('/', Path.DirectorySeparatorChar));

    private void Write()
    {
        var file = new HarvestFile
        {
            Format = Format,
            Version = Version,
            Complete = Complete,
            Rows = Shards.Sum(shard => shard.Rows),
            Documents = Shards.Sum(shard => shard.Documents),
            Malformed = Malformed > 0 ? Malformed : null,
            Harvest = Manifest,
            Folders = hookFolders,
            Shards = Shards,
        };
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(file, HarvestJson.Default.HarvestFile);
        AtomicFile.Write(ManifestPath, stream =>
        {
            stream.Write(json);
            stream.WriteByte((byte)'\n');
        });
    }

    private static HarvestFile Parse(string path)
    {
        byte[] bytes;
        try
        {
            if (new FileInfo(path).Length > LongestManifest)
                throw new InputException($"{path}: is larger than any manifest of a harvest; it is damaged.");
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }

        try
        {
            using JsonDocument json = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false });
            JsonElement root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("format", out JsonElement format)
                || format.ValueKind != JsonValueKind.String || !format.ValueEquals(Format))
                throw new InputException($"{path}: is not the manifest of a harvest: its format is not '{Format}'; check the path.");
            if (!root.TryGetProperty("version", out JsonElement version) || version.ValueKind != JsonValueKind.Number
                || !version.TryGetInt32(out int number) || number < 1)
                throw new InputException($"{path}: says no version that there is; the manifest is damaged.");
            if (number > Version)
                throw new InputException(
                    $"{path}: was written by a newer Unweave (harvest version {number}, this one reads {Version}); update Unweave.");
            return root.Deserialize(HarvestJson.Default.HarvestFile)!;
        }
        catch (JsonException e)
        {
            string at = e.Path is { Length: > 0 } where && !string.Equals(where, "$", StringComparison.Ordinal)
                ? $"at {TensorFile.OneLine(where)}"
                : $"at line {(e.LineNumber ?? 0) + 1}";
            throw new InputException($"{path}: is not a well-formed manifest ({at}): "
                + $"{TensorFile.OneLine(e.Message.Split(" Path: ")[0]).TrimEnd('.')}; it is torn or was changed.", e);
        }
        catch (InvalidOperationException e)
        {
            // What the JSON reader throws for half of an escaped surrogate pair.
            throw new InputException($"{path}: has a text that cannot be read; it is torn or was changed.", e);
        }
    }

    private void Check(HarvestFile file)
    {
        if (!file.Folders.SequenceEqual(hookFolders, StringComparer.Ordinal))
            throw Bad($"the folders of the hooks are {List(file.Folders)} where {List(hookFolders)} is due");
        for (int i = 0; i < Shards.Count; i++)
        {
            if (Shards[i] is not { } shard) throw Bad($"shard {i} is null");
            CheckNumbers(i, shard, i > 0 ? Shards[i - 1] : null);
            CheckFiles(i, shard);
        }

        long rows = Shards.Sum(shard => shard.Rows), documents = Shards.Sum(shard => shard.Documents);
        if (file.Rows != rows || file.Documents != documents)
            throw Bad($"it says {file.Rows} rows of {file.Documents} documents, but its shards have {rows} of {documents}");
        MalformedAtEnd = (file.Malformed ?? 0) - Malformed;
        if (MalformedAtEnd < 0 || (MalformedAtEnd > 0 && !Complete) || Shards.Exists(shard => shard.Malformed < 0))
            throw Bad($"it says that {file.Malformed} documents could not be read, but its shards say otherwise");
        if (Complete && (Shards.Count == 0 || Shards[^1].Cut))
            throw Bad("it says that the harvest is complete, but its last document is not");
    }

    private void CheckNumbers(int index, HarvestShard shard, HarvestShard? before)
    {
        bool continued = before is { Cut: true };
        if (shard.Unknown is { } unknown && (unknown < 0 || unknown > shard.Rows || Manifest.UnknownToken is null))
            throw Bad($"shard {index} says that {unknown} of its {shard.Rows} tokens are unknown");
        if (shard.Rows < 1 || shard.Rows > 2L * Manifest.RowsPerShard) throw Bad($"shard {index} says {shard.Rows} rows");
        if (shard.FirstDocument < 0 || shard.LastDocument < shard.FirstDocument)
            throw Bad($"shard {index} says documents {shard.FirstDocument} to {shard.LastDocument}");
        if (before is not null && (continued ? shard.FirstDocument != before.LastDocument : shard.FirstDocument <= before.LastDocument))
            throw Bad(
                $"shard {index} begins with document {shard.FirstDocument}, but the shard before "
                + $"{(continued ? "is cut in" : "ends with")} document {before.LastDocument}");
        long starting = shard.LastDocument - shard.FirstDocument + (continued ? 0 : 1);
        if (shard.Documents < Math.Min(1, starting) || shard.Documents > Math.Min(starting, shard.Rows))
            throw Bad(
                $"shard {index} says that {shard.Documents} documents begin in it, from {shard.FirstDocument} to {shard.LastDocument}");
        bool only = shard.LastDocument == shard.FirstDocument;
        long most = shard.Rows + (only && continued ? before!.LastDocumentRows : 0);
        if (shard.LastDocumentRows < 1 || shard.LastDocumentRows > most || (only && shard.LastDocumentRows != most))
            throw Bad($"shard {index} says {shard.LastDocumentRows} rows of its last document");
    }

    private void CheckFiles(int index, HarvestShard shard)
    {
        string[] due = [.. AllFolders().Select(sub => Name(sub, index))];
        if (!shard.Files.Select(file => file?.Path ?? "").SequenceEqual(due, StringComparer.Ordinal))
            throw Bad($"the files of shard {index} are {List(shard.Files.Select(file => file?.Path ?? "null"))} where {List(due)} is due");
        if (!string.Equals(ShardHash(shard.Files), shard.Sha256, StringComparison.OrdinalIgnoreCase))
            throw Bad($"the checksum of shard {index} is not that of its files'");
        for (int i = 0; i < due.Length; i++)
        {
            HarvestShardFile file = shard.Files[i];
            if (i < Manifest.Hooks.Count && file.Bytes != ShardStream.FileLength(shard.Rows, Manifest.Hooks[i].Width, Manifest.ElementType))
                throw Bad(
                    $"{due[i]} is said to have {file.Bytes} bytes, but {shard.Rows} rows of width {Manifest.Hooks[i].Width} in "
                    + $"{Manifest.ElementType} take {ShardStream.FileLength(shard.Rows, Manifest.Hooks[i].Width, Manifest.ElementType)}");
            string path = Full(due[i]);
            var found = new FileInfo(path);
            if (!found.Exists)
                throw new InputException(
                    $"{path}: is missing: the manifest lists it in shard {index}; copy it from where it is, or harvest again.");
            if (found.Length != file.Bytes)
                throw new InputException(
                    $"{path}: has {found.Length} bytes where the manifest lists {file.Bytes}: shard {index} is torn; copy it again, or "
                    + "harvest again.");
        }
    }

    private static string List(IEnumerable<string> names) =>
        string.Join(", ", names.Take(10).Select(name => $"'{TensorFile.OneLine(name)}'"));

    private InputException Bad(string what) =>
        new($"{ManifestPath}: {what}; the manifest is damaged or was changed: copy it again, or harvest again.");

    [GeneratedRegex("^(?<shard>[0-9]{5,})\\.(safetensors|jsonl)(?<partial>\\.partial.*)?$",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ShardName();
}

/// <summary>A file of a shard.</summary>
/// <param name="Path">Relative to the harvest's folder, with <c>/</c>.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Of its tensors' bytes, as its own header says too; of a table of documents, of the whole file.</param>
internal sealed record HarvestShardFile(string Path, long Bytes, string Sha256);

/// <summary>A whole shard.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="Documents">Documents that begin in it.</param>
/// <param name="FirstDocument">Number of the first document with rows in it.</param>
/// <param name="LastDocument">Number of the last.</param>
/// <param name="LastDocumentRows">Rows of the last document to the end of this shard, those in earlier shards included.</param>
/// <param name="Cut">Whether the last document goes on in the next shard.</param>
/// <param name="Sha256">Over the checksums of its files.</param>
/// <param name="Files">A file a hook, the index of rows, the table of documents.</param>
/// <param name="Unknown">Rows of the token that stands for what the vocabulary lacks; null where there is no such token.</param>
/// <param name="Malformed">
/// Documents that could not be read before the last that begins in the shard and after the shard before; null where there are none.
/// </param>
internal sealed record HarvestShard(long Rows, long Documents, long FirstDocument, long LastDocument, long LastDocumentRows, bool Cut,
    string Sha256, IReadOnlyList<HarvestShardFile> Files,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Unknown = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Malformed = null);

/// <summary>The manifest as it is written.</summary>
internal sealed record HarvestFile
{
    public required string Format { get; init; }

    public required int Version { get; init; }

    public required bool Complete { get; init; }

    public required long Rows { get; init; }

    public required long Documents { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Malformed { get; init; }

    public required HarvestManifest Harvest { get; init; }

    public required IReadOnlyList<string> Folders { get; init; }

    public required IReadOnlyList<HarvestShard> Shards { get; init; }
}

/// <summary>How the manifest is written as JSON.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UseStringEnumConverter = true,
    WriteIndented = true,
    NewLine = "\n")]
[JsonSerializable(typeof(HarvestFile))]
internal sealed partial class HarvestJson : JsonSerializerContext;
