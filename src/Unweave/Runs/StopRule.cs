using System.Globalization;
using System.Text;
using Unweave.Training;

namespace Unweave.Runs;

/// <summary>
/// The rule by which a sweep gives autoencoders up: after a share of its rows, one whose held-out FVU is more than a factor times that of
/// another with at most its L0, after as many rows of the same data. What it decides follows from the validations alone, those in logs
/// included, so that a sweep that was interrupted decides as one that was not.
/// </summary>
internal sealed class StopRule(SweepOptions options)
{
    private readonly Dictionary<(string Point, long Rows), (double Fvu, double L0)> validations = [];

    /// <summary>Takes the validations of a run's log.</summary>
    public void Remember(SweepPoint point, string log)
    {
        if (options.StopFactor is null || !File.Exists(log)) return;
        foreach (string line in File.ReadLines(log))
        {
            if (MetricsLine.Parse(Encoding.UTF8.GetBytes(line)) is not { ValidationFvu: var fvu and not double.NaN } read) continue;
            Add(point, read.Rows, fvu, read.L0);
        }
    }

    /// <summary>Takes a validation.</summary>
    public void Add(SweepPoint point, long rows, double fvu, double l0)
    {
        if (options.StopFactor is not null) validations[(point.Name, rows)] = (fvu, l0);
    }

    /// <summary>
    /// Those that are to be given up now, each with the reason. One is judged by its last step when all others have done as many: again
    /// where it was resumed from there, which decides the same.
    /// </summary>
    /// <param name="members">Those in training.</param>
    /// <param name="point">What one is.</param>
    /// <param name="seen">Rows that it has seen.</param>
    public IReadOnlyList<(T Member, string Reason)> Hopeless<T>(
        IReadOnlyCollection<T> members, Func<T, SweepPoint> point, Func<T, long> seen)
    {
        var hopeless = new List<(T, string)>();
        if (options.StopFactor is not { } factor || members.Count == 0) return hopeless;
        long least = members.Min(seen);
        foreach (T member in members)
        {
            (string name, long rows) = (point(member).Name, seen(member));
            if (rows > least || rows < options.StopAfter * point(member).Options.Rows) continue;
            if (!validations.TryGetValue((name, rows), out var own)) continue;
            var better = validations
                .Where(other => other.Key.Rows == rows && other.Value.L0 <= own.L0 && own.Fvu > factor * other.Value.Fvu)
                .OrderBy(other => other.Value.Fvu).ThenBy(other => other.Key.Point, StringComparer.Ordinal).ToArray();
            if (better.Length == 0) continue;
            ((string best, _), (double fvu, double l0)) = better[0];
            hopeless.Add((member, string.Create(CultureInfo.InvariantCulture,
                $"FVU {own.Fvu:G3} at L0 {own.L0:G4} is more than {factor:G3} times the {fvu:G3} at L0 {l0:G4} of {best} after "
                + $"{rows} rows")));
        }

        return hopeless;
    }
}
