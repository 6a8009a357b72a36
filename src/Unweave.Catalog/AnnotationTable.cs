using Microsoft.Data.Sqlite;

namespace Unweave.Catalog;

/// <summary>What people write: labels, notes, stars and lists, in tables that no build touches.</summary>
internal static class AnnotationTable
{
    /// <summary>All that a person wrote about a latent.</summary>
    public static Annotation Read(SqliteConnection connection, int latent)
    {
        (string? label, string? note, bool starred) = ShownLabel.Person(connection, latent);
        return new Annotation(label, note, starred, connection.All("SELECT name FROM list JOIN member ON member.list = list.number "
            + "WHERE latent = $latent ORDER BY name", line => line.GetString(0), ("$latent", latent)));
    }

    /// <summary>Sets one thing about a latent.</summary>
    /// <param name="connection">Connection.</param>
    /// <param name="column">Column of the table <c>person</c>.</param>
    /// <param name="latent">Number of the latent.</param>
    /// <param name="value">The value.</param>
    public static void Set(SqliteConnection connection, string column, int latent, object? value)
    {
        connection.Run($"INSERT INTO person (latent, {column}) VALUES ($latent, $value) ON CONFLICT (latent) DO UPDATE SET {column} = "
            + $"excluded.{column}", ("$latent", latent), ("$value", value));
        connection.Run("DELETE FROM person WHERE latent = $latent AND label IS NULL AND note IS NULL AND NOT starred", ("$latent", latent));
    }

    /// <summary>The lists with their numbers of members, of those latents that there are.</summary>
    public static List<(string Name, int Members)> Lists(SqliteConnection connection, int latents) => connection.All(
        "SELECT name, count(member.latent) FROM list LEFT JOIN member ON member.list = list.number AND member.latent < $latents GROUP " +
        "BY list.number ORDER BY name",
        line => (line.GetString(0), line.GetInt32(1)),
        ("$latents", latents));

    /// <summary>Puts a latent into a list.</summary>
    public static void Add(SqliteConnection connection, string list, int latent)
    {
        connection.Run("INSERT OR IGNORE INTO list (name) VALUES ($name)", ("$name", list));
        connection.Run(
            "INSERT OR IGNORE INTO member SELECT number, $latent FROM list WHERE name = $name", ("$name", list), ("$latent", latent));
    }

    /// <summary>Takes a latent out of a list.</summary>
    public static void Remove(SqliteConnection connection, string list, int latent) =>
        connection.Run(
            "DELETE FROM member WHERE latent = $latent AND list = (SELECT number FROM list WHERE name = $name)",
            ("$name", list),
            ("$latent", latent));

    /// <summary>Removes a list.</summary>
    public static void Remove(SqliteConnection connection, string list) =>
        connection.Run("DELETE FROM list WHERE name = $name", ("$name", list));

    /// <summary>Whether anything is here that a build would not make again: what people wrote, and answers that were paid for.</summary>
    public static bool Any(SqliteConnection connection) =>
        connection.Value("SELECT EXISTS (SELECT 1 FROM person) OR EXISTS (SELECT 1 FROM list) OR EXISTS (SELECT 1 FROM answer)") is not 0L;

    /// <summary>A text as it is kept: without characters that have no meaning in it, cut to a length; null where nothing is left.</summary>
    public static string? Clean(string? text, int longest, bool oneLine)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        var kept = new System.Text.StringBuilder(Math.Min(text.Length, longest));
        foreach (System.Text.Rune rune in text.EnumerateRunes())
        {
            if (kept.Length + rune.Utf16SequenceLength > longest) break;
            if (!System.Text.Rune.IsControl(rune) || (!oneLine && rune.Value is '\n' or '\t')) kept.Append(rune);
            else if (oneLine && kept.Length > 0 && kept[^1] != ' ') kept.Append(' ');
        }

        string clean = kept.ToString().Trim();
        return clean.Length == 0 ? null : clean;
    }
}
