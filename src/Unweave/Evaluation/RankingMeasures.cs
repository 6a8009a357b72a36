namespace Unweave.Evaluation;

/// <summary>How well a ranking answers a query, from 0 to 1, by trec_eval's conventions.</summary>
/// <remarks>
/// A ranking is given as the grades of its documents, best first, with 0 for documents that nobody judged; a document is relevant if its
/// grade is above 0. A ranking shorter than k is treated as one whose rest is not relevant. Where a query has no relevant document, every
/// measure is 0.
/// </remarks>
public static class RankingMeasures
{
    /// <summary>
    /// Normalized discounted cumulative gain: the grades of the first k, each divided by log₂(1 + rank), over those of the best ranking
    /// that the judgments allow. The gain is the grade itself, as in trec_eval's <c>ndcg_cut</c> and BEIR, not 2^grade − 1.
    /// </summary>
    /// <param name="ranked">Grades of the documents found, best first.</param>
    /// <param name="judged">Grades of all documents judged for the query, in any order.</param>
    /// <param name="k">How many count; at least 1.</param>
    public static double Ndcg(ReadOnlySpan<int> ranked, ReadOnlySpan<int> judged, int k)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        int[] best = judged.ToArray();
        best.AsSpan().Sort((a, b) => b.CompareTo(a));
        double ideal = Gain(best, k);
        return ideal == 0 ? 0 : Gain(ranked, k) / ideal;
    }

    /// <summary>One over the rank of the first relevant document; 0 if it is not among the first k.</summary>
    /// <param name="ranked">Grades of the documents found, best first.</param>
    /// <param name="k">How many count; at least 1.</param>
    public static double ReciprocalRank(ReadOnlySpan<int> ranked, int k = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        for (int i = 0; i < Math.Min(k, ranked.Length); i++)
            if (ranked[i] > 0) return 1.0 / (i + 1);
        return 0;
    }

    /// <summary>The share of all relevant documents that is among the first k.</summary>
    /// <param name="ranked">Grades of the documents found, best first.</param>
    /// <param name="judged">Grades of all documents judged for the query, in any order.</param>
    /// <param name="k">How many count; at least 1.</param>
    public static double Recall(ReadOnlySpan<int> ranked, ReadOnlySpan<int> judged, int k)
    {
        int relevant = Relevant(judged, int.MaxValue);
        return relevant == 0 ? 0 : (double)Relevant(ranked, k) / relevant;
    }

    /// <summary>The share of the first k that is relevant; places beyond the end of the ranking are not.</summary>
    /// <param name="ranked">Grades of the documents found, best first.</param>
    /// <param name="k">How many count; at least 1.</param>
    public static double Precision(ReadOnlySpan<int> ranked, int k) => (double)Relevant(ranked, k) / k;

    private static int Relevant(ReadOnlySpan<int> grades, int k)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        int count = 0;
        for (int i = 0; i < Math.Min(k, grades.Length); i++)
            if (grades[i] > 0) count++;
        return count;
    }

    private static double Gain(ReadOnlySpan<int> grades, int k)
    {
        double sum = 0;
        for (int i = 0; i < Math.Min(k, grades.Length); i++)
            if (grades[i] > 0) sum += grades[i] / Math.Log2(i + 2);
        return sum;
    }
}
