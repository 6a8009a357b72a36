using System.Security.Cryptography;
using System.Text;
using Unweave.Formats;

namespace Unweave.Data;

/// <summary>
/// The texts of files, read one at a time in an order that is always the same: plain text (a file is a document), JSON lines, CSV,
/// TSV and Parquet (a row is a document), each also compressed with gzip or Zstandard. Text is UTF-8; anything else is never guessed.
/// </summary>
/// <remarks>
/// A document that cannot be read (a line that is not JSON or has no text, a record with a field too many, bytes that are not UTF-8) is
/// skipped, counted and named (<see cref="Malformed"/>); where more than half of the first hundred cannot, the corpus is refused.
/// <para>
/// One document is in memory at a time, and of a Parquet file its columns of texts and ids. Documents are numbered from 0 in the corpus's
/// order; documents with nothing but white space are skipped but have a number, so that a place in a corpus can be gone to without
/// reading what is before it, where the format allows.
/// </para>
/// </remarks>
public sealed class TextCorpus
{
    private const int FaultsKept = 10;

    private readonly IReadOnlyList<TextFile> files;
    private readonly Lazy<string> fingerprint;
    private readonly Lock entry = new();
    private readonly List<long> malformed = []; // their numbers
    private readonly List<string> faults = []; // of the first of them
    private long reached; // documents below this number have been counted

    private TextCorpus(string name, IReadOnlyList<TextFile> files, string? textColumn)
    {
        Name = name;
        this.files = files;
        Bytes = files.Sum(file => FileLength(file.Path));
        fingerprint = new(() =>
        {
            string listing = string.Concat(files.Select(file => $"{file.Name}\t{ContentHash(file.Path)}\n"));
            return Convert.ToHexStringLower(
                SHA256.HashData(Encoding.UTF8.GetBytes($"text column {textColumn ?? "by default"}\n{listing}")));
        });
    }

    /// <summary>What was opened, for messages and manifests.</summary>
    public string Name { get; }

    /// <summary>The files, in the order they are read.</summary>
    public IReadOnlyList<string> Files => [.. files.Select(file => file.Path)];

    /// <summary>Size of all files, compressed where they are.</summary>
    public long Bytes { get; }

    /// <summary>
    /// SHA-256 of the names and contents of the files and the chosen column, in lower-case hexadecimal: a text that was edited in place
    /// makes another corpus. The first use reads every file once.
    /// </summary>
    /// <exception cref="InputException">A file can no longer be read.</exception>
    public string Fingerprint => fingerprint.Value;

    /// <summary>
    /// Documents skipped so far because there was nothing but white space in them; each counts once, however often it is met.
    /// </summary>
    public long EmptyDocuments { get; private set; }

    /// <summary>
    /// Documents met so far with a part that was no text, such as half of an escaped character, which was read as U+FFFD.
    /// </summary>
    public long MendedDocuments { get; private set; }

    /// <summary>Documents met so far that could not be read and were skipped; each counts once, however often it is met.</summary>
    public long MalformedDocuments
    {
        get { lock (entry) return malformed.Count; }
    }

    /// <summary>
    /// Why the first of <see cref="MalformedDocuments"/>, at most ten, could not be read: the file, the place in it, the reason.
    /// </summary>
    public IReadOnlyList<string> Malformed
    {
        get { lock (entry) return [.. faults]; }
    }

    /// <summary>Whether the first document that cannot be read ends the corpus. Default: it is skipped.</summary>
    public bool Strict { get; private init; }

    /// <summary>Files of the folders opened that have texts in a compression that is not read.</summary>
    public IReadOnlyList<string> LeftOut { get; private init; } = [];

    /// <summary>Opens a file, a folder or the files of a pattern.</summary>
    /// <param name="path">
    /// A file; a folder, of which every supported file at any depth is read in ordinal order of the paths; or a pattern with <c>*</c>,
    /// <c>?</c> and <c>**</c>. The ending of a name says what is in the file: <c>.jsonl</c>, <c>.ndjson</c>, <c>.csv</c>, <c>.tsv</c>,
    /// <c>.parquet</c>, or plain text; <c>.gz</c> or <c>.zst</c> after it means compressed. In a folder, plain text is <c>.txt</c>,
    /// <c>.text</c> and
    /// <c>.md</c>.
    /// </param>
    /// <param name="textColumn">The field or column of the text. Default: <c>text</c>, or the only column of a table. Plain text ignores
    /// it.</param>
    /// <param name="strict">Whether the first document that cannot be read ends the corpus.</param>
    /// <exception cref="InputException">There is no such file, or a folder has none that is supported.</exception>
    public static TextCorpus Open(string path, string? textColumn = null, bool strict = false) => Open([path], textColumn, strict);

    /// <summary>Opens files, folders and patterns, one after the other; a file named twice is read once.</summary>
    /// <param name="paths">As for one path.</param>
    /// <param name="textColumn">The field or column of the text.</param>
    /// <param name="strict">Whether the first document that cannot be read ends the corpus.</param>
    /// <exception cref="InputException">There is no such file, or a folder has none that is supported.</exception>
    public static TextCorpus Open(IReadOnlyList<string> paths, string? textColumn = null, bool strict = false) =>
        Open(paths, textColumn, strict, withFields: false);

    /// <summary>The same, where documents have what their records have beside text and id (<see cref="Document.Fields"/>).</summary>
    internal static TextCorpus Open(IReadOnlyList<string> paths, string? textColumn, bool strict, bool withFields)
    {
        ArgumentNullException.ThrowIfNull(paths);
        if (paths.Count == 0) throw new InputException("No text is named; give a file, a folder or a pattern such as corpus/*.jsonl.");
        var found = new List<(string Path, string Name)>();
        var leftOut = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string path in paths)
        {
            foreach ((string file, string name) in Directory.Exists(path) ? Below(path, leftOut) : Matching(path))
                if (seen.Add(Path.GetFullPath(file))) found.Add((file, name));
        }

        bool several = found.Count > 1;
        return new TextCorpus(paths.Count == 1 ? paths[0] : $"{paths[0]} … {paths[^1]} ({paths.Count} paths)",
            [.. found.Select(file => TextFile.Create(file.Path, file.Name, textColumn, several, withFields))], textColumn)
        {
            Strict = strict,
            LeftOut = [.. leftOut.Order(StringComparer.Ordinal)],
        };
    }

    /// <summary>Reads the documents that have text, in order.</summary>
    /// <param name="from">Number of the first: plain files and Parquet files before it are not read, other files are read on.</param>
    /// <returns>Each document with its number; numbers ascend, and those of documents without text are left out.</returns>
    /// <exception cref="InputException">
    /// While reading: a file is torn or not of its format, too many documents cannot be read, or the whole corpus has no text.
    /// </exception>
    public IEnumerable<(long Number, Document Document)> Documents(long from = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        return Each();

        IEnumerable<(long Number, Document Document)> Each()
        {
            long number = 0;
            bool any = false;
            var trust = new Trust(Strict);
            foreach (TextFile file in files)
            {
                long first = 0;
                if (number < from && file.Count() is { } count)
                {
                    first = Math.Min(count, from - number);
                    number += first;
                    if (first == count) continue;
                }

                foreach (Document document in file.Read(first))
                {
                    long here = number++;
                    trust.Meet(here, document);
                    if (here < from) continue;
                    bool empty = string.IsNullOrWhiteSpace(document.Text);
                    Met(here, empty, document);
                    if (empty) continue;
                    any = true;
                    yield return (here, document);
                }
            }

            trust.End(number);
            if (!any && from == 0)
                throw new InputException(
                    $"{Name}: there is no text in it ({files.Count} {(files.Count == 1 ? "file" : "files")}, {number} "
                    + $"{(number == 1 ? "document" : "documents")} of nothing but white space); give files with text.");
        }
    }

    /// <summary>
    /// The documents that have text, in order, each for itself: a single file of plain text has a document a line; of several, each is one.
    /// </summary>
    /// <exception cref="InputException">
    /// While reading: a file is torn or not of its format, too many documents cannot be read, or the whole corpus has no text.
    /// </exception>
    internal IEnumerable<Document> Records()
    {
        long number = 0;
        bool any = false;
        var trust = new Trust(Strict);
        foreach (Document document in files.SelectMany(file => files.Count == 1 ? file.ReadRows() : file.Read(0)))
        {
            trust.Meet(number, document);
            bool empty = string.IsNullOrWhiteSpace(document.Text);
            Met(number++, empty, document);
            if (empty) continue;
            any = true;
            yield return document;
        }

        trust.End(number);
        if (!any) throw new InputException($"{Name}: there is no text in it ({number} {(number == 1 ? "document" : "documents")}); "
            + "give texts.");
    }

    /// <summary>
    /// The texts of all documents in order, those of nothing but white space included: for texts that stand beside rows, one for each.
    /// A single file of plain text has a text a line; of several, each is one.
    /// </summary>
    /// <exception cref="InputException">
    /// While reading: a file is torn, or a document cannot be read, without which all after it would stand beside wrong rows.
    /// </exception>
    public IEnumerable<string> Texts() => files.SelectMany(file => files.Count == 1 ? file.ReadRows() : file.Read(0)).Select(document =>
        document.Fault is null ? document.Text : throw new InputException(document.Fault));

    /// <summary>Numbers, ascending, of documents met so far that could not be read, from one on.</summary>
    internal IReadOnlyList<long> MalformedFrom(long number)
    {
        lock (entry)
        {
            int first = malformed.BinarySearch(number);
            return malformed[(first < 0 ? ~first : first)..];
        }
    }

    /// <summary>Size of a file, also where its name is a link, or why it cannot be read.</summary>
    internal static long FileLength(string path) => Opened(path, file => file.Length);

    private static string ContentHash(string path) => Opened(path, file => Convert.ToHexStringLower(SHA256.HashData(file)));

    private static T Opened<T>(string path, Func<FileStream, T> use)
    {
        if (!File.Exists(path)) TensorFile.OpenStream(path).Dispose(); // which says what there is instead
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            return use(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: may not be read ({e.Message.TrimEnd('.')}); check its permissions, or leave it out.", e);
        }
    }

    private void Met(long number, bool empty, Document document)
    {
        lock (entry)
        {
            if (number < reached) return;
            reached = number + 1;
            if (document.IsMended) MendedDocuments++;
            if (document.Fault is not { } fault)
            {
                if (empty) EmptyDocuments++;
                return;
            }

            malformed.Add(number);
            if (faults.Count < FaultsKept) faults.Add(fault);
        }
    }

    /// <summary>Refuses texts of which the first show that they are not what they were taken for.</summary>
    private sealed class Trust(bool strict)
    {
        private const int Looked = 100;

        private int met, bad;
        private string? first;

        public void Meet(long number, Document document)
        {
            if (strict && document.Fault is not null) throw new InputException(document.Fault);
            if (number >= Looked) return;
            met++;
            if (document.Fault is null) return;
            first ??= document.Fault;
            if (++bad > Looked / 2) throw Refused();
        }

        // Of a corpus that is gone on with, the first documents may not have been read.
        public void End(long documents)
        {
            if (met == Math.Min(documents, Looked) && 2 * bad > met) throw Refused();
        }

        private InputException Refused() => new(bad == 1 ? first! : bad == met ? $"{first} None of the first {met} documents can be read."
            : $"{first} {bad} of the first {met} documents cannot be read.");
    }

    private static (string Path, string Name)[] Below(string folder, List<string> leftOut)
    {
        string[] all = [.. FilePattern.Below(folder)];
        leftOut.AddRange(all.Where(TextFile.IsLeftOut));
        (string Path, string Name)[] below =
        [
            .. all
                .Where(TextFile.Supports)
                .Select(path => (path, Name: Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/')))
                .OrderBy(file => file.Name, StringComparer.Ordinal),
        ];
        return below.Length > 0
            ? below
            : throw new InputException(
                $"{folder}: no file of text is in this folder or below it; {TextFile.Endings} are read, each also with .gz or .zst after "
                + "it.");
    }

    private static IEnumerable<(string Path, string Name)> Matching(string pattern) =>
        FilePattern.Expand([pattern]).Select(path => (path, Path.GetFileName(path)));
}
