using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Unweave.Catalog;
using Unweave.Web.Runs;

namespace Unweave.Web.Api;

/// <summary>The HTTP API: what it needs, its routes, and its description at <c>/api/openapi.json</c>.</summary>
internal static class ApiRoutes
{
    private const int LongestQuoted = 80;

    /// <summary>Adds what the API needs.</summary>
    public static void AddApi(this IServiceCollection services)
    {
        services.AddSingleton<ModelGate>();
        services.ConfigureHttpJsonOptions(json => ApiJson.Configure(json.SerializerOptions));
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddSingleton<ApiReference>();
        services.AddOpenApi(ApiReference.Document, openApi =>
        {
            openApi.AddDocumentTransformer((document, _, _) =>
            {
                document.Info = new OpenApiInfo
                {
                    Title = "Unweave",
                    Version = typeof(ApiRoutes).Assembly.GetName().Version!.ToString(3),
                    Description = "Sparse autoencoders and what their latents mean. Errors are application/problem+json with one sentence "
                        + "in `detail`. A number that is not finite is null. A server that asks for a token wants "
                        + "`Authorization: Bearer TOKEN`.",
                };
                document.Servers?.Clear();
                return Task.CompletedTask;
            });
            openApi.AddSchemaTransformer((schema, context, _) =>
            {
                Type type = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type;
                if (type == typeof(double) || type == typeof(float)) schema.Type = JsonSchemaType.Number | JsonSchemaType.Null;
                return Task.CompletedTask;
            });
        });
    }

    /// <summary>Maps every route.</summary>
    public static void MapApi(this WebApplication app)
    {
        RouteGroupBuilder api = app.MapGroup("/api").DisableAntiforgery();
        RunsApi.Map(api);
        FeaturesApi.Map(api);
        AnnotationsApi.Map(api);
        SearchApi.Map(api);
        ModelApi.Map(api);
        ExportApi.Map(api);
        app.MapOpenApi("/api/{documentName}.json");
    }

    /// <summary>The run of a name.</summary>
    public static ServedRun Named(this ServedRuns runs, string name) => runs.TryGet(name, out ServedRun? run)
        ? run
        : throw Refusal.NotFound($"There is no run {Quoted(name)}; /api/runs lists those there are.");

    /// <summary>The features of a run.</summary>
    public static FeatureCatalog Features(this ServedRuns runs, string name)
    {
        ServedRun run = runs.Named(name);
        if (run.Catalog is { } catalog) return catalog;
        throw run.CatalogProblem is { } problem
            ? Refusal.Conflict(problem)
            : Refusal.NotFound(
                $"The features of run {Quoted(name)} were not built yet; build them with `unweave features build`.");
    }

    /// <summary>The autoencoder of a run in its model, which stays open until the lease is disposed.</summary>
    public static Lease<ServedHost> Hosted(this ServedRun run) =>
        run.LeaseHost(out string? missing) ?? throw Refusal.Conflict(missing!);

    /// <summary>Refuses a latent that there is not.</summary>
    public static int Known(this CatalogSource source, int latent) => source.Has(latent)
        ? latent
        : throw Refusal.NotFound($"There is no latent {latent}; they are numbered from 0 to {source.Latents - 1}.");

    /// <summary>A name that a client sent, for a message: short, and with nothing in it that a terminal would act on.</summary>
    public static string Quoted(string name)
    {
        string cut = name.Length > LongestQuoted ? name[..LongestQuoted] + "…" : name;
        return $"\"{string.Concat(cut.Select(c => char.IsControl(c) ? '\uFFFD' : c))}\"";
    }
}
