namespace Unweave.Evaluation;

/// <summary>The mean of each measure over the queries of a judged collection; a query without a relevant document counts as 0.</summary>
/// <param name="Queries">Number of queries.</param>
/// <param name="Ndcg10">Normalized discounted cumulative gain of the first 10.</param>
/// <param name="ReciprocalRank10">One over the rank of the first relevant document among the first 10, 0 without (MRR@10).</param>
/// <param name="Recall100">The share of relevant documents among the first 100.</param>
/// <param name="Precision10">The share of the first 10 that is relevant.</param>
public sealed record RankingFigures(int Queries, double Ndcg10, double ReciprocalRank10, double Recall100, double Precision10);

/// <summary>Gathers what rankings of a judged collection are worth, a query at a time.</summary>
public sealed class RankingTally
{
    private readonly List<double> ndcg = [];
    private double reciprocal, recall, precision;

    /// <summary>nDCG@10 of each query, in the order added: two ways of ranking are compared query by query.</summary>
    public IReadOnlyList<double> Ndcg10 => ndcg;

    /// <summary>Adds a query.</summary>
    /// <param name="ranking">The documents found, best first, each once.</param>
    /// <param name="judgments">Grades by document.</param>
    /// <exception cref="ArgumentException">A document is in the ranking twice.</exception>
    public void Add(IReadOnlyList<string> ranking, IReadOnlyDictionary<string, int> judgments)
    {
        ArgumentNullException.ThrowIfNull(ranking);
        ArgumentNullException.ThrowIfNull(judgments);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        int[] ranked = new int[ranking.Count];
        for (int i = 0; i < ranked.Length; i++)
        {
            if (!seen.Add(ranking[i])) throw new ArgumentException($"'{ranking[i]}' is in the ranking twice.", nameof(ranking));
            ranked[i] = judgments.GetValueOrDefault(ranking[i]);
        }

        int[] judged = [.. judgments.Values];
        ndcg.Add(RankingMeasures.Ndcg(ranked, judged, 10));
        reciprocal += RankingMeasures.ReciprocalRank(ranked, 10);
        recall += RankingMeasures.Recall(ranked, judged, 100);
        precision += RankingMeasures.Precision(ranked, 10);
    }

    /// <summary>The means so far.</summary>
    /// <exception cref="InvalidOperationException">No query was added.</exception>
    public RankingFigures ToFigures()
    {
        int queries = ndcg.Count;
        if (queries == 0) throw new InvalidOperationException("No query was added, so there is no mean.");
        return new RankingFigures(queries, ndcg.Sum() / queries, reciprocal / queries, recall / queries, precision / queries);
    }
}
