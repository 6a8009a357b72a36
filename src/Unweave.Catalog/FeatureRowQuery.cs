using Microsoft.Data.Sqlite;
using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>Queries of the table as SQL.</summary>
internal static class FeatureRowQuery
{
    private const string Columns = "f.latent, f.kind, f.frequency, f.density, f.max, f.label, f.method, f.score, f.starred, f.noted, "
        + "f.tokens";

    /// <summary>Some lines and the number of all.</summary>
    public static FeatureRows Find(SqliteConnection connection, BuildTables tables, FeatureQuery query)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(query.Skip);
        ArgumentOutOfRangeException.ThrowIfNegative(query.Take);
        query = Answerable(connection, tables, query);
        if (!string.IsNullOrWhiteSpace(query.Text))
        {
            var search = new FeatureTextSearch(connection, tables, query);
            int found = search.Total;
            return new FeatureRows(
                found,
                query.Take == 0 || query.Skip >= found
                    ? []
                    : [.. Rows(connection, tables, [.. search.Latents().Skip(query.Skip).Take(query.Take)])
                        .Select(row => row with { Match = search.Match(row.Latent) })]);
        }

        var filter = new FeatureFilter(query);
        using SqliteCommand count = filter.Command(connection, of => $"SELECT count(*) FROM {tables.Feature} f WHERE {of.Where}");
        int total = Convert.ToInt32(count.ExecuteScalar());
        if (query.Take == 0 || query.Skip >= total) return new FeatureRows(total, []);
        // The latents are found in an index alone, so that lines that are skipped are not read.
        using SqliteCommand page = filter.Command(connection, of => $"SELECT f.latent FROM {tables.Feature} f WHERE {of.Where} ORDER BY "
            + $"{of.Order} LIMIT {query.Take} OFFSET {query.Skip}");
        return new FeatureRows(total, Rows(connection, tables, Latents(page)));
    }

    /// <summary>Lines by number, in the order given; numbers that are not there are left out.</summary>
    public static List<FeatureRow> Rows(SqliteConnection connection, BuildTables tables, IReadOnlyCollection<int> latents)
    {
        var rows = new List<FeatureRow>(latents.Count);
        using SqliteCommand command = connection.Command(
            $"SELECT {Columns} FROM {tables.Feature} f WHERE latent = $latent", ("$latent", 0));
        foreach (int latent in latents)
        {
            command.Parameters[0].Value = latent;
            using SqliteDataReader line = command.ExecuteReader();
            if (line.Read()) rows.Add(Row(line));
        }

        return rows;
    }

    /// <summary>The neighbour of a latent in a query's order.</summary>
    public static int? Next(SqliteConnection connection, BuildTables tables, FeatureQuery query, int latent, bool backwards)
    {
        query = Answerable(connection, tables, query);
        if (!string.IsNullOrWhiteSpace(query.Text)) return new FeatureTextSearch(connection, tables, query).Next(latent, backwards);
        // The keys of the latent itself, whether or not it is found by the query.
        var filter = new FeatureFilter(query);
        object[]? at = connection.All(
            $"SELECT {string.Join(", ", filter.Keys.Select(key => key.Sql))} FROM {tables.Feature} f WHERE f.latent = $latent",
            line =>
            {
                object[] values = new object[line.FieldCount];
                line.GetValues(values);
                return values;
            },
            ("$latent", latent)).SingleOrDefault();
        if (at is null) return null;
        var after = new List<string>();
        string equal = "";
        for (int i = 0; i < at.Length; i++)
        {
            (string sql, bool down) = filter.Keys[i];
            after.Add($"({equal}{sql} {(down != backwards ? "<" : ">")} $key{i})");
            equal += $"{sql} IS $key{i} AND ";
        }

        using SqliteCommand next = filter.Command(connection, of => $"SELECT f.latent FROM {tables.Feature} f WHERE {of.Where} AND "
            + $"({string.Join(" OR ", after)}) ORDER BY {of.OrderBy(backwards)} LIMIT 1");
        for (int i = 0; i < at.Length; i++) next.Parameters.AddWithValue($"$key{i}", at[i]);
        return Latents(next) is [int found] ? found : null;
    }

    // A build of an earlier version has no interests: its latents are in the order of their numbers.
    private static FeatureQuery Answerable(SqliteConnection connection, BuildTables tables, FeatureQuery query)
    {
        bool byInterest = query.Order == FeatureOrder.Interest
            || (query.Order == FeatureOrder.Relevance && string.IsNullOrWhiteSpace(query.Text));
        return byInterest && !tables.HasInterest(connection) ? query with { Order = FeatureOrder.Latent } : query;
    }

    private static List<int> Latents(SqliteCommand command)
    {
        using SqliteDataReader reader = command.ExecuteReader();
        var latents = new List<int>();
        while (reader.Read()) latents.Add(reader.GetInt32(0));
        return latents;
    }

    private static FeatureRow Row(SqliteDataReader line) => new(
        line.GetInt32(0), (FeatureKind)line.GetInt32(1), line.GetDouble(2), line.GetDouble(3), line.GetFloat(4), line.Text(5), line.Text(6),
        line.IsDBNull(7) ? null : line.GetDouble(7), line.GetBoolean(8), line.GetBoolean(9), line.GetString(10));
}
