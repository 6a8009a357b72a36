using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Unweave.Cli.Rendering;
using Unweave.Indexing;
using Unweave.Catalog.Json;
using Unweave.Retrieval;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave search</c>: hits that say why.</summary>
internal static class SearchCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var index = new Argument<string>("INDEX") { Description = "Folder of an index." };
        var text = new Argument<string?>("QUERY")
        {
            Description = "What is sought: a question, some words, a text.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var count = new Option<int>("--count", "-n") { HelpName = "N", Description = "Hits at most.", DefaultValueFactory = _ => 10 };
        var filter = Several("--filter", "FILTER", "Only texts whose fields are so: year>=1990, author=Smith, tag=a|b, year=1990..1999, "
            + "name^=beginning, !tag=a. May be given several times; all must hold.");
        var require = Several("--require", "LATENT", "Only texts that have this concept; may be given several times.");
        var exclude = Several("--exclude", "LATENT", "Only texts that do not have this concept; may be given several times.");
        var weigh = Several("--weigh", "LATENT=F", "Counts a concept of the query F times as much: 2 raises it, 0.5 lowers it, 0 leaves it "
            + "out. May be given several times.");
        var latent = Several("--latent", "LATENT", "Looks for a concept itself, with or without a query; may be given several times.");
        var like = Several("--like", "ID", "Looks for texts like this one, with or without a query; several stand for their mean.");
        var words = new Option<double>("--words")
        {
            HelpName = "W",
            Description = "Weight of the words against the concepts: 0 for concepts alone, 1 for words alone.",
            DefaultValueFactory = _ => 0.5,
        };
        var distinct = new Option<double?>("--distinct")
        {
            HelpName = "C",
            Description = "Leaves out hits whose concepts are those of a better one, by a cosine of at least C, such as 0.95.",
        };
        var facets = new Option<int>("--facets")
        {
            HelpName = "N",
            Description = "Also shows N concepts that set the best 100 hits apart.",
        };
        var explain = new Option<bool>("--explain")
        {
            Description = "Shows all concepts and words that each hit shares with the query, and their parts of the score.",
        };
        var command = new Command("search",
            "Searches an index of texts by concepts and words.\n\nEvery hit says which it shares with the query.")
        {
            index, text, count, filter, require, exclude, weigh, latent, like, words, distinct, facets, explain,
        };
        help.AddExamples(command, "unweave search docs.index \"federal budget deficit\"",
            "unweave search docs.index \"card payment\" --exclude 1207 --filter year>=2020",
            "unweave search docs.index --like 17 --weigh 884=0 --explain");
        command.SetAction((parsed, cancellationToken) =>
        {
            string sought = parsed.GetValue(text) ?? "";
            var query = new SearchQuery
            {
                Count = parsed.GetValue(count),
                Filter = FilterText.Parse(parsed.GetValue(filter)!),
                Require = [.. parsed.GetValue(require)!.Select(Latent)],
                Exclude = [.. parsed.GetValue(exclude)!.Select(Latent)],
                Factors = FactorText.Parse(parsed.GetValue(weigh)!),
                Latents = parsed.GetValue(latent)!.Select(Latent).Distinct().ToDictionary(number => number, _ => 1f),
                Like = parsed.GetValue(like)!,
                WordWeight = parsed.GetValue(words),
                Distinct = parsed.GetValue(distinct) ?? 2,
                Facets = parsed.GetValue(facets),
                Shares = parsed.GetValue(explain) || parsed.GetValue(json) ? 16 : 3,
            };
            if (string.IsNullOrWhiteSpace(sought) && query.Like.Count == 0 && query.Latents.Count == 0)
                throw new InputException("nothing is sought; give a QUERY, --like an id, or a --latent.");
            using OpenedIndex opened = OpenedIndex.Open(parsed.GetValue(index)!);
            SearchResults results = opened.Texts.Search(sought, query, cancellationToken);
            IReadOnlyDictionary<int, string> labels = opened.Labels(results);
            if (parsed.GetValue(json))
                Console.Out.WriteLine(JsonSerializer.Serialize(SearchJson.Of(results, labels), CatalogJson.Options));
            else HitList.Write(results, labels, parsed.GetValue(explain));
            return Task.CompletedTask;
        });
        return command;
    }

    private static Option<string[]> Several(string name, string value, string description) => new(name)
    {
        HelpName = value,
        Description = description,
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
    };

    private static int Latent(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int latent)
        ? latent
        : throw new InputException($"'{text}' is not the number of a latent; --explain shows the numbers.");
}
