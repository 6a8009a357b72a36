using Microsoft.Data.Sqlite;

namespace Unweave.Catalog;

/// <summary>What SQLite says is wrong, told to a person with its fix.</summary>
internal static class SqliteErrors
{
    // https://sqlite.org/rescode.html
    private const int Error = 1, Permission = 3, Busy = 5, Locked = 6, ReadOnly = 8, Io = 10, Corrupt = 11, Full = 13, CannotOpen = 14,
        Mismatch = 20, NotADatabase = 26;

    /// <summary>
    /// Whether a failure is a matter of the file, rather than a mistake of ours. Our statements never change, so one that makes no sense
    /// any more means that the schema was damaged.
    /// </summary>
    public static bool IsOfFile(SqliteException e) =>
        e.SqliteErrorCode is Error or Mismatch or Permission or Busy or Locked or ReadOnly or Io or Corrupt or Full or CannotOpen
            or NotADatabase;

    /// <summary>The message for a failure of the file.</summary>
    public static InputException Explain(string path, SqliteException e) => e.SqliteErrorCode switch
    {
        Busy or Locked =>
            new InputException($"{path}: is locked by another program that writes it; let it finish or close it, then try again "
                + $"(nothing was changed).", e),
        NotADatabase => new InputException($"{path}: is not a catalog of features, or its beginning is damaged; move it away or restore "
            + $"a copy of it, then run `unweave features build`.", e),
        ReadOnly or Permission => new InputException($"{path}: may not be written; check the permissions of the file and its folder.", e),
        CannotOpen => new InputException($"{path}: cannot be opened; check that it is a file, and that it and its folder may be read "
            + $"and written.", e),
        Full => new InputException($"{path}: the disk is full, so nothing was changed; free space, then try again.", e),
        Io => new InputException($"{path}: cannot be read or written ({e.Message}); check the disk, then try again.", e),
        _ => Damaged(path, e),
    };

    /// <summary>A file whose content is not what was written.</summary>
    public static InputException Damaged(string path, Exception e) =>
        new($"{path}: is damaged; restore a copy of it, or move it away and run `unweave features build` (`sqlite3 FILE .recover` may "
            + $"save labels and notes).", e);
}
