using CsCheck;
using Unweave.Learn.Numerics;
using Unweave.Numerics;

namespace Unweave.Apps.Tests.Learn.Numerics;

public sealed class GaussianDensityTests
{
    private static readonly double Ln2 = Math.Log(2);

    private static readonly Gen<Gaussian> Gaussians =
        Gen.Select(Gen.Double[-5, 5], Gen.Double[-6, 2]).Select((mean, log) => new Gaussian(mean, Math.Pow(10, log)));

    [Fact]
    public void Gaussian_JS_agrees_with_numeric_integration_of_its_definition() =>
        Gen.Select(Gen.Double[-3, 3], Gen.Double[0.2, 3], Gen.Double[-3, 3], Gen.Double[0.2, 3]).Sample((m1, s1, m2, s2) =>
        {
            // Simpson's rule over ½·p·ln(p/m) + ½·q·ln(q/m), m = (p + q)/2, on a range that holds both.
            double Density(double x, double m, double s) => Math.Exp(-(x - m) * (x - m) / (2 * s * s)) / (s * Math.Sqrt(2 * Math.PI));
            double Half(double p, double m) => p == 0 ? 0 : p * Math.Log(p / m) / 2;
            double from = Math.Min(m1 - (12 * s1), m2 - (12 * s2)), to = Math.Max(m1 + (12 * s1), m2 + (12 * s2));
            double expected =
                Simpson(from, to, 20_000, x =>
                (Density(x, m1, s1), Density(x, m2, s2)) is var (p, q) ? Half(p, (p + q) / 2) + Half(q, (p + q) / 2) : 0);
            Assert.Equal(expected, GaussianDensity.Js(new Gaussian(m1, s1), new Gaussian(m2, s2)), 1e-9);
        }, iter: 50);

    [Fact]
    public void The_integral_of_the_terms_of_KL_is_KL()
    {
        Gaussian wide = new(1, 2), narrow = new(2.5, 0.5);
        Assert.Equal(Divergence.Kl(wide, narrow), Simpson(-25, 27, 20_000, x => GaussianDensity.KlTerm(wide, narrow, x)), 1e-10);
        Assert.Equal(Divergence.Kl(narrow, wide, LogBase.Bits),
            Simpson(-25, 27, 20_000, x => GaussianDensity.KlTerm(narrow, wide, x) / Ln2), 1e-10);
        Assert.Equal(0, GaussianDensity.KlTerm(narrow, wide, 1e6));
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
        Gen.Select(Gaussians, Gen.Double[-10, 10], Gen.Double[0, 5], Gen.Double[0, 5])
            .Sample((h, a, b, c) => Assert.Equal(h.Mass(a, a + b + c), h.Mass(a, a + b) + h.Mass(a + b, a + b + c), 1e-13));
    }

    [Fact]
    public void Cutting_the_line_into_bins_loses_divergence_and_finer_bins_lose_less()
    {
        Gaussian p = new(40, Math.Sqrt(20)), q = new(46, Math.Sqrt(30));
        double[] Bins(Gaussian of, double width) =>
            [.. Enumerable.Range(0, (int)(200 / width)).Select(i => of.Mass(-50 + (i * width), -50 + ((i + 1) * width)))];
        double exact = Divergence.Kl(p, q), js = GaussianDensity.Js(p, q), before = 0, jsBefore = 0;
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
        Assert.Equal(expected, GaussianDensity.Js(new Gaussian(m1, s1), new Gaussian(m2, s2)), 1e-12);
        Assert.Equal(expected, GaussianDensity.Js(new Gaussian(m2, s2), new Gaussian(m1, s1)), 1e-12);
        Assert.Equal(expected / Ln2, GaussianDensity.Js(new Gaussian(m1, s1), new Gaussian(m2, s2), LogBase.Bits), 1e-12);
    }

    [Theory]
    [InlineData(0, 1, 1e300, 1)]
    [InlineData(0, 1, 0.1, 1e-300)]
    [InlineData(0, 1e-300, 1, 1e300)]
    [InlineData(-1e308, 1, 1e308, 1)]
    [InlineData(0, 1e-12, 1e-3, 1e-12)]
    [InlineData(5, double.Epsilon, -5, double.Epsilon)]
    public void Gaussians_with_nothing_in_common_are_one_bit_apart(double m1, double s1, double m2, double s2) =>
        Assert.Equal(1, GaussianDensity.Js(new Gaussian(m1, s1), new Gaussian(m2, s2), LogBase.Bits), 1e-12);

    [Fact]
    public void Gaussian_JS_is_symmetric_bounded_and_the_square_of_a_metric() =>
        Gen.Select(Gaussians, Gaussians, Gaussians).Sample((p, q, r) =>
    {
        double pq = GaussianDensity.Js(p, q), qr = GaussianDensity.Js(q, r), pr = GaussianDensity.Js(p, r);
        Assert.Equal(pq, GaussianDensity.Js(q, p), 1e-12);
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
            Assert.True(Divergence.Kl(p, q) < kl && GaussianDensity.Js(p, q) < js, $"at a distance of {distance}");
            (kl, js) = (Divergence.Kl(p, q), GaussianDensity.Js(p, q));
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
}
