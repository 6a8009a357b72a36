using System.ComponentModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Unweave.Catalog;
using Unweave.Catalog.Json;
using Unweave.Interpretation;
using Unweave.Web.Runs;

namespace Unweave.Web.Api;

/// <summary>Which features a client asks for: <see cref="FeatureQuery"/> as query parameters.</summary>
internal sealed record FeatureSearch(
    [property: FromQuery(Name = "text")]
    [property: Description("Words to find in labels, notes and the words that a latent fires on: whole words, or beginnings where * "
        + "follows; a number alone also finds the latent of that number.")]
    string? Text,
    [property: FromQuery(Name = "inExamples")]
    [property: Description("Whether the words are also looked for in all of the examples' texts.")]
    bool? InExamples,
    [property: FromQuery(Name = "kind")]
    [property: Description("Only this kind: ordinary, dead, dense, token or position; may be given several times.")]
    string[]? Kinds,
    [property: FromQuery(Name = "minFrequency")]
    [property: Description("Least share of rows on which the latent fired.")]
    double? MinFrequency,
    [property: FromQuery(Name = "maxFrequency")]
    [property: Description("Largest share of rows on which the latent fired.")]
    double? MaxFrequency,
    [property: FromQuery(Name = "minScore")]
    [property: Description("Least detection score of the label.")]
    double? MinScore,
    [property: FromQuery(Name = "labelled")]
    [property: Description("True for latents with a label, false for those without.")]
    bool? Labelled,
    [property: FromQuery(Name = "starred")]
    [property: Description("Only starred ones.")]
    bool? Starred,
    [property: FromQuery(Name = "list")]
    [property: Description("Only members of this list.")]
    string? List,
    [property: FromQuery(Name = "order")]
    [property: Description("What the answer is sorted by: relevance (the default; interest where nothing is searched for), "
        + "interest, latent, frequency, max, score or label.")]
    string? Order,
    [property: FromQuery(Name = "descending")]
    [property: Description("Whether the order is reversed.")]
    bool? Descending,
    [property: FromQuery(Name = "skip")]
    [property: Description("Lines to skip; 0 by default.")]
    int? Skip,
    [property: FromQuery(Name = "take")]
    [property: Description("Lines to give at most, 1 to 1000; 50 by default.")]
    int? Take)
{
    /// <summary>The query, checked.</summary>
    public FeatureQuery ToQuery()
    {
        foreach ((string name, double? value) in ((string, double?)[])
            [("minFrequency", MinFrequency), ("maxFrequency", MaxFrequency), ("minScore", MinScore)])
        {
            if (value is { } number && !double.IsFinite(number))
                throw new InputException($"{name} is {number}; it must be a number.");
        }

        if (Text?.Length > Limits.Text) throw Refusal.TooLarge($"text has {Text.Length} characters; a search takes {Limits.Text}.");
        if (Skip < 0) throw new InputException($"skip is {Skip}; it must not be negative.");
        if (Take is < 1 or > Limits.Rows) throw new InputException($"take is {Take}; it must be from 1 to {Limits.Rows}.");
        return new FeatureQuery
        {
            Text = Text,
            InExamples = InExamples ?? false,
            Kinds = Kinds is { Length: > 0 } ? [.. Kinds.Select(kind => Named<FeatureKind>(kind, "kind"))] : null,
            MinFrequency = MinFrequency,
            MaxFrequency = MaxFrequency,
            MinScore = MinScore,
            Labelled = Labelled,
            Starred = Starred ?? false,
            List = List,
            Order = Order is null ? FeatureOrder.Relevance : Named<FeatureOrder>(Order, "order"),
            Descending = Descending ?? false,
            Skip = Skip ?? 0,
            Take = Take ?? 50,
        };
    }

    private static T Named<T>(string text, string parameter)
        where T : struct, Enum =>
        Enum.GetValues<T>()
            .Where(value => string.Equals(value.ToString(), text, StringComparison.OrdinalIgnoreCase))
            .Cast<T?>()
            .FirstOrDefault()
        ?? throw new InputException(
            $"{parameter} is {ApiRoutes.Quoted(text)}; it must be one of "
                + $"{string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}.");
}

/// <summary>Places on the map, a column each: point i is latent <c>latents[i]</c> at <c>(x[i], y[i])</c>.</summary>
internal sealed record MapAnswer(IReadOnlyList<int> Latents, IReadOnlyList<float> X, IReadOnlyList<float> Y);

/// <summary><c>/api/runs/{run}/features</c>: the table, a feature, the map.</summary>
internal static class FeaturesApi
{
    /// <summary>Maps the routes.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder run = api.MapGroup("/runs/{run}").WithTags("Features").ProducesProblem(StatusCodes.Status404NotFound);
        run.MapGet("/features", Find).WithName("findFeatures").WithSummary("Finds features, with the number of all that match.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        run.MapGet("/features/{latent}", Read).WithName("readFeature").WithSummary("All that is known of a feature.");
        run.MapGet("/features/{latent}/labels", Labels).WithName("readLabels")
            .WithSummary("A feature's computed labels with their scores, best first.");
        run.MapGet("/map", Places).WithName("readMap").WithSummary("The latents' places in the plane; empty before a map was made.");
    }

    private static Ok<FeatureRows> Find(
        [Description("Name of the run.")] string run,
        [AsParameters] FeatureSearch search,
        ServedRuns runs)
    {
        FeatureQuery query = search.ToQuery();
        return TypedResults.Ok(runs.Features(run).Find(query));
    }

    private static Ok<FeatureDetail> Read(
        [Description("Name of the run.")] string run,
        [Description("Number of the latent.")] int latent,
        ServedRuns runs)
    {
        using CatalogSnapshot catalog = runs.Features(run).Snapshot();
        return TypedResults.Ok(FeatureDetail.Of(catalog, catalog.Source.Known(latent)));
    }

    private static Ok<IReadOnlyList<FeatureLabel>> Labels(
        [Description("Name of the run.")] string run,
        [Description("Number of the latent.")] int latent,
        ServedRuns runs)
    {
        using CatalogSnapshot catalog = runs.Features(run).Snapshot();
        return TypedResults.Ok(catalog.Labels(catalog.Source.Known(latent)));
    }

    private static Ok<MapAnswer> Places([Description("Name of the run.")] string run, ServedRuns runs)
    {
        IReadOnlyList<MapPoint> map = runs.Features(run).Map();
        return TypedResults.Ok(new MapAnswer(
            [.. map.Select(point => point.Latent)],
            [.. map.Select(point => point.X)],
            [.. map.Select(point => point.Y)]));
    }
}
