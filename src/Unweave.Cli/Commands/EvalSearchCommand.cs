using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Indexing;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Retrieval;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave eval-search</c>: how well collections that people judged are searched.</summary>
internal static class EvalSearchCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var folders = new Argument<string[]>("FOLDERS")
        {
            Description = "Judged collections: folders as BEIR has them, with corpus.jsonl, queries.jsonl and qrels/test.tsv.",
            Arity = ArgumentArity.OneOrMore,
        };
        var split = new Option<string?>("--split")
        {
            HelpName = "NAME",
            Description = "Which file of qrels: dev, train. Left out, test, or the only one.",
        };
        var sae = new Option<string?>("--sae")
        {
            HelpName = "SAE",
            Description = "Run of an autoencoder over vectors of the same encoder; left out, one is trained on each collection.",
        };
        var vectors = new Option<string?>("--vectors")
        {
            HelpName = "FILE",
            Description = "Vectors of the documents, a row for each line of corpus.jsonl; left out, they are computed.",
        };
        var queryVectors = new Option<string?>("--query-vectors")
        {
            HelpName = "FILE",
            Description = "Vectors of the queries, a row for each line of queries.jsonl; with --vectors.",
        };
        var latents = new Option<int?>("--latents")
        {
            HelpName = "N",
            Description = "Concepts to find; left out, an eighth of the documents, from 256 to 8,192.",
        };
        var k = new Option<int?>("--k") { HelpName = "K", Description = "Concepts of a document. [default: 32]" };
        var rows = new Option<long?>("--rows")
        {
            HelpName = "N",
            Description = "Documents seen in training, repeats counted; left out, each 25 times, from 200,000 to 3 million.",
        };
        var store = new Option<VectorStore>("--store")
        {
            HelpName = string.Join('|', Enum.GetNames<VectorStore>()).ToLowerInvariant(),
            Description = "What the index keeps of the vectors to rank the best documents once more.",
            DefaultValueFactory = _ => VectorStore.Int8,
        };
        var flags = new EmbedderFlags();
        var command = new Command("eval-search",
            "Measures search on collections that people judged.\n\nBeside the index (its codes alone, ranked again by what it keeps of the "
            + "vectors, and with words) are the vectors themselves, searched exactly, and words alone (BM25).")
        {
            folders, split, sae, vectors, queryVectors, latents, k, rows, store,
        };
        flags.AddTo(command);
        help.AddExamples(command, "unweave eval-search scifact/", "unweave eval-search scifact/ nfcorpus/ --k 16",
            "unweave eval-search scifact/ --vectors corpus.npy --query-vectors queries.npy",
            "unweave eval-search scifact/ --sae other/sae");
        command.SetAction((parsed, cancellationToken) =>
        {
            string[] given = parsed.GetValue(folders)!;
            string? documents = parsed.GetValue(vectors), asked = parsed.GetValue(queryVectors);
            if (documents is null != asked is null) throw new InputException("--vectors and --query-vectors belong together; give both.");
            if (documents is not null && given.Length > 1)
                throw new InputException($"--vectors are those of one collection, and {given.Length} are named; measure one at a time.");
            BeirFolder[] collections = [.. given.Select(path => BeirFolder.Open(path, parsed.GetValue(split)))];
            OnnxEmbedder? embedder = documents is null ? flags.Open(parsed, given[0]).Embedder : null;
            using (embedder)
            using (SparseAutoencoder? other = parsed.GetValue(sae) is { } run ? SparseAutoencoder.Load(run) : null)
            {
                var measured = new List<Measured>();
                foreach (BeirFolder collection in collections)
                {
                    Say(collection);
                    using Matrix corpus = documents is null ? Embed(collection.Documents, embedder!, "documents", cancellationToken)
                        : Read(documents, collection.Documents.Count, "documents", null);
                    using Matrix queries = asked is null ? Embed(collection.Queries, embedder!.Queries, "queries", cancellationToken)
                        : Read(asked, collection.QueriesInFile, "queries", collection.QueryPlaces);
                    if (queries.Columns != corpus.Columns)
                    {
                        throw new InputException($"{asked} is {queries.Columns} numbers wide and {documents} {corpus.Columns}; documents "
                            + "and queries must come from one encoder.");
                    }

                    if (other is not null && other.InputWidth != corpus.Columns)
                    {
                        throw new InputException($"--sae {parsed.GetValue(sae)} is over vectors of width {other.InputWidth}, and these are "
                            + $"of {corpus.Columns}; give one trained on vectors of the same encoder.");
                    }

                    TrainingOptions settings = TextIndex.Settings(corpus.Rows, "");
                    var topK = (TopKOptions)settings.Autoencoder;
                    settings = settings with
                    {
                        Autoencoder = topK with { Latents = parsed.GetValue(latents) ?? topK.Latents, K = parsed.GetValue(k) ?? topK.K },
                        Rows = parsed.GetValue(rows) ?? settings.Rows,
                        Batch = Math.Min(settings.Batch, corpus.Rows),
                        Validation = 0,
                        Output = null,
                    };
                    measured.Add(Measure(collection, corpus, queries, other, settings, parsed.GetValue(store), cancellationToken));
                    if (!parsed.GetValue(json)) Write(measured[^1]);
                }

                if (parsed.GetValue(json)) Screen.WriteJson(ToJson(measured));
                else if (measured.Count > 1) WriteMeans(measured);
            }

            return Task.CompletedTask;
        });
        return command;
    }

    private static Measured Measure(
        BeirFolder collection, Matrix corpus, Matrix queries, SparseAutoencoder? other, TrainingOptions settings, VectorStore store,
        CancellationToken cancellationToken)
    {
        using SparseAutoencoder? own = other is null ? Train(corpus, settings, cancellationToken) : null;
        SparseAutoencoder autoencoder = other ?? own!;
        using ConceptDictionary dictionary = autoencoder.CreateConcepts();
        IndexDocument[] documents = [.. collection.Documents.Select(document => new IndexDocument(document.Id, document.Text))];
        using SearchIndex index =
            SearchIndex.InMemory(dictionary, documents, autoencoder.Encode(corpus), corpus, new IndexOptions { Store = store });
        return new Measured(collection, autoencoder.Latents, other is not null,
            JudgedSearch.Run(collection, corpus, queries, index, cancellationToken), index.BytesByPart);
    }

    private static SparseAutoencoder Train(Matrix corpus, TrainingOptions settings, CancellationToken cancellationToken)
    {
        settings.Validate(corpus.Columns);
        using var source = new MatrixSource(corpus);
        using var run = TrainingRun.Start(settings, source);
        var display = new RowsDisplay("trained on", settings.Rows, TimeProvider.System);
        while (!run.Finished)
        {
            cancellationToken.ThrowIfCancellationRequested();
            run.Next();
            display.Report(run.Rows);
        }

        RowsDisplay.Clear();
        return (SparseAutoencoder)run.Detach();
    }

    private static Matrix Embed(
        IReadOnlyList<JudgedText> texts, Hosts.ITextEmbedder embedder, string what, CancellationToken cancellationToken)
    {
        const int Chunk = 512;
        var vectors = new Matrix(texts.Count, embedder.Width);
        var display = new RowsDisplay($"embedded {what}:", texts.Count, TimeProvider.System);
        for (int first = 0; first < texts.Count; first += Chunk)
        {
            string[] chunk = [.. texts.Skip(first).Take(Chunk).Select(text => text.Text)];
            using Matrix made = embedder.Embed(chunk, cancellationToken);
            made.AsSpan().CopyTo(vectors.Block(first, chunk.Length));
            display.Report(first + chunk.Length);
        }

        RowsDisplay.Clear();
        return vectors;
    }

    private static Matrix Read(string file, int count, string what, IReadOnlyList<int>? places)
    {
        using var source = ActivationFile.Open(file);
        if (source.Rows != count)
        {
            throw new InputException($"{file} has {source.Rows} vectors where the collection has {count} {what}; give one for each line, "
                + "in order.");
        }

        return places is null ? source.Rows(0, count) : source.Rows([.. places.Select(place => (long)place)]);
    }

    private static void Say(BeirFolder collection)
    {
        foreach (string fault in collection.Faults) Console.Error.WriteLine(fault);
        if (collection.BadLines > 0)
            Console.Error.WriteLine($"{Figures.Count(collection.BadLines)} lines of {collection.Path} cannot be read and are left out.");
        if (collection.JudgmentsOfOthers > 0)
        {
            Console.Error.WriteLine(
                $"{Figures.Count(collection.JudgmentsOfOthers)} judgments are of documents or queries that are not there.");
        }
    }

    private static void Write(Measured measured)
    {
        BeirFolder collection = measured.Collection;
        string documents = Figures.Count(collection.Documents.Count), queries = Figures.Count(collection.Queries.Count);
        Screen.Results.MarkupLineInterpolated($"[bold]{collection.Path}[/]: {documents} documents, {queries} queries, {collection.Split}");
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("");
        foreach (string heading in (string[])["nDCG@10", "to dense", "MRR@10", "recall@100", "P@10"])
            table.AddColumn(Heading.Number(heading));
        double dense = measured.Rankings[0].Figures.Ndcg10;
        foreach (JudgedRanking ranking in measured.Rankings)
        {
            table.AddRow(ranking.Name, $"{ranking.Figures.Ndcg10:F4}", Difference(ranking.Figures.Ndcg10, dense),
                $"{ranking.Figures.ReciprocalRank10:F4}", $"{ranking.Figures.Recall100:F4}", $"{ranking.Figures.Precision10:F4}");
        }

        Screen.Results.Write(table);
        if (measured.Rankings.FirstOrDefault(ranking => ranking.WordWeight is not null)?.WordWeight is { } weight)
        {
            Console.Out.WriteLine($"Learned from all judgments, words weigh {weight:F1} (search --words {weight:F1}); the line above "
                + "learns from half of the queries for the other half.");
        }

        string kept = string.Join(", ", measured.Bytes.Where(part => part.Value > 0)
            .Select(part => $"{part.Key} {(double)part.Value / collection.Documents.Count:F0}"));
        string dictionary = $"{Figures.Count(measured.Latents)} latents{(measured.Other ? " of another dictionary" : "")}";
        Console.Out.WriteLine($"{dictionary}; bytes a document: {kept}.");
    }

    private static void WriteMeans(List<Measured> measured)
    {
        Console.Out.WriteLine($"\nMeans over the {measured.Count} collections:");
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("");
        foreach (string heading in (string[])["nDCG@10", "to dense", "MRR@10", "recall@100"]) table.AddColumn(Heading.Number(heading));
        for (int i = 0; i < measured[0].Rankings.Count; i++)
        {
            double Mean(Func<JudgedRanking, double> figure) => measured.Average(each => figure(each.Rankings[i]));
            double ndcg = Mean(each => each.Figures.Ndcg10), dense = measured.Average(each => each.Rankings[0].Figures.Ndcg10);
            table.AddRow(measured[0].Rankings[i].Name, $"{ndcg:F4}", Difference(ndcg, dense),
                $"{Mean(each => each.Figures.ReciprocalRank10):F4}", $"{Mean(each => each.Figures.Recall100):F4}");
        }

        Screen.Results.Write(table);
    }

    private static string Difference(double value, double dense)
    {
        if (dense == 0 || value == dense) return "";
        double points = Math.Round(100 * ((value / dense) - 1), 1);
        return points == 0 ? "0.0%" : $"{points:+0.0;-0.0}%";
    }

    private static JsonArray ToJson(List<Measured> measured) =>
    [
        .. measured.Select(each => new JsonObject
        {
            ["folder"] = each.Collection.Path,
            ["split"] = each.Collection.Split,
            ["documents"] = each.Collection.Documents.Count,
            ["queries"] = each.Collection.Queries.Count,
            ["badLines"] = each.Collection.BadLines,
            ["judgmentsOfOthers"] = each.Collection.JudgmentsOfOthers,
            ["latents"] = each.Latents,
            ["ownDictionary"] = !each.Other,
            ["rankings"] = new JsonArray([.. each.Rankings.Select(ranking => new JsonObject
            {
                ["name"] = ranking.Name,
                ["ndcg10"] = ranking.Figures.Ndcg10,
                ["reciprocalRank10"] = ranking.Figures.ReciprocalRank10,
                ["recall100"] = ranking.Figures.Recall100,
                ["precision10"] = ranking.Figures.Precision10,
                ["wordWeight"] = ranking.WordWeight,
                ["ndcg10OfQueries"] = new JsonArray([.. ranking.Ndcg10.Select(value => (JsonNode)value)]),
            })]),
            ["bytes"] = new JsonObject(each.Bytes.Select(part => KeyValuePair.Create(part.Key, (JsonNode?)part.Value))),
        }),
    ];

    private sealed record Measured(
        BeirFolder Collection, int Latents, bool Other, IReadOnlyList<JudgedRanking> Rankings, IReadOnlyDictionary<string, long> Bytes);
}
