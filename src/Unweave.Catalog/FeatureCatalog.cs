using System.Buffers.Binary;
using Microsoft.Data.Sqlite;
using Unweave.Interpretation;
using Unweave.Runs;

namespace Unweave.Catalog;

/// <summary>
/// The catalog of one autoencoder's features: one SQLite file in its folder. What is computed and what people wrote are kept apart: a
/// rebuild replaces the first and never touches the second. Safe to use from several threads and several processes. Each call reads the
/// state that the file has then; several calls that belong together are made on one <see cref="Snapshot"/>.
/// </summary>
public sealed class FeatureCatalog : IDisposable
{
    /// <summary>Name of the file in an autoencoder's folder.</summary>
    public const string FileName = RunFolder.CatalogName;

    private const int LongestLabel = 200, LongestNote = 100_000;

    private FeatureCatalog(CatalogFile file) => File = file;

    /// <summary>The file.</summary>
    public string Path => File.Path;

    /// <summary>What the features were computed from.</summary>
    public CatalogSource Source => At(snapshot => snapshot.Source);

    /// <summary>The state that the file has now, to be read for as long as it takes.</summary>
    public CatalogSnapshot Snapshot() => new(File);

    /// <summary>Whether a catalog is there.</summary>
    /// <param name="path">The file, or an autoencoder's folder.</param>
    public static bool Exists(string path) => System.IO.File.Exists(CatalogFile.Locate(path));

    /// <summary>Opens a catalog.</summary>
    /// <param name="path">The file, or an autoencoder's folder.</param>
    /// <exception cref="InputException">It is not there, not a catalog, damaged, of a newer version, or locked.</exception>
    public static FeatureCatalog Open(string path) => Open(path, CatalogFile.Patience);

    /// <summary>Opens the catalog of a run.</summary>
    /// <exception cref="InputException">
    /// As for a path; or its features are those of another autoencoder than the one in the folder.
    /// </exception>
    public static FeatureCatalog Open(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        FeatureCatalog catalog = Open(run.CatalogPath);
        try
        {
            return catalog.Mismatch(run) is { } mismatch ? throw new InputException(mismatch) : catalog;
        }
        catch
        {
            catalog.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Says that its features are those of another autoencoder than the one in the folder, and what to do; null when they belong to it.
    /// </summary>
    public string? Mismatch(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        string remedy = $"build it again with `unweave features build {run.Path}`, which keeps what people wrote";
        return run.Mismatch(run.CatalogPath, Source.AutoencoderSha256, remedy);
    }

    /// <summary>
    /// Whether it holds anything that a build would not make again: labels, notes, stars and lists of people, and answers of chat models.
    /// </summary>
    public bool HasAnnotations => File.Read((connection, _) => AnnotationTable.Any(connection));

    /// <summary>
    /// Writes features, replacing those of an earlier build all at once (readers see the old ones until the end); labels computed earlier
    /// go with them, what people wrote stays.
    /// </summary>
    /// <param name="path">The file, or an autoencoder's folder.</param>
    /// <param name="source">What they were computed from.</param>
    /// <param name="features">Every latent once, in ascending order; read one at a time.</param>
    /// <param name="cancellationToken">Ends the writing; the file is then as it was.</param>
    public static void Build(
        string path,
        CatalogSource source,
        IEnumerable<Feature> features,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(features);
        Build(path, source, features.Select(feature => (feature, (IReadOnlyList<FeatureLabel>)[])), cancellationToken);
    }

    /// <summary>Writes features and the labels computed with them, as above; quicker than adding the labels afterwards.</summary>
    /// <param name="path">The file, or an autoencoder's folder.</param>
    /// <param name="source">What they were computed from.</param>
    /// <param name="features">Every latent once, in ascending order, with its labels, of different methods; read a few at a time.</param>
    /// <param name="cancellationToken">Ends the writing; the file is then as it was.</param>
    /// <exception cref="InputException">
    /// The catalog that is there cannot be read, another build of it is being written, or the disk is full.
    /// </exception>
    public static void Build(
        string path,
        CatalogSource source,
        IEnumerable<(Feature Feature, IReadOnlyList<FeatureLabel> Labels)> features,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(features);
        CatalogBuild.Write(CatalogFile.Locate(path), source, features, cancellationToken);
    }

    /// <summary>Finds lines of the table.</summary>
    public FeatureRows Find(FeatureQuery query) => At(snapshot => snapshot.Find(query));

    /// <summary>The lines of some latents, in the order given.</summary>
    public IReadOnlyList<FeatureRow> Rows(IReadOnlyCollection<int> latents) => At(snapshot => snapshot.Rows(latents));

    /// <summary>
    /// All that was computed of a latent, with each example as its whole window; see <see cref="CatalogSnapshot.ReadWithWindows"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public Feature ReadWithWindows(int latent) => At(snapshot => snapshot.ReadWithWindows(latent));

    /// <summary>All that was computed of a latent.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public Feature Read(int latent) => At(snapshot => snapshot.Read(latent));

    /// <summary>Where every latent stands among the others, in order.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IReadOnlyList<LatentContext> Contexts(CancellationToken cancellationToken = default) =>
        At(snapshot => snapshot.Contexts(cancellationToken));

    /// <summary>The latent before or after another in a query's order, or null at the ends.</summary>
    public int? Next(FeatureQuery query, int latent, bool backwards = false) =>
        At(snapshot => snapshot.Next(query, latent, backwards));

    /// <summary>Computed labels of a latent, best first.</summary>
    public IReadOnlyList<FeatureLabel> Labels(int latent) => At(snapshot => snapshot.Labels(latent));

    /// <summary>Adds labels, each replacing an earlier one of the same latent and method, all in one transaction.</summary>
    public void AddLabels(IEnumerable<(int Latent, FeatureLabel Label)> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        List<(int Latent, FeatureLabel Label)> all = [.. labels];
        File.Write((connection, tables) =>
        {
            tables.Upgrade(connection);
            foreach ((int latent, FeatureLabel label) in all)
            {
                Check(connection, latent);
                ShownLabel.Add(connection, tables, latent, label);
            }

            foreach (int latent in all.Select(item => item.Latent).Distinct()) ShownLabel.Refresh(connection, tables, latent);
        });
    }

    /// <summary>What a person wrote about a latent.</summary>
    public Annotation Annotation(int latent) => At(snapshot => snapshot.Annotation(latent));

    /// <summary>Sets a person's label; null or white space removes it.</summary>
    public void SetLabel(int latent, string? label) => Set(latent, "label", AnnotationTable.Clean(label, LongestLabel, oneLine: true));

    /// <summary>Sets a note; null or white space removes it.</summary>
    public void SetNote(int latent, string? note) => Set(latent, "note", AnnotationTable.Clean(note, LongestNote, oneLine: false));

    /// <summary>Sets a person's label where it is still the one that the writer saw last, so that nobody's words are lost.</summary>
    /// <param name="latent">Number of the latent.</param>
    /// <param name="label">The label; null or white space removes it.</param>
    /// <param name="seen">The label as the writer saw it last; null for none.</param>
    /// <param name="stored">The label that is stored after the call, whoever wrote it.</param>
    /// <returns>False when it is another one by now: nothing is written then.</returns>
    public bool TrySetLabel(int latent, string? label, string? seen, out string? stored) =>
        TrySet(latent, "label", AnnotationTable.Clean(label, LongestLabel, oneLine: true), seen, now => now.Label, out stored);

    /// <summary>Sets a note where it is still the one that the writer saw last, so that nobody's words are lost.</summary>
    /// <param name="latent">Number of the latent.</param>
    /// <param name="note">The note; null or white space removes it.</param>
    /// <param name="seen">The note as the writer saw it last; null for none.</param>
    /// <param name="stored">The note that is stored after the call, whoever wrote it.</param>
    /// <returns>False when it is another one by now: nothing is written then.</returns>
    public bool TrySetNote(int latent, string? note, string? seen, out string? stored) =>
        TrySet(latent, "note", AnnotationTable.Clean(note, LongestNote, oneLine: false), seen, now => now.Note, out stored);

    /// <summary>Sets or removes a star.</summary>
    public void SetStar(int latent, bool starred) => Set(latent, "starred", starred ? 1 : 0);

    /// <summary>The lists with their numbers of members, by name.</summary>
    public IReadOnlyList<(string Name, int Members)> Lists() => At(snapshot => snapshot.Lists());

    /// <summary>Puts a latent into a list, which is made if there is none of that name.</summary>
    public void AddToList(string list, int latent)
    {
        string name = AnnotationTable.Clean(list, LongestLabel, oneLine: true)
            ?? throw new ArgumentException("a list needs a name.", nameof(list));
        File.Write((connection, _) =>
        {
            Check(connection, latent);
            AnnotationTable.Add(connection, name, latent);
        });
    }

    /// <summary>Takes a latent out of a list.</summary>
    public void RemoveFromList(string list, int latent) => File.Write((connection, _) => AnnotationTable.Remove(connection, list, latent));

    /// <summary>Removes a list; its members stay.</summary>
    public void RemoveList(string list) => File.Write((connection, _) => AnnotationTable.Remove(connection, list));

    /// <summary>Frequencies of all latents, <c>[n]</c>, for the density histogram.</summary>
    public IReadOnlyList<double> Frequencies() => At(snapshot => snapshot.Frequencies());

    /// <summary>The map; empty before one was written.</summary>
    public IReadOnlyList<MapPoint> Map() => At(snapshot => snapshot.Map());

    /// <summary>Writes the map, replacing an earlier one.</summary>
    public void WriteMap(IReadOnlyList<MapPoint> points)
    {
        ArgumentNullException.ThrowIfNull(points);
        byte[] bytes = new byte[points.Count * CatalogSnapshot.PointBytes];
        for (int i = 0; i < points.Count; i++)
        {
            Span<byte> place = bytes.AsSpan(i * CatalogSnapshot.PointBytes, CatalogSnapshot.PointBytes);
            BinaryPrimitives.WriteInt32LittleEndian(place, points[i].Latent);
            BinaryPrimitives.WriteSingleLittleEndian(place[4..], points[i].X);
            BinaryPrimitives.WriteSingleLittleEndian(place[8..], points[i].Y);
        }

        File.Write((connection, tables) =>
            connection.Run("INSERT OR REPLACE INTO map VALUES ($build, $points)", ("$build", tables.Number), ("$points", bytes)));
    }

    /// <inheritdoc/>
    public void Dispose() => File.Dispose();

    /// <summary>The file, for the rest of the catalog.</summary>
    internal CatalogFile File { get; }

    /// <summary>Answers of chat models.</summary>
    internal AnswerTable Answers => new(File);

    /// <summary>Opens a catalog with another patience than the usual, in seconds.</summary>
    internal static FeatureCatalog Open(string path, int patience) => OpenFile(CatalogFile.Locate(path), patience, finished: true);

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="patience">Seconds to wait for another writer.</param>
    /// <param name="finished">Whether it must hold a finished build.</param>
    internal static FeatureCatalog OpenFile(string path, int patience, bool finished)
    {
        if (!System.IO.File.Exists(path))
            throw new InputException($"{path}: there is no catalog of features; make it with `unweave features build`.");
        var file = new CatalogFile(path, patience);
        try
        {
            file.Guard(connection =>
            {
                Schema.Check(connection, path);
                if (finished && CatalogFile.Current(connection).Number == 0)
                    throw new InputException($"{path}: holds no finished build; run `unweave features build`.");
                return true;
            });
            return new FeatureCatalog(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static void Check(SqliteConnection connection, int latent) => CatalogSnapshot.SourceOf(connection).Check(latent);

    private T At<T>(Func<CatalogSnapshot, T> read)
    {
        using CatalogSnapshot snapshot = Snapshot();
        return read(snapshot);
    }

    private bool TrySet(
        int latent, string column, string? value, string? seen, Func<Annotation, string?> read, out string? stored)
    {
        (bool done, string? after) = (false, null);
        File.Write((connection, tables) =>
        {
            after = read(AnnotationTable.Read(connection, latent));
            done = string.Equals(after, seen, StringComparison.Ordinal) || string.Equals(after, value, StringComparison.Ordinal);
            if (!done || string.Equals(after, value, StringComparison.Ordinal)) return;
            Set(connection, tables, latent, column, value);
            after = value;
        });
        stored = after;
        return done;
    }

    private void Set(int latent, string column, object? value) =>
        File.Write((connection, tables) => Set(connection, tables, latent, column, value));

    private static void Set(SqliteConnection connection, BuildTables tables, int latent, string column, object? value)
    {
        Check(connection, latent);
        AnnotationTable.Set(connection, column, latent, value);
        ShownLabel.Refresh(connection, tables, latent);
    }
}
