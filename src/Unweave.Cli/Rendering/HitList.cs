using System.Globalization;
using Spectre.Console;
using Unweave.Retrieval;

namespace Unweave.Cli.Rendering;

/// <summary>What a search found, for people: each hit with its text, and why it was found.</summary>
internal static class HitList
{
    private const int Indent = 5, TextLines = 3, LongestLabel = 40;

    /// <summary>Writes it.</summary>
    public static void Write(SearchResults results, IReadOnlyDictionary<int, string> labels, bool explain)
    {
        if (results.Hits.Count == 0)
        {
            Console.Out.WriteLine("Nothing was found.");
            return;
        }

        if (explain) WriteQuery(results, labels);
        int width = Math.Max(40, Screen.Results.Profile.Width - Indent);
        foreach ((int rank, SearchHit hit) in results.Hits.Index())
        {
            string fields = string.Join("  ", hit.Fields.Select(field => $"{field.Key}: {Cut(field.Value.ToString(), 30)}"));
            string scores = string.Join("  ", Scores(hit));
            Screen.Results.MarkupLine($"[bold]{rank + 1,3}[/]  [aqua]{Markup.Escape(hit.Key)}[/]  [grey]{Markup.Escape(scores)}"
                + $"{(fields.Length > 0 ? "  " + Markup.Escape(Cut(fields, width)) : "")}[/]");
            foreach (string line in Wrapped(hit, width).Take(explain ? int.MaxValue : TextLines))
                Screen.Results.MarkupLine(new string(' ', Indent) + line);
            if (explain) WriteShares(hit, labels);
            else WriteWhy(hit, labels, width);
        }

        if (results.Facets.Count == 0) return;
        Screen.Results.MarkupLine("\n[bold]What sets the best hits apart:[/]");
        Table table = new Table().Border(TableBorder.Simple).AddColumn(Heading.Number("latent")).AddColumn(Heading.Words("label"))
            .AddColumn(Heading.Number("hits")).AddColumn(Heading.Number("all texts"));
        foreach (Facet facet in results.Facets)
        {
            table.AddRow(facet.Latent.ToString(CultureInfo.InvariantCulture),
                Markup.Escape(labels.GetValueOrDefault(facet.Latent, "no label")),
                Figures.Percent((double)facet.Hits / facet.Of), Figures.Percent(facet.ShareOfAll));
        }

        Screen.Results.Write(table);
    }

    /// <summary>A latent with its label.</summary>
    private static string Named(int latent, IReadOnlyDictionary<int, string> labels) =>
        labels.TryGetValue(latent, out string? label) ? label : $"latent {latent.ToString(CultureInfo.InvariantCulture)}";

    private static void WriteQuery(SearchResults results, IReadOnlyDictionary<int, string> labels)
    {
        if (results.Query.Count > 0)
            Screen.Results.MarkupLine("[bold]The query's concepts:[/] " + Markup.Escape(string.Join("; ", results.Query.Take(8)
                .Select(share => $"{share.Latent} {labels.GetValueOrDefault(share.Latent, "no label")} ({Score(share.Share)})"))));
        if (results.Words.Count > 0) Screen.Results.MarkupLine("[bold]Its words:[/] " + Markup.Escape(string.Join(", ", results.Words)));
        Console.Out.WriteLine();
    }

    private static void WriteShares(SearchHit hit, IReadOnlyDictionary<int, string> labels)
    {
        foreach (LatentShare share in hit.Latents)
            Screen.Results.MarkupLine($"{new string(' ', Indent)}[grey]{Score(share.Share),6}  latent {share.Latent,-6}[/] "
                + Markup.Escape(labels.GetValueOrDefault(share.Latent, "no label")));
        foreach (WordShare share in hit.Words)
            Screen.Results.MarkupLine($"{new string(' ', Indent)}[grey]{Score(share.Share),6}  word         [/] "
                + $"“{Markup.Escape(share.Word)}”");
        Console.Out.WriteLine();
    }

    private static IEnumerable<string> Scores(SearchHit hit)
    {
        if (hit.ConceptScore is { } cosine) yield return $"cosine {Score(cosine)}";
        if (hit.WordScore is { } words) yield return $"words {Score(words)}";
    }

    // Its strongest concepts, as far as a line goes, and its words, which are bold in the text too.
    private static void WriteWhy(SearchHit hit, IReadOnlyDictionary<int, string> labels, int width)
    {
        string[] named = [.. hit.Latents.Take(3).Select(share => Cut(Named(share.Latent, labels), LongestLabel))];
        if (named.Length > 0) Write("because of " + string.Join("  ·  ", named));
        if (hit.Words.Count > 0) Write("words " + string.Join(", ", hit.Words.Take(6).Select(share => $"“{share.Word}”")));

        void Write(string line) => Screen.Results.MarkupLine($"{new string(' ', Indent)}[grey]{Markup.Escape(Cut(line, width))}[/]");
    }

    // The text in lines, from where it first has a word of the query on, its words in bold.
    private static IEnumerable<string> Wrapped(SearchHit hit, int width)
    {
        int from = hit.Words.Count == 0 ? 0 : Math.Max(0,
            hit.Words.SelectMany(word => word.Places).Min(place => place.Start) - (width / 2));
        while (from > 0 && !char.IsWhiteSpace(hit.Text[from - 1])) from--;
        bool[] bold = new bool[hit.Text.Length];
        foreach (TextSpan place in hit.Words.SelectMany(word => word.Places)) bold.AsSpan(place.Start, place.Length).Fill(true);
        for (int at = from; at < hit.Text.Length;)
        {
            int end = Math.Min(hit.Text.Length, at + width), line = hit.Text.IndexOf('\n', at, end - at);
            if (line >= 0) end = line;
            else if (end < hit.Text.Length && hit.Text.LastIndexOf(' ', end - 1, end - at) is var space and > 0) end = space;
            var marked = new System.Text.StringBuilder();
            for (int first = at; first < end;)
            {
                int next = first;
                while (next < end && bold[next] == bold[first]) next++;
                string piece = Markup.Escape(hit.Text[first..next]);
                marked.Append(bold[first] ? $"[bold]{piece}[/]" : piece);
                first = next;
            }

            if (end > at) yield return marked.ToString();
            at = end == at || (end < hit.Text.Length && char.IsWhiteSpace(hit.Text[end])) ? end + 1 : end;
        }
    }

    private static string Score(double score) => score.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Cut(string text, int width) => text.Length <= width ? text : text[..Math.Max(1, width - 1)] + "…";
}
