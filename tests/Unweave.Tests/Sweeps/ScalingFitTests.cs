using Unweave.Runs;
using Unweave.Sweeps;

namespace Unweave.Tests.Sweeps;

public sealed class ScalingFitTests
{
    private static readonly ScalingLaw Known = new("topk", 0, -0.5, 0.26, -0.017, -0.042, -1.32, -0.085, [], 0);
    private static readonly double[] Sizes = [1024, 4096, 16384, 65536], Sparsities = [8, 16, 32, 64, 128];

    private static (double N, double K, double Loss)[] Points(double noise) =>
    [
        .. Sizes.SelectMany(n => Sparsities.Select(k => (n, k))).Select((point, i) =>
            (point.n, point.k, Known.At(point.n, point.k) * Math.Exp(noise * Math.Sin(12.9898 * (i + 1))))),
    ];

    [Fact]
    public void Known_exponents_come_back_from_exact_points()
    {
        ScalingLaw law = ScalingFit.Fit("topk", Points(0))!;
        foreach ((var found, var known) in law.Exponents.Zip(Known.Exponents)) Assert.Equal(known.Value, found.Value, 2e-4);
        Assert.InRange(law.Residual, 0, 1e-7);
        Assert.Equal(20, law.Points);
        Assert.Equal(6, law.Errors.Count);
    }

    // import numpy as np; from scipy.optimize import least_squares  # 1.10.1
    // T = dict(a=-.5, bk=.26, bn=-.017, g=-.042, z=-1.32, e=-.085); rows = []; i = 0
    // for n in [1024, 4096, 16384, 65536]:
    //     for k in [8, 16, 32, 64, 128]:
    //         L = np.exp(T['a'] + T['bk']*np.log(k) + T['bn']*np.log(n) + T['g']*np.log(k)*np.log(n)) + np.exp(T['z'] + T['e']*np.log(k))
    //         rows.append((n, k, L*np.exp(.003*np.sin(12.9898*(i + 1))))); i += 1
    // N, K, L = map(np.array, zip(*rows))
    // r = lambda p: np.log(np.exp(p[0] + p[1]*np.log(K) + p[2]*np.log(N) + p[3]*np.log(K)*np.log(N)) + np.exp(p[4] + p[5]*np.log(K))) \
    //     - np.log(L)
    // # best of 60 starts by least_squares(r, p0, method='lm', xtol=1e-14, ftol=1e-14, gtol=1e-14)
    // J = best.jac; cov = np.linalg.inv(J.T @ J) * 2*best.cost / (len(L) - 6); print(best.x, np.sqrt(np.diag(cov)))
    [Fact]
    public void Exponents_and_errors_are_those_of_scipy()
    {
        double[] exponents = [-0.55696408, 0.29028038, -0.02299081, -0.04488811, -1.13376938, -0.0970414],
            errors = [0.01789396, 0.00689624, 0.004946, 0.00137884, 0.05220157, 0.01116907];
        ScalingLaw law = ScalingFit.Fit("topk", Points(0.003))!;
        for (int i = 0; i < exponents.Length; i++)
        {
            Assert.Equal(exponents[i], law.Exponents[i].Value, 1e-4);
            Assert.Equal(errors[i], law.Errors[i], 2e-3 * errors[i] + 1e-6);
        }

        Assert.Equal(Math.Sqrt(2.6243565560300028e-05 / 20), law.Residual, 1e-8);
    }

    [Fact]
    public void Errors_cover_the_known_exponents_about_as_often_as_they_say()
    {
        int within = 0, all = 0;
        for (int trial = 0; trial < 20; trial++)
        {
            var rng = new Unweave.Numerics.Rng((ulong)trial);
            var points = Points(0).Select(point => point with { Loss = point.Loss * Math.Exp(0.002 * rng.NextNormal()) }).ToArray();
            ScalingLaw law = ScalingFit.Fit("topk", points)!;
            for (int i = 0; i < law.Errors.Count; i++)
            {
                all++;
                if (Math.Abs(law.Exponents[i].Value - Known.Exponents[i].Value) < 2 * law.Errors[i]) within++;
            }
        }

        Assert.Equal(120, all);
        Assert.InRange(within, 96, 120); // 95% of 120 is 114
    }

    [Fact]
    public void Too_few_points_have_no_law()
    {
        Assert.Null(ScalingFit.Fit("topk", Points(0)[..6]));
        Assert.Null(ScalingFit.Fit("topk", [.. Points(0).Where(point => point.N < 10_000)])); // two sizes
        Assert.Null(ScalingFit.Fit("topk", [.. Points(0).Where(point => point.K < 20)])); // two sparsities
    }

    [Fact]
    public void A_sweep_is_fitted_by_the_best_of_its_finished_points()
    {
        SweepEntry Entry(double n, double k, double loss, SweepStatus status) => new()
        {
            Folder = $"{n}-{k}-{loss}",
            Chosen = [],
            Architecture = "topk",
            Latents = (int)n,
            L0 = k,
            Fvu = loss,
            Status = status,
            Options = [],
        };
        var points = Points(0);
        var record = new SweepRecord
        {
            Sweep = new(),
            Points =
            [
                .. points.Select(point => Entry(point.N, point.K, point.Loss, SweepStatus.Finished)),
                .. points.Select(point => Entry(point.N, point.K, point.Loss * 1.5, SweepStatus.Finished)), // of a worse rate
                .. points.Select(point => Entry(point.N, point.K, point.Loss * 0.5, SweepStatus.Stopped)),
            ],
        };
        ScalingLaw law = Assert.Single(ScalingFit.Of(record));
        Assert.Equal(20, law.Points);
        Assert.Equal(Known.BetaK, law.BetaK, 1e-3);
    }

    [Fact]
    public void The_front_has_the_points_that_no_other_is_better_than()
    {
        Assert.Equal([(2, 0.5), (4, 0.4), (16, 0.1)],
            ParetoFront.Of([(8, 0.45), (4, 0.4), (2, 0.5), (4, 0.6), (16, 0.1), (32, 0.1)], lower: true));
        Assert.Equal([(2, 0.5), (16, 0.9)], ParetoFront.Of([(2, 0.5), (4, 0.5), (16, 0.9), (8, 0.2)], lower: false));
    }
}
