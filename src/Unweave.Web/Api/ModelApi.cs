using System.ComponentModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Web.Runs;

namespace Unweave.Web.Api;

/// <summary>A text to encode.</summary>
/// <param name="Text">The text.</param>
/// <param name="Top">Latents to give for a token at most, the strongest.</param>
internal sealed record EncodeRequest(string Text, int Top = 10);

/// <summary>A latent that fires.</summary>
/// <param name="Latent">Its number.</param>
/// <param name="Activation">How strongly.</param>
/// <param name="Label">Its label, or null.</param>
internal sealed record ActiveLatent(int Latent, float Activation, string? Label);

/// <summary>A token and its latents.</summary>
/// <param name="Text">The token's text.</param>
/// <param name="Active">How many latents fire on it.</param>
/// <param name="Latents">The strongest of them, strongest first.</param>
internal sealed record TokenLatents(string Text, int Active, IReadOnlyList<ActiveLatent> Latents);

/// <summary>The latents of a text.</summary>
/// <param name="Tokens">A line a token; their texts together are the text.</param>
internal sealed record EncodeAnswer(IReadOnlyList<TokenLatents> Tokens);

/// <summary>Vectors to encode.</summary>
/// <param name="Vectors">The vectors, a row each, of the width that the autoencoder takes.</param>
internal sealed record VectorsRequest(float[][] Vectors);

/// <summary>The code of a vector.</summary>
/// <param name="Latents">The latents that fire, ascending.</param>
/// <param name="Activations">How strongly each fires.</param>
internal sealed record Code(int[] Latents, float[] Activations);

/// <summary>The codes of vectors.</summary>
/// <param name="Latents">Number of latents of the dictionary.</param>
/// <param name="Codes">A code a vector.</param>
internal sealed record VectorsAnswer(int Latents, IReadOnlyList<Code> Codes);

/// <summary>Changes of latents, and a text to predict from.</summary>
/// <param name="Prompt">The text; an empty one is the start token alone.</param>
/// <param name="Interventions">What is done to latents at every token.</param>
/// <param name="Count">Next tokens to list.</param>
internal sealed record PredictRequest(string Prompt, IReadOnlyList<Intervention>? Interventions = null, int Count = 10);

/// <summary>What comes next, as the model is and with the changes.</summary>
/// <param name="Without">The likeliest next tokens of the model as it is.</param>
/// <param name="With">The likeliest next tokens with the changes.</param>
internal sealed record PredictAnswer(IReadOnlyList<NextToken> Without, IReadOnlyList<NextToken> With);

/// <summary>Changes of latents, and a text to continue.</summary>
/// <param name="Prompt">The text.</param>
/// <param name="Interventions">What is done to latents at every token, generated ones included.</param>
/// <param name="Tokens">Tokens to generate at most.</param>
/// <param name="Temperature">Divides the logits before sampling; 0 takes the likeliest token.</param>
/// <param name="TopK">Samples among this many likeliest tokens; 0 among all.</param>
/// <param name="Seed">Seed of the sampling: the same seed gives the same texts.</param>
/// <param name="Count">Next tokens to list.</param>
internal sealed record SteerRequest(
    string Prompt,
    IReadOnlyList<Intervention>? Interventions = null,
    int Tokens = 60,
    double Temperature = 0.8,
    int TopK = 40,
    ulong Seed = 0,
    int Count = 10);

/// <summary>A continuation and the next tokens.</summary>
/// <param name="Text">What was generated, without the prompt.</param>
/// <param name="Next">The likeliest next tokens after the prompt.</param>
internal sealed record Continuation(string Text, IReadOnlyList<NextToken> Next);

/// <summary>Text generated with and without the changes, from the same seed.</summary>
/// <param name="Without">The model as it is.</param>
/// <param name="With">With the changes.</param>
internal sealed record SteerAnswer(Continuation Without, Continuation With);

/// <summary>A prediction to explain.</summary>
/// <param name="Text">The text before it.</param>
/// <param name="Token">The next token whose logit is explained; null takes the likeliest.</param>
/// <param name="Count">Effects to give.</param>
/// <param name="EveryPosition">False ablates a latent at all its tokens together; true at each alone.</param>
internal sealed record AttributeRequest(string Text, int? Token = null, int Count = 20, bool EveryPosition = false);

/// <summary>What a latent contributes to the logit.</summary>
/// <param name="Latent">The latent.</param>
/// <param name="Position">The token at which it fires; −1 where all its tokens were ablated together.</param>
/// <param name="Activation">Its activation there, or the largest.</param>
/// <param name="Effect">The logit as it is less the logit with the latent ablated.</param>
/// <param name="Label">Its label, or null.</param>
internal sealed record LabelledEffect(int Latent, int Position, float Activation, double Effect, string? Label);

/// <summary>Which latents raise or lower a token's logit.</summary>
/// <param name="Token">The token explained.</param>
/// <param name="Effects">The largest effects either way, largest first.</param>
internal sealed record AttributeAnswer(int Token, IReadOnlyList<LabelledEffect> Effects);

/// <summary><c>/api/runs/{run}/encode</c> and what else runs a model.</summary>
internal static class ModelApi
{
    /// <summary>Maps the routes.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder run = api.MapGroup("/runs/{run}").WithTags("Model")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        run.MapPost("/encode", Encode).WithName("encode").WithSummary("The strongest latents of each token of a text.");
        run.MapPost("/encode-vectors", EncodeVectors).WithName("encodeVectors").WithSummary("The sparse codes of vectors.")
            .WithMetadata(new RequestSizeLimitAttribute(Limits.VectorBytes));
        run.MapPost("/predict", Predict).WithName("predict")
            .WithSummary("The likeliest next tokens of a text, with and without changes of latents.");
        run.MapPost("/steer", Steer).WithName("steer")
            .WithSummary("Text generated with and without changes of latents, from the same seed.");
        run.MapPost("/attribute", Attribute).WithName("attribute")
            .WithSummary("Which latents raise or lower the logit of a next token, by ablating each.");
    }

    private static async Task<Ok<EncodeAnswer>> Encode(
        [Description("Name of the run.")] string run,
        EncodeRequest request,
        ServedRuns runs,
        ModelGate gate,
        CancellationToken cancellationToken)
    {
        CheckText(request.Text, "text");
        CheckRange(request.Top, 1, Limits.LatentsOfToken, "top");
        ServedRun named = runs.Named(run);
        using Lease<ServedHost> hosted = named.Hosted();
        HostedAutoencoder host = hosted.Value.Autoencoder;
        Reading reading;
        using (await gate.EnterAsync(cancellationToken)) reading = new Reading(host.Encode(request.Text));
        List<IReadOnlyList<Firing>> strongest =
            [.. Enumerable.Range(0, reading.Pieces.Count).Select(token => reading.Strongest(token, request.Top))];
        Dictionary<int, string?> labels = Labels(named, strongest.SelectMany(token => token.Select(firing => firing.Latent)));
        ActiveLatent Labelled(Firing firing) => new(firing.Latent, firing.Activation, labels.GetValueOrDefault(firing.Latent));
        return TypedResults.Ok(new EncodeAnswer(
        [
            .. strongest.Select((firings, token) =>
                new TokenLatents(reading.Pieces[token], reading.Active(token), [.. firings.Select(Labelled)])),
        ]));
    }

    private static async Task<Ok<VectorsAnswer>> EncodeVectors(
        [Description("Name of the run.")] string run,
        VectorsRequest request,
        ServedRuns runs,
        ModelGate gate,
        CancellationToken cancellationToken)
    {
        float[][] vectors = request.Vectors;
        if (vectors.Length > Limits.Vectors)
            throw Refusal.TooLarge($"vectors has {vectors.Length} rows; one request takes {Limits.Vectors}.");
        using Lease<Autoencoder>? weights = runs.Named(run).LeaseAutoencoder();
        SparseAutoencoder autoencoder = weights?.Value as SparseAutoencoder
            ?? throw Refusal.Conflict($"Run {ApiRoutes.Quoted(run)} has no autoencoder with a dictionary of latents yet.");
        int wrong = Array.FindIndex(vectors, vector => vector?.Length != autoencoder.InputWidth);
        if (wrong >= 0)
        {
            throw new InputException(
                $"vectors[{wrong}] has width {vectors[wrong]?.Length ?? 0}, but the autoencoder of run {ApiRoutes.Quoted(run)} takes "
                    + $"{autoencoder.InputWidth}; give vectors of the same model and layer.");
        }

        if (vectors.Length == 0) return TypedResults.Ok(new VectorsAnswer(autoencoder.Latents, []));
        using var x = new Matrix(vectors.Length, autoencoder.InputWidth);
        for (int row = 0; row < vectors.Length; row++) vectors[row].CopyTo(x.Row(row));
        SparseCodes codes;
        using (await gate.EnterAsync(cancellationToken)) codes = autoencoder.Encode(x);
        return TypedResults.Ok(new VectorsAnswer(
            autoencoder.Latents,
            [.. Enumerable.Range(0, codes.Rows).Select(row => new Code(codes.Latents(row).ToArray(), codes.Values(row).ToArray()))]));
    }

    private static async Task<Ok<PredictAnswer>> Predict(
        [Description("Name of the run.")] string run,
        PredictRequest request,
        ServedRuns runs,
        ModelGate gate,
        CancellationToken cancellationToken)
    {
        CheckText(request.Prompt, "prompt");
        CheckRange(request.Count, 1, Limits.Listed, "count");
        ServedRun named = runs.Named(run);
        using Lease<ServedHost> hosted = Predicting(named);
        HostedAutoencoder host = hosted.Value.Autoencoder;
        IReadOnlyList<Intervention> interventions = Checked(named, request.Interventions);
        using (await gate.EnterAsync(cancellationToken))
        {
            IReadOnlyList<NextToken> without = host.Predict(request.Prompt, [], request.Count);
            cancellationToken.ThrowIfCancellationRequested();
            IReadOnlyList<NextToken> with =
                interventions.Count == 0 ? without : host.Predict(request.Prompt, interventions, request.Count);
            return TypedResults.Ok(new PredictAnswer(without, with));
        }
    }

    private static async Task<Ok<SteerAnswer>> Steer(
        [Description("Name of the run.")] string run,
        SteerRequest request,
        ServedRuns runs,
        ModelGate gate,
        CancellationToken cancellationToken)
    {
        CheckText(request.Prompt, "prompt");
        CheckRange(request.Count, 1, Limits.Listed, "count");
        CheckRange(request.Tokens, 1, Limits.Tokens, "tokens");
        CheckRange(request.TopK, 0, int.MaxValue, "topK");
        if (request.Temperature is < 0 or > 100)
            throw new InputException($"temperature is {request.Temperature}; it must be from 0 to 100.");
        ServedRun named = runs.Named(run);
        using Lease<ServedHost> hosted = Predicting(named);
        HostedAutoencoder host = hosted.Value.Autoencoder;
        IReadOnlyList<Intervention> interventions = Checked(named, request.Interventions);
        var options = new GenerationOptions
        {
            Tokens = request.Tokens,
            Temperature = request.Temperature,
            TopK = request.TopK,
            Seed = request.Seed,
        };
        using (await gate.EnterAsync(cancellationToken))
        {
            Continuation Continue(IReadOnlyList<Intervention> changes) => new(
                string.Concat(host.Generate(request.Prompt, changes, options, cancellationToken)),
                host.Predict(request.Prompt, changes, request.Count));
            Continuation without = Continue([]);
            return TypedResults.Ok(new SteerAnswer(without, interventions.Count == 0 ? without : Continue(interventions)));
        }
    }

    private static async Task<Ok<AttributeAnswer>> Attribute(
        [Description("Name of the run.")] string run,
        AttributeRequest request,
        ServedRuns runs,
        ModelGate gate,
        CancellationToken cancellationToken)
    {
        CheckText(request.Text, "text");
        CheckRange(request.Count, 1, Limits.Listed, "count");
        ServedRun named = runs.Named(run);
        using Lease<ServedHost> hosted = Predicting(named);
        HostedAutoencoder host = hosted.Value.Autoencoder;
        using (await gate.EnterAsync(cancellationToken))
        {
            int token = request.Token ?? host.Predict(request.Text, [], 1)[0].Token;
            IReadOnlyList<LatentEffect> effects =
                host.Attribute(request.Text, token, request.Count, request.EveryPosition, cancellationToken);
            Dictionary<int, string?> labels = Labels(named, effects.Select(effect => effect.Latent));
            LabelledEffect Labelled(LatentEffect effect) =>
                new(effect.Latent, effect.Position, effect.Activation, effect.Effect, labels.GetValueOrDefault(effect.Latent));
            return TypedResults.Ok(new AttributeAnswer(token, [.. effects.Select(Labelled)]));
        }
    }

    /// <summary>Labels of some latents; none where the features were not built.</summary>
    private static Dictionary<int, string?> Labels(ServedRun run, IEnumerable<int> latents)
    {
        using CatalogSnapshot? catalog = run.Catalog?.Snapshot();
        if (catalog is null) return [];
        int[] known = [.. latents.Distinct().Where(catalog.Source.Has)];
        return known.Length == 0 ? [] : catalog.Rows(known).ToDictionary(row => row.Latent, row => row.Label);
    }

    private static Lease<ServedHost> Predicting(ServedRun run)
    {
        Lease<ServedHost> hosted = run.Hosted();
        if (hosted.Value.Autoencoder.PredictsTokens) return hosted;
        hosted.Dispose();
        throw Refusal.Conflict($"The model of run {ApiRoutes.Quoted(run.Name)} is no language model: it does not predict tokens.");
    }

    private static IReadOnlyList<Intervention> Checked(ServedRun run, IReadOnlyList<Intervention>? interventions)
    {
        if (interventions is null) return [];
        if (interventions.Count > Limits.Interventions)
        {
            throw Refusal.TooLarge(
                $"interventions has {interventions.Count} entries; one request takes {Limits.Interventions}.");
        }

        int latents = run.Autoencoder!.Latents;
        for (int i = 0; i < interventions.Count; i++)
        {
            if (interventions[i] is not { } change)
                throw new InputException($"interventions[{i}] is null; name a latent and a kind.");
            if ((uint)change.Latent >= (uint)latents)
            {
                throw Refusal.NotFound(
                    $"interventions[{i}] names latent {change.Latent}; they are numbered from 0 to {latents - 1}.");
            }
        }

        return interventions;
    }

    private static void CheckText(string text, string name)
    {
        if (text.Length > Limits.Text)
            throw Refusal.TooLarge($"{name} has {text.Length} characters; one request takes {Limits.Text}.");
    }

    private static void CheckRange(int value, int least, int most, string name)
    {
        if (value >= least && value <= most) return;
        string range = most == int.MaxValue ? $"at least {least}" : $"from {least} to {most}";
        throw new InputException($"{name} is {value}; it must be {range}.");
    }
}
