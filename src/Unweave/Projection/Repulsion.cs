using Unweave.Numerics;

namespace Unweave.Projection;

/// <summary>
/// What pushes the points apart: Σ_j (y_i − y_j) / (1 + d_ij²)² for each point, and Z = Σ 1 / (1 + d_ij²) over all pairs.
/// </summary>
/// <param name="count">Number of points.</param>
/// <param name="workers">Who computes.</param>
internal sealed class Repulsion(int count, Workers workers)
{
    private const int PartRows = 64;

    private readonly int parts = (count + PartRows - 1) / PartRows;
    private readonly double[] totals = new double[(count + PartRows - 1) / PartRows];
    private readonly QuadTree tree = new(count);

    /// <summary>Over all pairs.</summary>
    /// <returns>Z.</returns>
    public double Exact(double[] places, double[] forces)
    {
        workers.Run(parts, part =>
        {
            double total = 0;
            for (int i = part * PartRows; i < Math.Min(count, (part + 1) * PartRows); i++)
            {
                double x = places[2 * i], y = places[(2 * i) + 1], sum = 0, forceX = 0, forceY = 0;
                for (int j = 0; j < places.Length; j += 2)
                {
                    double dx = x - places[j], dy = y - places[j + 1], q = 1 / (1 + (dx * dx) + (dy * dy));
                    sum += q;
                    forceX += q * q * dx;
                    forceY += q * q * dy;
                }

                total += sum - 1; // itself
                (forces[2 * i], forces[(2 * i) + 1]) = (forceX, forceY);
            }

            totals[part] = total;
        });
        return Total();
    }

    /// <summary>Over squares of points where they are far.</summary>
    /// <param name="places">x and y in turn.</param>
    /// <param name="theta">Width over distance below which a square is one point.</param>
    /// <param name="forces">Overwritten.</param>
    /// <returns>Z.</returns>
    public double BarnesHut(double[] places, double theta, double[] forces)
    {
        tree.Build(places);
        workers.Run(parts, part =>
        {
            // In the tree's order: neighbors walk the same nodes, which are then in the cache.
            double total = 0;
            foreach (int i in tree.Order.Slice(part * PartRows, Math.Min(PartRows, count - (part * PartRows))))
                total += tree.Sum(places[2 * i], places[(2 * i) + 1], theta, out forces[2 * i], out forces[(2 * i) + 1]) - 1;
            totals[part] = total;
        });
        return Total();
    }

    // Two points infinitely far apart would leave nothing to divide by.
    private double Total()
    {
        double total = 0;
        foreach (double share in totals) total += share;
        return Math.Max(total, double.Epsilon * 1e16);
    }
}
