namespace Unweave.Components;

/// <summary>A line of a chart.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Points">Its points, ascending by x.</param>
public sealed record ChartSeries(string Name, IReadOnlyList<(double X, double Y)> Points);
