using Unweave.Learn.Numerics;
using Unweave.Numerics;

namespace Unweave.Learn.L1;

/// <summary>A point of the plane.</summary>
/// <param name="X1">First coordinate.</param>
/// <param name="X2">Second coordinate.</param>
public readonly record struct PlanePoint(double X1, double X2)
{
    /// <summary>The coordinates as a vector.</summary>
    public double[] Vector => [X1, X2];
}

/// <summary>
/// The error of a least-squares problem with two unknowns, f(x) = ½(x − c)ᵀA(x − c): a bowl over the plane, whose lines of equal height are
/// ellipses around its lowest point c. It finds its lowest points within a ball and under a penalty exactly.
/// </summary>
public sealed class Bowl
{
    private readonly double a11, a12, a22;
    private readonly (double Cos, double Sin) axis;

    /// <summary>Makes one.</summary>
    /// <param name="center">Its lowest point c.</param>
    /// <param name="stretch">How many times longer its ellipses are than wide, from 1; at 1 they are circles, and the unknowns do not
    /// depend on each other.</param>
    /// <param name="tilt">Angle of their long axis with the first coordinate's, in degrees.</param>
    public Bowl(PlanePoint center, double stretch, double tilt)
    {
        if (!(stretch >= 1))
            throw new ArgumentException($"Ellipses are at least as long as wide; this stretch is {stretch}.", nameof(stretch));
        (Center, Stretch, Tilt) = (center, stretch, tilt);
        axis = (Math.Cos(tilt * Math.PI / 180), Math.Sin(tilt * Math.PI / 180));
        double across = stretch * stretch;
        a11 = (axis.Cos * axis.Cos) + (across * axis.Sin * axis.Sin);
        a22 = (axis.Sin * axis.Sin) + (across * axis.Cos * axis.Cos);
        a12 = stretch == 1 ? 0 : (1 - across) * axis.Cos * axis.Sin;
        if (stretch == 1) (a11, a22) = (1, 1);
    }

    /// <summary>Its lowest point.</summary>
    public PlanePoint Center { get; }

    /// <summary>How many times longer the ellipses are than wide.</summary>
    public double Stretch { get; }

    /// <summary>Angle of their long axis, in degrees.</summary>
    public double Tilt { get; }

    /// <summary>Its height at a point.</summary>
    /// <param name="x">Where.</param>
    public double Height(PlanePoint x)
    {
        PlanePoint pull = Pull(x);
        return (((Center.X1 - x.X1) * pull.X1) + ((Center.X2 - x.X2) * pull.X2)) / 2;
    }

    /// <summary>Downhill at a point: −∇f = A(c − x).</summary>
    /// <param name="x">Where.</param>
    public PlanePoint Pull(PlanePoint x) => Times(Center.X1 - x.X1, Center.X2 - x.X2);

    /// <summary>
    /// Its lowest point with |x₁| + |x₂| ≤ t, and the penalty λ that leads to the same point. On a corner one coordinate is exactly 0.
    /// </summary>
    /// <param name="t">Radius of the ball, not negative.</param>
    public (PlanePoint At, double Penalty) WithinL1(double t)
    {
        if (Norms.L1(Center.Vector) <= t) return (Center, 0);

        // It lies on one of the four edges, from (±t, 0) to (0, ±t); along an edge f is a parabola.
        PlanePoint best = new(0, 0);
        double least = double.PositiveInfinity;
        foreach ((int s1, int s2) in Signs)
        {
            PlanePoint from = new(0, s2 * t);
            (PlanePoint pull, PlanePoint along) = (Pull(from), Times(s1, -s2));
            double way = ((s1 * pull.X1) - (s2 * pull.X2)) / ((s1 * along.X1) - (s2 * along.X2));
            PlanePoint at = way <= 0 ? from : way >= t ? new(s1 * t, 0) : new(s1 * way, s2 * (t - way));
            if (Height(at) >= least) continue;
            (best, least) = (at, Height(at));
        }

        PlanePoint force = Pull(best);
        return (best, Math.Max(Math.Abs(force.X1), Math.Abs(force.X2)));
    }

    /// <summary>Its lowest point with x₁² + x₂² ≤ t², and the penalty λ that leads to the same point; at t = 0 that is +∞.</summary>
    /// <param name="t">Radius of the ball, not negative.</param>
    public (PlanePoint At, double Penalty) WithinL2(double t)
    {
        if (Norms.L2(Center.Vector) <= t) return (Center, 0);
        if (t <= 0) return (new(0, 0), double.PositiveInfinity);

        // The longer the penalty, the shorter the solution: halve until no double lies between.
        double low = 0, high = 1;
        while (Norms.L2(PenalizedL2(high).Vector) > t) high *= 2;
        for (int i = 0; i < 200; i++)
        {
            double middle = (low + high) / 2;
            if (middle <= low || middle >= high) break;
            if (Norms.L2(PenalizedL2(middle).Vector) > t) low = middle;
            else high = middle;
        }

        return (PenalizedL2(high), high);
    }

    /// <summary>The lowest point of f(x) + λ(|x₁| + |x₂|). Where A is the identity that is the soft threshold of c.</summary>
    /// <param name="penalty">λ, not negative.</param>
    public PlanePoint PenalizedL1(double penalty)
    {
        // It is the lowest of these: the origin, the lowest point of either axis, and of each quadrant whose lowest point is within it.
        PlanePoint force = Times(Center.X1, Center.X2);
        var candidates =
            new List<PlanePoint>(7) { new(0, 0), new(Shrinkage.Soft(force.X1, penalty) / a11, 0),
            new(0, Shrinkage.Soft(force.X2, penalty) / a22) };
        double determinant = (a11 * a22) - (a12 * a12);
        foreach ((int s1, int s2) in Signs)
        {
            PlanePoint at =
                new(Center.X1 - (penalty * ((a22 * s1) - (a12 * s2)) / determinant),
                Center.X2 - (penalty * ((a11 * s2) - (a12 * s1)) / determinant));
            if (at.X1 * s1 > 0 && at.X2 * s2 > 0) candidates.Add(at);
        }

        return candidates.MinBy(at => Height(at) + (penalty * Norms.L1(at.Vector)));
    }

    /// <summary>The lowest point of f(x) + ½λ(x₁² + x₂²), where (A + λ)x = Ac.</summary>
    /// <param name="penalty">λ, not negative.</param>
    public PlanePoint PenalizedL2(double penalty)
    {
        // Along its own axes each coordinate of c shrinks by a/(a + λ).
        double across = Stretch * Stretch;
        double u = ((axis.Cos * Center.X1) + (axis.Sin * Center.X2)) / (1 + penalty),
            v = ((axis.Cos * Center.X2) - (axis.Sin * Center.X1)) * across / (across + penalty);
        return new((axis.Cos * u) - (axis.Sin * v), (axis.Sin * u) + (axis.Cos * v));
    }

    /// <summary>The λ from which on the L1 penalty leaves nothing: the largest magnitude of Ac.</summary>
    public double LastPenalty => Math.Max(Math.Abs(Pull(new(0, 0)).X1), Math.Abs(Pull(new(0, 0)).X2));

    /// <summary>
    /// Where the center may be for the solution within the L1 ball to be on the corner (t, 0) or another: the two edges of a wedge, as
    /// directions from it.
    /// </summary>
    /// <param name="corner">Direction of the corner: one coordinate ±1, the other 0.</param>
    public (PlanePoint One, PlanePoint Other) Wedge(PlanePoint corner)
    {
        // There the pull along the axis is the larger: A(c − corner) between (1, 1) and (1, −1), turned to the corner.
        double determinant = (a11 * a22) - (a12 * a12);
        PlanePoint Solve(double f1, double f2) => new(((a22 * f1) - (a12 * f2)) / determinant, ((a11 * f2) - (a12 * f1)) / determinant);
        return corner.X1 != 0 ? (Solve(corner.X1, 1), Solve(corner.X1, -1)) : (Solve(1, corner.X2), Solve(-1, corner.X2));
    }

    private static readonly (int, int)[] Signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)];

    private PlanePoint Times(double x1, double x2) => new((a11 * x1) + (a12 * x2), (a12 * x1) + (a22 * x2));
}
