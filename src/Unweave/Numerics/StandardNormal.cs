namespace Unweave.Numerics;

/// <summary>The standard normal distribution: its distribution function and quantiles.</summary>
internal static class StandardNormal
{
    /// <summary>Φ(x), the probability of a value below x, to about 15 digits (Hart 1968, in the form of West 2005).</summary>
    public static double Cumulative(double x)
    {
        double z = Math.Abs(x);
        if (z > 37) return x > 0 ? 1 : 0;
        double density = Math.Exp(-z * z / 2), tail;
        if (z < 7.07106781186547)
        {
            double top = (((((((((((3.52624965998911e-2 * z) + 0.700383064443688) * z) + 6.37396220353165) * z) + 33.912866078383) * z)
                + 112.079291497871) * z) + 221.213596169931) * z) + 220.206867912376;
            double bottom = (((((((((((((8.83883476483184e-2 * z) + 1.75566716318264) * z) + 16.064177579207) * z) + 86.7807322029461)
                * z) + 296.564248779674) * z) + 637.333633378831) * z) + 793.826512519948) * z) + 440.413735824752;
            tail = density * top / bottom;
        }
        else
        {
            double fraction = z + (1 / (z + (2 / (z + (3 / (z + (4 / (z + 0.65))))))));
            tail = density / fraction / 2.506628274631;
        }

        return x > 0 ? 1 - tail : tail;
    }

    /// <summary>The value x with Φ(x) = p, by bisection; −∞ at 0 and +∞ at 1.</summary>
    /// <param name="p">A probability, in [0, 1].</param>
    public static double Quantile(double p)
    {
        if (p is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(p), p, "A probability lies in [0, 1].");
        if (p == 0) return double.NegativeInfinity;
        if (p == 1) return double.PositiveInfinity;
        if (p > 0.5) return -Quantile(1 - p); // the lower tail keeps its digits
        double low = -38, high = 0;
        while (true)
        {
            double middle = (low + high) / 2;
            if (middle <= low || middle >= high) return middle;
            if (Cumulative(middle) < p) low = middle;
            else high = middle;
        }
    }
}
