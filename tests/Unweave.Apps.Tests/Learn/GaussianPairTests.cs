using CsCheck;
using Unweave.Learn.Numerics;
using Unweave.Numerics;
using Unweave.Learn.Divergences;

namespace Unweave.Apps.Tests.Learn;

/// <summary>What the chapter on KL says of two distributions is true of them.</summary>
public sealed class GaussianPairTests
{
    private static readonly Gen<GaussianPair> Pairs = Gen.Select(Gen.Int[40, 160], Gen.Int[1, 60], Gen.Int[40, 160], Gen.Int[1, 60])
        .Select((mp, vp, mq, vq) => new GaussianPair(mp / 2.0, vp, mq / 2.0, vq));

    [Fact]
    public void It_opens_at_no_divergence()
    {
        var pair = new GaussianPair(40, 20, 40, 20);
        Assert.Equal(new Divergences3(0, 0, 0), pair.Exact);
        Assert.Equal(1, pair.Overlap, 1e-13);
        Assert.Equal(new Divergences3(0, 0, 0), pair.Binned(1));
    }

    [Fact]
    public void Values_computed_by_hand()
    {
        // (45 − 40)²/(2·20) = 0.625, both ways.
        var apart = new GaussianPair(40, 20, 45, 20);
        Assert.Equal(0.625, apart.Exact.PToQ, 1e-14);
        Assert.Equal(0.625, apart.Exact.QToP, 1e-14);

        // ln ½ + 4·… : σ² 40 and 10 at the same mean: KL(p‖q) = ln(1/2) + 40/20 − ½, KL(q‖p) = ln 2 + 10/80 − ½.
        var wide = new GaussianPair(50, 40, 50, 10);
        Assert.Equal(1.5 - Math.Log(2), wide.Exact.PToQ, 1e-14);
        Assert.Equal(Math.Log(2) + 0.125 - 0.5, wide.Exact.QToP, 1e-14);
    }

    [Fact]
    public void The_wider_one_is_farther_from_the_narrower_than_back() => Pairs.Sample(pair =>
    {
        double wider = pair.P.StandardDeviation - pair.Q.StandardDeviation;
        if (wider == 0)
        {
            Assert.Equal(pair.Exact.PToQ, pair.Exact.QToP, 1e-9 * (1 + pair.Exact.PToQ));
            Assert.Contains("same", pair.Asymmetry, StringComparison.Ordinal);
            return;
        }

        Assert.Equal(wider > 0, pair.Exact.PToQ > pair.Exact.QToP);
        Assert.StartsWith(wider > 0 ? "KL(p‖q) is" : "KL(q‖p) is", pair.Asymmetry, StringComparison.Ordinal);
    });

    [Fact]
    public void Areas_above_and_below_zero_are_those_of_the_integrand() => Pairs.Sample(pair =>
    {
        (double above, double below) = pair.Areas(Way.QToP);
        Assert.Equal(pair.Exact.QToP, above - below, 1e-9);
        double summed = 0;
        const double step = 0.01;
        for (double x = -60; x < 160; x += step) summed += Math.Max(0, pair.Term(Way.QToP, x)) * step;
        Assert.Equal(summed, above, 1e-3 * (1 + summed));
    }, iter: 20);

    [Fact]
    public void The_overlap_is_the_area_under_both() => Pairs.Sample(pair =>
    {
        double summed = 0;
        const double step = 0.01;
        for (double x = -60; x < 160; x += step) summed += Math.Min(pair.P.Density(x), pair.Q.Density(x)) * step;
        Assert.Equal(summed, pair.Overlap, 1e-3);
    }, iter: 20);

    [Fact]
    public void Sums_over_bins_are_never_above_the_exact_values_and_say_what_they_lose() => Pairs.Sample(pair =>
    {
        foreach (double width in new[] { 1.0, 5, 20 })
        {
            Divergences3 binned = pair.Binned(width);
            string words = pair.BinWords(binned);
            if (double.IsInfinity(binned.PToQ) || double.IsInfinity(binned.QToP))
            {
                // Only where a mass is too small for a double.
                Assert.True(Math.Max(Farthest(pair.P, pair.Q, width), Farthest(pair.Q, pair.P, width)) > 37);
                Assert.Contains("∞", words, StringComparison.Ordinal);
            }
            else
            {
                Assert.True(binned.PToQ <= pair.Exact.PToQ * (1 + 1e-9) + 1e-12, $"{binned.PToQ} > {pair.Exact.PToQ}");
                Assert.True(binned.Js <= pair.Exact.Js + 1e-12);
                Assert.DoesNotContain("∞", words, StringComparison.Ordinal);
            }
        }
    }, iter: 300);

    // Standard deviations from q's mean to the nearest point of a bin that p has a mass in and q has none; 0 when there is no such bin.
    private static double Farthest(Gaussian p, Gaussian q, double width)
    {
        double[] here = GaussianPair.Bins(p, width), none = GaussianPair.Bins(q, width);
        double Apart(int bin)
        {
            double from = bin == 0 ? double.NegativeInfinity : GaussianPair.First + ((bin - 1) * width);
            double to = bin == here.Length - 1 ? double.PositiveInfinity : GaussianPair.First + (bin * width);
            return Math.Abs(q.Mean - Math.Clamp(q.Mean, from, to)) / q.StandardDeviation;
        }

        return Enumerable.Range(0, here.Length).Where(bin => here[bin] > 0 && none[bin] == 0).Select(Apart).DefaultIfEmpty().Min();
    }

    [Fact]
    public void Curves_are_short_enough_to_be_sent_at_each_step() => Pairs.Sample(pair =>
    {
        double[] places = pair.Places(0, 100);
        Assert.InRange(places.Length, 50, 200);
        Assert.Equal(places.Order(), places);
    });

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.625, "0.6250")]
    [InlineData(double.PositiveInfinity, "∞")]
    [InlineData(12.34567, "12.346")]
    [InlineData(1834.56, "1,834.6")]
    [InlineData(0.0000123, "1.23e-5")]
    public void Divergences_are_written_with_digits_enough(double value, string written) => Assert.Equal(written, Written.Format(value));

    [Fact]
    public void Shares_add_up_to_one_and_leave_room_as_they_had_it()
    {
        var shares = new OutcomeShares(1, 1, 2, 0);
        shares.Set(0, 0.5);
        Assert.Equal([0.5, 1 / 6.0, 1 / 3.0, 0], shares.Values, (a, b) => Math.Abs(a - b) < 1e-15);
        shares.Set(2, 0);
        Assert.Equal([0.75, 0.25, 0, 0], shares.Values, (a, b) => Math.Abs(a - b) < 1e-15);
        shares.Set(1, 0);
        Assert.Equal([1, 0, 0, 0], shares.Values);
        shares.Set(0, 0.3);
        shares.Set(0, 0);
        Assert.Equal([1, 0, 0, 0], shares.Values);
        shares.Set(3, 7);
        Assert.Equal([1 - OutcomeShares.Most, 0, 0, OutcomeShares.Most], shares.Values, (a, b) => Math.Abs(a - b) < 1e-15);

        Gen.Select(Gen.Int[0, 7], Gen.Double[-0.5, 1.5]).Array[1, 60].Sample(moves =>
        {
            var moved = new OutcomeShares(2, 4, 7, 9, 7, 4, 2, 1);
            foreach ((int outcome, double share) in moves) moved.Set(outcome, share);
            Assert.Equal(1, moved.Values.Sum(), 1e-12);
            Assert.All(moved.Values, value => Assert.InRange(value, 0, 1));
            Assert.Equal(0, Divergence.Kl(moved.Span, moved.Span));
        }, iter: 200);
    }

    [Fact]
    public void Terms_of_KL_have_signs_and_add_up_to_it()
    {
        Assert.Equal(0.5 * Math.Log(2), OutcomeShares.KlTerm(0.5, 0.25), 1e-15);
        Assert.Equal(-0.25 * Math.Log(2), OutcomeShares.KlTerm(0.25, 0.5), 1e-15);
        Assert.Equal(0, OutcomeShares.KlTerm(0, 0.5));
        Assert.Equal(0, OutcomeShares.KlTerm(0, 0));
        Assert.Equal(double.PositiveInfinity, OutcomeShares.KlTerm(0.5, 0));
        Gen<OutcomeShares> all = Gen.OneOf(Gen.Double[0.001, 1], Gen.Const(0.0)).Array[5].Where(weights => weights.Sum() > 0.1)
            .Select(weights => new OutcomeShares(weights));
        Gen.Select(all, all)
            .Sample((p, q) => Assert.Equal(Divergence.Kl(p.Span, q.Span), p.Values.Zip(q.Values, OutcomeShares.KlTerm).Sum(), 1e-12));
    }
}
