using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Interpretation;
using Unweave.Learn;
using Unweave.Training;
using Unweave.Web;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave demo --embeddings</c>: trains on the embedded definitions and shows what the latents mean.</summary>
internal static class EmbeddingsDemo
{
    /// <summary>What differs from the defaults, so that it ends well within 90 seconds on two cores.</summary>
    public const string Settings = """{ "tokens": 800000, "batch": 1024, "output": "runs/demo-embeddings" }""";

    private const int LatentsShown = 12, TextsShown = 5, TextsCompared = 10;

    /// <summary>Runs it.</summary>
    /// <param name="settings">The settings given.</param>
    /// <param name="json">Whether the result is JSON.</param>
    /// <param name="cancellation">Stops it, with a checkpoint.</param>
    public static Task<(int Code, string Folder)> Run(RunFileDraft settings, bool json, CancellationToken cancellation) =>
        Run(settings.Over(RunFileDraft.Parse(Settings, "the demo's settings")).ToOptions() with { Data = [WordNetTexts.EmbeddingsPath], Tensor = "embeddings" }, json, cancellation);

    private static async Task<(int Code, string Folder)> Run(TrainingOptions options, bool json, CancellationToken cancellation)
    {
        string folder = options.Output ?? throw new InputException("output is null, but the demo has to write the autoencoder somewhere; name a folder with -o.");
        WordNetText[] texts = WordNetTexts.Read();
        using ActivationFiles source = ActivationFiles.Open(options.Data, options.Tensor);
        options.Validate(source.Width);
        if (options.Validation == 0) throw new InputException("validation is 0, but the demo measures on the rows held out; leave --validation out.");
        TrainingEnd end = await TrainingEnd.Of(options, source, "WordNet definitions", resume: false, cancellation);
        if (end.Interrupted)
        {
            if (json) Screen.WriteJson(end.ToJson(options));
            else end.Write(options);
            return (ExitCode.Interrupted, folder);
        }

        Console.Error.WriteLine("Measuring, and looking at what each latent is strongest on …");
        using var autoencoder = Autoencoder.Load(folder);
        (RowSubset training, RowSubset heldOut) = Comparison.Split(source, options.Seed, options.Validation);
        var comparison = Comparison.Run(autoencoder, training, heldOut, cancellation: cancellation);
        TopExamples? examples = autoencoder is SparseAutoencoder sparse ? TopExamples.Find(sparse, source, TextsCompared, cancellation: cancellation) : null;
        IReadOnlyList<ClearLatent> clearest = examples is null ? [] : Clarity.Score(source, examples).Clearest(LatentsShown);
        FeatureBuild.Result? features = autoencoder is SparseAutoencoder described ? FeatureBuild.FromVectors(folder, described, source, [.. texts.Select(text => $"{text.Word}: {text.Gloss}")], new SurveyOptions { Seed = options.Seed }, cancellation) : null;
        JsonObject result = ToJson(options, end, comparison, features, clearest, texts);
        MeasuredRun.Save(folder, result);
        if (json) Screen.WriteJson(result);
        else Write(options, end, comparison, heldOut.Rows, features, examples, clearest, texts);
        return (ExitCode.Done, folder);
    }

    private static void Write(TrainingOptions options, TrainingEnd end, Comparison comparison, long heldOut, FeatureBuild.Result? features, TopExamples? examples, IReadOnlyList<ClearLatent> clearest, WordNetText[] texts)
    {
        Screen.Results.MarkupLine($"\n[bold]How well it reconstructs[/] {Figures.Count(heldOut)} definitions that were held out from training:");
        MetricsTable.Write(comparison);
        if (examples is not null)
        {
            long[] fired = [.. Enumerable.Range(0, examples.Latents).Select(examples.Fired)];
            DensityChart.Write(DensityHistogram.Of(fired, examples.Rows), examples.Rows);
            Screen.Results.MarkupLine($"\n[bold]What its {clearest.Count} clearest latents mean:[/] the definitions that each is strongest on");
            LatentCards.Write(clearest, texts, TextsShown);
        }

        if (features is not null)
        {
            Screen.Results.MarkupLine("\n[bold]Labels,[/] made from the words of the definitions:");
            FeatureTable.Write(features.Report);
        }

        Console.Out.WriteLine();
        Console.Out.WriteLine($"Trained in {Figures.Duration(end.Elapsed)}. The autoencoder is in {options.Output}. To look further:");
        foreach ((string command, string shows) in ((string, string)[])[
            ($"unweave serve {options.Output}", "the dashboard: what each latent means"),
            ($"unweave features list {options.Output} ship", "latents by what they are about"),
            ($"unweave eval {options.Output}", "these figures again"),
            ($"unweave encode FILES --sae {options.Output}", "the active latents of each row of a file"),
            ("unweave train vectors.npy -o sae/", "an autoencoder of your own vectors")])
        {
            Console.Out.WriteLine($"  {command,-44}  {shows}");
        }
    }

    private static JsonObject ToJson(TrainingOptions options, TrainingEnd end, Comparison comparison, FeatureBuild.Result? features, IReadOnlyList<ClearLatent> clearest, WordNetText[] texts)
    {
        JsonObject result = comparison.ToJson();
        result["features"] = features?.ToJson();
        result["training"] = end.ToJson(options);
        result["latents"] = new JsonArray([.. clearest.Select(latent => new JsonObject
        {
            ["latent"] = latent.Latent,
            ["clarity"] = latent.Score,
            ["frequency"] = latent.Frequency,
            ["examples"] = new JsonArray([.. latent.Examples.Take(TextsShown).Select(example => new JsonObject
            {
                ["row"] = example.Row,
                ["activation"] = example.Activation,
                ["word"] = texts[(int)example.Row].Word,
                ["partOfSpeech"] = texts[(int)example.Row].PartOfSpeech,
                ["gloss"] = texts[(int)example.Row].Gloss,
            })]),
        })]);
        return result;
    }
}
