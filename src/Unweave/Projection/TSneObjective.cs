using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Projection;

/// <summary>KL(P‖Q) of places in the plane and its gradient; see <c>docs/maths/tsne.md</c>.</summary>
/// <param name="affinities">P.</param>
/// <param name="theta">0 for all pairs, else how coarsely the repulsion is summed.</param>
/// <param name="workers">Who computes.</param>
internal sealed class TSneObjective(Affinities affinities, double theta, Workers workers)
{
    private const int PartRows = 128;

    private readonly int parts = (affinities.Count + PartRows - 1) / PartRows;
    private readonly double[] repulsion = new double[2 * affinities.Count];
    private readonly double[] losses = new double[(affinities.Count + PartRows - 1) / PartRows];
    private readonly Repulsion forces = new(affinities.Count, workers);

    /// <summary>The divergence, and its gradient with P exaggerated.</summary>
    /// <param name="places">x and y in turn.</param>
    /// <param name="exaggeration">What P is multiplied with in the gradient.</param>
    /// <param name="gradient">Overwritten, as <paramref name="places"/>.</param>
    public double Evaluate(double[] places, double exaggeration, double[] gradient)
    {
        double total = theta == 0 ? forces.Exact(places, repulsion) : forces.BarnesHut(places, theta, repulsion);
        workers.Run(parts, part => losses[part] = Attract(part, places, exaggeration, total, gradient));
        double loss = affinities.NegativeEntropy + Math.Log(total);
        foreach (double share in losses) loss += share;
        return loss;
    }

    // The gradient of a part's points; returns Σ p ln(1 + d²) over them.
    private double Attract(int part, double[] places, double exaggeration, double total, double[] gradient)
    {
        int[] starts = affinities.Starts, columns = affinities.Columns;
        double[] values = affinities.Values;
        int first = part * PartRows, last = Math.Min(affinities.Count, first + PartRows), longest = 0;
        for (int i = first; i < last; i++) longest = Math.Max(longest, starts[i + 1] - starts[i]);
        double[] logs = new double[longest];
        double loss = 0;
        for (int i = first; i < last; i++)
        {
            double x = places[2 * i], y = places[(2 * i) + 1], pullX = 0, pullY = 0;
            int start = starts[i], count = starts[i + 1] - start;
            ReadOnlySpan<int> others = columns.AsSpan(start, count);
            ReadOnlySpan<double> shares = values.AsSpan(start, count);
            for (int e = 0; e < others.Length; e++)
            {
                int j = others[e];
                double dx = x - places[2 * j], dy = y - places[(2 * j) + 1], q = 1 + (dx * dx) + (dy * dy), pull = shares[e] / q;
                logs[e] = q;
                pullX += pull * dx;
                pullY += pull * dy;
            }

            TensorPrimitives.Log(logs.AsSpan(0, count), logs.AsSpan(0, count));
            for (int e = 0; e < shares.Length; e++) loss += shares[e] * logs[e];
            gradient[2 * i] = 4 * ((exaggeration * pullX) - (repulsion[2 * i] / total));
            gradient[(2 * i) + 1] = 4 * ((exaggeration * pullY) - (repulsion[(2 * i) + 1] / total));
        }

        return loss;
    }
}
