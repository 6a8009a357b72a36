using System.Diagnostics;

namespace Unweave.Benchmarks.Search;

/// <summary>What one setting of a rival reaches, on one thread.</summary>
/// <param name="Rival">Name of the rival.</param>
/// <param name="Setting">Its setting; empty where it has one alone.</param>
/// <param name="Recall10">The share of the exact nearest 10 that is among the 10 found.</param>
/// <param name="Within100">The share of the exact nearest 10 that is among 100 found; null where that is another search.</param>
/// <param name="Within200">The same of 200 found.</param>
/// <param name="QueriesPerSecond">Queries a second, one after the other, for 10 rows each.</param>
/// <param name="Median">The median query, in milliseconds.</param>
/// <param name="Percentile99">The 99th percentile, in milliseconds.</param>
/// <param name="BytesPerRow">Bytes that a search reads from, for each row.</param>
/// <param name="BuildSeconds">How long building took.</param>
internal sealed record SearchFigures(
    string Rival, string Setting, double Recall10, double? Within100, double? Within200, double QueriesPerSecond, double Median,
    double Percentile99, double BytesPerRow, double BuildSeconds)
{
    /// <summary>Name and setting.</summary>
    public string Label => Setting.Length == 0 ? Rival : $"{Rival}, {Setting}";
}

/// <summary>Builds rivals one after the other and searches each with the same queries.</summary>
internal static class SearchBenchmark
{
    private const int WarmUp = 200;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="set">What is searched.</param>
    /// <param name="rivals">Who searches; each is disposed when done.</param>
    /// <param name="tell">Told of each figure as it comes.</param>
    /// <param name="note">Told what else is to be known of a rival.</param>
    /// <param name="cancellationToken">Ends the benchmark.</param>
    public static IReadOnlyList<SearchFigures> Run(
        SearchSet set, IEnumerable<Rival> rivals, Action<SearchFigures> tell, Action<string>? note = null,
        CancellationToken cancellationToken = default)
    {
        var all = new List<SearchFigures>();
        foreach (Rival each in rivals)
        {
            using Rival rival = each;
            long started = Stopwatch.GetTimestamp();
            rival.Build(set);
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            GC.Collect();
            for (int setting = 0; setting < rival.Settings.Count; setting++)
            {
                SearchFigures figures = Measure(set, rival, setting, cancellationToken) with { BuildSeconds = seconds };
                all.Add(figures);
                tell(figures);
            }

            if (rival.Notes is { } notes) note?.Invoke($"{rival.Name}: {notes}");
        }

        return all;
    }

    private static SearchFigures Measure(SearchSet set, Rival rival, int setting, CancellationToken cancellationToken)
    {
        int queries = set.Queries.Rows;
        int[] found = new int[SearchSet.Known];
        for (int query = 0; query < Math.Min(WarmUp, queries); query++) rival.Search(query, setting, found);
        double[] times = new double[queries];
        double recall = 0;
        for (int query = 0; query < queries; query++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long started = Stopwatch.GetTimestamp();
            int count = rival.Search(query, setting, found);
            times[query] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            recall += Share(set.Exact[query], found.AsSpan(0, count));
        }

        double total = times.Sum();
        Array.Sort(times);
        (double? in100, double? in200) = Within(set, rival, setting, cancellationToken);
        return new SearchFigures(rival.Name, rival.Settings[setting], recall / queries, in100, in200, queries / total * 1000,
            HarvestTimes.MedianOf(times), times[(int)Math.Ceiling(0.99 * queries) - 1], rival.BytesPerRow(setting), 0);
    }

    // What is asked for more than 10 rows is not timed.
    private static (double? In100, double? In200) Within(
        SearchSet set, Rival rival, int setting, CancellationToken cancellationToken)
    {
        int most = Math.Min(rival.Most(setting), 200);
        if (most < 100) return (null, null);
        int[] found = new int[most];
        double in100 = 0, in200 = 0;
        for (int query = 0; query < set.Queries.Rows; query++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = rival.Search(query, setting, found);
            in100 += Share(set.Exact[query], found.AsSpan(0, Math.Min(100, count)));
            in200 += Share(set.Exact[query], found.AsSpan(0, count));
        }

        return (in100 / set.Queries.Rows, most < 200 ? null : in200 / set.Queries.Rows);
    }

    private static double Share(int[] exact, ReadOnlySpan<int> found)
    {
        int shared = 0;
        foreach (int row in exact)
            if (found.Contains(row)) shared++;
        return (double)shared / exact.Length;
    }
}
