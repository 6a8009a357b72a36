using CsCheck;
using Unweave.Evaluation;

namespace Unweave.Tests.Evaluation;

/// <summary>
/// Expected values by Python, with trec_eval's formulas:
/// <code>
/// def dcg(g, k): return sum(x / math.log2(i + 2) for i, x in enumerate(g[:k]) if x > 0)
/// ideal = dcg(sorted(judged, reverse=True), k); relevant = sum(j > 0 for j in judged); hits = [r > 0 for r in ranked[:k]]
/// print(dcg(ranked, k) / ideal if ideal else 0, next((1 / (n + 1) for n, h in enumerate(hits) if h), 0),
///       sum(hits) / relevant if relevant else 0, sum(hits) / k)
/// </code>
/// </summary>
public sealed class RankingMeasuresTests
{
    [Theory]
    [InlineData("3 0 2 0 1", "1 2 3 3 0", 10, 0.6937418392, 1, 0.75, 0.3)]
    [InlineData("3 0 2 0 1", "1 2 3 3 0", 2, 0.6131471928, 1, 0.25, 0.5)]
    [InlineData("0 0 0 1 4", "4 1", 3, 0, 0, 0, 0)]
    [InlineData("0 0 0 1 4", "4 1", 5, 0.4271470077, 0.25, 1, 0.4)]
    [InlineData("-1 2 0", "2 -1 0 1", 3, 0.4796249331, 0.5, 0.5, 0.3333333333)]
    [InlineData("", "1", 5, 0, 0, 0, 0)]
    [InlineData("0 0", "0", 5, 0, 0, 0, 0)]
    [InlineData("1 1 1", "1 1 1", 3, 1, 1, 1, 1)]
    public void Measures_are_those_of_trec_eval(
        string ranking, string judgments, int k, double ndcg, double reciprocal, double recall, double precision)
    {
        int[] ranked = Numbers(ranking), judged = Numbers(judgments);
        Assert.Equal(ndcg, RankingMeasures.Ndcg(ranked, judged, k), 1e-9);
        Assert.Equal(reciprocal, RankingMeasures.ReciprocalRank(ranked, k), 1e-9);
        Assert.Equal(recall, RankingMeasures.Recall(ranked, judged, k), 1e-9);
        Assert.Equal(precision, RankingMeasures.Precision(ranked, k), 1e-9);
    }

    [Fact]
    public void No_order_is_better_than_by_grade() => Gen.Select(Gen.Int[-1, 4].Array[1, 12], Gen.Int[1, 15]).Sample((judged, k) =>
    {
        int[] best = [.. judged.OrderDescending()];
        double all = RankingMeasures.Ndcg(best, judged, k), given = RankingMeasures.Ndcg(judged, judged, k);
        Assert.Equal(judged.Any(grade => grade > 0) ? 1 : 0, all, 1e-12);
        Assert.InRange(given, 0, all + 1e-12);
    });

    [Fact]
    public void A_measure_of_nothing_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => RankingMeasures.Ndcg([1], [1], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => RankingMeasures.Precision([1], 0));
        Assert.Throws<InvalidOperationException>(() => new RankingTally().ToFigures());
    }

    [Fact]
    public void Figures_are_means_over_queries()
    {
        var judgments = new Dictionary<string, int>(StringComparer.Ordinal) { ["a"] = 3, ["b"] = 0, ["c"] = 1 };
        var tally = new RankingTally();
        tally.Add(["x", "a", "b"], judgments);
        tally.Add(["c", "a"], judgments);
        tally.Add([], judgments);
        RankingFigures figures = tally.ToFigures();
        int[] judged = [3, 0, 1];
        double[] each = [RankingMeasures.Ndcg([0, 3, 0], judged, 10), RankingMeasures.Ndcg([1, 3], judged, 10), 0];
        Assert.Equal(each, tally.Ndcg10);
        Assert.Equal(3, figures.Queries);
        Assert.Equal(each.Sum() / 3, figures.Ndcg10, 1e-12);
        Assert.Equal((0.5 + 1) / 3, figures.ReciprocalRank10, 1e-12);
        Assert.Equal((0.5 + 1) / 3, figures.Recall100, 1e-12);
        Assert.Equal((0.1 + 0.2) / 3, figures.Precision10, 1e-12);
        Assert.Throws<ArgumentException>(() => tally.Add(["a", "a"], judgments));
    }

    private static int[] Numbers(string text) => [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
}
