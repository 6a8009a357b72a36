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

/// <summary><c>/api/runs/{run}/export/neuronpedia</c>: features in the JSON that Neuronpedia's dashboards are made from.</summary>
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
