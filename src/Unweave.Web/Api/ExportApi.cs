using System.ComponentModel;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Unweave.Catalog;
using Unweave.Catalog.Json;
using Unweave.Web.Runs;

namespace Unweave.Web.Api;

/// <summary>
/// <c>/api/runs/{run}/export</c>: features in the JSON that Neuronpedia's dashboards are made from, and the table as text.
/// </summary>
internal static class ExportApi
{
    private const string JsonLines = "application/jsonl";

    /// <summary>Maps the routes.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder export = api.MapGroup("/runs/{run}/export/neuronpedia").WithTags("Export")
            .ProducesProblem(StatusCodes.Status404NotFound);
        export.MapGet("", All).WithName("exportFeatures").WithSummary("All features in Neuronpedia's JSON, a line each.")
            .Produces<NeuronpediaFeature>(StatusCodes.Status200OK, JsonLines);
        export.MapGet("/{latent}", One).WithName("exportFeature").WithSummary("A feature in Neuronpedia's JSON.");
        foreach ((string ending, TableExport table) in ((string, TableExport)[])[("csv", TableExport.Csv), ("tsv", TableExport.Tsv)])
        {
            api.MapGet($"/runs/{{run}}/export/features.{ending}", (
                    [Description("Name of the run.")] string run, [AsParameters] FeatureSearch search, ServedRuns runs,
                    CancellationToken cancellationToken) => Table(table, run, search, runs, cancellationToken))
                .WithTags("Export").WithName($"exportTable{char.ToUpperInvariant(ending[0])}{ending[1..]}")
                .WithSummary($"The table of the features that a search finds, as {ending.ToUpperInvariant()}; skip and take are left out.")
                .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound)
                .Produces(StatusCodes.Status200OK, contentType: table.ContentType.Split(';')[0]);
        }
    }

    private static PushStreamHttpResult Table(
        TableExport table, string run, FeatureSearch search, ServedRuns runs, CancellationToken cancellationToken)
    {
        FeatureQuery query = search.ToQuery();
        FeatureCatalog features = runs.Features(run);
        return TypedResults.Stream(
            async stream =>
            {
                using CatalogSnapshot catalog = features.Snapshot();
                await table.Write(stream, catalog, query, cancellationToken);
            },
            table.ContentType);
    }

    private static Ok<NeuronpediaFeature> One(
        [Description("Name of the run.")] string run,
        [Description("Number of the latent.")] int latent,
        ServedRuns runs)
    {
        using CatalogSnapshot catalog = runs.Features(run).Snapshot();
        return TypedResults.Ok(NeuronpediaFeature.Of(catalog.Read(catalog.Source.Known(latent)), catalog.Source));
    }

    private static PushStreamHttpResult All(
        [Description("Name of the run.")] string run,
        ServedRuns runs,
        CancellationToken cancellationToken)
    {
        FeatureCatalog features = runs.Features(run);
        return TypedResults.Stream(
            async stream =>
            {
                // A reader may take minutes, in which the features may be built anew.
                using CatalogSnapshot catalog = features.Snapshot();
                for (int latent = 0; latent < catalog.Source.Latents; latent++)
                {
                    var line = NeuronpediaFeature.Of(catalog.Read(latent), catalog.Source);
                    await JsonSerializer.SerializeAsync(stream, line, CatalogJson.Options, cancellationToken);
                    await stream.WriteAsync("\n"u8.ToArray(), cancellationToken);
                }
            },
            JsonLines);
    }
}
