using CsCheck;
using Unweave.Learn.Numerics;
using Unweave.Numerics;
using Unweave.Learn.L1;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The least-squares problem of the chapter on L1 is solved exactly.</summary>
public sealed class BowlTests
{
    private static readonly Gen<PlanePoint> Spots =
        Gen.Select(Gen.OneOf(Gen.Double[-3, 3], Gen.Const(0.0)), Gen.OneOf(Gen.Double[-3, 3], Gen.Const(0.0)))
        .Select((x1, x2) => new PlanePoint(x1, x2));
    private static readonly Gen<Bowl> Bowls = Gen.Select(Spots, Gen.OneOf(Gen.Double[1, 3], Gen.Const(1.0)), Gen.Int[-90, 90])
        .Select((center, stretch, tilt) => new Bowl(center, stretch, tilt));

    [Fact]
    public void Solutions_within_the_L1_ball_meet_their_conditions() => Gen.Select(Bowls, Gen.Double[0.01, 2.5]).Sample((bowl, t) =>
    {
        (PlanePoint at, double penalty) = bowl.WithinL1(t);
        Assert.True(Norms.L1(at.Vector) <= t + 1e-12);
        AssertBalancedL1(bowl, at, penalty);
        if (penalty > 0) Assert.Equal(t, Norms.L1(at.Vector), 1e-12);
        else Assert.Equal(bowl.Center, at);

        // Its λ leads to the same point.
        PlanePoint priced = bowl.PenalizedL1(penalty);
        Assert.True(Far(at, priced) < 1e-9, $"{at} and {priced}");
    }, iter: 2000);

    [Fact]
    public void Solutions_within_the_L2_ball_meet_their_conditions() => Gen.Select(Bowls, Gen.Double[0.01, 2.5]).Sample((bowl, t) =>
    {
        (PlanePoint at, double penalty) = bowl.WithinL2(t);
        Assert.True(Norms.L2(at.Vector) <= t + 1e-12);
        if (penalty == 0) Assert.Equal(bowl.Center, at);
        else Assert.Equal(t, Norms.L2(at.Vector), 1e-9);
        AssertBalancedL2(bowl, at, penalty);
    }, iter: 500);

    [Fact]
    public void Penalized_solutions_meet_their_conditions() => Gen.Select(Bowls, Gen.Double[0, 6]).Sample((bowl, penalty) =>
    {
        AssertBalancedL1(bowl, bowl.PenalizedL1(penalty), penalty);
        AssertBalancedL2(bowl, bowl.PenalizedL2(penalty), penalty);
        Assert.Equal(new PlanePoint(0, 0), bowl.PenalizedL1(bowl.LastPenalty * (1 + 1e-9)));
    }, iter: 2000);

    [Fact]
    public void No_point_of_a_grid_within_the_ball_is_lower() => Gen.Select(Bowls, Gen.Double[0.1, 2]).Sample((bowl, t) =>
    {
        double one = bowl.Height(bowl.WithinL1(t).At), two = bowl.Height(bowl.WithinL2(t).At);
        for (int i = -40; i <= 40; i++)
        {
            for (int j = -40; j <= 40; j++)
            {
                var at = new PlanePoint(t * i / 40, t * j / 40);
                if (Norms.L1(at.Vector) <= t) Assert.True(one <= bowl.Height(at) + 1e-12);
                if (Norms.L2(at.Vector) <= t) Assert.True(two <= bowl.Height(at) + 1e-12);
            }
        }
    }, iter: 30);

    [Fact]
    public void With_circles_it_is_the_nearest_point_and_the_soft_threshold() =>
        Gen.Select(Spots, Gen.Double[0, 2.5], Gen.Int[-90, 90]).Sample((center, t, tilt) =>
    {
        var bowl = new Bowl(center, 1, tilt);
        Assert.Equal(Shrinkage.OntoL1Ball(center.Vector, t), bowl.WithinL1(t).At.Vector, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(Shrinkage.OntoL2Ball(center.Vector, t), bowl.WithinL2(t).At.Vector, (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Equal(Shrinkage.Soft(center.Vector, t), bowl.PenalizedL1(t).Vector, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(center.Vector.Select(x => x / (1 + t)), bowl.PenalizedL2(t).Vector, (a, b) => Math.Abs(a - b) < 1e-12);
    });

    [Fact]
    public void Within_the_wedges_and_only_there_the_solution_is_that_corner() =>
        Gen.Select(Bowls, Gen.Double[0.1, 1.5], Gen.Double[0.01, 2], Gen.Double[0.01, 2], Gen.Int[0, 3]).Sample((shape, t, a, b, side) =>
    {
        PlanePoint corner = new[] { new PlanePoint(1, 0), new PlanePoint(-1, 0), new PlanePoint(0, 1), new PlanePoint(0, -1) }[side];
        (PlanePoint one, PlanePoint other) = shape.Wedge(corner);
        PlanePoint From(double u, double v) =>
            new((t * corner.X1) + (u * one.X1) + (v * other.X1), (t * corner.X2) + (u * one.X2) + (v * other.X2));
        Assert.Equal(new PlanePoint(t * corner.X1, t * corner.X2), new Bowl(From(a, b), shape.Stretch, shape.Tilt).WithinL1(t).At);
        PlanePoint outside = new Bowl(From(a + 0.1, -0.05), shape.Stretch, shape.Tilt).WithinL1(t).At;
        Assert.True(Far(outside, new PlanePoint(t * corner.X1, t * corner.X2)) > 1e-4, $"{outside}");
    });

    [Fact]
    public void The_opening_problem_is_on_a_corner_exactly_and_its_L2_answer_is_not()
    {
        var bowl = new Bowl(new(2.1, 0.6), 1.6, 25);
        Assert.Equal(new PlanePoint(1, 0), bowl.WithinL1(1).At);
        Assert.True(Math.Abs(bowl.WithinL2(1).At.X2) > 0.1);
        Assert.Equal(new PlanePoint(0, 0), bowl.WithinL1(0).At);
        Assert.Equal((new PlanePoint(0, 0), double.PositiveInfinity), bowl.WithinL2(0));
        Assert.Throws<ArgumentException>(() => new Bowl(new(0, 0), 0.5, 0));
    }

    private static void AssertBalancedL1(Bowl bowl, PlanePoint at, double penalty)
    {
        PlanePoint pull = bowl.Pull(at);
        foreach ((double x, double force) in new[] { (at.X1, pull.X1), (at.X2, pull.X2) })
        {
            if (x != 0) Assert.Equal(penalty * Math.Sign(x), force, 1e-9);
            else Assert.True(Math.Abs(force) <= penalty + 1e-9, $"{force} at 0, with {penalty}");
        }
    }

    private static void AssertBalancedL2(Bowl bowl, PlanePoint at, double penalty)
    {
        PlanePoint pull = bowl.Pull(at);
        Assert.Equal(penalty * at.X1, pull.X1, 1e-9 * (1 + penalty));
        Assert.Equal(penalty * at.X2, pull.X2, 1e-9 * (1 + penalty));
    }

    private static double Far(PlanePoint a, PlanePoint b) => Math.Max(Math.Abs(a.X1 - b.X1), Math.Abs(a.X2 - b.X2));
}
