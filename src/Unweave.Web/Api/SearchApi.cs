using System.ComponentModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Unweave.Catalog.Json;
using Unweave.Indexing;
using Unweave.Onnx;
using Unweave.Retrieval;
using Unweave.Web.Runs;

namespace Unweave.Web.Api;

/// <summary>What a client seeks: <see cref="SearchQuery"/> as query parameters, with the names of the command line's flags.</summary>
internal sealed record SearchParameters(
    [property: FromQuery(Name = "query")]
    [property: Description("What is sought: a question, some words, a text. May be left out where like or latent is given.")]
    string? Text,
    [property: FromQuery(Name = "count")]
    [property: Description("Hits at most, 1 to 200; 10 by default.")]
    int? Count,
    [property: FromQuery(Name = "filter")]
    [property: Description("Only texts whose fields are so: year>=1990, author=Smith, tag=a|b, year=1990..1999, name^=beginning, "
        + "!tag=a. May be given several times; all must hold.")]
    string[]? Filters,
    [property: FromQuery(Name = "require")]
    [property: Description("Only texts that have this latent; may be given several times.")]
    int[]? Require,
    [property: FromQuery(Name = "exclude")]
    [property: Description("Only texts that do not have this latent; may be given several times.")]
    int[]? Exclude,
    [property: FromQuery(Name = "weigh")]
    [property: Description("LATENT=F counts a latent of the query F times as much: 2 raises it, 0.5 lowers it, 0 leaves it out. May be "
        + "given several times.")]
    string[]? Weigh,
    [property: FromQuery(Name = "latent")]
    [property: Description("Looks for a latent itself, with or without a query; may be given several times.")]
    int[]? Latents,
    [property: FromQuery(Name = "like")]
    [property: Description("Looks for texts like the one of this id, with or without a query; several stand for their mean.")]
    string[]? Like,
    [property: FromQuery(Name = "words")]
    [property: Description("Weight of the words against the concepts: 0 for concepts alone, 1 for words alone; 0.5 by default.")]
    double? Words,
    [property: FromQuery(Name = "distinct")]
    [property: Description("Leaves out hits whose concepts are those of a better one, by a cosine of at least this, such as 0.95.")]
    double? Distinct,
    [property: FromQuery(Name = "facets")]
    [property: Description("How many latents that set the best 100 hits apart are wanted, up to 200; 0 by default.")]
    int? Facets)
{
    private const int Shares = 16;

    /// <summary>The query, checked.</summary>
    public SearchQuery ToQuery()
    {
        if (Text?.Length > Limits.Text) throw Refusal.TooLarge($"query has {Text.Length} characters; a search takes {Limits.Text}.");
        foreach ((string name, int? number) in (ReadOnlySpan<(string, int?)>)
            [("filter", Filters?.Length), ("require", Require?.Length), ("exclude", Exclude?.Length), ("weigh", Weigh?.Length),
                ("latent", Latents?.Length), ("like", Like?.Length)])
        {
            if (number > Limits.Sought) throw Refusal.TooLarge($"{name} is given {number} times; a search takes {Limits.Sought}.");
        }

        if ((Filters ?? []).FirstOrDefault(filter => filter.Length > Limits.Filter) is { } longest)
            throw Refusal.TooLarge($"a filter has {longest.Length} characters; a search takes {Limits.Filter}.");
        if (Count is < 1 or > Limits.Hits) throw new InputException($"count is {Count}; it must be from 1 to {Limits.Hits}.");
        if (Facets is < 0 or > Limits.Listed) throw new InputException($"facets is {Facets}; it must be from 0 to {Limits.Listed}.");
        if (Distinct is { } cosine && !(cosine is > 0 and <= 1))
            throw new InputException($"distinct is {cosine}; it must be above 0 and at most 1.");
        if (string.IsNullOrWhiteSpace(Text) && Like is not { Length: > 0 } && Latents is not { Length: > 0 })
            throw new InputException("nothing is sought; give a query, like an id, or a latent.");
        return new SearchQuery
        {
            Count = Count ?? 10,
            Filter = FilterText.Parse(Filters ?? []),
            Require = Require ?? [],
            Exclude = Exclude ?? [],
            Factors = FactorText.Parse(Weigh ?? []),
            Latents = (Latents ?? []).Distinct().ToDictionary(latent => latent, _ => 1f),
            Like = Like ?? [],
            WordWeight = Words ?? 0.5,
            Distinct = Distinct ?? 2,
            Facets = Facets ?? 0,
            Shares = Shares,
        };
    }
}

/// <summary><c>/api/runs/{run}/search</c>: texts by concepts and words.</summary>
internal static class SearchApi
{
    /// <summary>Maps the route.</summary>
    public static void Map(RouteGroupBuilder api) => api.MapGroup("/runs/{run}").WithTags("Search")
        .MapGet("/search", Find).WithName("searchTexts")
        .WithSummary("Texts of an index by their concepts and words, each with what it shares with the query.")
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status404NotFound)
        .ProducesProblem(StatusCodes.Status409Conflict)
        .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static async Task<Ok<SearchJson>> Find(
        [Description("Name of the run, which is the index.")] string run,
        [AsParameters] SearchParameters search,
        ServedRuns runs,
        ModelGate gate,
        CancellationToken cancellationToken)
    {
        SearchQuery query = search.ToQuery();
        ServedRun named = runs.Named(run);
        using (await gate.EnterAsync(cancellationToken))
        {
            using Lease<IndexedTexts> index = await Task.Run(named.LeaseIndex, cancellationToken)
                ?? throw Refusal.Conflict($"The run {ApiRoutes.Quoted(run)} has no index of texts; make one with `unweave index TEXTS`.");
            SearchResults results = await Task.Run(
                () => index.Value.Texts.Search(search.Text ?? "", query, cancellationToken), cancellationToken);
            return TypedResults.Ok(SearchJson.Of(results, SearchJson.Labels(results, named.Catalog)));
        }
    }
}
