using System.ComponentModel;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Unweave.Catalog;
using Unweave.Web.Runs;

namespace Unweave.Web.Api;

/// <summary><c>/api/runs/{run}/export/neuronpedia</c>: features in the JSON that Neuronpedia's dashboards are made from.</summary>
internal static class ExportApi
{
    private const string JsonLines = "application/jsonl";

    /// <summary>Maps the routes.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder export = api.MapGroup("/runs/{run}/export/neuronpedia").WithTags("Export").ProducesProblem(StatusCodes.Status404NotFound);
        export.MapGet("", All).WithName("exportFeatures").WithSummary("All features in Neuronpedia's JSON, a line each.").Produces<NeuronpediaFeature>(StatusCodes.Status200OK, JsonLines);
        export.MapGet("/{latent}", One).WithName("exportFeature").WithSummary("A feature in Neuronpedia's JSON.");
    }

    private static Ok<NeuronpediaFeature> One([Description("Name of the run.")] string run, [Description("Number of the latent.")] int latent, ServedRuns runs)
    {
        FeatureCatalog catalog = runs.Features(run);
        return TypedResults.Ok(NeuronpediaFeature.Of(catalog.Read(catalog.Known(latent)), catalog.Source));
    }

    private static PushStreamHttpResult All([Description("Name of the run.")] string run, ServedRuns runs, CancellationToken cancellation)
    {
        FeatureCatalog catalog = runs.Features(run);
        return TypedResults.Stream(async stream =>
        {
            for (int latent = 0; latent < catalog.Source.Latents; latent++)
            {
                await JsonSerializer.SerializeAsync(stream, NeuronpediaFeature.Of(catalog.Read(latent), catalog.Source), ApiJson.Whole, cancellation);
                await stream.WriteAsync("\n"u8.ToArray(), cancellation);
            }
        }, JsonLines);
    }
}
