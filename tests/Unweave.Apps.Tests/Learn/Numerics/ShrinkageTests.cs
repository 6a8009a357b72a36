using CsCheck;
using Unweave.Learn.Numerics;
using Unweave.Numerics;

namespace Unweave.Apps.Tests.Learn.Numerics;

public sealed class ShrinkageTests
{
    private static readonly Gen<double[]> Vectors = Gen.OneOf(Gen.Double[-2, 2], Gen.Const(0.0), Gen.Const(1.0), Gen.Const(-1.0))
        .Array[1, 12];

    [Fact]
    public void Soft_threshold_by_hand()
    {
        Assert.Equal(0.75, Shrinkage.Soft(1, 0.25));
        Assert.Equal(-0.75, Shrinkage.Soft(-1, 0.25));
        Assert.Equal(0, Shrinkage.Soft(0.25, 0.25));
        Assert.Equal(3, Shrinkage.Soft(3, 0));
        Assert.Equal(double.NaN, Shrinkage.Soft(double.NaN, 1));
        Assert.Equal([0, 1.5, -0.5, 0], Shrinkage.Soft([0.5, 2, -1, -0.25], 0.5));
        Assert.Contains("-1", Assert.Throws<ArgumentException>(() => Shrinkage.Soft(1, -1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Soft_threshold_is_the_least_of_its_penalised_error() =>
        Gen.Select(Gen.Double[-2, 2], Gen.Double[0, 2]).Sample((x, threshold) =>
    {
        double Cost(double z) => ((z - x) * (z - x) / 2) + (threshold * Math.Abs(z));
        double best = Shrinkage.Soft(x, threshold);
        for (double z = -2.5; z <= 2.5; z += 0.01) Assert.True(Cost(best) <= Cost(z) + 1e-12);
    });

    [Fact]
    public void The_largest_are_kept_as_they_are_and_no_other_k_come_nearer()
    {
        Assert.Equal([0, -3, 2, 0], Shrinkage.KeepLargest([1, -3, 2, 0.5], 2));
        Assert.Equal([1, 0, 0], Shrinkage.KeepLargest([1, -1, 1], 1));
        Assert.Equal([1, 2], Shrinkage.KeepLargest([1, 2], 5));
        Assert.Equal([0, 0], Shrinkage.KeepLargest([1, 2], 0));
        Assert.Throws<ArgumentException>(() => Shrinkage.KeepLargest([1, 2], -1));
        Gen.Select(Vectors, Gen.Int[0, 12]).Sample((x, k) =>
        {
            double[] kept = Shrinkage.KeepLargest(x, k);
            Assert.True(Norms.L0(kept) <= k);
            double dropped = x.Zip(kept, (a, b) => (a - b) * (a - b)).Sum();
            Assert.Equal(x.Select(value => value * value).Order().Take(Math.Max(0, x.Length - k)).Sum(), dropped, 1e-12);
        });
    }

    [Fact]
    public void The_point_of_the_L1_ball_meets_the_conditions_of_the_nearest_one() =>
        Gen.Select(Vectors, Gen.Double[0, 4]).Sample((x, radius) =>
    {
        double[] nearest = Shrinkage.OntoL1Ball(x, radius);
        if (Norms.L1(x) <= radius)
        {
            Assert.Equal(x, nearest);
            return;
        }

        // x − z = λ·s with s a subgradient of ‖z‖₁: the sign where z is not 0, anything from −1 to 1 where it is.
        Assert.Equal(radius, Norms.L1(nearest), 1e-12);
        double threshold = x.Zip(nearest, (a, b) => Math.Abs(a - b)).Max();
        for (int i = 0; i < x.Length; i++)
        {
            if (nearest[i] != 0) Assert.Equal(threshold * Math.Sign(nearest[i]), x[i] - nearest[i], 1e-12);
            else Assert.True(Math.Abs(x[i]) <= threshold + 1e-12);
        }
    });

    [Fact]
    public void Points_onto_balls_by_hand()
    {
        // (2, 0.7) is 1.3 nearer to the axis than along it: the corner. (1.2, 0.8) loses ½ of each on its way to the edge.
        Assert.Equal([1, 0], Shrinkage.OntoL1Ball([2, 0.7], 1));
        Assert.Equal([0.7, -0.3], Shrinkage.OntoL1Ball([1.2, -0.8], 1), (a, b) => Math.Abs(a - b) < 1e-15);
        Assert.Equal([0, 0], Shrinkage.OntoL1Ball([1, 1], 0));
        Assert.True(Norms.L1(Shrinkage.OntoL1Ball([1.4, 1e-65], 1e-60)) <= 1e-60);
        Assert.Equal([0.6, 0.8], Shrinkage.OntoL2Ball([3, 4], 1), (a, b) => Math.Abs(a - b) < 1e-15);
        Assert.Equal([0.3, 0.4], Shrinkage.OntoL2Ball([0.3, 0.4], 1));
        Assert.Throws<ArgumentException>(() => Shrinkage.OntoL1Ball([1], double.NaN));
        Assert.Throws<ArgumentException>(() => Shrinkage.OntoL2Ball([1], -1));
    }

    [Fact]
    public void Norms_by_hand()
    {
        Assert.Equal(2, Norms.L0([0f, -1f, 3f]));
        Assert.Equal(2, Norms.L0([0.0, -1, 1e-300]));
        Assert.Equal(0, Norms.L0(ReadOnlySpan<double>.Empty));
        Assert.Equal(7, Norms.Lp([3, -4], 1), 1e-14);
        Assert.Equal(5, Norms.Lp([3, -4], 2), 1e-14);
        Assert.Equal(4, Norms.Lp([3, -4], double.PositiveInfinity));
        Assert.Equal(4, Norms.Lp([1, -1], 0.5), 1e-14);
        Assert.Equal(0, Norms.Lp([0, 0], 3));
        Assert.Equal(1.2599210498948732e200, Norms.Lp([1e200, 1e200], 3), 1e187);
        Assert.Throws<ArgumentException>(() => Norms.Lp([1], 0));
    }
}
