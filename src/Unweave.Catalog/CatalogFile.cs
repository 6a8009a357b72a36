using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Unweave.Catalog;

/// <summary>
/// The file of a catalog: each call has a pooled connection and a transaction of its own, so that it sees one state of the file whatever
/// others write meanwhile.
/// </summary>
internal sealed class CatalogFile(string path, int patience) : IDisposable
{
    /// <summary>Seconds to wait for another writer.</summary>
    public const int Patience = 10;

    private readonly string connectionString = new SqliteConnectionStringBuilder
    {
        DataSource = path,
        Mode = SqliteOpenMode.ReadWrite,
        ForeignKeys = true,
        DefaultTimeout = patience,
    }.ToString();

    /// <summary>The file.</summary>
    public string Path => path;

    /// <summary>The file that a path means: itself, or the one in a folder.</summary>
    public static string Locate(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return System.IO.Path.GetFullPath(Directory.Exists(path) ? System.IO.Path.Combine(path, FeatureCatalog.FileName) : path);
    }

    /// <summary>Reads one state of the file.</summary>
    public T Read<T>(Func<SqliteConnection, BuildTables, T> read)
    {
        using var snapshot = new CatalogSnapshot(this);
        return snapshot.Read(read);
    }

    /// <summary>Writes; either all of it is kept or nothing.</summary>
    public void Write(Action<SqliteConnection, BuildTables> write) => Guard(connection =>
    {
        using SqliteTransaction transaction = connection.BeginTransaction(deferred: false);
        write(connection, Current(connection));
        transaction.Commit();
        return true;
    });

    /// <summary>Calls with a connection; failures of the file come out as <see cref="InputException"/>.</summary>
    public T Guard<T>(Func<SqliteConnection, T> call) => Guard(() =>
    {
        using SqliteConnection connection = Connect();
        return call(connection);
    });

    /// <summary>An open connection; failures come out as SQLite tells them.</summary>
    public SqliteConnection Connect()
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            // The wait in SQLite wakes sooner than the one above it.
            connection.Run($"PRAGMA busy_timeout = {patience * 1000}");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Calls; failures of the file come out as <see cref="InputException"/>.</summary>
    public T Guard<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (SqliteException e) when (SqliteErrors.IsOfFile(e))
        {
            throw SqliteErrors.Explain(path, e);
        }
        // What is not there where the schema promises it (a null, a line) is damage too: values that go in are checked before.
        catch (Exception e) when (
            e is InvalidDataException or JsonException or InvalidCastException or OverflowException or (
                InvalidOperationException and not ObjectDisposedException))
        {
            throw SqliteErrors.Damaged(path, e);
        }
    }

    /// <summary>The tables of the build that is shown; number 0 before the first.</summary>
    public static BuildTables Current(SqliteConnection connection) => new((long)(connection.Value("SELECT max(number) FROM build") ?? 0L));

    /// <summary>Closes the connections that rest in the pool.</summary>
    public void Dispose()
    {
        using var connection = new SqliteConnection(connectionString);
        SqliteConnection.ClearPool(connection);
    }
}
