using CsCheck;
using Unweave.Numerics;

namespace Unweave.Tests.Numerics;

public sealed class DivergenceTests
{
    private static readonly double Ln2 = Math.Log(2);

    private static readonly Gen<double[]> Weights = Gen.OneOf(Gen.Double[0, 1], Gen.Const(0.0), Gen.Double[0, 1e-9]).Array[5].Where(x => x.Sum() > 0.1);

    // A distribution that differs little from p is as interesting as one that has nothing to do with it.
    private static readonly Gen<(double[] P, double[] Q, double[] R)> Triples =
        Gen.Select(Weights, Weights, Weights, Gen.OneOf(Gen.Const(1.0), Gen.Double[0, 1e-6])).Select((p, q, r, far) =>
            (Normalise(p), Normalise(Blend(p, q, far)), Normalise(Blend(p, r, far))));

    private static readonly Gen<Gaussian> Gaussians =
        Gen.Select(Gen.Double[-5, 5], Gen.Double[-6, 2]).Select((mean, log) => new Gaussian(mean, Math.Pow(10, log)));

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
        Assert.Equal((0.05 * Math.Log(0.05 / 0.2)) + (0.95 * Math.Log(0.95 / 0.8)), Divergence.Kl(new Bernoulli(0.05), new Bernoulli(0.2)), 1e-15);
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
        Assert.Contains("3 probabilities and q has 2", Assert.Throws<ArgumentException>(() => Divergence.Kl([0.5, 0.25, 0.25], [0.5, 0.5])).Message, StringComparison.Ordinal);
        Assert.Contains("p[1] is -0.5", Assert.Throws<ArgumentException>(() => Divergence.Kl([1.5, -0.5], [0.5, 0.5])).Message, StringComparison.Ordinal);
        Assert.Contains("q[0] is NaN", Assert.Throws<ArgumentException>(() => Divergence.Js([0.5, 0.5], [double.NaN, 0.5])).Message, StringComparison.Ordinal);
        Assert.Contains("q sums to 0.75", Assert.Throws<ArgumentException>(() => Divergence.Js([0.5, 0.5], [0.5, 0.25])).Message, StringComparison.Ordinal);
        Assert.Contains("p sums to 0", Assert.Throws<ArgumentException>(() => Divergence.Kl(ReadOnlySpan<double>.Empty, [])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Bernoulli(1.0000001));
        Assert.Throws<ArgumentException>(() => new Bernoulli(double.NaN));
        Assert.Throws<ArgumentException>(() => new Gaussian(0, 0));
        Assert.Throws<ArgumentException>(() => new Gaussian(double.NaN, 1));
    }

    [Fact]
    public void Sums_that_are_off_by_single_precision_are_normalised()
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

    [Fact]
    public void Gaussian_JS_agrees_with_numeric_integration_of_its_definition() =>
        Gen.Select(Gen.Double[-3, 3], Gen.Double[0.2, 3], Gen.Double[-3, 3], Gen.Double[0.2, 3]).Sample((m1, s1, m2, s2) =>
        {
            // Simpson's rule over ½·p·ln(p/m) + ½·q·ln(q/m), m = (p + q)/2, on a range that holds both.
            double Density(double x, double m, double s) => Math.Exp(-(x - m) * (x - m) / (2 * s * s)) / (s * Math.Sqrt(2 * Math.PI));
            double Half(double p, double m) => p == 0 ? 0 : p * Math.Log(p / m) / 2;
            double from = Math.Min(m1 - (12 * s1), m2 - (12 * s2)), to = Math.Max(m1 + (12 * s1), m2 + (12 * s2));
            double expected = Simpson(from, to, 20_000, x => (Density(x, m1, s1), Density(x, m2, s2)) is var (p, q) ? Half(p, (p + q) / 2) + Half(q, (p + q) / 2) : 0);
            Assert.Equal(expected, Divergence.Js(new Gaussian(m1, s1), new Gaussian(m2, s2)), 1e-9);
        }, iter: 50);

    [Fact]
    public void Terms_of_KL_have_signs_and_add_up_to_it()
    {
        Assert.Equal(0.5 * Math.Log(2), Divergence.KlTerm(0.5, 0.25), 1e-15);
        Assert.Equal(-0.25 * Math.Log(2), Divergence.KlTerm(0.25, 0.5), 1e-15);
        Assert.Equal(0.5, Divergence.KlTerm(0.5, 0.25, LogBase.Bits), 1e-15);
        Assert.Equal(0, Divergence.KlTerm(0, 0.5));
        Assert.Equal(0, Divergence.KlTerm(0, 0));
        Assert.Equal(double.PositiveInfinity, Divergence.KlTerm(0.5, 0));
        Assert.Throws<ArgumentException>(() => Divergence.KlTerm(-0.1, 0.5));
        Assert.Throws<ArgumentException>(() => Divergence.KlTerm(0.1, double.NaN));
        Triples.Sample(t => Assert.Equal(Divergence.Kl(t.P, t.Q), t.P.Zip(t.Q, (p, q) => Divergence.KlTerm(p, q)).Sum(), 1e-12));

        Gaussian wide = new(1, 2), narrow = new(2.5, 0.5);
        Assert.Equal(Divergence.Kl(wide, narrow), Simpson(-25, 27, 20_000, x => Divergence.KlTerm(wide, narrow, x)), 1e-10);
        Assert.Equal(Divergence.Kl(narrow, wide, LogBase.Bits), Simpson(-25, 27, 20_000, x => Divergence.KlTerm(narrow, wide, x, LogBase.Bits)), 1e-10);
        Assert.Equal(0, Divergence.KlTerm(narrow, wide, 1e6));
    }

    [Fact]
    public void Densities_and_masses_of_Gaussians_agree_with_the_error_function()
    {
        // from math import *; s = sqrt(20); pdf = lambda x: exp(-((x - 40) / s) ** 2 / 2) / (s * sqrt(2 * pi))
        // pdf(40), pdf(50), -(360 / s) ** 2 / 2 - log(s * sqrt(2 * pi)), erf(5 / s / sqrt(2)), erfc(40 / s / sqrt(2)) / 2
        var g = new Gaussian(40, Math.Sqrt(20));
        Assert.Equal(0.08920620580763855, g.Density(40), 1e-15);
        Assert.Equal(0.007322491280963241, g.Density(50), 1e-16);
        Assert.Equal(-3242.4168046699806, g.LogDensity(400), 1e-11);
        Assert.Equal(0.7364475227170273, g.Mass(35, 45), 1e-14);
        Assert.Equal(0.5, g.Mass(double.NegativeInfinity, 40), 1e-14);
        Assert.Equal(1, g.Mass(double.NegativeInfinity, double.PositiveInfinity), 1e-14);
        Assert.Equal(1, g.Mass(80, double.PositiveInfinity) / 1.8720486921014617e-19, 1e-9);
        Assert.Equal(0, g.Mass(45, 45));
        Assert.Equal(0, g.Mass(2000, 3000));
        Assert.Throws<ArgumentException>(() => g.Mass(45, 44));
        Assert.Throws<ArgumentException>(() => g.Mass(double.NaN, 44));
        Gen.Select(Gaussians, Gen.Double[-10, 10], Gen.Double[0, 5], Gen.Double[0, 5]).Sample((h, a, b, c) => Assert.Equal(h.Mass(a, a + b + c), h.Mass(a, a + b) + h.Mass(a + b, a + b + c), 1e-13));
    }

    [Fact]
    public void Cutting_the_line_into_bins_loses_divergence_and_finer_bins_lose_less()
    {
        Gaussian p = new(40, Math.Sqrt(20)), q = new(46, Math.Sqrt(30));
        double[] Bins(Gaussian of, double width) => [.. Enumerable.Range(0, (int)(200 / width)).Select(i => of.Mass(-50 + (i * width), -50 + ((i + 1) * width)))];
        double exact = Divergence.Kl(p, q), js = Divergence.Js(p, q), before = 0, jsBefore = 0;
        foreach (double width in new[] { 20, 10, 5, 2.5, 1.25, 0.625 })
        {
            double sum = Divergence.Kl(Bins(p, width), Bins(q, width)), jsSum = Divergence.Js(Bins(p, width), Bins(q, width));
            Assert.InRange(sum, before, exact);
            Assert.InRange(jsSum, jsBefore, js);
            (before, jsBefore) = (sum, jsSum);
        }

        Assert.Equal(exact, before, 0.002 * exact);
        Assert.Equal(js, jsBefore, 0.002 * js);
    }

    [Theory]
    // import mpmath as mp; mp.mp.dps = 40
    // n = lambda x, m, s: mp.exp(-((x - m) / s) ** 2 / 2) / (s * mp.sqrt(2 * mp.pi))
    // f = lambda x: with a, b = n(x, m1, s1), n(x, m2, s2): (a * log(2 a / (a + b)) + b * log(2 b / (a + b))) / 2
    // mp.quad(f, sorted({m + s * k for (m, s) in both for k in range(-14, 15)}))
    [InlineData(0, 1, 1, 1, 0.11142148218473617972)]
    [InlineData(0, 1, 0, 2, 0.092733381666412534221)]
    [InlineData(-1.5, 0.3, 2, 1.7, 0.59962811806941071452)]
    [InlineData(0, 1, 6, 1, 0.68929793302907776672)]
    [InlineData(0, 1, 3, 0.001, 0.69296264821889179127)]
    [InlineData(0, 1, 0.5, 1e-6, 0.69312787365245469632)]
    [InlineData(1000, 0.01, 1000.001, 0.011, 0.0033680683241193326877)]
    [InlineData(0, 1, 1e-6, 1, 1.24999999999984375e-13)]
    [InlineData(0, 1, 20, 0.5, 0.69314718055994530942)]
    public void Gaussian_JS_agrees_with_integration_in_40_digits(double m1, double s1, double m2, double s2, double expected)
    {
        Assert.Equal(expected, Divergence.Js(new Gaussian(m1, s1), new Gaussian(m2, s2)), 1e-12);
        Assert.Equal(expected, Divergence.Js(new Gaussian(m2, s2), new Gaussian(m1, s1)), 1e-12);
        Assert.Equal(expected / Ln2, Divergence.Js(new Gaussian(m1, s1), new Gaussian(m2, s2), LogBase.Bits), 1e-12);
    }

    [Theory]
    [InlineData(0, 1, 1e300, 1)]
    [InlineData(0, 1, 0.1, 1e-300)]
    [InlineData(0, 1e-300, 1, 1e300)]
    [InlineData(-1e308, 1, 1e308, 1)]
    [InlineData(0, 1e-12, 1e-3, 1e-12)]
    [InlineData(5, double.Epsilon, -5, double.Epsilon)]
    public void Gaussians_with_nothing_in_common_are_one_bit_apart(double m1, double s1, double m2, double s2) =>
        Assert.Equal(1, Divergence.Js(new Gaussian(m1, s1), new Gaussian(m2, s2), LogBase.Bits), 1e-12);

    [Fact]
    public void Gaussian_JS_is_symmetric_bounded_and_the_square_of_a_metric() => Gen.Select(Gaussians, Gaussians, Gaussians).Sample((p, q, r) =>
    {
        double pq = Divergence.Js(p, q), qr = Divergence.Js(q, r), pr = Divergence.Js(p, r);
        Assert.Equal(pq, Divergence.Js(q, p), 1e-12);
        Assert.InRange(pq, 0, Ln2);
        Assert.True(Math.Sqrt(pr) <= Math.Sqrt(pq) + Math.Sqrt(qr) + 1e-6);
    }, iter: 200);

    [Fact]
    public void Divergences_fall_as_Gaussians_come_to_overlap()
    {
        double kl = double.PositiveInfinity, js = double.PositiveInfinity;
        for (double distance = 8; distance >= 0; distance -= 0.25)
        {
            Gaussian p = new(0, 1), q = new(distance, 1.5);
            Assert.True(Divergence.Kl(p, q) < kl && Divergence.Js(p, q) < js, $"at a distance of {distance}");
            (kl, js) = (Divergence.Kl(p, q), Divergence.Js(p, q));
        }
    }

    [Fact]
    public void Composite_quadrature_is_exact_for_polynomials_of_degree_31()
    {
        Assert.Equal(1.0 / 32, GaussLegendre.Integrate(x => Math.Pow(x, 31), [0.0, 1.0]), 1e-15);
        Assert.Equal(1.0 / 32, GaussLegendre.Integrate(x => Math.Pow(x, 31), [0.0, 0.25, 0.25, 1.0]), 1e-15);
        Assert.Equal(2.0 / 31, GaussLegendre.Integrate(x => Math.Pow(x, 30), [-1.0, 1.0]), 1e-15);
    }

    /// <summary>Simpson's rule: independent of the library's quadrature.</summary>
    private static double Simpson(double from, double to, int steps, Func<double, double> f)
    {
        double step = (to - from) / steps, sum = 0;
        for (int i = 0; i <= steps; i++) sum += f(from + (i * step)) * (i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2);
        return sum * step / 3;
    }

    private static double[] Normalise(double[] x)
    {
        double sum = x.Sum();
        return [.. x.Select(value => value / sum)];
    }

    private static double[] Blend(double[] p, double[] q, double far) => [.. p.Select((value, i) => ((1 - far) * value) + (far * q[i]))];
}
