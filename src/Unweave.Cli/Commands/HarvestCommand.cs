using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave harvest</c>: the activations of a model at some hooks over a corpus, as shards on the disk.</summary>
internal static class HarvestCommand
{
    private static readonly Dictionary<string, ElementType> Types = new(StringComparer.Ordinal)
    {
        ["fp16"] = ElementType.Float16,
        ["bf16"] = ElementType.BFloat16,
        ["fp32"] = ElementType.Float32,
    };

    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var hooks = new Option<string[]>("--hook")
        {
            HelpName = "HOOK",
            Description = "Where to read; may be given several times, or with * for several hooks. `unweave hooks MODEL` lists them. "
                + "NAME.3 is one of several heads, NAME.mean one vector a text: the mean over its tokens.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string?>("--output", "-o") { HelpName = "FOLDER", Description = "Folder of the harvest." };
        var type = new Option<string>("--type")
        {
            HelpName = string.Join('|', Types.Keys),
            Description = "How activations are stored.",
            DefaultValueFactory = _ => "fp16",
        };
        type.AcceptOnlyFromAmong([.. Types.Keys]);
        var tokens = new Option<long?>("--tokens")
        {
            HelpName = "N",
            Description = "Stop at the end of the document with which there are this many rows; left out, all texts are run.",
        };
        var shard = new Option<int>("--rows-per-shard")
        {
            HelpName = "N",
            Description = "Rows of a shard.",
            DefaultValueFactory = _ => 65_536,
        };
        var arrays = new Option<string[]>("--array")
        {
            HelpName = "FILE",
            Description =
                "For models that are fed arrays of numbers instead of texts: a file with an array, whose first axis counts the inputs; one "
                    + "for each array. For models of texts: token ids, [texts, tokens].",
            Arity = ArgumentArity.OneOrMore,
        };
        var resume = new Option<bool>("--resume") { Description = "Go on with the harvest in the output folder." };
        var command = new Command("harvest",
            "Runs a model over texts and keeps its activations.\n\nThose at the hooks that are named are written in shards that `unweave "
            + "train` reads.")
        {
            hooks, output, type, tokens, shard, arrays, resume,
        };
        var host = new HostFlags(command);
        help.AddExamples(
            command,
            "unweave harvest --model gpt2/ --hook blocks.8 --text corpus/ -o acts/",
            "unweave harvest --model gpt2/ --hook 'blocks.*.mlp' --text texts.jsonl.gz --tokens 10_000_000 --type bf16 -o acts/",
            "unweave harvest --model minilm/ --hook blocks.5.mean --keep-special --text texts.jsonl -o vectors/",
            "unweave harvest --model vision.onnx --hook blocks.3 --array images.npy -o acts/");
        command.SetAction((parsed, cancellationToken) =>
        {
            string folder = parsed.GetValue(output) ?? throw new InputException("no folder is named; give one with -o.");
            string path = host.ModelPath(parsed);
            using OnnxHost model = host.OpenModel(parsed, path);
            foreach (string note in model.Notes) Console.Error.WriteLine(note);
            string[] named = parsed.GetValue(hooks) ?? [];
            if (named.Length == 0) throw new InputException($"no hook is named; give --hook (`unweave hooks {path}` lists them).");
            Hook[] found = [.. named.SelectMany(name => model.Find(name)).DistinctBy(hook => hook.Tensor, StringComparer.Ordinal)];
            ElementType stored = Types[parsed.GetValue(type)!];
            string[] files = parsed.GetValue(arrays) ?? [];
            return Task.FromResult(files.Length == 0 ? FromTexts(model, found, stored)
                : model.Input.Tokens ? FromIds(model, found, files, stored) : FromArrays(model, found, files, stored));

            int FromTexts(OnnxHost model, Hook[] found, ElementType stored)
            {
                ITokenizer tokenizer = host.Tokenizer(parsed, path);
                TextCorpus corpus = host.Corpus(parsed);
                using var pass = new ActivationPass(model, tokenizer, found, host.Pass(parsed));
                HarvestManifest manifest = Harvester.Describe(model, tokenizer, found, corpus, host.Pass(parsed), stored,
                    parsed.GetValue(shard));
                using HarvestWriter writer = Open(folder, manifest, parsed.GetValue(resume));
                var display = new RowsDisplay("harvested", parsed.GetValue(tokens) ?? 0, TimeProvider.System);
                return Made(writer, folder, display, parsed.GetValue(json),
                    progress => Harvester.Run(pass, corpus, writer, parsed.GetValue(tokens) ?? long.MaxValue, progress, cancellationToken),
                    () => Shortened(model, pass.Context, host.Pass(parsed)) + Cut(pass) + Skipped(corpus),
                    () => corpus.Malformed);
            }

            int FromIds(OnnxHost model, Hook[] found, string[] files, ElementType stored)
            {
                if (files.Length > 1)
                    throw new InputException($"{model.Name} is fed one array of token ids; {files.Length} files are given.");
                using var ids = ArrayFile.Open(files[0]);
                PassOptions options = host.Pass(parsed);
                using var pass = new ActivationPass(model, Harvester.Ids(model), found, options);
                HarvestManifest manifest = Harvester.Describe(model, found, ids, options, stored, parsed.GetValue(shard));
                using HarvestWriter writer = Open(folder, manifest, parsed.GetValue(resume));
                var display = new RowsDisplay("harvested", parsed.GetValue(tokens) ?? 0, TimeProvider.System);
                return Made(writer, folder, display, parsed.GetValue(json),
                    progress => Harvester.Run(pass, ids.Name, from => TokenIds.Documents(ids, Harvester.Ids(model).VocabularySize, from),
                        writer, parsed.GetValue(tokens) ?? long.MaxValue, progress, cancellationToken: cancellationToken), () => "");
            }

            int FromArrays(OnnxHost model, Hook[] found, string[] files, ElementType stored)
            {
                ArrayFile[] inputs = [.. files.Select(ArrayFile.Open)];
                try
                {
                    HarvestManifest manifest = ArrayHarvester.Describe(model, found, inputs, stored, parsed.GetValue(shard));
                    using HarvestWriter writer = Open(folder, manifest, parsed.GetValue(resume));
                    var display = new RowsDisplay("harvested", 0, TimeProvider.System);
                    return Made(writer, folder, display, parsed.GetValue(json),
                        progress => ArrayHarvester.Run(model, found, inputs, writer, progress, cancellationToken), () => "");
                }
                finally
                {
                    foreach (ArrayFile input in inputs) input.Dispose();
                }
            }
        });
        return command;
    }

    private static HarvestWriter Open(string folder, HarvestManifest manifest, bool resume) =>
        resume ? HarvestWriter.Resume(folder, manifest) : HarvestWriter.Create(folder, manifest);

    private static string Shortened(OnnxHost model, int context, PassOptions asked) =>
        asked.Context is null && model.Input.Context > context
            ? $" In windows of {Figures.Count(context)} tokens; the model takes {Figures.Count(model.Input.Context.Value)}: --context."
            : "";

    private static string Cut(ActivationPass pass) => pass.TextsCut == 0 ? ""
        : $" {Figures.Count(pass.TextsCut)} of the texts had more than the {Figures.Count(pass.Context)} tokens of a window, whose rest is "
            + "not in their vectors.";

    private static string Skipped(TextCorpus corpus) => string.Concat(
        corpus.EmptyDocuments == 0 ? "" : $" {Figures.Count(corpus.EmptyDocuments)} documents were empty and skipped.",
        corpus.MendedDocuments == 0 ? ""
            : $" {Figures.Count(corpus.MendedDocuments)} documents had half an escaped character (\\ud83d alone), read as U+FFFD.");

    private static int Made(HarvestWriter writer, string folder, RowsDisplay display, bool json, Action<IProgress<long>> run,
        Func<string> more, Func<IReadOnlyList<string>>? malformed = null)
    {
        long before = writer.Rows;
        bool stopped = false, was = writer.Finished;
        try
        {
            run(new RowsProgress(display));
        }
        catch (OperationCanceledException)
        {
            stopped = true;
        }

        RowsDisplay.Clear();
        if (malformed is not null) MalformedTexts.Say(writer.MalformedDocuments, malformed());
        if (UnknownTokens.Note(writer.UnknownRows, writer.Rows) is { } note) Console.Error.WriteLine(note);
        if (json)
        {
            Screen.WriteJson(new JsonObject
            {
                ["output"] = folder,
                ["finished"] = writer.Finished,
                ["rows"] = writer.Rows,
                ["documents"] = writer.Documents,
                [MalformedTexts.Key] = writer.MalformedDocuments,
                ["unknownTokens"] = writer.Manifest.UnknownToken is null ? null : writer.UnknownRows,
                ["hooks"] = new JsonArray(
                    [.. writer.Manifest.Hooks.Select(hook => new JsonObject { ["name"] = hook.Name, ["width"] = hook.Width })]),
                ["seconds"] = Math.Round(display.Elapsed.TotalSeconds, 3),
            });
        }
        else if (stopped)
        {
            Console.Out.WriteLine("Stopped. Go on with the same command and --resume; at most the open shard is harvested again.");
        }
        else
        {
            string made = was
                ? "was finished already"
                : $"has {Figures.Count(writer.Rows)} rows of {Figures.Count(writer.Documents)} documents, "
                    + $"{Figures.Short((writer.Rows - before) / display.Elapsed.TotalSeconds)} rows/s";
            Console.Out.WriteLine($"{folder} {made}.{more()}");
            string hook = writer.Manifest.Hooks.Count > 1 ? $"#{writer.Manifest.Hooks[0].Name}" : "";
            Console.Out.WriteLine($"Train on it: unweave train {folder}{hook} --k 32 --latents 4096 -o sae/");
        }

        return stopped ? ExitCode.Interrupted : ExitCode.Done;
    }

    private sealed class RowsProgress(RowsDisplay display) : IProgress<long>
    {
        public void Report(long value) => display.Report(value);
    }
}
