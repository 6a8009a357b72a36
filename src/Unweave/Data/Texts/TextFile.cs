using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Unweave.Formats;

namespace Unweave.Data;

/// <summary>One file of a corpus: its documents in order, those without text and those that cannot be read included.</summary>
internal abstract partial class TextFile
{
    /// <summary>What is read, for messages.</summary>
    public const string Endings = ".txt, .text, .md, .jsonl, .ndjson, .csv, .tsv and .parquet";

    /// <summary>Column or field of the text where none is chosen, and of the id.</summary>
    protected const string DefaultText = "text", IdColumn = "id", JudgedIdColumn = "_id"; // the last in files of judged collections

    private protected TextFile(string path, string name) => (Path, Name) = (path, name);

    /// <summary>Where the file is.</summary>
    public string Path { get; }

    /// <summary>What it is called in the corpus: its path below the folder that was opened, or its name.</summary>
    public string Name { get; }

    /// <summary>The file as its name says.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="name">What it is called in the corpus.</param>
    /// <param name="textColumn">The chosen field or column.</param>
    /// <param name="several">Whether the corpus has more files, so that a line's number alone is no id.</param>
    /// <param name="withFields">Whether documents have what their records have beside text and id.</param>
    public static TextFile Create(string path, string name, string? textColumn, bool several, bool withFields)
    {
        string prefix = several ? $"{name}:" : "";
        string ending = Ending(path);
        return ending switch
        {
            ".jsonl" or ".ndjson" => new JsonLinesFile(path, name, textColumn ?? DefaultText, prefix, withFields),
            ".csv" => new TableFile(path, name, ',', textColumn, prefix, withFields),
            ".tsv" => new TableFile(path, name, '\t', textColumn, prefix, withFields),
            ".parquet" => new ParquetTextFile(path, name, textColumn, prefix, withFields),
            ".json" =>
                throw new InputException(
                    $"{path}: is JSON in one piece, which is not read as texts; write an object a line and end its name in .jsonl."),
            _ => new PlainFile(path, name),
        };
    }

    /// <summary>Whether a folder's file of this name is read.</summary>
    public static bool Supports(string path) =>
        Ending(path) is ".txt" or ".text" or ".md" or ".jsonl" or ".ndjson" or ".csv" or ".tsv" or ".parquet";

    /// <summary>Whether a folder's file of this name has texts in a compression that is not read.</summary>
    public static bool IsLeftOut(string path) => Compression.UnpackedUnread(path) is { } inner && Supports(inner);

    /// <summary>Number of documents where it can be had without reading them; null elsewhere.</summary>
    public virtual long? Count() => null;

    /// <summary>The documents, from one on.</summary>
    /// <param name="first">Below <see cref="Count"/> where that is known, else 0.</param>
    public abstract IEnumerable<Document> Read(long first);

    /// <summary>Its texts where each stands beside a row of something else: of plain text, its lines.</summary>
    public virtual IEnumerable<Document> ReadRows() => Read(0);

    /// <summary>A document that cannot be read.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="what">What is wrong with it, to be put behind the file's name.</param>
    protected Document Malformed(string id, string what) => Document.Malformed(id, $"{Path}: {what}.");

    /// <summary>Some names of fields or columns, for messages.</summary>
    protected static string List(IEnumerable<string> names)
    {
        string[] all = [.. names];
        string list = string.Join(", ", all.Take(20).Select(name => $"'{TensorFile.OneLine(name)}'"));
        return all.Length == 0 ? "none" : all.Length <= 20 ? list : $"{list} and {all.Length - 20} more";
    }

    /// <summary>The column of the text among those of a table.</summary>
    protected string Choose(IReadOnlyList<string> columns, string? chosen, string what)
    {
        if (chosen is not null)
            return columns.Contains(chosen, StringComparer.Ordinal)
                ? chosen
                : throw new InputException($"{Path}: no {what} is named '{TensorFile.OneLine(chosen)}'; it has {List(columns)}.");
        if (columns.Contains(DefaultText, StringComparer.Ordinal)) return DefaultText;
        return columns.Count == 1
            ? columns[0]
            : throw new InputException(
                $"{Path}: which {what} is the text? None is named '{DefaultText}'; it has {List(columns)}. Choose one by its name.");
    }

    private static string Ending(string path) => System.IO.Path.GetExtension(Compression.Unpacked(path)).ToLowerInvariant();

    /// <summary>A file that is one document.</summary>
    private sealed class PlainFile(string path, string name) : TextFile(path, name)
    {
        public override long? Count() => 1;

        public override IEnumerable<Document> Read(long first)
        {
            using var reader = new Utf8Reader(Path);
            string text = reader.ReadToEnd();
            yield return reader.TakeFault() is { } fault ? Malformed(Name, fault) : new Document(Name, text);
        }

        public override IEnumerable<Document> ReadRows()
        {
            using var reader = new Utf8Reader(Path);
            for (long number = 1; reader.ReadLine() is { } line; number++)
            {
                string id = number.ToString(CultureInfo.InvariantCulture);
                yield return reader.TakeFault() is { } fault ? Malformed(id, fault) : new Document(id, line);
            }
        }
    }

    /// <summary>An object a line; lines of white space are no documents.</summary>
    private sealed partial class JsonLinesFile(string path, string name, string field, string prefix, bool withFields)
        : TextFile(path, name)
    {
        public override IEnumerable<Document> Read(long first)
        {
            using var reader = new Utf8Reader(Path);
            for (long number = 1; reader.ReadLine() is { } line; number++)
            {
                if (reader.TakeFault() is { } fault)
                {
                    yield return Malformed(number, fault);
                    continue;
                }

                if (string.IsNullOrWhiteSpace(line)) continue;
                // JSON can escape half of a character (\ud83d alone), which no text has: it is read as U+FFFD, and counted.
                string whole = !line.Contains(@"\ud", StringComparison.OrdinalIgnoreCase) ? line
                    : HalfEscape().Replace(line, match => match.Groups["half"].Success ? @"\ufffd" : match.Value);
                yield return Parse(whole, number) with { IsMended = !string.Equals(whole, line, StringComparison.Ordinal) };
            }
        }

        // An escaped backslash, a whole pair, or half of one.
        [GeneratedRegex(@"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})",
            RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
        private static partial Regex HalfEscape();

        private Document Parse(string line, long number)
        {
            try
            {
                using JsonDocument json = JsonDocument.Parse(line);
                JsonElement root = json.RootElement;
                if (root.ValueKind != JsonValueKind.Object) return Bad(number, $"is {Kind(root)} where an object is due");
                if (!root.TryGetProperty(field, out JsonElement text))
                    return Bad(number, $"has no field '{field}'; it has {List(root.EnumerateObject().Select(property => property.Name))}");
                if (text.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
                    return Bad(number, $"has {Kind(text)} in the field '{field}' where text is due");
                string? id = !root.TryGetProperty(IdColumn, out JsonElement value) && !root.TryGetProperty(JudgedIdColumn, out value) ? null
                    : value.ValueKind == JsonValueKind.String ? value.GetString()
                    : value.ValueKind == JsonValueKind.Number ? value.GetRawText() : null;
                return new Document(id ?? $"{prefix}{number}", text.GetString() ?? "") { Fields = withFields ? Fields(root) : [] };
            }
            catch (JsonException e)
            {
                return Malformed(number, string.Create(CultureInfo.InvariantCulture,
                    $"is not well-formed JSON (at byte {(e.BytePositionInLine ?? 0) + 1} of the line); ")
                    + "the file is cut short, or not JSON lines");
            }
        }

        // Objects and arrays of other things than texts have no meaning as fields.
        private KeyValuePair<string, object>[] Fields(JsonElement root) =>
        [
            .. root.EnumerateObject().Where(property => property.Name is not (IdColumn or JudgedIdColumn) && !property.NameEquals(field))
                .Select(property => (property.Name, Value: Value(property.Value))).Where(property => property.Value is not null)
                .DistinctBy(property => property.Name, StringComparer.Ordinal)
                .Select(property => KeyValuePair.Create(property.Name, property.Value!)),
        ];

        private static object? Value(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Number when element.TryGetDouble(out double number) && double.IsFinite(number) => number,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Array when element.EnumerateArray().All(each => each.ValueKind == JsonValueKind.String) =>
                element.EnumerateArray().Select(each => each.GetString()!).ToArray(),
            _ => null,
        };

        private Document Bad(long number, string what) => Malformed(number, $"{what}; name the field of the text, or mend the line");

        private Document Malformed(long number, string what) => Malformed(string.Create(CultureInfo.InvariantCulture, $"{prefix}{number}"),
            string.Create(CultureInfo.InvariantCulture, $"line {number} {what}"));

        private static string Kind(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "an array",
            JsonValueKind.String => "text",
            JsonValueKind.Number => "a number",
            JsonValueKind.Null => "null",
            _ => "true or false",
        };
    }

    /// <summary>A header and a record a document.</summary>
    private sealed class TableFile(string path, string name, char delimiter, string? column, string prefix, bool withFields)
        : TextFile(path, name)
    {
        public override IEnumerable<Document> Read(long first)
        {
            using var reader = new Utf8Reader(Path);
            var table = new DelimitedText(reader, Path, delimiter);
            var fields = new List<string>();
            if (!table.Read(fields, keep: null) || table.Blank)
                throw new InputException($"{Path}: has no header; the first line names the columns.");
            if (table.Fault is { } bad) throw new InputException($"{Path}: the header {bad}.");
            string[] columns = [.. fields];
            if (columns.GroupBy(each => each, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
                throw new InputException($"{Path}: two columns are named '{TensorFile.OneLine(twice.Key)}'; give each a name of its own.");
            int text = Array.IndexOf(columns, Choose(columns, column, "column")), id = Array.IndexOf(columns, IdColumn);
            int[] keep = withFields ? [.. Enumerable.Range(0, columns.Length)] : [text, id];
            while (table.Read(fields, keep))
            {
                if (table.Blank && columns.Length > 1) continue;
                string place = string.Create(CultureInfo.InvariantCulture, $"{prefix}{table.Line}");
                string? fault = table.Fault ?? (fields.Count == columns.Length ? null : Uneven(fields.Count, columns.Length));
                yield return fault is null
                    ? new Document(id >= 0 && id != text ? fields[id] : place, fields[text])
                    {
                        Fields = withFields
                            ? [.. columns.Index().Where(at => at.Index != text && at.Index != id && fields[at.Index].Length > 0)
                            .Select(at => KeyValuePair.Create(at.Item, Value(fields[at.Index])))] : [],
                    }
                    : Malformed(place, string.Create(CultureInfo.InvariantCulture, $"the record on line {table.Line} {fault}"));
            }
        }

        // What begins with 0 and goes on is a code (a postcode, a number of a part), not a number.
        private static object Value(string text) => text is not ['0', >= '0' and <= '9', ..]
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
                ? number : text;

        private static string Uneven(int fields, int columns) => string.Create(CultureInfo.InvariantCulture,
            $"has {fields} {(fields == 1 ? "field" : "fields")} where the header has {columns}; quote fields that hold the delimiter or a ")
            + "line break";
    }

    /// <summary>A column of strings; NULL is a document without text.</summary>
    private sealed class ParquetTextFile(string path, string name, string? column, string prefix, bool withFields)
        : TextFile(path, name)
    {
        private long? rows;

        public override long? Count()
        {
            if (rows is null) Open(file => rows = file.Rows);
            return rows;
        }

        public override IEnumerable<Document> Read(long first)
        {
            IReadOnlyList<string?> texts = [];
            var noText = new HashSet<int>();
            IReadOnlyList<string?>? ids = null;
            List<(string Name, Func<int, object?> Value)> columns = [];
            Open(file =>
            {
                string chosen = Choose(file.TextColumns, column, "column of strings");
                texts = file.ReadTexts(chosen, noText);
                ids = string.Equals(chosen, IdColumn, StringComparison.Ordinal) ? null : Ids(file);
                if (withFields) columns = [.. Columns(file, chosen)];
            });
            for (int row = (int)first; row < texts.Count; row++)
            {
                string id = ids?[row] ?? string.Create(CultureInfo.InvariantCulture, $"{prefix}{row}");
                yield return noText.Contains(row)
                    ? Malformed(id, string.Create(CultureInfo.InvariantCulture,
                        $"row {row} is not UTF-8 text; write the column again as UTF-8, or leave the row out"))
                    : new Document(id, texts[row] ?? "")
                    {
                        Fields = columns.Count == 0 ? []
                            : [.. columns.Select(each => (each.Name, Value: each.Value(row))).Where(each => each.Value is not null)
                                .Select(each => KeyValuePair.Create(each.Name, each.Value!))],
                    };
            }
        }

        // Columns of strings, and of numbers with one a row.
        private static IEnumerable<(string Name, Func<int, object?> Value)> Columns(ParquetFile file, string text)
        {
            foreach (string name in file.TextColumns.Where(name => name is not IdColumn && !string.Equals(name, text,
                StringComparison.Ordinal)))
            {
                IReadOnlyList<string?> values = file.ReadTexts(name);
                yield return (name, row => values[row]);
            }

            foreach (TensorInfo tensor in file.Tensors.Where(tensor => tensor.Shape.Count == 1 && tensor.Name is not IdColumn))
            {
                float[] values = new float[tensor.Count];
                file.Read(tensor, 0, values);
                yield return (tensor.Name, row => row < values.Length && float.IsFinite(values[row]) ? (double)values[row] : null);
            }
        }

        private static IReadOnlyList<string?>? Ids(ParquetFile file)
        {
            if (file.TextColumns.Contains(IdColumn, StringComparer.Ordinal)) return file.ReadTexts(IdColumn);
            TensorInfo? column = file.Tensors.FirstOrDefault(tensor => string.Equals(tensor.Name, IdColumn, StringComparison.Ordinal));
            if (column is not { Type: ElementType.Int64 or ElementType.Int32, Shape.Count: 1 }) return null;
            byte[] bytes = new byte[column.Count * column.Type.Size()];
            file.ReadBytes(column, 0, bytes);
            return column.Type == ElementType.Int64
                ? [.. MemoryMarshal.Cast<byte, long>(bytes).ToArray().Select(id => id.ToString())]
                : [.. MemoryMarshal.Cast<byte, int>(bytes).ToArray().Select(id => id.ToString())];
        }

        /// <summary>Opens the file; a compressed one is unpacked to a temporary file first, as Parquet is read from its end.</summary>
        private void Open(Action<ParquetFile> read)
        {
            if (!Compression.Is(Path))
            {
                using var plain = new ParquetFile(Path);
                read(plain);
                return;
            }

            string unpacked = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"unweave-{System.IO.Path.GetRandomFileName()}.parquet");
            try
            {
                Unpack(unpacked);
                using var file = new ParquetFile(unpacked);
                read(file);
            }
            catch (InputException e)
            {
                throw new InputException(e.Message.Replace(unpacked, Path, StringComparison.Ordinal), e);
            }
            finally
            {
                File.Delete(unpacked);
            }
        }

        private void Unpack(string target)
        {
            using Stream packed = Compression.Unpack(Path, TensorFile.OpenStream(Path));
            try
            {
                using FileStream file = File.Create(target);
                packed.CopyTo(file);
            }
            catch (Exception e) when (Compression.IsDamage(e))
            {
                throw new InputException(
                    $"{Path}: cannot be unpacked as {Compression.Name(Path)} ({e.Message.TrimEnd('.')}): the file is torn or damaged; "
                    + "copy or write it again.", e);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InputException($"{Path}: cannot be unpacked to {System.IO.Path.GetDirectoryName(target)}: "
                    + $"{e.Message.TrimEnd('.')}. Free some space there, set TMPDIR to a folder with more, or unpack the file yourself.",
                    e);
            }
        }
    }
}
