using System.ComponentModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Unweave.Catalog;
using Unweave.Web.Runs;

namespace Unweave.Web.Api;

/// <summary>A text that a person writes.</summary>
/// <param name="Text">The text; null or white space removes what was there.</param>
internal sealed record TextBody(string? Text);

/// <summary>A list of features.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Members">Number of members.</param>
internal sealed record FeatureList(string Name, int Members);

/// <summary><c>/api/runs/{run}/features/{latent}/…</c> and <c>/api/runs/{run}/lists</c>: what people write about features.</summary>
internal static class AnnotationsApi
{
    /// <summary>Maps the routes.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder feature = api.MapGroup("/runs/{run}/features/{latent}").WithTags("Annotations")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound);
        feature.MapGet("/annotation", Read).WithName("readAnnotation").WithSummary("What a person wrote about a feature.");
        feature.MapPut("/label", Label).WithName("writeLabel")
            .WithSummary("Sets a person's own label of a feature; an empty text removes it.")
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge);
        feature.MapPut("/note", Note).WithName("writeNote").WithSummary("Sets the note on a feature; an empty text removes it.")
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge);
        feature.MapPut("/star", Star).WithName("star").WithSummary("Stars a feature.");
        feature.MapDelete("/star", Unstar).WithName("unstar").WithSummary("Takes the star from a feature.");

        RouteGroupBuilder lists = api.MapGroup("/runs/{run}/lists").WithTags("Lists").ProducesProblem(StatusCodes.Status404NotFound);
        lists.MapGet("", Lists).WithName("listLists").WithSummary("The lists there are, with their numbers of members.");
        lists.MapDelete("/{list}", RemoveList).WithName("removeList").WithSummary("Removes a list; its members stay.");
        lists.MapPut("/{list}/{latent}", Add).WithName("addToList")
            .WithSummary("Puts a feature into a list, which is made if there is none of that name.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        lists.MapDelete("/{list}/{latent}", Remove).WithName("removeFromList").WithSummary("Takes a feature out of a list.");
    }

    private static Ok<Annotation> Read(
        [Description("Name of the run.")] string run,
        [Description("Number of the latent.")] int latent,
        ServedRuns runs) =>
        Change(runs, run, latent, _ => { });

    private static Ok<Annotation> Label(
        [Description("Name of the run.")] string run,
        [Description("Number of the latent.")] int latent,
        TextBody body,
        ServedRuns runs) =>
        Change(runs, run, latent, catalog => catalog.SetLabel(latent, Short(body.Text, Limits.Label, "A label")));

    private static Ok<Annotation> Note(
        [Description("Name of the run.")] string run,
        [Description("Number of the latent.")] int latent,
        TextBody body,
        ServedRuns runs) =>
        Change(runs, run, latent, catalog => catalog.SetNote(latent, Short(body.Text, Limits.Note, "A note")));

    private static Ok<Annotation> Star(
        [Description("Name of the run.")] string run,
        [Description("Number of the latent.")] int latent,
        ServedRuns runs) =>
        Change(runs, run, latent, catalog => catalog.SetStar(latent, true));

    private static Ok<Annotation> Unstar(
        [Description("Name of the run.")] string run,
        [Description("Number of the latent.")] int latent,
        ServedRuns runs) =>
        Change(runs, run, latent, catalog => catalog.SetStar(latent, false));

    private static Ok<IReadOnlyList<FeatureList>> Lists([Description("Name of the run.")] string run, ServedRuns runs) =>
        TypedResults.Ok<IReadOnlyList<FeatureList>>(
            [.. runs.Features(run).Lists().Select(list => new FeatureList(list.Name, list.Members))]);

    private static NoContent RemoveList(
        [Description("Name of the run.")] string run,
        [Description("Name of the list.")] string list,
        ServedRuns runs)
    {
        FeatureCatalog catalog = runs.Features(run);
        string name = Unescaped(list);
        if (!catalog.Lists().Any(known => string.Equals(known.Name, name, StringComparison.Ordinal)))
            throw Refusal.NotFound($"There is no list {ApiRoutes.Quoted(name)}.");
        catalog.RemoveList(name);
        return TypedResults.NoContent();
    }

    private static Ok<Annotation> Add(
        [Description("Name of the run.")] string run,
        [Description("Name of the list.")] string list,
        [Description("Number of the latent.")] int latent,
        ServedRuns runs)
    {
        if (string.IsNullOrWhiteSpace(list)) throw new InputException("The name of a list is empty; give it one.");
        string name = Short(Unescaped(list), Limits.Label, "The name of a list")!;
        return Change(runs, run, latent, catalog => catalog.AddToList(name, latent));
    }

    private static Ok<Annotation> Remove(
        [Description("Name of the run.")] string run,
        [Description("Name of the list.")] string list,
        [Description("Number of the latent.")] int latent,
        ServedRuns runs) =>
        Change(runs, run, latent, catalog => catalog.RemoveFromList(Unescaped(list), latent));

    private static Ok<Annotation> Change(ServedRuns runs, string run, int latent, Action<FeatureCatalog> change)
    {
        FeatureCatalog catalog = runs.Features(run);
        catalog.Source.Known(latent);
        change(catalog);
        return TypedResults.Ok(catalog.Annotation(latent));
    }

    private static string? Short(string? text, int limit, string what) => text?.Length > limit
        ? throw Refusal.TooLarge($"{what} may have {limit} characters; this one has {text.Length}.")
        : text;

    // A slash within a segment stays escaped in the path that routing sees.
    private static string Unescaped(string segment) => segment.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
}
