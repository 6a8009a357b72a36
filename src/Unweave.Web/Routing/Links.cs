using System.Globalization;
using Unweave.Catalog;

namespace Unweave.Web.Routing;

/// <summary>Addresses of the dashboard's pages: the only place that writes them.</summary>
internal static class Links
{
    /// <summary>The table of runs.</summary>
    public const string Runs = "/runs";

    /// <summary>What is shown where there is no page.</summary>
    public const string NotFound = "/not-found";

    /// <summary>The description of the HTTP API.</summary>
    public const string Api = "/api";

    /// <summary>The HTTP API's description for programs.</summary>
    public const string OpenApi = "/api/openapi.json";

    /// <summary>The license.</summary>
    public const string License = "/license";

    /// <summary>A sweep: its table and its planes.</summary>
    public static string Sweep(string sweep) => $"/sweeps/{Uri.EscapeDataString(sweep)}";

    /// <summary>Several runs side by side.</summary>
    public static string Compare(IEnumerable<string> runs) =>
        $"/compare?runs={string.Join("&runs=", runs.Select(Uri.EscapeDataString))}";

    /// <summary>Overview of a run.</summary>
    public static string Run(string run) => $"/runs/{Uri.EscapeDataString(run)}";

    /// <summary>The search of a run with an index.</summary>
    /// <param name="run">Name of the run.</param>
    /// <param name="query">What is sought, as <see cref="SearchAddress.Write"/> writes it; empty for nothing yet.</param>
    public static string Search(string run, string query = "") => $"{Run(run)}/search{query}";

    /// <summary>The texts that have a concept.</summary>
    /// <param name="run">Name of the run.</param>
    /// <param name="latent">Number of the latent.</param>
    public static string Search(string run, int latent) => Search(run, SearchAddress.Write(new TextSearch { Latents = [latent] }));

    /// <summary>Feature browser.</summary>
    /// <param name="run">Name of the run.</param>
    /// <param name="query">What it shows, as <see cref="FeatureAddress.Write"/> writes it; empty for all.</param>
    public static string Features(string run, string query = "") => $"{Run(run)}/features{query}";

    /// <summary>The table of what a query finds, as a file.</summary>
    /// <param name="run">Name of the run.</param>
    /// <param name="query">The query.</param>
    /// <param name="ending"><c>csv</c> or <c>tsv</c>.</param>
    public static string Table(string run, FeatureQuery query, string ending)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        return PageAddress.Build(
            $"/api/runs/{Uri.EscapeDataString(run)}/export/features.{ending}",
            [
                ("text", query.Text), ("inExamples", query.InExamples ? "true" : null),
                .. (query.Kinds ?? []).Select(kind => ("kind", (string?)kind.ToString().ToLowerInvariant())),
                ("minFrequency", query.MinFrequency?.ToString("R", culture)), ("maxFrequency", query.MaxFrequency?.ToString("R", culture)),
                ("minScore", query.MinScore?.ToString("R", culture)),
                ("labelled", query.Labelled switch { true => "true", false => "false", null => null }),
                ("starred", query.Starred ? "true" : null), ("list", query.List),
                ("order", query.Order == FeatureOrder.Relevance ? null : query.Order.ToString().ToLowerInvariant()),
                ("descending", query.Descending ? "true" : null),
            ]);
    }

    /// <summary>Page of a feature.</summary>
    /// <param name="run">Name of the run.</param>
    /// <param name="latent">Number of the latent.</param>
    /// <param name="query">The browser's query that next and previous follow; empty for all.</param>
    public static string Feature(string run, int latent, string query = "") => $"{Run(run)}/features/{latent}{query}";

    /// <summary>Two features side by side.</summary>
    public static string Compare(string run, int first, int second) => $"{Run(run)}/compare/{first}/{second}";

    /// <summary>Try it.</summary>
    public static string Try(string run) => $"{Run(run)}/try";

    /// <summary>Try it with a text, colored by a latent.</summary>
    /// <param name="run">Name of the run.</param>
    /// <param name="pinned">The latents that are pinned; the text is colored by the first.</param>
    /// <param name="text">The text; null for an empty box.</param>
    public static string Try(string run, IEnumerable<int> pinned, string? text = null) =>
        PageAddress.Build(Try(run), ("t", text), ("pin", string.Join(',', pinned)));

    /// <summary>Steer.</summary>
    public static string Steer(string run) => $"{Run(run)}/steer";

    /// <summary>Steer by one latent, at a strength that shows.</summary>
    /// <param name="run">Name of the run.</param>
    /// <param name="latent">Number of the latent.</param>
    public static string Steer(string run, int latent) =>
        PageAddress.Build(Steer(run), ("change", new LatentEdit(latent) { Times = LatentEdit.Telling }.ToString()));

    /// <summary>Map.</summary>
    public static string Map(string run) => $"{Run(run)}/map";

    /// <summary>The run's name in an address of one of its pages, or null.</summary>
    /// <param name="path">Path, relative to the start, with or without a query.</param>
    public static string? RunOf(string path) =>
        path.Split('?', '#')[0].TrimStart('/').Split('/') is ["runs", { Length: > 0 } name, ..] ? Uri.UnescapeDataString(name) : null;
}
