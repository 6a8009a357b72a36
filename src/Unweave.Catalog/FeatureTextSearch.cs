using Microsoft.Data.Sqlite;

namespace Unweave.Catalog;

/// <summary>
/// Lines that a text is found in. What the index finds is held as a set of bits, so that a word that is in nearly every line costs one walk
/// along the index and no more, in whatever order the lines are shown.
/// </summary>
internal sealed class FeatureTextSearch
{
    // How well each of very many matches is too slow to find out, and a word that is nearly everywhere says little: then only the place
    // counts.
    private const int MostRanked = 20_000;

    private static readonly (string Column, FeatureMatch Place)[] Places =
    [
        ("own", FeatureMatch.OwnLabel), ("label", FeatureMatch.Label), ("note", FeatureMatch.Note), ("tokens", FeatureMatch.Fires),
    ];

    private readonly SqliteConnection connection;
    private readonly BuildTables tables;
    private readonly FeatureQuery query;
    private readonly string? match, wanted;
    private readonly int? number;
    private readonly int latents;
    private readonly LatentSet found;
    private (LatentSet Set, FeatureMatch Place)[]? places;

    public FeatureTextSearch(SqliteConnection connection, BuildTables tables, FeatureQuery query)
    {
        (this.connection, this.tables, this.query) = (connection, tables, query);
        (match, number) = (SearchText.Match(query.Text), SearchText.Number(query.Text));
        latents = Convert.ToInt32(connection.Value($"SELECT count(*) FROM {tables.Feature}"));
        wanted = match is null || query.InExamples ? match : $"{{own label note tokens}} : ({match})";
        found = Matches(wanted);
        if (number is { } latent) found.Add(latent);
        Keep(found);
    }

    // Where a latent is named, and where it fires.
    private string? Named => match is null ? null : $"{{own label note}} : ({match})";

    private string? Firing => match is null ? null : $"{{tokens}} : ({match})";

    /// <summary>How many there are.</summary>
    public int Total => found.Count;

    /// <summary>The latents, in the query's order.</summary>
    public IEnumerable<int> Latents() => query.Order == FeatureOrder.Relevance ? ByRelevance() : ByColumn().Where(found.Contains);

    /// <summary>The first place in which a latent's words match.</summary>
    public FeatureMatch Match(int latent)
    {
        if (match is null) return FeatureMatch.None;
        places ??= [.. Places.Select(place => (Matches($"{{{place.Column}}} : ({match})"), place.Place))];
        foreach ((LatentSet set, FeatureMatch place) in places)
            if (set.Contains(latent)) return place;
        return found.Contains(latent) && latent != number ? FeatureMatch.Examples : FeatureMatch.None;
    }

    /// <summary>The neighbour of a latent, or null at the ends, or where the latent has no place in the order.</summary>
    public int? Next(int latent, bool backwards)
    {
        int? before = null;
        bool passed = false;
        foreach (int other in query.Order == FeatureOrder.Relevance ? ByRelevance() : ByColumn())
        {
            if (other == latent)
            {
                if (backwards) return before;
                passed = true;
            }
            else if (found.Contains(other))
            {
                if (passed) return other;
                before = other;
            }
        }

        return null;
    }

    private IEnumerable<int> ByColumn()
    {
        using SqliteCommand command = new FeatureFilter(query).Command(connection, filter => $"SELECT f.latent FROM {tables.Feature} f "
            + $"ORDER BY {filter.Order}");
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read()) yield return reader.GetInt32(0);
    }

    /// <summary>
    /// The latent of the number typed, then those with the words in a label or a note, in the words that it fires on, in the examples;
    /// within each by BM25.
    /// </summary>
    private IEnumerable<int> ByRelevance()
    {
        IEnumerable<int> order = found.Count > MostRanked ? ByPlace() : ByRank();
        return query.Descending ? order.Reverse() : order;
    }

    // Each place is looked for only when the lines before it are used up.
    private IEnumerable<int> ByPlace()
    {
        LatentSet given = new(latents), first = new(latents);
        if (number is { } latent) first.Add(latent);
        foreach (Func<LatentSet> place in (Func<LatentSet>[])
            [
            () => first, () => Matches(Named), () => Matches(Firing), () => found
            ])
        {
            foreach (int one in place().All())
            {
                if (!found.Contains(one) || given.Contains(one)) continue;
                given.Add(one);
                yield return one;
            }
        }
    }

    private IEnumerable<int> ByRank()
    {
        var ranked = new List<(int Place, double Rank, int Latent)>();
        if (number is { } latent && found.Contains(latent)) ranked.Add((0, 0, latent));
        if (wanted is not null)
        {
            LatentSet named = Matches(Named), firing = Matches(Firing);
            // Words of one latent in several places: the weights are far apart, so that one in a label counts most.
            using SqliteCommand command = connection.Command($"SELECT rowid, bm25({tables.Words}, 10000, 5000, 1000, 200, 1) FROM "
                + $"{tables.Words} WHERE {tables.Words} MATCH $match", ("$match", wanted));
            using SqliteDataReader reader = command.ExecuteReader();
            while (reader.Read())
            {
                int one = reader.GetInt32(0);
                if (one == number || !found.Contains(one)) continue;
                ranked.Add((named.Contains(one) ? 1 : firing.Contains(one) ? 2 : 3, reader.GetDouble(1), one));
            }
        }

        ranked.Sort();
        return ranked.Select(item => item.Latent);
    }

    private LatentSet Matches(string? expression)
    {
        if (expression is null) return new LatentSet(latents);
        using SqliteCommand command = connection.Command(
            $"SELECT rowid FROM {tables.Words} WHERE {tables.Words} MATCH $match", ("$match", expression));
        return LatentSet.Read(command, latents);
    }

    /// <summary>Keeps those that the query's other conditions hold for.</summary>
    private void Keep(LatentSet set)
    {
        var filter = new FeatureFilter(query);
        if (filter.IsEmpty) return;
        using SqliteCommand command = filter.Command(connection, of => $"SELECT f.latent FROM {tables.Feature} f WHERE {of.Where}");
        set.Keep(LatentSet.Read(command, latents));
    }
}
