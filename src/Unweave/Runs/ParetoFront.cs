namespace Unweave.Runs;

/// <summary>The points of a plane that are worth having: no other has a better value at as low an L0.</summary>
internal static class ParetoFront
{
    /// <summary>Finds them, in order of L0.</summary>
    /// <param name="points">L0 and value of each.</param>
    /// <param name="lower">True when a lower value is better.</param>
    public static IReadOnlyList<(double L0, double Value)> Of(IEnumerable<(double L0, double Value)> points, bool lower)
    {
        var front = new List<(double L0, double Value)>();
        foreach ((double L0, double Value) point in points.OrderBy(point => point.L0).ThenBy(point => lower ? point.Value : -point.Value))
        {
            if (front.Count > 0 && (lower ? point.Value >= front[^1].Value : point.Value <= front[^1].Value)) continue;
            front.Add(point);
        }

        return front;
    }
}
