using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Autoencoders;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary>What <c>unweave demo</c> does: harvest, train, splice, show.</summary>
internal static class LanguageModelDemo
{
    /// <summary>Activations harvested.</summary>
    public const long Rows = 800_000;

    /// <summary>What differs from the defaults, so that all of it ends well within 150 seconds on two cores.</summary>
    public const string Settings = """{ "rows": 2000000, "batch": 1024, "learningRate": 0.001, "output": "runs/demo" }""";

    private const int LatentsShown = 12, ExamplesShown = 4, DistinctTokens = 3, HeldOutTokens = 50_000;

    /// <summary>Runs it.</summary>
    /// <param name="settings">The settings given.</param>
    /// <param name="rows">Activations to harvest.</param>
    /// <param name="json">Whether the result is JSON.</param>
    /// <param name="cancellationToken">Stops it; a run of training leaves a checkpoint.</param>
    public static async Task<(int Code, string Folder)> Run(RunFileDraft settings, long rows, bool json,
        CancellationToken cancellationToken)
    {
        TimeProvider time = TimeProvider.System;
        long started = time.GetTimestamp();
        if (rows < 1) throw new InputException($"--harvest is {rows}; there has to be something to train on.");
        TrainingOptions options = settings.Over(RunFileDraft.Parse(Settings, "the demo's settings")).ToOptions();
        string folder = options.Output
            ?? throw new InputException("output is null, but the demo has to write the autoencoder somewhere; name a folder with -o.");
        string activations = Path.Combine(folder, "activations");
        using OnnxHost model = OnnxHost.Open(EmbeddedModel.Folder);
        ITokenizer tokenizer = TokenizerFile.Open(EmbeddedModel.Folder);
        Hook hook = model.FindOne(EmbeddedModel.Hook);
        options = options with { Data = [activations] };
        options.Validate(hook.Width);
        try
        {
            Harvest(model, tokenizer, hook, activations, rows, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            if (json) Screen.WriteJson(new JsonObject { ["finished"] = false });
            else Console.Out.WriteLine("Stopped while harvesting.");
            return (ExitCode.Interrupted, folder);
        }

        using var harvest = Data.Harvest.Open(activations);
        using HarvestSource source = harvest.Source(hook.Name);
        TrainingEnd end = await TrainingEnd.RunAsync(options, source, $"{hook.Name} of the embedded language model", resume: false,
            cancellationToken);
        if (end.Interrupted)
        {
            if (json) Screen.WriteJson(end.ToJson(options));
            else end.Write(options);
            return (ExitCode.Interrupted, folder);
        }

        Console.Error.WriteLine("Splicing it into the model, on texts that neither was trained on …");
        var run = RunFolder.Open(folder);
        string? hash = run.AutoencoderHash;
        using Autoencoder autoencoder = run.LoadAutoencoder();
        TextCorpus heldOut = TextCorpus.Open(EmbeddedModel.HeldOut);
        SpliceReport splice = new SpliceEvaluator(model, tokenizer, hook)
            .Run(autoencoder, heldOut.Documents().Select(document => document.Document), "held-out texts", HeldOutTokens,
                cancellationToken: cancellationToken);
        using MatrixSource measured = HeldOut(model, tokenizer, hook, heldOut, cancellationToken);
        (RowSubset training, _) = Comparison.Split(source, options.Seed, options.Validation);
        var comparison = Comparison.Run(
            autoencoder, training, measured, Comparison.Quick, cancellationToken: cancellationToken);
        var counting = new FeatureStatisticsOptions { Seed = options.Seed };
        FeatureBuild.Result? features = autoencoder is not SparseAutoencoder sparse ? null
            : FeatureBuild.FromHarvest(new(run, hash, sparse), model, tokenizer, activations, hook.Name,
                recorded => TextCorpus.Open(recorded), counting, cancellationToken);
        List<FeatureCard> cards = features is null ? [] : FeatureCard.Best(run, LatentsShown, OfSeveralTokens);
        TimeSpan elapsed = time.GetElapsedTime(started);
        JsonObject result = ToJson(options, end, splice, comparison, features, cards, elapsed);
        result[RunFolder.HashKey] = hash;
        run.WriteEvaluation(result);
        if (json) Screen.WriteJson(result);
        else Write(options, end, splice, comparison, features, cards, elapsed);
        return (ExitCode.Done, folder);
    }

    private static void Harvest(OnnxHost model, ITokenizer tokenizer, Hook hook, string folder, long rows,
        CancellationToken cancellationToken)
    {
        // What an earlier demo left; nothing but a harvest is removed.
        if (Data.Harvest.Exists(folder)) Directory.Delete(folder, recursive: true);
        TextCorpus corpus = TextCorpus.Open(EmbeddedModel.Corpus);
        var options = new PassOptions();
        using var writer = HarvestWriter.Create(folder, Harvester.Describe(model, tokenizer, [hook], corpus, options));
        using var pass = new ActivationPass(model, tokenizer, [hook], options);
        Console.Error.WriteLine(
            $"Harvesting {hook.Name} of the embedded language model over State of the Union addresses, Moby Dick, dictionaries and more");
        var display = new RowsDisplay("harvested", rows, TimeProvider.System);
        Harvester.Run(pass, corpus, writer, rows, new RowsProgress(display), cancellationToken);
        RowsDisplay.Clear();
        Console.Error.WriteLine(
            $"Harvested {Figures.Count(writer.Rows)} activations of width {hook.Width} in {Figures.Duration(display.Elapsed)}, "
            + $"{Figures.Short(writer.Rows / display.Elapsed.TotalSeconds)} a second");
    }

    private static MatrixSource HeldOut(OnnxHost model, ITokenizer tokenizer, Hook hook, TextCorpus corpus,
        CancellationToken cancellationToken)
    {
        using var pass = new ActivationPass(model, tokenizer, [hook]);
        var rows = new Matrix(HeldOutTokens, hook.Width);
        int at = 0;
        foreach (DocumentRows document in pass.Run(corpus.Documents(), cancellationToken))
        {
            int count = Math.Min(document.RowTokens.Length, HeldOutTokens - at);
            for (int row = 0; row < count; row++) document.Activations[0].Row(row).CopyTo(rows.Row(at + row));
            at += count;
            if (at == HeldOutTokens) break;
        }

        return new MatrixSource(rows, "held-out texts");
    }

    // Latents of one token alone say little beyond the token: those shown fire on several.
    private static bool OfSeveralTokens(Feature feature) =>
        feature.Top.Select(example => example.Pieces[example.Peak].Trim().ToUpperInvariant()).Distinct(StringComparer.Ordinal)
            .Count() >= DistinctTokens;

    private static void Write(TrainingOptions options, TrainingEnd end, SpliceReport splice, Comparison comparison,
        FeatureBuild.Result? features, List<FeatureCard> cards, TimeSpan elapsed)
    {
        Screen.Results.MarkupLine("\n[bold]Spliced into the model,[/] on texts that neither the model nor the autoencoder was trained on:");
        SpliceTable.Write(splice);
        Screen.Results.MarkupLine("\n[bold]How well it reconstructs[/] those activations:");
        MetricsTable.Write(comparison);
        if (comparison.Trained.Density is { } density) DensityChart.Write(density, comparison.Trained.Rows);
        if (features is not null)
        {
            Screen.Results.MarkupLine("\n[bold]What its latents mean:[/]");
            FeatureTable.Write(features.Report);
            Screen.Results.MarkupLine($"[bold]{cards.Count} of those whose labels hold best,[/] with the tokens that each is strongest on");
            foreach (FeatureCard card in cards)
            {
                card.WriteHeading("tokens");
                foreach (FeatureExample example in card.Feature.Top.Take(ExamplesShown)) TokenCards.Line(example);
            }
        }

        Console.Out.WriteLine();
        Console.Out.WriteLine(
            $"Done in {Figures.Duration(elapsed)}, {Figures.Duration(end.Elapsed)} of it training. The autoencoder is in "
            + $"{options.Output}. To look further:");
        foreach ((string command, string shows) in ((string, string)[])[
            ($"unweave serve {options.Output}", "the dashboard: every latent, try a text, steer"),
            ($"unweave features list {options.Output} war", "latents by what they are about"),
            ($"unweave eval {options.Output} --text my.txt", "spliced in again, on a text of your own"),
            ($"unweave train {options.Data[0]} --latents 8192", "a larger one of the same activations"),
            ("unweave hooks MODEL.onnx", "where a model of your own can be read"),
            ("unweave demo --embeddings", "the same for embeddings of sentences")])
        {
            Console.Out.WriteLine($"  {command,-50}  {shows}");
        }
    }

    private static JsonObject ToJson(TrainingOptions options, TrainingEnd end, SpliceReport splice, Comparison comparison,
        FeatureBuild.Result? features, List<FeatureCard> cards, TimeSpan elapsed)
    {
        JsonObject result = comparison.ToJson();
        result["splice"] = JsonNode.Parse(splice.ToJson());
        result["training"] = end.ToJson(options);
        result["seconds"] = Math.Round(elapsed.TotalSeconds, 3);
        result["features"] = features?.ToJson();
        result["latents"] = new JsonArray([.. cards.Select(card => card.ToJson(ExamplesShown, example => new JsonObject
        {
            ["document"] = example.Document,
            ["row"] = example.Row,
            ["activation"] = example.Activation,
            ["before"] = string.Concat(example.Pieces.Take(example.Peak)),
            ["token"] = example.Pieces[example.Peak],
            ["after"] = string.Concat(example.Pieces.Skip(example.Peak + 1)),
        }))]);
        return result;
    }

    private sealed class RowsProgress(RowsDisplay display) : IProgress<long>
    {
        public void Report(long value) => display.Report(value);
    }
}
