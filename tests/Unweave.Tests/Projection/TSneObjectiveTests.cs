using Unweave.Numerics;
using Unweave.Projection;

namespace Unweave.Tests.Projection;

public sealed class TSneObjectiveTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(12)]
    public void The_gradient_is_that_of_the_divergence(double exaggeration)
    {
        using Matrix x = TSneTests.Clusters(3, 15, 6, seed: 1);
        Affinities affinities = Affinities.Compute(x, 5, Workers.Shared, CancellationToken.None);
        double[] places = Places(x.Rows, spread: 3, seed: 2), gradient = new double[places.Length];
        double loss = new TSneObjective(affinities, 0, Workers.Shared).Evaluate(places, exaggeration, gradient);
        Assert.Equal(Divergence(affinities, places, 1), loss, 1e-12);
        for (int i = 0; i < places.Length; i++)
        {
            const double Step = 1e-5;
            double[] up = [.. places], down = [.. places];
            up[i] += Step;
            down[i] -= Step;
            Assert.Equal((Divergence(affinities, up, exaggeration) - Divergence(affinities, down, exaggeration)) / (2 * Step),
                gradient[i], 1e-8);
        }
    }

    [Theory]
    [InlineData(0.0, 1e-10)]
    [InlineData(0.2, 2e-3)]
    [InlineData(0.5, 0.02)]
    public void Squares_of_points_push_as_their_points_do(double theta, double tolerance)
    {
        const int Points = 2000;
        double[] places = Places(Points, spread: 10, seed: 3), exact = new double[2 * Points], near = new double[2 * Points];
        // in one place, which no square divides
        for (int i = 0; i < 200; i++) (places[2 * i], places[(2 * i) + 1]) = (places[0], places[1]);
        var repulsion = new Repulsion(Points, Workers.Shared);
        double total = repulsion.Exact(places, exact), nearTotal = repulsion.BarnesHut(places, theta, near);
        Assert.Equal(1, nearTotal / total, tolerance);
        double error = Math.Sqrt(exact.Zip(near, (a, b) => (a - b) * (a - b)).Sum() / exact.Sum(a => a * a));
        Assert.True(error <= tolerance, $"{error}");
        if (theta > 0) Assert.True(error > 1e-7, "nothing was approximated");
    }

    [Fact]
    public void Pairs_push_as_the_formula_says()
    {
        double[] places = [0, 0, 3, 4, -1, 0], forces = new double[6];
        var repulsion = new Repulsion(3, Workers.Shared);
        double a = 1 / 26.0, b = 1 / 2.0, c = 1 / 33.0; // 1/(1 + d²) of 0–1, 0–2, 1–2
        foreach (bool exact in (bool[])[true, false])
        {
            double total = exact ? repulsion.Exact(places, forces) : repulsion.BarnesHut(places, 0, forces);
            Assert.Equal(2 * (a + b + c), total, 1e-12);
            Assert.Equal((-3 * a * a) + (b * b), forces[0], 1e-12);
            Assert.Equal(-4 * a * a, forces[1], 1e-12);
            Assert.Equal((3 * a * a) + (4 * c * c), forces[2], 1e-12);
        }
    }

    private static double[] Places(int points, double spread, ulong seed)
    {
        var rng = new Rng(seed);
        return [.. Enumerable.Range(0, 2 * points).Select(_ => rng.NextNormal() * spread)];
    }

    // Σ p (ln p − ln q) over all pairs, with P exaggerated where it meets q and not in Z: what exaggeration is the gradient of.
    private static double Divergence(Affinities affinities, double[] places, double exaggeration)
    {
        double total = 0, loss = 0;
        for (int i = 0; i < affinities.Count; i++)
            for (int j = 0; j < affinities.Count; j++)
                if (i != j) total += Near(i, j);
        for (int i = 0; i < affinities.Count; i++)
            for (int e = affinities.Starts[i]; e < affinities.Starts[i + 1]; e++)
                if (affinities.Values[e] is > 0 and var p)
                    loss += p * (Math.Log(p) - (exaggeration * Math.Log(Near(i, affinities.Columns[e]))));
        return loss + Math.Log(total);

        double Near(int i, int j) =>
            1 / (1 + Math.Pow(places[2 * i] - places[2 * j], 2) + Math.Pow(places[(2 * i) + 1] - places[(2 * j) + 1], 2));
    }
}
