using Microsoft.Data.Sqlite;

namespace Unweave.Catalog;

/// <summary>A query's conditions and order as SQL over a table named <c>f</c>; all but its text.</summary>
internal sealed class FeatureFilter
{
    private readonly List<(string Name, object Value)> values = [];
    private readonly List<string> conditions = [];

    public FeatureFilter(FeatureQuery query)
    {
        foreach (double? bound in (double?[])[query.MinFrequency, query.MaxFrequency, query.MinScore])
        {
            if (bound is { } value && double.IsNaN(value))
                throw new ArgumentException("a bound of the query is not a number.", nameof(query));
        }

        if (query.Kinds is { } kinds) conditions.Add($"f.kind IN ({string.Join(", ", kinds.Select(kind => (int)kind))})");
        if (query.MinFrequency is { } least) conditions.Add($"f.frequency >= {Value("$least", least)}");
        if (query.MaxFrequency is { } most) conditions.Add($"f.frequency <= {Value("$most", most)}");
        if (query.MinScore is { } score) conditions.Add($"f.score >= {Value("$score", score)}");
        if (query.Labelled is { } labelled) conditions.Add($"f.unlabelled = {(labelled ? 0 : 1)}");
        if (query.Starred) conditions.Add("f.starred");
        if (query.List is { } list)
        {
            conditions.Add($"f.latent IN (SELECT latent FROM member WHERE list = (SELECT number FROM list WHERE name = "
                + $"{Value("$list", list)}))");
        }

        bool down = query.Descending;
        Keys = query.Order switch
        {
            FeatureOrder.Frequency => [("f.frequency", down), ("f.latent", down)],
            FeatureOrder.Max => [("f.max", down), ("f.latent", down)],
            FeatureOrder.Score => [("f.unscored", false), ("f.score", down), ("f.latent", down)],
            FeatureOrder.Label => [("f.unlabelled", false), ("f.label", down), ("f.latent", down)],
            FeatureOrder.Latent => [("f.latent", down)],
            _ => [("f.interest", !down), ("f.latent", down)],
        };
    }

    /// <summary>Whether it holds for all.</summary>
    public bool IsEmpty => conditions.Count == 0;

    /// <summary>Which lines.</summary>
    public string Where => IsEmpty ? "1" : string.Join(" AND ", conditions);

    /// <summary>What the lines are sorted by, the number last, so that no two are equal.</summary>
    public IReadOnlyList<(string Sql, bool Down)> Keys { get; }

    /// <summary>The order.</summary>
    public string Order => OrderBy(backwards: false);

    /// <summary>The order or its reverse.</summary>
    public string OrderBy(bool backwards) => string.Join(", ", Keys.Select(key => key.Sql + (key.Down != backwards ? " DESC" : "")));

    /// <summary>A command with the conditions' values.</summary>
    public SqliteCommand Command(SqliteConnection connection, Func<FeatureFilter, string> sql)
    {
        SqliteCommand command = connection.Command(sql(this));
        foreach ((string name, object value) in values) command.Parameters.AddWithValue(name, value);
        return command;
    }

    private string Value(string name, object value)
    {
        values.Add((name, value));
        return name;
    }
}
