using Microsoft.Data.Sqlite;
using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>Queries of the table as SQL.</summary>
internal static class FeatureTable
{
    private const string Columns = "f.latent, f.kind, f.frequency, f.density, f.max, f.label, f.method, f.score, f.starred, f.noted, f.tokens";

    // How well each of very many matches matches takes too long to find out, and a word that is nearly everywhere says little.
    private const int MostRanked = 20_000;

    /// <summary>Some lines and the number of all.</summary>
    public static FeatureRows Find(SqliteConnection connection, BuildTables tables, FeatureQuery query)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(query.Skip);
        ArgumentOutOfRangeException.ThrowIfNegative(query.Take);
        var plan = new Plan(connection, tables, query);
        int total = Convert.ToInt32(plan.Command($"SELECT count(*) FROM {tables.Feature} f WHERE {plan.Where}").ExecuteScalar());
        if (query.Take == 0 || query.Skip >= total) return new FeatureRows(total, []);
        // The latents are found in an index alone, so that lines that are skipped are not read.
        using SqliteCommand page = plan.Command($"SELECT f.latent FROM {plan.From} WHERE {plan.Where} ORDER BY {plan.Order} LIMIT $take OFFSET $skip");
        page.Parameters.AddWithValue("$take", query.Take);
        page.Parameters.AddWithValue("$skip", query.Skip);
        return new FeatureRows(total, Rows(connection, tables, Latents(page)));
    }

    /// <summary>Lines by number, in the order given; numbers that are not there are left out.</summary>
    public static List<FeatureRow> Rows(SqliteConnection connection, BuildTables tables, IReadOnlyCollection<int> latents)
    {
        var rows = new List<FeatureRow>(latents.Count);
        using SqliteCommand command = connection.Command($"SELECT {Columns} FROM {tables.Feature} f WHERE latent = $latent", ("$latent", 0));
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
        var plan = new Plan(connection, tables, query);
        // The keys of the latent itself, whether or not it is found by the query.
        using SqliteCommand own = plan.Command($"SELECT {string.Join(", ", plan.Keys.Select(key => key.Sql))} FROM {plan.FromAll} WHERE f.latent = $at");
        own.Parameters.AddWithValue("$at", latent);
        object?[] at;
        using (SqliteDataReader line = own.ExecuteReader())
        {
            if (!line.Read()) return null;
            at = [.. Enumerable.Range(0, plan.Keys.Count).Select(column => line.IsDBNull(column) ? null : line.GetValue(column))];
        }

        using SqliteCommand next = plan.Command("");
        var after = new List<string>();
        string equal = "";
        for (int i = 0; i < plan.Keys.Count; i++)
        {
            (string sql, bool down) = plan.Keys[i];
            next.Parameters.AddWithValue($"$key{i}", at[i] ?? DBNull.Value);
            after.Add($"({equal}{sql} {(down != backwards ? "<" : ">")} $key{i})");
            equal += $"{sql} IS $key{i} AND ";
        }

        next.CommandText = $"SELECT f.latent FROM {plan.From} WHERE {plan.Where} AND ({string.Join(" OR ", after)}) ORDER BY {plan.OrderBy(backwards)} LIMIT 1";
        return Latents(next) is [int found] ? found : null;
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

    /// <summary>A query's conditions, order and values.</summary>
    private sealed class Plan
    {
        private readonly SqliteConnection connection;
        private readonly List<(string Name, object Value)> values = [];
        private readonly List<string> conditions = [];

        public Plan(SqliteConnection connection, BuildTables tables, FeatureQuery query)
        {
            this.connection = connection;
            From = $"{tables.Feature} f";
            FromAll = From;
            if (query.Kinds is { } kinds) conditions.Add($"f.kind IN ({string.Join(", ", kinds.Select(kind => (int)kind))})");
            if (query.MinFrequency is { } least) conditions.Add($"f.frequency >= {Value("$least", least)}");
            if (query.MaxFrequency is { } most) conditions.Add($"f.frequency <= {Value("$most", most)}");
            if (query.MinScore is { } score) conditions.Add($"f.score >= {Value("$score", score)}");
            if (query.Labelled is { } labelled) conditions.Add($"f.unlabelled = {(labelled ? 0 : 1)}");
            if (query.Starred) conditions.Add("f.starred");
            if (query.List is { } list) conditions.Add($"f.latent IN (SELECT latent FROM member WHERE list = (SELECT number FROM list WHERE name = {Value("$list", list)}))");
            bool searched = Search(tables.Words, query.Text);
            Keys = [.. searched && query.Order == FeatureOrder.Relevance ? RelevanceKeys(tables, query) : OrderKeys(query)];
        }

        /// <summary>Where the lines come from.</summary>
        public string From { get; private set; }

        /// <summary>The same, with lines that do not match the text.</summary>
        public string FromAll { get; private set; }

        /// <summary>Which lines.</summary>
        public string Where => conditions.Count == 0 ? "1" : string.Join(" AND ", conditions);

        /// <summary>What the lines are sorted by, the number last, so that no two are equal.</summary>
        public IReadOnlyList<(string Sql, bool Down)> Keys { get; }

        /// <summary>The order.</summary>
        public string Order => OrderBy(backwards: false);

        public string OrderBy(bool backwards) => string.Join(", ", Keys.Select(key => key.Sql + (key.Down != backwards ? " DESC" : "")));

        /// <summary>A command with the query's values.</summary>
        public SqliteCommand Command(string sql)
        {
            SqliteCommand command = connection.Command(sql);
            foreach ((string name, object value) in values) command.Parameters.AddWithValue(name, value);
            return command;
        }

        private static IEnumerable<(string Sql, bool Down)> OrderKeys(FeatureQuery query)
        {
            bool down = query.Descending;
            return query.Order switch
            {
                FeatureOrder.Frequency => [("f.frequency", down), ("f.latent", down)],
                FeatureOrder.Max => [("f.max", down), ("f.latent", down)],
                FeatureOrder.Score => [("f.unscored", false), ("f.score", down), ("f.latent", down)],
                FeatureOrder.Label => [("f.unlabelled", false), ("f.label", down), ("f.latent", down)],
                _ => [("f.latent", down)],
            };
        }

        /// <summary>Adds the condition that the text is found; gives whether there are words to rank by.</summary>
        private bool Search(string words, string? text)
        {
            if (string.IsNullOrWhiteSpace(text)) return false;
            string? match = SearchText.Match(text);
            int? number = SearchText.Number(text);
            var found = new List<string>();
            if (match is not null) found.Add($"f.latent IN (SELECT rowid FROM {words} WHERE {words} MATCH {Value("$match", match)})");
            if (number is { } latent) found.Add($"f.latent = {Value("$number", latent)}");
            conditions.Add(found.Count == 0 ? "0" : $"({string.Join(" OR ", found)})");
            return match is not null;
        }

        /// <summary>The latent of the number typed, then those with the words in a label, a note, the tokens, the examples; within each by BM25.</summary>
        private (string Sql, bool Down)[] RelevanceKeys(BuildTables tables, FeatureQuery query)
        {
            string words = tables.Words;
            string number = SearchText.Number(query.Text) is null ? "NULL" : "$number";
            string matches = $"FROM {words} WHERE {words} MATCH $match";
            using SqliteCommand count = Command($"SELECT count(*) {matches}");
            if (Convert.ToInt32(count.ExecuteScalar()) > MostRanked)
            {
                string rest = SearchText.Match(query.Text)!;
                string In(string columns, string name) => $"f.latent IN (SELECT rowid FROM {words} WHERE {words} MATCH {Value(name, $"{{{columns}}} : ({rest})")})";
                return [($"CASE WHEN f.latent IS {number} THEN 0 WHEN {In("own label note", "$said")} THEN 1 WHEN {In("tokens", "$tokens")} THEN 2 ELSE 3 END", query.Descending), ("f.latent", query.Descending)];
            }

            string hits = $"""
                (SELECT rowid AS latent, CASE WHEN rowid IS {number} THEN -1e9 ELSE bm25({words}, 10000, 5000, 1000, 200, 1) END AS rank {matches}
                UNION ALL SELECT {number}, -1e9 WHERE {number} NOT IN (SELECT rowid {matches})) hit
                """;
            From = $"{hits} JOIN {tables.Feature} f ON f.latent = hit.latent";
            FromAll = $"{tables.Feature} f LEFT JOIN {hits} ON f.latent = hit.latent";
            // What does not match comes after all that does: ranks of matches are below 0.
            return [("ifnull(hit.rank, 0)", query.Descending), ("f.latent", query.Descending)];
        }

        private string Value(string name, object value)
        {
            values.Add((name, value));
            return name;
        }
    }
}
