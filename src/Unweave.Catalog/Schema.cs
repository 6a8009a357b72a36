using Microsoft.Data.Sqlite;

namespace Unweave.Catalog;

/// <summary>
/// The tables. What people wrote and what chat models answered are in tables of the file; what is computed is in tables of a build, whose
/// names end in the build's number. The table <c>build</c> says which build is shown, so that one statement puts a new one in an old one's
/// place.
/// </summary>
internal static class Schema
{
    /// <summary>Says in the header of an SQLite file that it is a catalog: "Unwv".</summary>
    public const int ApplicationId = 0x556e7776;

    // Each makes the next version from the one before; one that was released never changes.
    private static readonly string[] Migrations =
    [
        """
        CREATE TABLE build (number INTEGER PRIMARY KEY, source TEXT NOT NULL);
        CREATE TABLE map (build INTEGER PRIMARY KEY, points BLOB NOT NULL);
        CREATE TABLE person (latent INTEGER PRIMARY KEY, label TEXT, note TEXT, starred INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE list (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE member (list INTEGER NOT NULL REFERENCES list (number) ON DELETE CASCADE, latent INTEGER NOT NULL,
            PRIMARY KEY (list, latent)) WITHOUT ROWID;
        CREATE INDEX member_latent ON member (latent);
        CREATE TABLE answer (prompt BLOB PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
        """,
    ];

    /// <summary>The version that this program writes.</summary>
    public static int Version => Migrations.Length;

    /// <summary>Makes an empty catalog of an empty file.</summary>
    public static void Create(SqliteConnection connection)
    {
        connection.Run($"PRAGMA journal_mode = WAL; PRAGMA application_id = {ApplicationId}");
        Upgrade(connection, from: 0);
    }

    /// <summary>Brings an opened file to this version.</summary>
    /// <exception cref="InputException">It is not a catalog, or one of a newer version.</exception>
    public static void Check(SqliteConnection connection, string path)
    {
        if (Number("application_id") != ApplicationId)
        {
            throw new InputException($"{path}: is an SQLite file, but not a catalog of features; name another, or move it away and run "
                + "`unweave features build`.");
        }

        int version = Number("user_version");
        if (version > Version)
        {
            throw new InputException($"{path}: is a catalog of version {version}, and this program knows versions up to {Version}; use "
                + "a newer Unweave (nothing was changed).");
        }

        if (version < Version) Upgrade(connection, version);

        int Number(string pragma) => Convert.ToInt32(connection.Value($"PRAGMA {pragma}"));
    }

    private static void Upgrade(SqliteConnection connection, int from)
    {
        using SqliteTransaction transaction = connection.BeginTransaction();
        // Another process may have been first.
        from = Math.Max(from, Convert.ToInt32(connection.Value("PRAGMA user_version")));
        for (int version = from; version < Version; version++) connection.Run(Migrations[version]);
        connection.Run($"PRAGMA user_version = {Version}");
        transaction.Commit();
    }
}

/// <summary>The tables of one build.</summary>
/// <param name="Number">Its number.</param>
internal readonly record struct BuildTables(long Number)
{
    /// <summary>A line of the table a latent, with all that is sorted or filtered by.</summary>
    public string Feature => $"feature_{Number}";

    /// <summary>All that is known of a latent, compressed.</summary>
    public string Detail => $"detail_{Number}";

    /// <summary>Computed labels.</summary>
    public string Label => $"label_{Number}";

    /// <summary>Full text: <c>own</c>, <c>label</c>, <c>note</c>, <c>tokens</c>, <c>examples</c>; the row is the latent.</summary>
    public string Words => $"words_{Number}";

    /// <summary>Texts of the windows that examples are cut from.</summary>
    public string Window => $"window_{Number}";

    /// <summary>Where the examples of a latent are in the windows.</summary>
    public string Places => $"places_{Number}";

    /// <summary>Makes them, empty.</summary>
    public void Create(SqliteConnection connection) => connection.Run($"""
        CREATE TABLE {Feature} (
            latent INTEGER PRIMARY KEY, kind INTEGER NOT NULL, frequency REAL NOT NULL, density REAL NOT NULL, max REAL NOT NULL,
            tokens TEXT NOT NULL,
            label TEXT COLLATE NOCASE, method TEXT, score REAL, interest REAL NOT NULL DEFAULT 0,
            starred INTEGER NOT NULL DEFAULT 0, noted INTEGER NOT NULL DEFAULT 0,
            unlabelled INTEGER AS (label IS NULL) VIRTUAL, unscored INTEGER AS (score IS NULL) VIRTUAL);
        CREATE TABLE {Detail} (latent INTEGER PRIMARY KEY, json BLOB NOT NULL);
        CREATE TABLE {Label} (
            latent INTEGER NOT NULL, method TEXT NOT NULL, text TEXT NOT NULL, detection REAL, fuzzing REAL,
            examples INTEGER NOT NULL, firing INTEGER, coverage REAL, baseline REAL, PRIMARY KEY (latent, method)) WITHOUT ROWID;
        CREATE TABLE {Window} (number INTEGER PRIMARY KEY, text BLOB NOT NULL);
        CREATE TABLE {Places} (latent INTEGER PRIMARY KEY, examples BLOB NOT NULL);
        CREATE VIRTUAL TABLE {Words} USING fts5 (own, label, note, tokens, examples, content = '', contentless_delete = 1, prefix = '1 2',
            tokenize = 'unicode61 remove_diacritics 2');
        """);

    /// <summary>Makes their indexes: one an order and direction, and one that holds all that is filtered by.</summary>
    public void Index(SqliteConnection connection) => connection.Run($"""
        CREATE INDEX {Feature}_frequency ON {Feature} (frequency);
        CREATE INDEX {Feature}_max ON {Feature} (max);
        CREATE INDEX {Feature}_interest ON {Feature} (interest, latent DESC);
        CREATE INDEX {Feature}_score ON {Feature} (unscored, score);
        CREATE INDEX {Feature}_score_down ON {Feature} (unscored, score DESC, latent DESC);
        CREATE INDEX {Feature}_label ON {Feature} (unlabelled, label);
        CREATE INDEX {Feature}_label_down ON {Feature} (unlabelled, label DESC, latent DESC);
        CREATE INDEX {Feature}_starred ON {Feature} (starred) WHERE starred;
        CREATE INDEX {Feature}_filter ON {Feature} (kind, frequency, score, unlabelled, starred);
        """);

    /// <summary>Whether the build has what orders by interest need: those of earlier versions lack it until something is written.</summary>
    public bool HasInterest(SqliteConnection connection) => Has(connection, Feature, "interest");

    /// <summary>Whether the build kept whole windows: those of earlier versions did not.</summary>
    public bool HasWindows(SqliteConnection connection) => Has(connection, Places, "examples");

    /// <summary>Brings the tables of a build that an earlier version wrote to this one's columns.</summary>
    public void Upgrade(SqliteConnection connection)
    {
        foreach ((string table, string column, string type) in ((string, string, string)[])
            [
            (Label, "firing", "INTEGER"), (Label, "coverage", "REAL"), (Label, "baseline", "REAL"),
            (Feature, "interest", "REAL NOT NULL DEFAULT 0"),
            ])
        {
            if (!Has(connection, table, column)) connection.Run($"ALTER TABLE {table} ADD COLUMN {column} {type}");
        }
    }

    private static bool Has(SqliteConnection connection, string table, string column) =>
        connection.Value($"SELECT 1 FROM pragma_table_info('{table}') WHERE name = '{column}'") is not null;

    /// <summary>Removes them.</summary>
    public void Drop(SqliteConnection connection)
    {
        foreach (string table in (string[])[Feature, Detail, Label, Words, Window, Places]) connection.Run($"DROP TABLE IF EXISTS {table}");
    }
}
