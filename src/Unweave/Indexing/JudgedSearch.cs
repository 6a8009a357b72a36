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
public sealed record JudgedRanking(string Name, RankingFigures Figures, IReadOnlyList<double> Ndcg10);

/// <summary>Ranks a judged collection by an index in several ways, and by its vectors themselves.</summary>
public static class JudgedSearch
{
    /// <summary>How many documents each ranking has at most.</summary>
    public const int Depth = 100;

    private const double ReciprocalRank = 60;

    /// <summary>
    /// Answers all queries by <c>dense</c> (the vectors themselves, exactly), <c>words</c> (BM25), <c>codes</c> (codes alone, rescored),
    /// <c>codes, re-ranked</c> (the best of these by what the index keeps of the vectors; left out where it keeps nothing), <c>hybrid</c>
    /// (those and words, as a search of text does), and <c>dense and words</c> (exact vectors and words, their ranks fused alike).
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
            Add("hybrid", Keys(index.Search(sought with { Words = asked.Text })));
            Add("dense and words", Fuse(dense, words));

            void Add(string name, string[] ranking)
            {
                RankingTally? tally = tallies.Find(each => string.Equals(each.Name, name, StringComparison.Ordinal)).Tally;
                if (tally is null) tallies.Add((name, tally = new RankingTally()));
                tally.Add(ranking, folder.Judgments[asked.Id]);
            }
        }

        return [.. tallies.Select(each => new JudgedRanking(each.Name, each.Tally.ToFigures(), each.Tally.Ndcg10))];
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
