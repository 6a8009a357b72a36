using System.Globalization;
using System.Text.Json;
using Unweave.Formats;

namespace Unweave.Data;

/// <summary>A text of a judged collection: a document or a query.</summary>
/// <param name="Id">Its name in the collection.</param>
/// <param name="Text">Its text; a document's title comes first.</param>
public readonly record struct JudgedText(string Id, string Text);

/// <summary>
/// A collection with queries and people's judgments of which documents answer them, in the folders that BEIR uses:
/// <c>corpus.jsonl</c> (<c>_id</c>, <c>title</c>, <c>text</c>), <c>queries.jsonl</c> (<c>_id</c>, <c>text</c>) and <c>qrels/test.tsv</c>
/// (query, document and grade, with or without a header), each also compressed with gzip or Zstandard.
/// </summary>
/// <remarks>
/// A line that cannot be read is left out, counted and named (<see cref="BadLines"/>); a file of which more than half of the lines cannot
/// be read is refused.
/// </remarks>
public sealed class BeirFolder
{
    private const int FaultsKept = 10;

    private readonly List<string> faults = [];

    private BeirFolder(string path) => Path = path;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Name of the judgments' file without its ending.</summary>
    public string Split { get; private set; } = "";

    /// <summary>The documents, in the order of the file.</summary>
    public IReadOnlyList<JudgedText> Documents { get; private set; } = [];

    /// <summary>The queries that have a judgment, in the order of the file.</summary>
    public IReadOnlyList<JudgedText> Queries { get; private set; } = [];

    /// <summary>The place of each of <see cref="Queries"/> among all queries of the file that can be read, of which there are
    /// <see cref="QueriesInFile"/>.</summary>
    public IReadOnlyList<int> QueryPlaces { get; private set; } = [];

    /// <summary>Queries of the file, those without a judgment included.</summary>
    public int QueriesInFile { get; private set; }

    /// <summary>For each query, the grades of the documents judged for it; those not above 0 were found not to answer it.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, int>> Judgments { get; private set; } =
        new Dictionary<string, IReadOnlyDictionary<string, int>>(StringComparer.Ordinal);

    /// <summary>Lines that could not be read.</summary>
    public int BadLines { get; private set; }

    /// <summary>Why the first of <see cref="BadLines"/>, at most ten, could not be read: the file, the line, the reason.</summary>
    public IReadOnlyList<string> Faults => faults;

    /// <summary>
    /// Judgments of documents or queries that are not in the folder. Such a document counts as one to be found, as in trec_eval.
    /// </summary>
    public int JudgmentsOfOthers { get; private set; }

    /// <summary>Reads a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="split">Which file of <c>qrels</c>: <c>test</c>, <c>dev</c>. Default: <c>test</c>, or the only one.</param>
    /// <exception cref="InputException">A file is not there or not what its name says, or no query has a judgment.</exception>
    public static BeirFolder Open(string path, string? split = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!Directory.Exists(path))
            throw new InputException($"{path}: is no folder; give one with corpus.jsonl, queries.jsonl and qrels/test.tsv.");
        var folder = new BeirFolder(path);
        string qrels = folder.FindJudgments(split);
        folder.Documents = folder.ReadTexts(folder.Find("corpus.jsonl"), hasTitle: true);
        List<JudgedText> queries = folder.ReadTexts(folder.Find("queries.jsonl"), hasTitle: false);
        Dictionary<string, Dictionary<string, int>> judgments = folder.ReadJudgments(qrels);
        folder.QueriesInFile = queries.Count;
        folder.QueryPlaces = [.. Enumerable.Range(0, queries.Count).Where(place => judgments.ContainsKey(queries[place].Id))];
        folder.Queries = [.. folder.QueryPlaces.Select(place => queries[place])];
        if (folder.Queries.Count == 0)
            throw new InputException($"{qrels}: none of its {judgments.Count} queries is one of the {queries.Count} of queries.jsonl.");
        var known = folder.Documents.Select(document => document.Id).ToHashSet(StringComparer.Ordinal);
        var asked = folder.Queries.Select(query => query.Id).ToHashSet(StringComparer.Ordinal);
        folder.JudgmentsOfOthers = judgments.Sum(query =>
            asked.Contains(query.Key) ? query.Value.Keys.Count(id => !known.Contains(id)) : query.Value.Count);
        folder.Judgments = judgments.Where(query => asked.Contains(query.Key)).ToDictionary(
            query => query.Key, query => (IReadOnlyDictionary<string, int>)query.Value, StringComparer.Ordinal);
        return folder;
    }

    private static string? Existing(string path) => new[] { path, path + ".gz", path + ".zst" }.FirstOrDefault(File.Exists);

    private string Find(string name) => Existing(System.IO.Path.Combine(Path, name)) ?? throw new InputException(
        $"{Path}: has no {name}; a folder of BEIR has corpus.jsonl, queries.jsonl and qrels/test.tsv.");

    private string FindJudgments(string? split)
    {
        string qrels = System.IO.Path.Combine(Path, "qrels");
        string[] found = !Directory.Exists(qrels) ? [] : [.. Directory.EnumerateFiles(qrels)
            .Where(file => Compression.Unpacked(file).EndsWith(".tsv", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)];
        string? chosen = Existing(System.IO.Path.Combine(qrels, $"{split ?? "test"}.tsv"))
            ?? (split is null && found.Length == 1 ? found[0] : null);
        if (chosen is null)
        {
            string has = found.Length == 0 ? "there is no .tsv" : $"there are {string.Join(", ", found.Select(Name))}";
            throw new InputException($"{qrels}: has no {split ?? "test"}.tsv; {has}. Each line is a query, a document and a grade.");
        }

        Split = Name(chosen);
        return chosen;

        static string Name(string file) => System.IO.Path.GetFileNameWithoutExtension(Compression.Unpacked(file));
    }

    private List<JudgedText> ReadTexts(string file, bool hasTitle)
    {
        var texts = new List<JudgedText>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        Read(file, (line, _) =>
        {
            (string? fault, JudgedText text) = Parse(line, hasTitle);
            if (fault is not null) return fault;
            if (!ids.Add(text.Id)) return $"has the _id '{TensorFile.OneLine(text.Id)}', which an earlier line has";
            texts.Add(text);
            return null;
        });
        return texts.Count > 0 ? texts : throw new InputException($"{file}: has no texts.");
    }

    private static (string? Fault, JudgedText Text) Parse(string line, bool hasTitle)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            JsonElement root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return ("is no JSON object", default);
            if (!root.TryGetProperty("_id", out JsonElement id) || id.ValueKind is not (JsonValueKind.String or JsonValueKind.Number))
                return ("has no field '_id' of text", default);
            if (!root.TryGetProperty("text", out JsonElement text) || text.ValueKind != JsonValueKind.String)
                return ("has no field 'text' of text", default);
            string body = text.GetString()!;
            string title = hasTitle && root.TryGetProperty("title", out JsonElement named) && named.ValueKind == JsonValueKind.String
                ? named.GetString()! : "";
            return (null, new JudgedText(id.ToString(), title.Length == 0 ? body : $"{title} {body}".Trim()));
        }
        catch (JsonException)
        {
            return ("is not well-formed JSON", default);
        }
        catch (InvalidOperationException)
        {
            return ("has half of an escaped character", default);
        }
    }

    private Dictionary<string, Dictionary<string, int>> ReadJudgments(string file)
    {
        var judgments = new Dictionary<string, Dictionary<string, int>>(StringComparer.Ordinal);
        Read(file, (line, isFirst) =>
        {
            string[] fields = line.Split('\t');
            if (fields.Length != 3) return $"has {fields.Length} of 3 fields parted by tabs (query, document, grade)";
            if (!int.TryParse(fields[2], NumberStyles.AllowLeadingSign | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture,
                out int grade))
            {
                return isFirst ? null : $"has the grade '{TensorFile.OneLine(fields[2])}', which is no whole number";
            }

            if (!judgments.TryGetValue(fields[0], out Dictionary<string, int>? of))
                judgments[fields[0]] = of = new Dictionary<string, int>(StringComparer.Ordinal);
            return of.TryAdd(fields[1], grade) ? null
                : $"judges '{TensorFile.OneLine(fields[1])}' for the query '{TensorFile.OneLine(fields[0])}' once more";
        });
        return judgments;
    }

    // Reads line by line; what a line's reader returns is its fault.
    private void Read(string file, Func<string, bool, string?> take)
    {
        using var reader = new Utf8Reader(file);
        int lines = 0, bad = 0;
        string? first = null;
        for (long number = 1; reader.ReadLine() is { } line; number++)
        {
            string? unreadable = reader.TakeFault();
            if (unreadable is null && string.IsNullOrWhiteSpace(line)) continue;
            string? fault = unreadable ?? take(line, lines == 0);
            lines++;
            if (fault is null) continue;
            bad++;
            fault = string.Create(CultureInfo.InvariantCulture, $"{file}: line {number} {fault}.");
            first ??= fault;
            if (faults.Count < FaultsKept) faults.Add(fault);
        }

        BadLines += bad;
        if (2 * bad > lines) throw new InputException($"{first} {bad} of its {lines} lines cannot be read.");
    }
}
