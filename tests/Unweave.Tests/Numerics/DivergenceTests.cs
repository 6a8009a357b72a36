using CsCheck;
using Unweave.Numerics;

namespace Unweave.Tests.Numerics;

public sealed class DivergenceTests
{
    private static readonly double Ln2 = Math.Log(2);

    private static readonly Gen<double[]> Weights = Gen.OneOf(Gen.Double[0, 1], Gen.Const(0.0), Gen.Double[0, 1e-9]).Array[5]
        .Where(x => x.Sum() > 0.1);

    // A distribution that differs little from p is as interesting as one that has nothing to do with it.
    private static readonly Gen<(double[] P, double[] Q, double[] R)> Triples =
        Gen.Select(Weights, Weights, Weights, Gen.OneOf(Gen.Const(1.0), Gen.Double[0, 1e-6])).Select((p, q, r, far) =>
            (Normalize(p), Normalize(Blend(p, q, far)), Normalize(Blend(p, r, far))));

    [Fact]
    public void L1_norm_is_the_sum_of_magnitudes()
    {
        Assert.Equal(6.5, Norms.L1([1f, -2f, 0f, 3.5f]));
        Assert.Equal(6.5, Norms.L1([1.0, -2.0, 0.0, 3.5]));
        Assert.Equal(0, Norms.L1(ReadOnlySpan<float>.Empty));
        Assert.Equal(double.NaN, Norms.L1([1f, float.NaN]));
        Assert.Equal(5, Norms.L2([3f, -4f]));
        // In single precision the sum would stop growing at 2^24.
        Assert.Equal(20_000_000, Norms.L1(Enumerable.Repeat(1f, 20_000_000).ToArray()));
    }

    [Fact]
    public void Discrete_values_agree_with_scipy()
    {
        // from scipy.special import rel_entr; from scipy.spatial.distance import jensenshannon; import numpy as np
        // p = np.array([.1, .2, .3, .4]); q = p[::-1]
        // rel_entr(p, q).sum(), rel_entr(p, q).sum() / np.log(2), jensenshannon(p, q) ** 2, jensenshannon(p, q, base=2) ** 2
        double[] p = [0.1, 0.2, 0.3, 0.4], q = [0.4, 0.3, 0.2, 0.1];
        Assert.Equal(0.4564348191467835, Divergence.Kl(p, q), 1e-15);
        Assert.Equal(0.6584962500721155, Divergence.Kl(p, q, LogBase.Bits), 1e-15);
        Assert.Equal(0.1064401352862232, Divergence.Js(p, q), 1e-15);
        Assert.Equal(0.15356065532898458, Divergence.Js(p, q, LogBase.Bits), 1e-15);

        // p = np.array([.5, .5, 0, 0]); q = np.full(4, .25)
        double[] half = [0.5, 0.5, 0, 0], uniform = [0.25, 0.25, 0.25, 0.25];
        Assert.Equal(Ln2, Divergence.Kl(half, uniform), 1e-15);
        Assert.Equal(1, Divergence.Kl(half, uniform, LogBase.Bits), 1e-15);
        Assert.Equal(double.PositiveInfinity, Divergence.Kl(uniform, half));
        Assert.Equal(0.21576155433883562, Divergence.Js(half, uniform), 1e-15);
    }

    [Fact]
    public void Bernoulli_values_agree_with_hand_computation_and_with_the_discrete_form()
    {
        Assert.Equal(0, Divergence.Kl(new Bernoulli(0), new Bernoulli(0)));
        Assert.Equal(0, Divergence.Kl(new Bernoulli(1), new Bernoulli(1)));
        Assert.Equal(Ln2, Divergence.Kl(new Bernoulli(1), new Bernoulli(0.5)), 1e-15);
        Assert.Equal(1, Divergence.Kl(new Bernoulli(0), new Bernoulli(0.5), LogBase.Bits), 1e-15);
        Assert.Equal(double.PositiveInfinity, Divergence.Kl(new Bernoulli(0.5), new Bernoulli(1)));
        Assert.Equal(double.PositiveInfinity, Divergence.Kl(new Bernoulli(0.5), new Bernoulli(0)));
        Assert.Equal((0.05 * Math.Log(0.05 / 0.2)) + (0.95 * Math.Log(0.95 / 0.8)),
            Divergence.Kl(new Bernoulli(0.05), new Bernoulli(0.2)), 1e-15);
        Assert.Equal(1, Divergence.Js(new Bernoulli(0), new Bernoulli(1), LogBase.Bits), 1e-15);
        Gen.Select(Gen.Double[0, 1], Gen.Double[0, 1]).Sample((p, q) =>
        {
            Assert.Equal(Divergence.Kl([p, 1 - p], [q, 1 - q]), Divergence.Kl(new Bernoulli(p), new Bernoulli(q)), 1e-13);
            Assert.Equal(Divergence.Js([p, 1 - p], [q, 1 - q]), Divergence.Js(new Bernoulli(p), new Bernoulli(q)), 1e-13);
        });
    }

    [Fact]
    public void Near_equal_distributions_keep_their_relative_precision()
    {
        // To leading order KL = ½ Σ δ²/p; the naive Σ p·ln(p/q) gives rounding noise of 1e-17 here, of either sign.
        const double delta = 1e-10;
        Assert.Equal(2 * delta * delta, Divergence.Kl([0.5 + delta, 0.5 - delta], [0.5, 0.5]), 1e-6 * delta * delta);
        Assert.Equal(delta * delta / 2, Divergence.Js([0.5 + delta, 0.5 - delta], [0.5, 0.5]), 1e-6 * delta * delta);
        Assert.Equal(delta * delta, Divergence.Kl(new Gaussian(3, 1 + delta), new Gaussian(3, 1)), 1e-6 * delta * delta);
    }

    [Fact]
    public void Discrete_KL_is_Shannons_and_never_negative() => Triples.Sample(t =>
    {
        double kl = Divergence.Kl(t.P, t.Q), naive = 0;
        for (int i = 0; i < t.P.Length; i++) naive += t.P[i] == 0 ? 0 : t.P[i] * Math.Log(t.P[i] / t.Q[i]);
        Assert.True(kl >= 0);
        if (double.IsFinite(naive)) Assert.Equal(naive, kl, 1e-12);
        else Assert.Equal(double.PositiveInfinity, kl);
        Assert.Equal(0, Divergence.Kl(t.P, t.P));
    });

    [Fact]
    public void Discrete_JS_is_symmetric_bounded_and_the_square_of_a_metric() => Triples.Sample(t =>
    {
        double pq = Divergence.Js(t.P, t.Q), qr = Divergence.Js(t.Q, t.R), pr = Divergence.Js(t.P, t.R);
        Assert.Equal(pq, Divergence.Js(t.Q, t.P));
        Assert.InRange(pq, 0, Ln2);
        Assert.Equal(pq / Ln2, Divergence.Js(t.P, t.Q, LogBase.Bits), 1e-15);
        Assert.True(Math.Sqrt(pr) <= (Math.Sqrt(pq) + Math.Sqrt(qr)) * (1 + 1e-9) + 1e-12);
    });

    [Fact]
    public void Disjoint_distributions_are_one_bit_apart()
    {
        Assert.Equal(1, Divergence.Js([0.3, 0.7, 0, 0], [0, 0, 0.6, 0.4], LogBase.Bits), 1e-15);
        Assert.Equal(Ln2, Divergence.Js([1, double.Epsilon, 0], [0, 0, 1]), 1e-15);
    }

    [Fact]
    public void Distributions_that_are_none_are_refused()
    {
        Assert.Contains("3 probabilities and q has 2",
            Assert.Throws<ArgumentException>(() => Divergence.Kl([0.5, 0.25, 0.25], [0.5, 0.5])).Message, StringComparison.Ordinal);
        Assert.Contains("p[1] is -0.5", Assert.Throws<ArgumentException>(() => Divergence.Kl([1.5, -0.5], [0.5, 0.5])).Message,
            StringComparison.Ordinal);
        Assert.Contains("q[0] is NaN", Assert.Throws<ArgumentException>(() => Divergence.Js([0.5, 0.5], [double.NaN, 0.5])).Message,
            StringComparison.Ordinal);
        Assert.Contains("q sums to 0.75", Assert.Throws<ArgumentException>(() => Divergence.Js([0.5, 0.5], [0.5, 0.25])).Message,
            StringComparison.Ordinal);
        Assert.Contains("p sums to 0", Assert.Throws<ArgumentException>(() => Divergence.Kl(ReadOnlySpan<double>.Empty, [])).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Bernoulli(1.0000001));
        Assert.Throws<ArgumentException>(() => new Bernoulli(double.NaN));
        Assert.Throws<ArgumentException>(() => new Gaussian(0, 0));
        Assert.Throws<ArgumentException>(() => new Gaussian(double.NaN, 1));
    }

    [Fact]
    public void Sums_that_are_off_by_single_precision_are_normalized()
    {
        double[] p = [0.25, 0.75], scaled = [.. p.Select(x => x * (1 + 9e-6))];
        Assert.Equal(Divergence.Kl(p, [0.5, 0.5]), Divergence.Kl(scaled, [0.5, 0.5]), 1e-15);
        Assert.True(Divergence.Kl(scaled, p) < 1e-30);
    }

    [Fact]
    public void Gaussian_KL_agrees_with_hand_computation()
    {
        Assert.Equal(0, Divergence.Kl(new Gaussian(3, 2), new Gaussian(3, 2)));
        Assert.Equal(0.5, Divergence.Kl(new Gaussian(0, 1), new Gaussian(1, 1)), 1e-15);
        Assert.Equal(0.5 / Ln2, Divergence.Kl(new Gaussian(0, 1), new Gaussian(-1, 1), LogBase.Bits), 1e-15);
        Assert.Equal(Ln2 + 0.125 - 0.5, Divergence.Kl(new Gaussian(0, 1), new Gaussian(0, 2)), 1e-15);
        Assert.Equal(-Ln2 + 2 - 0.5, Divergence.Kl(new Gaussian(0, 2), new Gaussian(0, 1)), 1e-15);
    }

    [Fact]
    public void Gaussian_KL_agrees_with_numeric_integration() =>
        Gen.Select(Gen.Double[-3, 3], Gen.Double[0.2, 3], Gen.Double[-3, 3], Gen.Double[0.2, 3]).Sample((m1, s1, m2, s2) =>
        {
            // Simpson's rule, independent of the library's quadrature, over ∫ p·ln(p/q).
            double LogDensity(double x, double m, double s) => (-(x - m) * (x - m) / (2 * s * s)) - Math.Log(s * Math.Sqrt(2 * Math.PI));
            const int n = 4000;
            double from = m1 - (12 * s1), step = 24 * s1 / n, sum = 0;
            for (int i = 0; i <= n; i++)
            {
                double x = from + (i * step), log = LogDensity(x, m1, s1);
                sum += Math.Exp(log) * (log - LogDensity(x, m2, s2)) * (i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2);
            }

            double expected = sum * step / 3;
            Assert.Equal(expected, Divergence.Kl(new Gaussian(m1, s1), new Gaussian(m2, s2)), 1e-10 * (1 + expected));
        }, iter: 100);

    private static double[] Normalize(double[] x)
    {
        double sum = x.Sum();
        return [.. x.Select(value => value / sum)];
    }

    private static double[] Blend(double[] p, double[] q, double far) => [.. p.Select((value, i) => ((1 - far) * value) + (far * q[i]))];
}
