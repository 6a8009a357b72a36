using System.ComponentModel;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Evaluation;
using Unweave.Hosts;
using Unweave.Runs;
using Unweave.Training;
using Unweave.Web.Runs;

namespace Unweave.Web.Api;

/// <summary>A run, in a line.</summary>
/// <param name="Name">Its name, as addresses use it.</param>
/// <param name="Latents">Number of latents in its settings; null where it has none.</param>
/// <param name="Trained">Whether its autoencoder is there.</param>
/// <param name="HasCatalog">Whether its features were built.</param>
internal sealed record RunLine(string Name, int? Latents, bool Trained, bool HasCatalog);

/// <summary>A point of a run's log; what the log leaves out is null.</summary>
internal sealed record MetricsPoint(
    long Step,
    long Tokens,
    double Loss,
    double Reconstruction,
    double Sparsity,
    double Auxiliary,
    double Fvu,
    double ValidationFvu,
    double L0,
    double Dead,
    double LearningRate);

/// <summary>What is known of a run.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Latents">Number of latents.</param>
/// <param name="InputWidth">Width of the vectors that it encodes.</param>
/// <param name="Settings">Its settings, as in its run file; null without one.</param>
/// <param name="Model">The model that its activations came from; null for vectors of other origin.</param>
/// <param name="ModelMissing">Why the model cannot be run, in a sentence; null when it can.</param>
/// <param name="Hook">The hook that it was trained on.</param>
/// <param name="Features">What its features were computed from; null before <c>unweave features build</c>.</param>
/// <param name="Metrics">Its log: all lines of a short one, means over stretches of a long one.</param>
/// <param name="Density">
/// How often its latents fire: counts by log10 of their frequency; null before <c>unweave features build</c>.
/// </param>
internal sealed record RunOverview(
    string Name,
    int? Latents,
    int? InputWidth,
    JsonElement? Settings,
    string? Model,
    string? ModelMissing,
    string? Hook,
    CatalogSource? Features,
    IReadOnlyList<MetricsPoint> Metrics,
    DensityHistogram? Density);

/// <summary><c>/api/runs</c>: what runs there are, and what is known of one.</summary>
internal static class RunsApi
{
    /// <summary>Maps the routes.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder runs = api.MapGroup("/runs").WithTags("Runs");
        runs.MapGet("", List).WithName("listRuns").WithSummary("The runs there are, by name.");
        runs.MapGet("/{run}", Read).WithName("readRun").WithSummary("A run: settings, model, log and how often its latents fire.")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static Ok<IReadOnlyList<RunLine>> List(ServedRuns runs)
    {
        IEnumerable<RunLine> Lines()
        {
            foreach (string name in runs.Names())
                if (runs.TryGet(name, out ServedRun? run)) yield return Line(run);
        }

        return TypedResults.Ok<IReadOnlyList<RunLine>>([.. Lines()]);
    }

    private static Ok<RunOverview> Read([Description("Name of the run.")] string run, ServedRuns runs)
    {
        ServedRun named = runs.Named(run);
        using Lease<ServedHost>? hosted = named.LeaseHost(out string? missing);
        HostReference? host = named.Origin;
        using CatalogSnapshot? catalog = named.Catalog?.Snapshot();
        JsonElement? settings = named.Settings is { } options ? JsonDocument.Parse(RunFile.Write(options)).RootElement : null;
        return TypedResults.Ok(new RunOverview(
            named.Name,
            named.Autoencoder?.Latents ?? (named.Settings?.Autoencoder as DictionaryOptions)?.Latents ?? catalog?.Source.Latents,
            named.Trained?.InputWidth,
            settings,
            host?.Model,
            missing,
            host?.Hook,
            catalog?.Source,
            [.. named.Log.Read().Lines.Select(Point)],
            catalog is null ? null : Density(catalog)));
    }

    private static MetricsPoint Point(MetricsLine line) => new(
        line.Step,
        line.Rows,
        line.Loss,
        line.Reconstruction,
        line.Sparsity,
        line.Auxiliary,
        line.Fvu,
        line.ValidationFvu,
        line.L0,
        line.Dead,
        line.LearningRate);

    private static RunLine Line(ServedRun run)
    {
        // Nothing large is opened for a list, and one damaged run does not hide the others.
        int? latents = null;
        try
        {
            latents = (run.Settings?.Autoencoder as DictionaryOptions)?.Latents;
        }
        catch (InputException)
        {
        }

        return new RunLine(run.Name, latents, File.Exists(run.Files.AutoencoderPath), FeatureCatalog.Exists(run.Folder));
    }

    private static DensityHistogram Density(CatalogSnapshot catalog)
    {
        long rows = Math.Max(1, catalog.Source.Rows);
        return DensityHistogram.From([.. catalog.Frequencies().Select(frequency => (long)Math.Round(frequency * rows))], rows);
    }
}
