using Microsoft.Data.Sqlite;
using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>
/// Keeps what is shown and searched of a latent (its line in the table and its words in the index) in step with its labels and with what a
/// person wrote.
/// </summary>
internal static class ShownLabel
{
    /// <summary>How the user's own label says where it came from.</summary>
    public const string Own = "you";

    /// <summary>Does it for one latent, whose words are read from what is stored.</summary>
    public static void Refresh(SqliteConnection connection, BuildTables tables, int latent)
    {
        tables.Upgrade(connection);
        object json = connection.Value($"SELECT json FROM {tables.Detail} WHERE latent = $latent", ("$latent", latent))
            ?? throw new InvalidDataException($"latent {latent} is not stored");
        Feature feature = StoredFeature.Read((byte[])json);
        connection.Run($"DELETE FROM {tables.Words} WHERE rowid = $latent", ("$latent", latent));
        Write(connection, tables, latent, FeatureWords.From(feature));
    }

    /// <summary>Does it for one latent that is not yet in the index.</summary>
    public static void Write(SqliteConnection connection, BuildTables tables, int latent, FeatureWords words)
    {
        List<FeatureLabel> shown = [.. Labels(connection, tables, latent).Where(label => label.AboveChance)];
        (string? own, string? note, bool starred) = Person(connection, latent);
        FeatureLabel? best = shown.FirstOrDefault();
        connection.Run(
            $"UPDATE {tables.Feature} SET label = $label, method = $method, score = $score, interest = $interest, starred = "
                + $"$starred, noted = $noted WHERE latent = $latent",
            ("$label", own ?? best?.Text), ("$method", own is null ? best?.Method : Own), ("$score", best?.Detection),
                ("$interest", (best?.Detection ?? 0) * words.Interest),
                ("$starred", starred ? 1 : 0), ("$noted", note is null ? 0 : 1), ("$latent", latent));
        connection.Run(
            $"INSERT INTO {tables.Words} (rowid, own, label, note, tokens, examples) VALUES ($latent, $own, $label, $note, $tokens, "
                + $"$examples)",
            ("$latent", latent), ("$own", SearchText.Plain(own ?? "")), (
                "$label", SearchText.Plain(string.Join('\n', shown.Select(label => label.Text)))), ("$note", SearchText.Plain(note ?? "")),
            ("$tokens", words.Fires), ("$examples", words.Examples));
    }

    /// <summary>Computed labels of a latent, best first.</summary>
    public static List<FeatureLabel> Labels(SqliteConnection connection, BuildTables tables, int latent) => connection.All(
        // All columns, of which builds of earlier versions lack the last ones.
        $"SELECT * FROM {tables.Label} WHERE latent = $latent ORDER BY detection DESC, fuzzing DESC, method",
        line => new FeatureLabel(
            line.GetString(2), line.GetString(1), Number(line, 3), Number(line, 4), line.GetInt32(5),
            line.FieldCount > 6 && !line.IsDBNull(6) ? line.GetInt32(6) : null)
        {
            Coverage = Optional(line, 7),
            Baseline = Optional(line, 8),
        },
        ("$latent", latent));

    /// <summary>Adds a computed label in place of an earlier one of its method.</summary>
    public static void Add(SqliteConnection connection, BuildTables tables, int latent, FeatureLabel label) => connection.Run(
        $"INSERT OR REPLACE INTO {tables.Label} VALUES ($latent, $method, $text, $detection, $fuzzing, $examples, $firing, "
            + "$coverage, $baseline)",
        ("$latent", latent), ("$method", label.Method), ("$text", label.Text), ("$detection", Stored(label.Detection)),
        ("$fuzzing", Stored(label.Fuzzing)), ("$examples", label.Examples), ("$firing", label.Firing),
        ("$coverage", label.Coverage), ("$baseline", label.Baseline));

    /// <summary>What a person wrote.</summary>
    public static (string? Label, string? Note, bool Starred) Person(SqliteConnection connection, int latent) => connection.All(
        "SELECT label, note, starred FROM person WHERE latent = $latent", line =>
            (line.Text(0), line.Text(1), line.GetBoolean(2)), ("$latent", latent)).FirstOrDefault();

    // SQLite has no NaN: null stands for it.
    private static double? Stored(double value) => double.IsNaN(value) ? null : value;

    private static double? Optional(SqliteDataReader line, int column) =>
        line.FieldCount > column && !line.IsDBNull(column) ? line.GetDouble(column) : null;

    private static double Number(SqliteDataReader line, int column) => line.IsDBNull(column) ? double.NaN : line.GetDouble(column);
}
