using System.Text.Json.Nodes;
using Microsoft.ML.OnnxRuntime;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

/// <summary>Rows of documents against the model run on each window by hand.</summary>
public sealed class ActivationPassTests
{
    [Theory]
    [InlineData(false, 4096)]
    [InlineData(true, 4096)]
    [InlineData(false, 20)]
    public void Rows_are_those_of_each_window_run_alone(bool keepSpecial, int batchTokens)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        var tokenizer = new LetterTokenizer();
        Hook[] hooks = [host.FindOne("blocks.0"), host.FindOne("blocks.1.mlp.neurons")];
        using var pass = new ActivationPass(host, tokenizer, hooks, new PassOptions
        {
            Context = 8,
            KeepSpecial = keepSpecial,
            BatchTokens = batchTokens,
        });
        using IHostRun run = host.Open(new HostPlan(hooks));
        (long Number, Document Document)[] texts =
        [
            (0, new("a", "abcdefghijklmnopqrst")), (1, new("b", "")), (3, new("c", "z")), (4, new("d", "abcdefg")),
            (9, new("e", "hijklmnopqrstu")),
        ];
        var seen = new List<long>();
        foreach (DocumentRows document in pass.Run(texts))
        {
            seen.Add(document.Number);
            int at = 0;
            foreach (TokenWindow window in TokenWindow.Cut(0, tokenizer.Encode(document.Document.Text), tokenizer, 8))
            {
                run.Run(new TokenBatch([window.Ids]));
                for (int position = keepSpecial ? 0 : 1; position < window.Ids.Length; position++, at++)
                {
                    Assert.Equal(window.Ids.Span[position], document.RowTokens[at]);
                    Assert.Equal(position, document.RowPositions[at]);
                    Assert.Equal(position == 0 ? -1 : window.First + position - 1, document.RowSources[at]);
                    for (int hook = 0; hook < 2; hook++)
                    {
                        float[] expected = run.Activations(hook).Row(position).ToArray(),
                            actual = document.Activations[hook].Row(at).ToArray();
                        for (int c = 0; c < expected.Length; c++) Assert.Equal(expected[c], actual[c], 5);
                    }
                }
            }

            Assert.Equal(at, document.RowTokens.Length);
            Assert.Equal(at, document.Activations[0].Rows);
        }

        Assert.Equal([0, 3, 4, 9], seen);
    }

    [Fact]
    public void A_long_document_comes_in_pieces_that_are_the_whole()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        string text = string.Concat(Enumerable.Range(0, 1000).Select(i => (char)('a' + (i * i % 26))));
        foreach (bool keep in (bool[])[false, true])
        {
            using ActivationPass whole = new(host, new LetterTokenizer(), [host.FindOne("blocks.1")], new PassOptions
            {
                Context = 12,
                KeepSpecial = keep,
            }),
                cut = new(host, new LetterTokenizer(), [host.FindOne("blocks.1")], new PassOptions
                {
                    Context = 12,
                    KeepSpecial = keep,
                    BatchTokens = 20,
                });
            (long, Document)[] texts = [(0, new("a", text)), (1, new("b", "short"))];
            var rows = new List<(long Number, int Token, int Position, int Source, float First)>();
            foreach (DocumentRows document in whole.Run(texts)) Add(rows, document);
            var pieces = new List<(long, int, int, int, float)>();
            long expected = 0;
            int count = 0;
            foreach (DocumentRows piece in cut.Run(texts))
            {
                if (piece.Number == 0)
                {
                    Assert.Equal(expected, piece.FirstRow);
                    Assert.InRange(piece.RowTokens.Length, 1, 90);
                    expected += piece.RowTokens.Length;
                    Assert.Equal(expected == rows.Count(row => row.Number == 0), piece.Last);
                    count++;
                }

                Add(pieces, piece);
            }

            Assert.True(count > 10);
            Assert.Equal(rows.Select(row => (row.Number, row.Token, row.Position, row.Source)),
                pieces.Select(row => (row.Item1, row.Item2, row.Item3, row.Item4)));
            Assert.All(rows.Zip(pieces), pair => Assert.Equal(pair.First.First, pair.Second.Item5, 5));
        }

        static void Add(List<(long, int, int, int, float)> rows, DocumentRows document)
        {
            for (int i = 0; i < document.RowTokens.Length; i++)
                rows.Add(
                    (document.Number, document.RowTokens[i], document.RowPositions[i], document.RowSources[i],
                        document.Activations[0][i, 0]));
        }
    }

    [Fact]
    public void An_encoder_s_rows_do_not_depend_on_what_else_is_in_the_batch()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Encoder().Save(folder));
        Hook hook = host.FindOne("blocks.1");
        float[] Rows(params (long, Document)[] texts)
        {
            using var pass = new ActivationPass(host, new LetterTokenizer(), [hook]);
            return pass.Run(texts).Select(document => document.Activations[0].AsSpan().ToArray()).First();
        }

        float[] alone = Rows((0, new("a", "abc"))),
            together = Rows((0, new("a", "abc")), (1, new("b", "abcdefghij")), (2, new("c", "xyzxyz")));
        for (int i = 0; i < alone.Length; i++) Assert.Equal(alone[i], together[i], 5);
    }

    [Fact]
    public void What_cannot_be_read_token_by_token_is_refused()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder)),
            images = OnnxHost.Open(Graphs.Convolutions().Save(folder, "images.onnx"));
        Hook scores = host.FindOne("blocks.0") with { Shape = ["batch", "3", "sequence", "8"], FeatureAxis = 3 };
        Refused("has neither one vector for each token", () => new ActivationPass(host, new LetterTokenizer(), [scores]));
        Refused("is fed pixel_values", () => new ActivationPass(images, new LetterTokenizer(), [images.FindOne("joined")]));
        Refused("51 tokens", () => new ActivationPass(host, new TokenIds(51), [host.FindOne("blocks.0")]));
    }

    [Fact]
    public void A_harvest_has_the_rows_of_the_pass_and_resumes_to_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        var tokenizer = new LetterTokenizer();
        Hook[] hooks = [host.FindOne("blocks.0"), host.FindOne("blocks.1.mlp.neurons")];
        File.WriteAllLines(folder["texts.jsonl"],
            Enumerable.Range(0, 60)
                .Select(i =>
                    $$"""{ "id": "t{{i}}", "text": "{{(i == 7 ? " " : new string((char)('a' + (i % 26)), 1 + (i * 7 % 40)))}}" }"""));
        TextCorpus corpus = TextCorpus.Open(folder["texts.jsonl"]);
        var options = new PassOptions { Context = 10, BatchTokens = 30 };
        HarvestManifest manifest = Harvester.Describe(host, tokenizer, hooks, corpus, options, ElementType.Float32, rowsPerShard: 100);
        using var pass = new ActivationPass(host, tokenizer, hooks, options);
        using (var writer = HarvestWriter.Create(folder["whole"], manifest)) Harvester.Run(pass, corpus, writer);
        using (var harvest = Harvest.Open(folder["whole"]))
        using (HarvestSource source = harvest.Source("blocks.1.mlp.neurons"))
        {
            harvest.Verify();
            long row = 0;
            foreach (DocumentRows document in pass.Run(corpus.Documents()))
            {
                for (int i = 0; i < document.RowTokens.Length; i++, row++)
                {
                    Assert.Equal((document.RowTokens[i], document.Number, document.RowPositions[i]), harvest.Row(row));
                    using Matrix read = source.Rows(row, 1);
                    for (int c = 0; c < read.Columns; c++) Assert.Equal(document.Activations[1][i, c], read[0, c], 5);
                }
            }

            Assert.Equal(row, harvest.Rows);
            Assert.Equal("t3", harvest.DocumentId(3));
        }

        // Stopped after some documents, twice, and resumed.
        using (var writer = HarvestWriter.Create(folder["parts"], manifest)) Stop(pass, corpus, writer, documents: 13);
        using (var writer = HarvestWriter.Resume(folder["parts"], manifest)) Stop(pass, corpus, writer, documents: 20);
        using (var writer = HarvestWriter.Resume(folder["parts"], manifest)) Harvester.Run(pass, corpus, writer);
        string[] files =
        [
            .. Directory.GetFiles(folder["whole"], "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder["whole"], file)).Order(StringComparer.Ordinal),
        ];
        Assert.Equal(files,
            Directory.GetFiles(folder["parts"], "*", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(folder["parts"], file)).Order(StringComparer.Ordinal),
            StringComparer.Ordinal);
        foreach (string file in files.Where(file =>
            file.StartsWith("rows", StringComparison.Ordinal) || file.StartsWith("documents", StringComparison.Ordinal)))
            Assert.Equal(File.ReadAllBytes(folder[Path.Combine("whole", file)]), File.ReadAllBytes(folder[Path.Combine("parts", file)]));
    }

    // The runtime runs the whole graph on each text alone, with the tensors as outputs of the graph itself.
    [Fact]
    public void A_harvest_of_a_model_of_four_bits_has_what_the_runtime_computes()
    {
        using var folder = new TemporaryFolder();
        GraphBuilder graph = SpliceTests.Build("four bits");
        using OnnxHost host = OnnxHost.Open(graph.Save(folder));
        (string Hook, string Tensor)[] places =
            [("blocks.0.attn.heads", "heads0"), ("blocks.1.mlp.neurons", "neurons1"), ("blocks.1", "out1"), ("final", "final_norm")];
        foreach ((_, string tensor) in places) graph.Output(tensor, GraphBuilder.Float, "batch", "sequence", "width");
        using var session = new InferenceSession(graph.Save(folder, "outputs.onnx"));
        var tokenizer = new LetterTokenizer();
        string[] texts =
        [
            .. Enumerable.Range(0, 20)
                .Select(i => string.Concat(Enumerable.Range(0, 1 + (i * 7 % 9)).Select(j => (char)('a' + ((i + (j * j)) % 26))))),
        ];
        File.WriteAllLines(folder["texts.jsonl"], texts.Select(text => $$"""{ "text": "{{text}}" }"""));
        var corpus = TextCorpus.Open(folder["texts.jsonl"]);
        Hook[] hooks = [.. places.Select(place => host.FindOne(place.Hook))];
        using var pass = new ActivationPass(host, tokenizer, hooks);
        using (var writer = HarvestWriter.Create(folder["acts"],
            Harvester.Describe(host, tokenizer, hooks, corpus, new PassOptions(), ElementType.Float32)))
            Harvester.Run(pass, corpus, writer);
        using var harvest = Harvest.Open(folder["acts"]);
        foreach ((string hook, string tensor) in places)
        {
            using HarvestSource source = harvest.Source(hook);
            using Matrix rows = source.Rows(0, (int)source.Rows);
            float[] expected = [.. texts.SelectMany(text => Run(text, tensor).Skip(source.Width))]; // without the start token's
            Assert.Equal(expected, rows.AsSpan().ToArray(), (a, b) => Math.Abs(a - b) < 1e-5 * Math.Max(1, Math.Abs(a)));
            Assert.True(expected.Max(Math.Abs) > 0.01);
        }

        float[] Run(string text, string tensor)
        {
            long[] ids = [0, .. tokenizer.Encode(text).Select(token => (long)token.Id)];
            using OrtValue input = OrtValue.CreateTensorValueFromMemory(ids, [1, ids.Length]);
            using var options = new RunOptions();
            using IDisposableReadOnlyCollection<OrtValue> made = session.Run(options, session.InputNames, [input], [tensor]);
            return made[0].GetTensorDataAsSpan<float>().ToArray();
        }
    }

    [Fact]
    public void Documents_that_cannot_be_read_are_counted_in_the_harvest_which_resumes_to_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        var tokenizer = new LetterTokenizer();
        Hook[] hooks = [host.FindOne("blocks.0")];
        string Good(int i) => $$"""{ "text": "{{new string((char)('a' + (i % 26)), 1 + (i * 7 % 40))}}" }""";
        File.WriteAllLines(folder["texts.jsonl"], Enumerable.Range(0, 60).Select(i => i % 5 == 3 || i > 56 ? "bad" : Good(i)));
        var options = new PassOptions { Context = 10, BatchTokens = 30 };
        HarvestManifest manifest = Harvester.Describe(host, tokenizer, hooks, Corpus(), options, ElementType.Float32, rowsPerShard: 100);
        using var pass = new ActivationPass(host, tokenizer, hooks, options);
        using (var writer = HarvestWriter.Create(folder["whole"], manifest))
        {
            Harvester.Run(pass, Corpus(), writer);
            Assert.Equal((46, 14), (writer.Documents, writer.MalformedDocuments));
        }

        // Its rows are of the same documents as a corpus of the good ones, under the numbers that they have in this one.
        const string empty = """{ "text": "" }""";
        File.WriteAllLines(folder["good.jsonl"], Enumerable.Range(0, 60).Select(i => i % 5 == 3 || i > 56 ? empty : Good(i)));
        using (var writer = HarvestWriter.Create(folder["good"], manifest))
            Harvester.Run(pass, TextCorpus.Open(folder["good.jsonl"]), writer);
        using (Harvest bad = Harvest.Open(folder["whole"]), good = Harvest.Open(folder["good"]))
        {
            Assert.Equal((14, 0), (bad.MalformedDocuments, good.MalformedDocuments));
            Assert.Equal(good.Rows, bad.Rows);
            for (long row = 0; row < bad.Rows; row++) Assert.Equal(good.Row(row), bad.Row(row));
        }

        using (var writer = HarvestWriter.Create(folder["parts"], manifest)) Stop(pass, Corpus(), writer, documents: 13);
        using (var writer = HarvestWriter.Resume(folder["parts"], manifest)) Stop(pass, Corpus(), writer, documents: 20);
        using (var writer = HarvestWriter.Resume(folder["parts"], manifest))
        {
            Harvester.Run(pass, Corpus(), writer);
            Assert.Equal(14, writer.MalformedDocuments);
        }

        long[] whole = Counts("whole"), parts = Counts("parts");
        Assert.Equal(whole, parts);
        Assert.True(whole.Length > 5 && whole[0] == 14 && whole.Count(number => number > 0) > 3);

        // With fewer rows asked for, those behind the last document are not in it, though the pass had met them.
        using (var writer = HarvestWriter.Create(folder["few"], manifest))
        {
            Harvester.Run(pass, Corpus(), writer, rows: 30);
            Assert.Equal((4, 1), (writer.Documents, writer.MalformedDocuments)); // 0, 1, 2 and 4
        }

        string text = File.ReadAllText(folder["whole/manifest.json"]);
        File.WriteAllText(folder["whole/manifest.json"], text.Replace("\"malformed\": 14", "\"malformed\": 3", StringComparison.Ordinal));
        Refused("3 documents could not be read, but its shards say otherwise", () => Harvest.Open(folder["whole"]));

        TextCorpus Corpus() => TextCorpus.Open(folder["texts.jsonl"]);

        // Of the whole harvest, then of each shard.
        long[] Counts(string name)
        {
            JsonNode json = JsonNode.Parse(File.ReadAllText(folder[$"{name}/manifest.json"]))!;
            return [(long)json["malformed"]!, .. json["shards"]!.AsArray().Select(shard => (long?)shard!["malformed"] ?? 0)];
        }
    }

    [Fact]
    public void A_harvest_stops_at_the_end_of_a_document()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        File.WriteAllLines(folder["texts.jsonl"], Enumerable.Repeat("""{ "text": "abcdefghij" }""", 20));
        TextCorpus corpus = TextCorpus.Open(folder["texts.jsonl"]);
        Hook[] hooks = [host.FindOne("blocks.0")];
        using var pass = new ActivationPass(host, new LetterTokenizer(), hooks);
        using var writer = HarvestWriter.Create(folder["acts"],
            Harvester.Describe(host, new LetterTokenizer(), hooks, corpus, new PassOptions()));
        Harvester.Run(pass, corpus, writer, rows: 25);
        Assert.Equal((30, 3, true), (writer.Rows, writer.Documents, writer.Finished));
    }

    [Fact]
    public void Images_are_harvested_a_row_a_pixel()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Convolutions().Save(folder));
        Hook hook = host.FindOne("joined");
        var pixels = new Matrix(20, 3 * 16 * 16);
        new Rng(3).FillNormal(pixels.AsSpan());
        using var images = new MatrixSource(pixels, "images");
        using (var writer = HarvestWriter.Create(folder["acts"], ArrayHarvester.Describe(host, [hook], [images], ElementType.Float32)))
            ArrayHarvester.Run(host, [hook], [images], writer);
        using var harvest = Harvest.Open(folder["acts"]);
        using HarvestSource source = harvest.Source();
        Assert.Equal((20 * 64, 6), (source.Rows, source.Width));
        Assert.Equal((-1, 19, 63), harvest.Row(source.Rows - 1));
        using IHostRun run = host.Open(new HostPlan([hook]));
        using var last = new Matrix(1, pixels.Columns, pixels.Row(19));
        run.Run(new ArrayBatch(last));
        using Matrix rows = source.Rows(19 * 64, 64);
        float[] expected = run.Activations(0).AsSpan().ToArray(), actual = rows.AsSpan().ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 5);
        HarvestManifest before = ArrayHarvester.Describe(host, [hook], [images]);
        Assert.Equal(before.Corpus, ArrayHarvester.Describe(host, [hook], [images]).Corpus);
        pixels.Row(19)[^1] += 1; // the same size, other numbers
        Assert.NotEqual(before.Corpus, ArrayHarvester.Describe(host, [hook], [images]).Corpus);
        Assert.Contains("fed 1 arrays",
            Assert.Throws<InputException>(() => ArrayHarvester.Describe(host, [hook], [images, images])).Message, StringComparison.Ordinal);
    }

    private static void Stop(ActivationPass pass, TextCorpus corpus, HarvestWriter writer, int documents)
    {
        using var stop = new CancellationTokenSource();
        long before = writer.Documents;
        var progress = new Counting(() =>
        {
            if (writer.Documents - before >= documents) stop.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() =>
            Harvester.Run(pass, corpus, writer, progress: progress, cancellationToken: stop.Token));
    }

    private static void Refused(string part, Func<object> action) =>
        Assert.Contains(part, Assert.Throws<InputException>(action).Message, StringComparison.Ordinal);

    private sealed class Counting(Action each) : IProgress<long>
    {
        public void Report(long value) => each();
    }
}
