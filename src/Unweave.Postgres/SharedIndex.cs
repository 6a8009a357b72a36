using System.Data;
using System.Security.Cryptography;
using Npgsql;
using Unweave.Formats;
using Unweave.Retrieval;
using Unweave.Retrieval.Segments;

namespace Unweave.Postgres;

/// <summary>
/// An index that lives in a PostgreSQL database: its state and its segments are rows there, and each machine that uses it has a folder
/// with a copy, in which the segments that it lacks are fetched once, for they never change. A search is the same as over any index, and
/// finds the same; a change is one transaction, so that all readers see it whole or not at all.
/// </summary>
/// <remarks>Searches may come from several threads; changes, by whichever machine, wait for each other.</remarks>
public sealed class SharedIndex : IDisposable
{
    private const int PartBytes = 8 << 20; // of a file in one value: a value is read whole into memory
    private const string LockName = "copy.lock";

    private readonly NpgsqlDataSource source;
    private readonly string name, folder;
    private readonly ConceptDictionary dictionary;
    private readonly FileStream alone;
    private readonly Lock gate = new();
    private SearchIndex? index;
    private byte[] manifest = [];
    private bool @checked; // the copy's files are those of the database

    private SharedIndex(NpgsqlDataSource source, string name, string folder, ConceptDictionary dictionary)
    {
        (this.source, this.name, this.folder, this.dictionary) = (source, name, folder, dictionary);
        Directory.CreateDirectory(folder);
        alone = FolderLock.Take(folder, LockName, "holds the copy of another user of a shared index; give each a folder of its own");
    }

    /// <summary>The index, as of the last <see cref="Refresh"/>; not to be written to but through <see cref="Change"/>.</summary>
    public SearchIndex Index => index ?? throw new ObjectDisposedException(nameof(SharedIndex));

    /// <summary>Makes an empty index in a database, with its tables where there are none.</summary>
    /// <param name="source">The database; stays the caller's.</param>
    /// <param name="name">Name of the index there.</param>
    /// <param name="folder">This user's copy.</param>
    /// <param name="dictionary">The dictionary; stays the caller's.</param>
    /// <param name="options">What it keeps; null for the defaults.</param>
    /// <exception cref="InputException">There is an index of this name already.</exception>
    public static SharedIndex Create(
        NpgsqlDataSource source, string name, string folder, ConceptDictionary dictionary, IndexOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(dictionary);
        var shared = new SharedIndex(source, name, folder, dictionary);
        try
        {
            string first = Directory.CreateTempSubdirectory("unweave-").FullName;
            try
            {
                SearchIndex.Create(first, dictionary, options).Dispose();
                using NpgsqlConnection connection = source.OpenConnection();
                MakeTables(connection);
                using NpgsqlCommand insert = Command(
                    connection, "INSERT INTO unweave_index VALUES ($1, $2) ON CONFLICT DO NOTHING", name, StateOf(first));
                if (insert.ExecuteNonQuery() == 0)
                    throw new InputException($"The database has an index '{name}' already; open it, or give another name.");
            }
            finally
            {
                Directory.Delete(first, recursive: true);
            }

            _ = shared.Refresh();
            return shared;
        }
        catch
        {
            shared.Dispose();
            throw;
        }
    }

    /// <summary>Opens an index of a database.</summary>
    /// <param name="source">The database; stays the caller's.</param>
    /// <param name="name">Name of the index there.</param>
    /// <param name="folder">This user's copy: what it has already is not fetched again.</param>
    /// <param name="dictionary">The dictionary that it is over; stays the caller's.</param>
    /// <exception cref="InputException">There is none of this name, or it is over another dictionary.</exception>
    public static SharedIndex Open(NpgsqlDataSource source, string name, string folder, ConceptDictionary dictionary)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(dictionary);
        var shared = new SharedIndex(source, name, folder, dictionary);
        try
        {
            _ = shared.Refresh();
            return shared;
        }
        catch
        {
            shared.Dispose();
            throw;
        }
    }

    /// <summary>The indexes of a database.</summary>
    /// <param name="source">The database.</param>
    public static IReadOnlyList<string> Names(NpgsqlDataSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        using NpgsqlConnection connection = source.OpenConnection();
        if (!HasTables(connection)) return [];
        using NpgsqlCommand command = Command(connection, "SELECT name FROM unweave_index ORDER BY name");
        using NpgsqlDataReader reader = command.ExecuteReader();
        var names = new List<string>();
        while (reader.Read()) names.Add(reader.GetString(0));
        return names;
    }

    /// <summary>Deletes an index from a database.</summary>
    /// <param name="source">The database.</param>
    /// <param name="name">Name of the index.</param>
    /// <returns>Whether there was one.</returns>
    public static bool Delete(NpgsqlDataSource source, string name)
    {
        ArgumentNullException.ThrowIfNull(source);
        using NpgsqlConnection connection = source.OpenConnection();
        if (!HasTables(connection)) return false;
        using NpgsqlCommand command = Command(connection, "DELETE FROM unweave_index WHERE name = $1", name);
        return command.ExecuteNonQuery() > 0;
    }

    /// <summary>Reads the last state that was committed, by whichever machine.</summary>
    /// <returns>Whether it is another than before.</returns>
    /// <exception cref="InputException">The index is not there any more, or a file of it is damaged.</exception>
    public bool Refresh()
    {
        lock (gate)
        {
            using NpgsqlConnection connection = source.OpenConnection();

            // One snapshot for the state and its files: a writer may remove files that it names.
            using NpgsqlTransaction transaction = connection.BeginTransaction(IsolationLevel.RepeatableRead);
            bool changed = Fetch(connection, forUpdate: false);
            transaction.Commit();
            return changed;
        }
    }

    /// <summary>Changes the index, in one transaction.</summary>
    /// <param name="change">Adds and deletes; what it has done is committed when it returns, and forgotten where it throws.</param>
    public void Change(Action<SearchWriter> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        lock (gate)
        {
            using NpgsqlConnection connection = source.OpenConnection();
            using NpgsqlTransaction transaction = connection.BeginTransaction(IsolationLevel.ReadCommitted);
            _ = Fetch(connection, forUpdate: true); // the row's lock makes other writers wait
            try
            {
                using (SearchWriter writer = Index.OpenWriter())
                {
                    change(writer);
                    writer.Commit();
                }

                byte[] state = StateOf(folder);
                Send(connection, state);
                transaction.Commit();
                manifest = state;
            }
            catch
            {
                // The copy may have a state that the database never had, under numbers that another writer gives anew.
                @checked = false;
                manifest = [];
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        index?.Dispose();
        index = null;
        alone.Dispose();
    }

    private static bool HasTables(NpgsqlConnection connection)
    {
        using NpgsqlCommand command = Command(connection, "SELECT to_regclass('unweave_index') IS NOT NULL");
        return (bool)command.ExecuteScalar()!;
    }

    private static void MakeTables(NpgsqlConnection connection)
    {
        // Two that make them at once would trip over each other: CREATE TABLE IF NOT EXISTS is no lock. Segments are packed already, so
        // that compressing them once more would take time and no less room.
        using NpgsqlCommand command = Command(connection, """
            SELECT pg_advisory_lock(724381907);
            CREATE TABLE IF NOT EXISTS unweave_index (name text PRIMARY KEY, state bytea NOT NULL);
            CREATE TABLE IF NOT EXISTS unweave_file (
                index text REFERENCES unweave_index ON DELETE CASCADE, file text, sha256 bytea NOT NULL, PRIMARY KEY (index, file));
            CREATE TABLE IF NOT EXISTS unweave_part (
                index text, file text, part int, content bytea NOT NULL, PRIMARY KEY (index, file, part),
                FOREIGN KEY (index, file) REFERENCES unweave_file ON DELETE CASCADE);
            ALTER TABLE unweave_part ALTER COLUMN content SET STORAGE EXTERNAL;
            SELECT pg_advisory_unlock(724381907);
            """);
        command.ExecuteNonQuery();
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params object[] parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (object parameter in parameters) command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }

    private static byte[] StateOf(string place) => File.ReadAllBytes(Path.Combine(place, IndexManifest.FileName));

    private static IEnumerable<string> FilesOf(string place) => IndexManifest.Read(place).Segments
        .SelectMany(entry => entry.Deleted is null ? [IndexManifest.SegmentName(entry.Id)]
            : new[] { IndexManifest.SegmentName(entry.Id), entry.Deleted });

    private bool Fetch(NpgsqlConnection connection, bool forUpdate)
    {
        byte[] state = HasTables(connection) ? Scalar() : [];
        if (state.Length == 0)
            throw new InputException($"The database has no index '{name}'; it was deleted, or never made.");
        if (state.AsSpan().SequenceEqual(manifest)) return false;
        foreach ((string file, byte[] hash) in FilesThere(connection))
        {
            string path = Path.Combine(folder, file);
            if (!File.Exists(path) || (!@checked && !Hash(path).AsSpan().SequenceEqual(hash))) Receive(connection, file, path, hash);
        }

        bool first = index is null || !@checked;
        AtomicFile.Write(Path.Combine(folder, IndexManifest.FileName), stream => stream.Write(state));
        if (first)
        {
            // Opened before the earlier one goes: searches under way hold what they read.
            SearchIndex opened = SearchIndex.Open(folder, dictionary);
            SearchIndex? before = Interlocked.Exchange(ref index, opened);
            before?.Dispose();
        }
        else
        {
            _ = Index.Refresh();
        }

        (manifest, @checked) = (state, true);
        RemoveOthers();
        return true;

        byte[] Scalar()
        {
            using NpgsqlCommand command = Command(
                connection, "SELECT state FROM unweave_index WHERE name = $1" + (forUpdate ? " FOR UPDATE" : ""), name);
            return command.ExecuteScalar() as byte[] ?? [];
        }
    }

    private List<(string File, byte[] Hash)> FilesThere(NpgsqlConnection connection)
    {
        using NpgsqlCommand command = Command(connection, "SELECT file, sha256 FROM unweave_file WHERE index = $1", name);
        using NpgsqlDataReader reader = command.ExecuteReader();
        var files = new List<(string, byte[])>();
        while (reader.Read())
        {
            string file = reader.GetString(0);
            if (!string.Equals(file, Path.GetFileName(file), StringComparison.Ordinal) || file.Length == 0)
                throw new InputException($"The index '{name}' of the database has a file of the name '{file}', which no index has.");
            files.Add((file, (byte[])reader.GetValue(1)));
        }

        return files;
    }

    private void Receive(NpgsqlConnection connection, string file, string path, byte[] hash)
    {
        using NpgsqlCommand command = Command(
            connection, "SELECT content FROM unweave_part WHERE index = $1 AND file = $2 ORDER BY part", name, file);
        using NpgsqlDataReader reader = command.ExecuteReader(CommandBehavior.SequentialAccess);
        using var received = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        AtomicFile.Write(path, stream =>
        {
            while (reader.Read())
            {
                byte[] part = reader.GetFieldValue<byte[]>(0);
                received.AppendData(part);
                stream.Write(part);
            }

            if (!received.GetHashAndReset().AsSpan().SequenceEqual(hash))
                throw new InputException($"The file {file} of the index '{name}' is damaged in the database: its checksum differs; restore "
                    + "it from a backup, or build the index again.");
        });
    }

    private void Send(NpgsqlConnection connection, byte[] state)
    {
        HashSet<string> there = [.. FilesThere(connection).Select(file => file.File)], here = [.. FilesOf(folder)];
        foreach (string file in there.Except(here, StringComparer.Ordinal))
        {
            using NpgsqlCommand delete = Command(connection, "DELETE FROM unweave_file WHERE index = $1 AND file = $2", name, file);
            delete.ExecuteNonQuery();
        }

        byte[] part = new byte[PartBytes];
        foreach (string file in here.Except(there, StringComparer.Ordinal))
        {
            string path = Path.Combine(folder, file);
            using NpgsqlCommand insert = Command(connection, "INSERT INTO unweave_file VALUES ($1, $2, $3)", name, file, Hash(path));
            insert.ExecuteNonQuery();
            using FileStream content = File.OpenRead(path);
            for (int number = 0, length; (length = content.ReadAtLeast(part, PartBytes, throwOnEndOfStream: false)) > 0; number++)
            {
                using NpgsqlCommand add = Command(
                    connection, "INSERT INTO unweave_part VALUES ($1, $2, $3, $4)", name, file, number, part.AsMemory(0, length));
                add.ExecuteNonQuery();
            }
        }

        using NpgsqlCommand update = Command(connection, "UPDATE unweave_index SET state = $2 WHERE name = $1", name, state);
        update.ExecuteNonQuery();
    }

    private static byte[] Hash(string path)
    {
        using FileStream content = File.OpenRead(path);
        return SHA256.HashData(content);
    }

    // Files of earlier states, and of changes that were not committed.
    private void RemoveOthers()
    {
        HashSet<string> named = [.. FilesOf(folder)];
        foreach (string path in Directory.EnumerateFiles(folder))
        {
            string file = Path.GetFileName(path);
            bool ours = file.EndsWith(".segment", StringComparison.Ordinal) || file.EndsWith(".deleted", StringComparison.Ordinal);
            if (!ours || named.Contains(file)) continue;
            try
            {
                File.Delete(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A search has it open, where the system does not let open files go; the next state removes it.
            }
        }
    }
}
