using System.Globalization;
using System.Text;
using Unweave.Catalog;
using Unweave.Indexing;
using Unweave.Interpretation;

namespace Unweave.Web.Runs;

/// <summary>The commands that give on a terminal what the pages show: the only place that writes them.</summary>
internal static class TerminalCommands
{
    private const int LongestText = 200;

    /// <summary>Trains the demonstration.</summary>
    public const string Demo = "unweave demo";

    /// <summary>Builds the catalog of features.</summary>
    public static string BuildFeatures(ServedRun run) => $"unweave features build {Quote(run.Folder)} --text corpus/";

    /// <summary>Measures the run; the result is kept where the overview shows it.</summary>
    public static string Evaluate(ServedRun run) => $"unweave eval {Quote(run.Folder)}";

    /// <summary>Measures what the run costs its model's predictions.</summary>
    public static string EvaluateSplice(ServedRun run) => $"{Evaluate(run)} --text heldout.txt";

    /// <summary>Trains with the run's settings again.</summary>
    public static string Train(ServedRun run) => $"unweave train --config {Quote(run.Files.SettingsPath)} -o sae/";

    /// <summary>Lays out the map.</summary>
    public static string Map(ServedRun run, MapLayout layout) =>
        $"unweave features map {Quote(run.Folder)}{(layout == MapLayout.Together ? "" : $" --by {layout.ToString().ToLowerInvariant()}")}";

    /// <summary>The latents of a text.</summary>
    public static string Read(ServedRun run, string text) => $"unweave read {Quote(run.Folder)} {QuoteStart(text)}";

    /// <summary>A search of an index.</summary>
    public static string Search(string index, TextSearch search)
    {
        List<string> words = ["unweave search", Quote(index)];
        if (!string.IsNullOrWhiteSpace(search.Text)) words.Add(QuoteStart(search.Text.Trim()));
        void Add<T>(string flag, IEnumerable<T> values) =>
            words.AddRange(values.Select(value => $"{flag} {Quote(Convert.ToString(value, CultureInfo.InvariantCulture)!)}"));
        Add("--like", search.Like);
        Add("--latent", search.Latents);
        Add("--weigh", search.Factors.Select(factor => FactorText.Write(factor.Key, factor.Value)));
        Add("--require", search.Required);
        Add("--exclude", search.Excluded);
        Add("--filter", search.Filters);
        if (search.WordWeight != 0.5) Add("--words", [search.WordWeight]);
        if (search.Distinct) Add("--distinct", [TextSearch.NearDuplicate]);
        if (search.Count != TextSearch.FirstHits) Add("--count", [search.Count]);
        return string.Join(' ', words);
    }

    /// <summary>A feature.</summary>
    public static string ShowFeature(string folder, int latent) => $"unweave features show {Quote(folder)} {latent}";

    /// <summary>What a query finds.</summary>
    public static string ListFeatures(string folder, FeatureQuery query)
    {
        List<string> words = ["unweave features list", Quote(folder)];
        void Add(string flag, string? value)
        {
            if (value is not null) words.Add($"{flag} {Quote(value)}");
        }

        if (!string.IsNullOrWhiteSpace(query.Text)) words.Add(Quote(query.Text.Trim()));
        foreach (FeatureKind kind in query.Kinds ?? []) Add("--kind", kind.ToString().ToLowerInvariant());
        Add("--min-score", Number(query.MinScore));
        Add("--min-frequency", Number(query.MinFrequency));
        Add("--max-frequency", Number(query.MaxFrequency));
        if (query.Starred) words.Add("--starred");
        Add("--list", query.List);
        Add("--sort", query.Order == FeatureOrder.Relevance ? null : query.Order.ToString().ToLowerInvariant());
        if (query.InExamples) words.Add("--in-examples");
        if (query.Descending != query.Order.StartsLargest()) words.Add("--reverse");
        return string.Join(' ', words);
    }

    /// <summary>Text with and without edits of latents.</summary>
    public static string Steer(ServedRun run, IEnumerable<LatentEdit> edits, string prompt, GenerationOptions options)
    {
        var command = new StringBuilder($"unweave steer {Quote(run.Folder)} {QuoteStart(prompt)}");
        foreach (LatentEdit edit in edits)
        {
            command.Append(CultureInfo.InvariantCulture, $" --{edit.Kind.ToString().ToLowerInvariant()} {edit.Latent}");
            if (edit.Kind != InterventionKind.Ablate) command.Append(CultureInfo.InvariantCulture, $"={edit.Strength:0.###}");
        }

        command.Append(CultureInfo.InvariantCulture, $" --tokens {options.Tokens} --temperature {options.Temperature:0.##}");
        return command.Append(CultureInfo.InvariantCulture, $" --seed {options.Seed}").ToString();
    }

    /// <summary>A word of a command as a shell reads it back.</summary>
    private static string Quote(string word)
    {
        bool plain = word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=,+".Contains(c, StringComparison.Ordinal));
        return plain ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }

    private static string QuoteStart(string text) => Quote(text.Length > LongestText ? text[..LongestText] + "…" : text);

    private static string? Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture);
}
