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
/// <param name="TwoThreads">Both percentiles while two threads search at once; null where that was not measured.</param>
/// <param name="BytesPerRow">Bytes that a search reads from, for each row.</param>
/// <param name="BuildSeconds">How long building took.</param>
internal sealed record SearchFigures(
    string Rival, string Setting, double Recall10, double? Within100, double? Within200, double QueriesPerSecond, double Median,
    double Percentile99, (double Median, double Percentile99)? TwoThreads, double BytesPerRow, double BuildSeconds)
{
    /// <summary>Name and setting.</summary>
    public string Label => Setting.Length == 0 ? Rival : $"{Rival}, {Setting}";
}

/// <summary>
/// Builds rivals one after the other and searches all with the same queries, in turn: in each round every setting answers a part of the
/// queries, so that what disturbs the machine for a while disturbs all of them.
/// </summary>
internal static class SearchBenchmark
{
    private const int Rounds = 5, WarmUp = 40;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="set">What is searched.</param>
    /// <param name="rivals">Who searches; disposed at the end.</param>
    /// <param name="tell">Told the figures of each setting.</param>
    /// <param name="note">Told what else is to be known of a rival.</param>
    /// <param name="stage">Told what is being done.</param>
    /// <param name="cancellationToken">Ends the benchmark.</param>
    public static IReadOnlyList<SearchFigures> Run(
        SearchSet set, IReadOnlyList<Rival> rivals, Action<SearchFigures> tell, Action<string>? note = null, Action<string>? stage = null,
        CancellationToken cancellationToken = default)
    {
        try
        {
            var settings = new List<Measured>();
            foreach (Rival rival in rivals)
            {
                cancellationToken.ThrowIfCancellationRequested();
                stage?.Invoke($"building {rival.Name}");
                long started = Stopwatch.GetTimestamp();
                rival.Build(set);
                double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
                settings.AddRange(Enumerable.Range(0, rival.Settings.Count)
                    .Select(setting => new Measured(rival, setting, seconds, set.Queries.Rows)));
                if (rival.Notes is { } notes) note?.Invoke($"{rival.Name}: {notes}");
            }

            GC.Collect();
            for (int round = 0; round < Rounds; round++)
            {
                stage?.Invoke($"searching, round {round + 1} of {Rounds}");
                int first = (int)((long)round * set.Queries.Rows / Rounds), end = (int)((round + 1L) * set.Queries.Rows / Rounds);
                foreach (Measured each in settings) each.Search(set, first, end, cancellationToken);
            }

            var all = new List<SearchFigures>();
            foreach (Measured each in settings)
            {
                all.Add(each.Figures(set, cancellationToken));
                tell(all[^1]);
            }

            return all;
        }
        finally
        {
            foreach (Rival rival in rivals) rival.Dispose();
        }
    }

    /// <summary>A setting of a rival, and how long each query took.</summary>
    private sealed class Measured(Rival rival, int setting, double buildSeconds, int queries)
    {
        private readonly double[] times = new double[queries];
        private readonly int[] found = new int[SearchSet.Known];
        private double recall;

        public void Search(SearchSet set, int first, int end, CancellationToken cancellationToken)
        {
            for (int query = first; query < Math.Min(first + WarmUp, end); query++) rival.Search(query, setting, found);
            for (int query = first; query < end; query++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long started = Stopwatch.GetTimestamp();
                int count = rival.Search(query, setting, found);
                times[query] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
                recall += Share(set.Exact[query], found.AsSpan(0, count));
            }
        }

        public SearchFigures Figures(SearchSet set, CancellationToken cancellationToken)
        {
            (double? in100, double? in200) = Within(set, rival, setting, cancellationToken);
            double total = times.Sum();
            (double median, double percentile) = Percentiles(times);
            return new SearchFigures(rival.Name, rival.Settings[setting], recall / queries, in100, in200, queries / total * 1000, median,
                percentile, rival.ServesThreads ? OnTwoThreads() : null, rival.BytesPerRow(setting), buildSeconds);
        }

        private (double Median, double Percentile99) OnTwoThreads()
        {
            double[] both = new double[queries];
            Thread[] threads = [new(() => Half(0)), new(() => Half(1))];
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
            return Percentiles(both);

            void Half(int first)
            {
                int[] own = new int[SearchSet.Known];
                for (int query = first; query < queries; query += 2)
                {
                    long started = Stopwatch.GetTimestamp();
                    rival.Search(query, setting, own);
                    both[query] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
                }
            }
        }
    }

    private static (double Median, double Percentile99) Percentiles(double[] times)
    {
        double[] sorted = [.. times.Order()];
        return (HarvestTimes.MedianOf(sorted), sorted[(int)Math.Ceiling(0.99 * sorted.Length) - 1]);
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
