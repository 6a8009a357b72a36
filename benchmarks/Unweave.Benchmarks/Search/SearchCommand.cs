using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Cloud.Unum.USearch;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Cli;
using Unweave.Numerics;
using Unweave.Retrieval;

namespace Unweave.Benchmarks.Search;

/// <summary>The command that measures ways of searching beside one another.</summary>
internal static class SearchCommand
{
    private static readonly double[] Targets = [0.90, 0.95, 0.98, 0.99];

    /// <summary>Makes <c>search</c>.</summary>
    public static Command Make(Option<bool> json)
    {
        var vectors = new Option<string?>("--vectors")
        {
            HelpName = "FILE",
            Description = "Vectors to search, a row each (.npy, .safetensors, .parquet). Default: made ones.",
        };
        var texts = new Option<string?>("--texts") { HelpName = "FILE", Description = "A text for each vector, for BM25." };
        var queryVectors = new Option<string?>("--query-vectors")
        {
            HelpName = "FILE",
            Description = "Vectors to search for, which were held out before. Default: held out of --vectors.",
        };
        var queryTexts = new Option<string?>("--query-texts") { HelpName = "FILE", Description = "A text for each of them." };
        var sae = new Option<string?>("--sae")
        {
            HelpName = "FOLDER",
            Description = "Run of an autoencoder trained on the vectors, for our own index.",
        };
        var plot = new Option<string?>("--plot") { HelpName = "FOLDER", Description = "Draw recall against latency and against bytes." };
        var only = new Option<string[]>("--only")
        {
            HelpName = "NAME",
            Description = "Rivals whose names begin so. Default: all.",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<int> queries = Number("--queries", 2000, "Vectors held out as queries, or used of those given."),
            seed = Number("--seed", 0, "Which."),
            rows = Number("--rows", 50_000, "Vectors made where none are given."),
            copies = Number("--copies", 1, "How often each vector is searched: itself and others a little beside it."),
                width = Number("--d", 384, "Their width.");
        var search = new Command("search", "Measures recall, speed and memory of ways to search vectors, on one thread.")
        {
            vectors, texts, queryVectors, queryTexts, sae, queries, seed, rows, width, copies, only, plot,
        };
        search.SetAction((parsed, cancellationToken) =>
        {
            ulong chosen = (ulong)parsed.GetValue(seed);
            using SearchSet once = Open(
                parsed.GetValue(vectors), parsed.GetValue(texts), parsed.GetValue(queryVectors), parsed.GetValue(queryTexts),
                parsed.GetValue(queries), chosen, parsed.GetValue(rows), parsed.GetValue(width));
            using SearchSet set = once.Copied(parsed.GetValue(copies), chosen);
            using SparseAutoencoder? autoencoder = parsed.GetValue(sae) is { } run ? SparseAutoencoder.Load(run) : null;
            if (autoencoder is not null && autoencoder.InputWidth != set.Rows.Columns)
            {
                throw new InputException($"--sae {parsed.GetValue(sae)} is over vectors of width {autoencoder.InputWidth}, and these are "
                    + $"of {set.Rows.Columns}; train one on them.");
            }

            bool asJson = parsed.GetValue(json);
            if (!asJson)
            {
                Line($"rows {set.Rows.Rows} width {set.Rows.Columns} queries {set.Queries.Rows} seed {chosen} "
                    + $"threads of building {Workers.Shared.Threads}");
                Line($"{"",-44}{"recall@10",10}{"in 100",8}{"in 200",8}{"queries/s",11}{"p50 ms",9}{"p99 ms",9}{"2 threads p50",15}"
                    + $"{"p99",9}{"B/row",8}{"build s",9}");
            }

            string[] names = parsed.GetValue(only) ?? [];
            Rival[] rivals = [.. Rivals(set, autoencoder, chosen).Where(rival =>
                names.Length == 0 || names.Any(name => rival.Name.StartsWith(name, StringComparison.OrdinalIgnoreCase)))];
            if (rivals.Length == 0)
            {
                throw new InputException($"--only {string.Join(' ', names)}: no rival begins so; there are "
                    + $"{string.Join(", ", Rivals(set, autoencoder, chosen).Select(rival => rival.Name))}.");
            }

            var notes = new List<string>();
            Action<SearchFigures> tell = asJson ? static _ => { } : Write;
            IReadOnlyList<SearchFigures> figures = SearchBenchmark.Run(set, rivals, tell, notes.Add, Console.Error.WriteLine,
                cancellationToken);
            IReadOnlyList<string> plots = parsed.GetValue(plot) is { } folder ? SearchPlots.Write(figures, folder) : [];
            if (asJson) Screen.WriteJson(ToJson(set, chosen, figures, notes));
            else WriteTargets(figures, notes);
            foreach (string drawn in plots) Console.Error.WriteLine(drawn);
            return Task.CompletedTask;
        });
        return search;
    }

    private static SearchSet Open(
        string? vectors, string? texts, string? queryVectors, string? queryTexts, int queries, ulong seed, int rows, int width)
    {
        if (vectors is null)
        {
            if ((texts ?? queryVectors ?? queryTexts) is not null)
                throw new InputException("--texts, --query-vectors and --query-texts need --vectors: made vectors have none.");
            if (width < 1 || rows < 2) throw new InputException("--rows must be at least 2 and --d at least 1.");
            return SearchSet.Make(rows, width, queries, seed);
        }

        if (queries < 1) throw new InputException($"--queries is {queries}; it must be at least 1.");
        var all = new VectorsAndTexts(vectors, texts);
        if (queryVectors is not null) return SearchSet.Read(all, new VectorsAndTexts(queryVectors, queryTexts), queries);
        if (queryTexts is not null) throw new InputException("--query-texts needs --query-vectors.");
        return SearchSet.Read(all, queries, seed);
    }

    private static IEnumerable<Rival> Rivals(SearchSet set, SparseAutoencoder? autoencoder, ulong seed)
    {
        yield return new FloatScan();
        yield return new ByteScan();
        foreach (int parts in new[] { 32, 48, 64 })
            if (parts <= set.Rows.Columns) yield return new ProductQuantizer(parts, optimized: false);
        if (set.Rows.Columns >= 48) yield return new ProductQuantizer(48, optimized: true);
        yield return new SignBits(seed);
        foreach (int dimensions in new[] { 64, 128, 192 })
            if (dimensions <= set.Rows.Columns) yield return new PcaScan(dimensions);
        if (set.Texts is not null) yield return new WordScan();
        if (autoencoder is not null)
        {
            yield return new ConceptRival(autoencoder, VectorStore.Int8);
            yield return new ConceptRival(autoencoder, VectorStore.Signs);
            yield return new PostingsScan(autoencoder, packed: true);
            yield return new PostingsScan(autoencoder, packed: false);
        }

        yield return new Hnsw(ScalarKind.Float16);
        yield return new Hnsw(ScalarKind.Int8);
    }

    private static void Write(SearchFigures figures) => Line(
        $"{figures.Label,-44}{figures.Recall10,10:F3}{Shown(figures.Within100),8}{Shown(figures.Within200),8}"
        + $"{figures.QueriesPerSecond,11:F0}{figures.Median,9:F3}{figures.Percentile99,9:F3}{Shown(figures.TwoThreads?.Median),15}"
        + $"{Shown(figures.TwoThreads?.Percentile99),9}{figures.BytesPerRow,8:F0}{figures.BuildSeconds,9:F1}");

    // The fastest setting of each rival with several that reaches a recall.
    private static void WriteTargets(IReadOnlyList<SearchFigures> figures, List<string> notes)
    {
        foreach (string note in notes) Line(note);
        SearchFigures[][] several =
        [
            .. figures.GroupBy(each => each.Rival, StringComparer.Ordinal).Where(rival => rival.Count() > 1)
                .Select(rival => rival.ToArray()),
        ];
        if (several.Length == 0) return;
        Line($"{"queries/s at a recall@10 of",-44}{string.Concat(Targets.Select(target => $"{target,11:F2}"))}");
        foreach (SearchFigures[] rival in several)
            Line($"{rival[0].Rival,-44}{string.Concat(Targets.Select(target => $"{Reaching(rival, target)?.ToString("F0") ?? "–",11}"))}");
    }

    private static double? Reaching(IEnumerable<SearchFigures> rival, double target) =>
        rival.Where(each => each.Recall10 >= target).Select(each => (double?)each.QueriesPerSecond).Max();

    private static JsonObject ToJson(SearchSet set, ulong seed, IReadOnlyList<SearchFigures> figures, List<string> notes) => new()
    {
        ["rows"] = set.Rows.Rows,
        ["width"] = set.Rows.Columns,
        ["queries"] = set.Queries.Rows,
        ["seed"] = seed,
        ["threadsOfBuilding"] = Workers.Shared.Threads,
        ["notes"] = new JsonArray([.. notes.Select(note => (JsonNode)note)]),
        ["figures"] = new JsonArray([.. figures.Select(each => new JsonObject
        {
            ["rival"] = each.Rival,
            ["setting"] = each.Setting,
            ["recall10"] = each.Recall10,
            ["within100"] = each.Within100,
            ["within200"] = each.Within200,
            ["queriesPerSecond"] = each.QueriesPerSecond,
            ["medianMs"] = each.Median,
            ["p99Ms"] = each.Percentile99,
            ["twoThreadsMedianMs"] = each.TwoThreads?.Median,
            ["twoThreadsP99Ms"] = each.TwoThreads?.Percentile99,
            ["bytesPerRow"] = each.BytesPerRow,
            ["buildSeconds"] = each.BuildSeconds,
        })]),
    };

    private static string Shown(double? share) => share?.ToString("F3", CultureInfo.InvariantCulture) ?? "–";

    private static void Line(string text) => Console.Out.WriteLine(text);

    private static Option<int> Number(string name, int value, string description) =>
        new(name) { HelpName = "N", Description = description, DefaultValueFactory = _ => value };
}
