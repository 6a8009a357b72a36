using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>
/// One state of a catalog, however long it is read and whatever is written meanwhile: an answer made of several reads never mixes two
/// builds. Used by one thread at a time.
/// </summary>
public sealed class CatalogSnapshot : IDisposable
{
    /// <summary>Bytes of a stored place on the map: the latent, x and y.</summary>
    internal const int PointBytes = 12;

    private readonly CatalogFile file;
    private readonly SqliteConnection connection;
    private readonly SqliteTransaction transaction;
    private readonly BuildTables tables;

    /// <summary>Begins to read.</summary>
    internal CatalogSnapshot(CatalogFile file)
    {
        this.file = file;
        (connection, transaction, tables) = file.Guard(() =>
        {
            SqliteConnection opened = file.Connect();
            try
            {
                SqliteTransaction begun = opened.BeginTransaction(deferred: true);
                // The first read of a transaction decides which state it sees.
                return (opened, begun, CatalogFile.Current(opened));
            }
            catch
            {
                opened.Dispose();
                throw;
            }
        });
    }

    /// <summary>What the features were computed from.</summary>
    public CatalogSource Source => field ??= Read((at, _) => SourceOf(at));

    /// <summary>Finds lines of the table.</summary>
    public FeatureRows Find(FeatureQuery query) => Read((at, build) => FeatureRowQuery.Find(at, build, query));

    /// <summary>The lines of some latents, in the order given.</summary>
    public IReadOnlyList<FeatureRow> Rows(IReadOnlyCollection<int> latents) =>
        Read((at, build) => FeatureRowQuery.Rows(at, build, latents));

    /// <summary>
    /// All that was computed of a latent, with each example as the whole window that it is cut from; where the build did not keep windows
    /// (those of earlier versions, and examples that are whole), as <see cref="Read(int)"/> gives it.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public Feature ReadWithWindows(int latent)
    {
        Feature feature = Read(latent);
        return Read((at, build) => StoredWindows.Widen(at, build, feature));
    }

    /// <summary>All that was computed of a latent.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public Feature Read(int latent)
    {
        Source.Check(latent);
        return Read((at, build) =>
        {
            (byte[] Json, double Max) stored = at.All(
                $"SELECT json, max FROM {build.Detail} JOIN {build.Feature} USING (latent) WHERE latent = $latent",
                line => ((byte[])line[0], line.GetDouble(1)),
                ("$latent", latent)).FirstOrDefault();
            if (stored.Json is null) throw new InvalidDataException($"latent {latent} is not stored");
            return StoredFeature.Read(stored.Json) with { Latent = latent, Max = (float)stored.Max };
        });
    }

    /// <summary>Where every latent stands among the others, in order: reads all that is stored, a few hundred latents at a time.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IReadOnlyList<LatentContext> Contexts(CancellationToken cancellationToken = default)
    {
        const int Chunk = 256;
        var all = new LatentContext[Source.Latents];
        for (int from = 0; from < all.Length; from += Chunk)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (int first, int end) = (from, Math.Min(all.Length, from + Chunk));
            List<(int Latent, byte[] Json)> stored = Read((at, build) => at.All(
                $"SELECT latent, json FROM {build.Detail} WHERE latent >= $first AND latent < $end",
                line => (line.GetInt32(0), (byte[])line[1]), ("$first", first), ("$end", end)));
            file.Guard(() =>
            {
                try
                {
                    return Parallel.For(0, stored.Count, i =>
                        all[stored[i].Latent] = LatentContext.From(stored[i].Latent, StoredFeature.Read(stored[i].Json)));
                }
                catch (AggregateException e)
                {
                    throw e.InnerException!; // the first of the threads' says what is wrong
                }
            });
        }

        return all;
    }

    /// <summary>The latent before or after another in a query's order, or null at the ends.</summary>
    public int? Next(FeatureQuery query, int latent, bool backwards = false) =>
        Read((at, build) => FeatureRowQuery.Next(at, build, query, latent, backwards));

    /// <summary>Computed labels of a latent, best first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public IReadOnlyList<FeatureLabel> Labels(int latent)
    {
        Source.Check(latent);
        return Read((at, build) => ShownLabel.Labels(at, build, latent));
    }

    /// <summary>What a person wrote about a latent.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public Annotation Annotation(int latent)
    {
        Source.Check(latent);
        return Read((at, _) => AnnotationTable.Read(at, latent));
    }

    /// <summary>The lists with their numbers of members, by name.</summary>
    public IReadOnlyList<(string Name, int Members)> Lists() => Read((at, _) => AnnotationTable.Lists(at, Source.Latents));

    /// <summary>Frequencies of all latents, <c>[n]</c>, for the density histogram.</summary>
    public IReadOnlyList<double> Frequencies() =>
        Read((at, build) => at.All($"SELECT frequency FROM {build.Feature} ORDER BY latent", line => line.GetDouble(0)));

    /// <summary>The map; empty before one was written.</summary>
    public IReadOnlyList<MapPoint> Map() => Read((at, build) =>
        at.Value("SELECT points FROM map WHERE build = $build", ("$build", build.Number)) is byte[] points ? Points(points) : []);

    /// <inheritdoc/>
    public void Dispose()
    {
        transaction.Dispose();
        connection.Dispose();
    }

    /// <summary>Reads; failures of the file come out as <see cref="InputException"/>.</summary>
    internal T Read<T>(Func<SqliteConnection, BuildTables, T> read) => file.Guard(() => read(connection, tables));

    /// <summary>What the features of the build that is shown were computed from.</summary>
    internal static CatalogSource SourceOf(SqliteConnection connection) =>
        JsonSerializer.Deserialize((string)connection.Value("SELECT source FROM build")!, StoredFeatureJson.Default.CatalogSource)!;

    private static MapPoint[] Points(byte[] bytes)
    {
        var points = new MapPoint[bytes.Length / PointBytes];
        for (int i = 0; i < points.Length; i++)
        {
            ReadOnlySpan<byte> place = bytes.AsSpan(i * PointBytes, PointBytes);
            points[i] = new MapPoint(
                BinaryPrimitives.ReadInt32LittleEndian(place),
                BinaryPrimitives.ReadSingleLittleEndian(place[4..]),
                BinaryPrimitives.ReadSingleLittleEndian(place[8..]));
        }

        return points;
    }
}
