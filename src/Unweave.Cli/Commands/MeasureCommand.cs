using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Cli.Rendering;
using Unweave.Evaluation;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave measure</c>: what trained autoencoders are worth beside each other and beside baselines.</summary>
internal static class MeasureCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var runs = new Argument<string[]>("SAE")
        {
            Description = "Trained autoencoders of one hook, or of one kind of embeddings: folders of runs, or files, or ones of other "
                + "libraries.",
            Arity = ArgumentArity.OneOrMore,
        };
        var probe = new Option<string[]>("--probe")
        {
            HelpName = "TEXTS",
            Description = "Labelled texts for k-sparse probing: .jsonl, .csv, .tsv or .parquet with a text and a label. Several times for "
                + "several sets.",
        };
        var label = new Option<string>("--label")
        {
            HelpName = "NAME",
            Description = "Field of the labels.",
            DefaultValueFactory = _ => LabelledTexts.DefaultLabel,
        };
        var textColumn = new Option<string>("--text-column") { HelpName = "NAME", Description = "Field of the texts. [default: text]" };
        var texts = new Option<int>("--texts")
        {
            HelpName = "N",
            Description = "Texts of each set, at most: a random choice of more.",
            DefaultValueFactory = _ => 5_000,
        };
        var pool = new Option<TextPool>("--pool")
        {
            HelpName = "mean|max",
            Description = "How the codes of a text's tokens become the text's.",
            DefaultValueFactory = _ => TextPool.Mean,
        };
        var absorption = new Option<bool>("--absorption") { Description = "First-letter absorption, in the host model." };
        var stability = new Option<bool>("--stability")
        {
            Description = "Match the latents of each two autoencoders: how far trainings that differ in their seed found the same.",
        };
        var projection = new Option<bool>("--projection")
        {
            Description = "The n-th decoder projection: of autoencoders that differ in L0 alone, which L0 is nearest the right one.",
        };
        var tpp = new Option<bool>("--tpp") { Description = "Targeted probe perturbation on the labelled texts; unreliable." };
        var scr = new Option<string>("--scr")
        {
            HelpName = "NAME",
            Description = "Spurious correlation removal: the field of a second label with two values, beside labels with two. Unreliable.",
        };
        var splits = new Option<int>("--splits")
        {
            HelpName = "N",
            Description = "Splits in training and test of probes, 2 or more: what their spread is taken from.",
            DefaultValueFactory = _ => 3,
        };
        Option<string> baselines = BaselineNames.Flag();
        var data = new Option<string[]>("--data")
        {
            HelpName = "FILES",
            Description = "Vectors for the baselines and the table; left out, those that the first run was trained on.",
        };
        var embedder = new Option<string>("--embedder")
        {
            HelpName = "FOLDER",
            Description = "For autoencoders of sentence embeddings: the encoder of the texts; left out, the one that comes with Unweave.",
        };
        var hook = new Option<string>("--hook")
        {
            HelpName = "HOOK",
            Description = "Where the autoencoders belong in the host model; left out, where the first was trained.",
        };
        var output = new Option<string>("--output", "-o")
        {
            HelpName = "FOLDER",
            Description = "Write each result to a file there, in SAEBench's form.",
        };
        var command = new Command("measure",
            "Compares autoencoders by what their latents are for.\n\n"
            + "Reconstruction alone does not tell which autoencoder is better. This measures what its latents are worth, beside baselines: "
            + "whether few of them tell classes of texts (--probe), whether a latent keeps silent where its word has one of its own "
            + "(--absorption), whether another training finds the same (--stability), and whether L0 is right (--projection). Without any "
            + "of these flags it makes the table, and all that needs no labelled texts.")
        {
            runs, probe, label, textColumn, texts, pool, absorption, stability, projection, tpp, scr, splits, baselines, data, embedder,
            hook, output,
        };
        var host = new HostFlags(command, texts: false);
        help.AddExamples(command, "unweave measure sae-k16/ sae-k32/ sae-k64/", "unweave measure sae/ --probe news.jsonl --label topic",
            "unweave measure seed0/ seed1/ --stability --baselines none");
        command.SetAction((parsed, cancellationToken) =>
        {
            bool asked = parsed.GetValue(probe) is { Length: > 0 } || parsed.GetValue(absorption) || parsed.GetValue(stability)
                || parsed.GetValue(projection);
            var request = new MeasureRequest
            {
                Autoencoders = parsed.GetValue(runs)!,
                Probe = parsed.GetValue(probe) ?? [],
                Label = parsed.GetValue(label)!,
                TextColumn = parsed.GetValue(textColumn),
                Texts = parsed.GetValue(texts),
                Pool = parsed.GetValue(pool),
                Absorption = parsed.GetValue(absorption),
                Stability = parsed.GetValue(stability),
                Projection = parsed.GetValue(projection),
                All = !asked,
                Tpp = parsed.GetValue(tpp),
                SecondLabel = parsed.GetValue(scr),
                Splits = parsed.GetValue(splits),
                Baselines = BaselineNames.Parse(parsed.GetValue(baselines)!),
                Data = parsed.GetValue(data) ?? [],
                Embedder = parsed.GetValue(embedder),
            };
            using var measures = Measures.Open(request, host, parsed, parsed.GetValue(hook));
            MeasureResult result = measures.Run(cancellationToken);
            if (parsed.GetValue(output) is { } folder) SaeBenchJson.Write(folder, result);
            var all = new JsonObject { ["results"] = SaeBenchJson.All(result), ["notes"] = Notes(result) };
            if (parsed.GetValue(json)) Screen.WriteJson(all);
            else MeasureTables.Write(result);
            return Task.CompletedTask;
        });
        return command;
    }

    private static JsonArray Notes(MeasureResult result) => [.. result.Notes.Select(note => (JsonNode)note)];
}
