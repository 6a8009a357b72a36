using System.Collections.Immutable;
using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Numerics;
using Unweave.Retrieval;

namespace Unweave.Indexing;

/// <summary>A way of ranking, and what its rankings of a judged collection are worth.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Figures">Means over the queries.</param>
/// <param name="Ndcg10">nDCG@10 of each query, in their order.</param>
/// <param name="WordWeight">
/// Where a weight of words was learned (<see cref="SearchQuery.WordWeight"/>), the best over all queries; null elsewhere.
/// </param>
public sealed record JudgedRanking(string Name, RankingFigures Figures, IReadOnlyList<double> Ndcg10, double? WordWeight = null);

/// <summary>Ranks a judged collection by an index in several ways, and by its vectors themselves.</summary>
public static class JudgedSearch
{
    /// <summary>How many documents each ranking has at most.</summary>
    public const int Depth = 100;

    private const double ReciprocalRank = 60;
    private static readonly ImmutableArray<double> weights = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9]; // of equal ones the first

    /// <summary>
    /// Answers all queries by <c>dense</c> (the vectors themselves, exactly), <c>words</c> (BM25), <c>codes</c> (codes alone, rescored),
    /// <c>codes, re-ranked</c> (the best of these by what the index keeps of the vectors; left out where it keeps nothing), <c>hybrid</c>
    /// (those and words, as a search of text does), <c>hybrid, learned</c> (with the weight of words that does best on other queries: each
    /// half of them learns it from the other half), and <c>dense and words</c> (exact vectors and words, their ranks fused alike).
    /// </summary>
    /// <param name="folder">The collection.</param>
    /// <param name="documents">Vectors of its documents, in order.</param>
    /// <param name="queries">Vectors of its queries, in order.</param>
    /// <param name="index">An index of its documents, each under its name in the collection.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ArgumentException">There is not a vector for each text.</exception>
    public static IReadOnlyList<JudgedRanking> Run(
        BeirFolder folder, Matrix documents, Matrix queries, SearchIndex index, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(index);
        if (documents.Rows != folder.Documents.Count || queries.Rows != folder.Queries.Count)
        {
            throw new ArgumentException($"{folder.Documents.Count} documents and {folder.Queries.Count} queries were given "
                + $"{documents.Rows} and {queries.Rows} vectors.");
        }

        using Matrix unit = documents.Clone();
        for (int row = 0; row < unit.Rows; row++) ToUnitLength(unit.Row(row));
        string[] ids = [.. folder.Documents.Select(document => document.Id)];
        var tallies = new List<(string Name, RankingTally Tally)>();
        var weighed = new List<string[][]>(); // of each query: its ranking by each weight
        float[] scores = new float[unit.Rows];
        for (int query = 0; query < queries.Rows; query++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            JudgedText asked = folder.Queries[query];
            var sought = new SearchQuery { Vector = queries.Row(query).ToArray(), Count = Depth, Shares = 0 };
            string[] dense = Dense(unit, queries.Row(query), scores, ids);
            string[] words = Keys(index.Search(new SearchQuery { Words = asked.Text, Count = Depth }));
            Add("dense", dense);
            Add("words", words);
            Add("codes", Keys(index.Search(sought with { Reranked = 0 })));
            if (index.Store != VectorStore.None) Add("codes, re-ranked", Keys(index.Search(sought)));
            weighed.Add([.. weights.Select(weight => Keys(index.Search(sought with { Words = asked.Text, WordWeight = weight })))]);
            Add("hybrid", weighed[^1][weights.IndexOf(sought.WordWeight)]);
            Add("dense and words", Fuse(dense, words));

            void Add(string name, string[] ranking)
            {
                RankingTally? tally = tallies.Find(each => string.Equals(each.Name, name, StringComparison.Ordinal)).Tally;
                if (tally is null) tallies.Add((name, tally = new RankingTally()));
                tally.Add(ranking, folder.Judgments[asked.Id]);
            }
        }

        var rankings = tallies.Select(each => new JudgedRanking(each.Name, each.Tally.ToFigures(), each.Tally.Ndcg10)).ToList();
        if (queries.Rows > 1)
            rankings.Insert(rankings.FindIndex(each => each.Name is "hybrid") + 1, Learned(folder, weighed));
        return rankings;
    }

    // Queries of one half are ranked by the weight that does best on those of the other half.
    private static JudgedRanking Learned(BeirFolder folder, List<string[][]> weighed)
    {
        RankingTally[] all = [.. weights.Select(_ => new RankingTally())];
        foreach ((int query, string[][] rankings) in weighed.Index())
            for (int i = 0; i < rankings.Length; i++) all[i].Add(rankings[i], folder.Judgments[folder.Queries[query].Id]);
        int[] best = [Best(half => half == 1), Best(half => half == 0)]; // for queries of even and of odd number
        var learned = new RankingTally();
        foreach ((int query, string[][] rankings) in weighed.Index())
            learned.Add(rankings[best[query % 2]], folder.Judgments[folder.Queries[query].Id]);
        return new JudgedRanking("hybrid, learned", learned.ToFigures(), learned.Ndcg10, weights[Best(_ => true)]);

        int Best(Predicate<int> half) => Enumerable.Range(0, weights.Length)
            .MaxBy(weight => all[weight].Ndcg10.Where((_, query) => half(query % 2)).Sum());
    }

    private static void ToUnitLength(Span<float> row)
    {
        double length = Norms.L2(row);
        if (length > 0) TensorPrimitives.Multiply(row, (float)(1 / length), row);
    }

    private static string[] Dense(Matrix documents, ReadOnlySpan<float> query, float[] scores, string[] ids)
    {
        for (int row = 0; row < scores.Length; row++) scores[row] = TensorPrimitives.Dot(documents.Row(row), query);
        return [.. Enumerable.Range(0, scores.Length).OrderByDescending(row => scores[row]).Take(Depth).Select(row => ids[row])];
    }

    private static string[] Keys(SearchResults results) => [.. results.Hits.Select(hit => hit.Key)];

    private static string[] Fuse(string[] one, string[] other)
    {
        var scores = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (string[] ranking in (string[][])[one, other])
            foreach ((int rank, string id) in ranking.Index())
                scores[id] = scores.GetValueOrDefault(id) + (1 / (ReciprocalRank + rank + 1));
        return [.. scores.OrderByDescending(score => score.Value).Take(Depth).Select(score => score.Key)];
    }
}
