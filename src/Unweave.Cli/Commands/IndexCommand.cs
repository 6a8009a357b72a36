using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Indexing;
using Unweave.Interpretation;
using Unweave.Onnx;
using Unweave.Retrieval;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave index</c>: texts to an index that is searched by concepts and words.</summary>
internal static class IndexCommand
{
    private const string LockName = "building.lock", VectorsName = "vectors.npy";

    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var texts = new Argument<string[]>("TEXTS")
        {
            Description = "Texts: files (.jsonl, .csv, .tsv, .parquet, or plain with a text a line, each also .gz or .zst), folders "
                + "of such "
                + "files, or quoted globs. What a record has beside its text is kept: to filter by, and to show.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string?>("--output", "-o")
        {
            HelpName = "INDEX",
            Description = "Folder of the index; left out, the name of the texts with .index.",
        };
        var column = new Option<string?>("--text-column")
        {
            HelpName = "NAME",
            Description = "Field or column with the texts. [default: text]",
        };
        var strict = new Option<bool>("--strict") { Description = "End with an error at the first text that cannot be read." };
        var force = new Option<bool>("--force") { Description = "Replace an index that is there." };
        var latents = new Option<int?>("--latents")
        {
            HelpName = "N",
            Description = "Concepts to find; left out, an eighth of the texts, from 256 to 8,192.",
        };
        var k = new Option<int?>("--k")
        {
            HelpName = "K",
            Description = "Concepts of a text: 32, or 16 for a smaller index. [default: 32]",
        };
        var rows = new Option<long?>("--rows")
        {
            HelpName = "N",
            Description = "Texts seen in training, repeats counted; left out, each 25 times, from 200,000 to 3 million.",
        };
        var store = new Option<VectorStore>("--store")
        {
            HelpName = string.Join('|', Enum.GetNames<VectorStore>()).ToLowerInvariant(),
            Description = "What is kept of the vectors to rank the best hits once more: 8 bits a number, a bit a number, or nothing.",
            DefaultValueFactory = _ => VectorStore.Int8,
        };
        var flags = new EmbedderFlags();
        var command = new Command("index",
            "Makes an index of texts, to search by concepts and words.\n\nTexts are embedded, an autoencoder "
            + "is trained on their vectors, its latents are labeled, and each text is listed under its few latents and its words.")
        {
            texts, output, column, strict, force, latents, k, rows, store,
            IndexChangeCommands.Add(help, json),
            IndexChangeCommands.Remove(help, json),
            IndexChangeCommands.Merge(help, json),
            IndexShowCommand.Create(help, json),
            IndexExportCommand.Create(help, json),
        };
        flags.AddTo(command);
        help.AddExamples(command, "unweave index docs.jsonl -o docs.index", "unweave index reviews.csv --text-column review",
            "unweave index add docs.index more.jsonl", "unweave search docs.index \"federal budget deficit\"");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string[] given = parsed.GetValue(texts)!;
            string folder = parsed.GetValue(output) ?? DefaultOutput(given);
            TextCorpus corpus = TextCorpus.Open(given, parsed.GetValue(column), parsed.GetValue(strict), withFields: true);
            if (Path.Exists(folder) && !parsed.GetValue(force))
                throw new InputException($"{folder} is there already; add to it with `unweave index add {folder} TEXTS`, replace it with "
                    + "--force, or name another folder with -o.");
            (OnnxEmbedder embedder, IndexRecipe recipe) = flags.Open(parsed, corpus.Name);
            using (embedder)
            {
                TrainingOptions Settings(long count, string place)
                {
                    TrainingOptions settings = TextIndex.Settings(count, place);
                    var autoencoder = (TopKOptions)settings.Autoencoder;
                    return settings with
                    {
                        Autoencoder = autoencoder with
                        {
                            Latents = parsed.GetValue(latents) ?? autoencoder.Latents,
                            K = parsed.GetValue(k) ?? autoencoder.K,
                        },
                        Rows = parsed.GetValue(rows) ?? settings.Rows,
                    };
                }

                return await Build(folder, corpus, embedder, recipe, Settings, parsed.GetValue(store), parsed.GetValue(json),
                    cancellationToken);
            }
        });
        return command;
    }

    // Made beside its place and renamed, so that what is there is always whole.
    private static async Task<int> Build(
        string folder, TextCorpus corpus, OnnxEmbedder embedder, IndexRecipe recipe, Func<long, string, TrainingOptions> settings,
        VectorStore store, bool json, CancellationToken cancellationToken)
    {
        string place = Path.TrimEndingDirectorySeparator(folder) + TextIndex.BuildingEnding;
        long began = TimeProvider.System.GetTimestamp(), indexed;
        Directory.CreateDirectory(place);
        using (FolderLock.Take(place, LockName, "is being built by another command; wait for its end"))
        {
            foreach (string file in Directory.EnumerateFileSystemEntries(place))
            {
                if (Directory.Exists(file)) Directory.Delete(file, recursive: true);
                else if (Path.GetFileName(file) is not LockName) File.Delete(file);
            }

            string vectors = Path.Combine(place, VectorsName);
            long count = Embed(vectors, corpus, embedder, cancellationToken);
            using (var source = ActivationFile.Open(vectors))
            {
                TrainingOptions options = settings(count, place);
                options.Validate(source.Width);
                TrainingEnd end = await TrainingEnd.RunAsync(options, source, corpus.Name, resume: false, cancellationToken);
                if (end.Interrupted) return ExitCode.Interrupted;
                Console.Error.WriteLine("Looking at what each latent means …");
                using (var subject = FeatureBuild.Subject.Open(options.Output!))
                {
                    FeatureBuild.FromVectors(subject, source, [.. corpus.Records().Select(record => record.Text)],
                        new FeatureStatisticsOptions { Seed = options.Seed }, cancellationToken);
                }

                var display = new RowsDisplay("indexed", count, TimeProvider.System);
                indexed = TextIndex.Fill(place, recipe, corpus.Records().Select(TextIndex.Document), source,
                    new IndexOptions { Store = store },
                    display, cancellationToken);
                RowsDisplay.Clear();
            }

            File.Delete(vectors);
        }

        FolderReplacement.Put(place, folder);
        MalformedTexts.Say(corpus);
        TimeSpan elapsed = TimeProvider.System.GetElapsedTime(began);
        if (json)
        {
            Screen.WriteJson(new JsonObject
            {
                ["index"] = folder,
                ["texts"] = indexed,
                [MalformedTexts.Key] = corpus.MalformedDocuments,
                ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
            });
            return ExitCode.Done;
        }

        Console.Out.WriteLine($"{folder} has {Figures.Count(indexed)} texts, made in {Figures.Duration(elapsed)}. Search it:");
        Console.Out.WriteLine($"  unweave search {folder} \"what you look for\"");
        Console.Out.WriteLine($"  unweave serve {folder}");
        return ExitCode.Done;
    }

    private static long Embed(string vectors, TextCorpus corpus, OnnxEmbedder embedder, CancellationToken cancellationToken)
    {
        var display = new RowsDisplay("embedded", 0, TimeProvider.System);
        long count = TextVectors.Write(vectors, corpus.Records().Select(record => record.Text), embedder, progress: display,
            cancellationToken: cancellationToken);
        RowsDisplay.Clear();
        Console.Error.WriteLine(
            $"Embedded {Figures.Count(count)} texts, {Figures.Short(count / display.Elapsed.TotalSeconds)} a second.");
        if (embedder.TextsCut > 0)
            Console.Error.WriteLine($"{Figures.Count(embedder.TextsCut)} are longer than {embedder.Length} tokens, whose rest is "
                + "found by its "
                + "words only.");
        return count;
    }

    private static string DefaultOutput(string[] texts)
    {
        if (texts.Length > 1 || texts[0].Contains('*', StringComparison.Ordinal))
            throw new InputException("several texts are named; say where the index goes with -o.");
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(texts[0]));
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return (dot > 0 ? name[..dot] : name) + ".index";
    }
}
