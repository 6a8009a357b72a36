namespace Unweave.Learn.Numerics;

/// <summary>Composite Gauss-Legendre quadrature: 16 points on each of the pieces that the caller cuts the range into.</summary>
internal static class GaussLegendre
{
    private const int Points = 16;

    private static readonly (double Node, double Weight)[] Rule = MakeRule();

    /// <summary>∫ f from the first edge to the last: exact on each piece for polynomials up to degree 31.</summary>
    /// <param name="f">The integrand, smooth within each piece.</param>
    /// <param name="edges">Ends of the pieces, ascending; repeats are allowed.</param>
    public static double Integrate(Func<double, double> f, IReadOnlyList<double> edges)
    {
        double total = 0;
        for (int piece = 0; piece + 1 < edges.Count; piece++)
        {
            double half = (edges[piece + 1] - edges[piece]) / 2, sum = 0;
            if (half == 0) continue;
            foreach ((double node, double weight) in Rule)
                sum += weight * f(edges[piece] + (half * (1 + node)));
            total += half * sum;
        }

        return total;
    }

    /// <summary>The nodes are the roots of the Legendre polynomial, by Newton's method from the usual cosine guess.</summary>
    private static (double Node, double Weight)[] MakeRule()
    {
        var rule = new (double, double)[Points];
        for (int i = 0; i < Points; i++)
        {
            double x = Math.Cos(Math.PI * (i + 0.75) / (Points + 0.5)), slope = 0;
            for (int iteration = 0; iteration < 10; iteration++)
            {
                double previous = 1, value = x;
                for (int n = 2; n <= Points; n++) (previous, value) = (value, (((2 * n) - 1) * x * value - ((n - 1) * previous)) / n);
                slope = Points * ((x * value) - previous) / ((x * x) - 1);
                x -= value / slope;
            }

            rule[i] = (x, 2 / ((1 - (x * x)) * slope * slope));
        }

        return rule;
    }
}
