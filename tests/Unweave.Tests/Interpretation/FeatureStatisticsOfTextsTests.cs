using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Tests.Interpretation;

/// <summary>Statistics of texts that the embedded model reads, against its harvest of them, and against the texts themselves.</summary>
public sealed class FeatureStatisticsOfTextsTests
{
    private static readonly string[] Odd =
    [
        "The naïve 🐳 swam; 👩‍👩‍👧 and 42 whales — “followed”.\n\n\tמזל טוב 日本",
        "",
        "  leading and trailing spaces  ",
        "x",
        // longer than a context, no character of one token
        "🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳🐳",
        string.Concat(Enumerable.Repeat("We the people of the United States, in order to form a more perfect union; ", 30)),
        "a \uFFFD b",
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pieces_of_the_windows_are_the_text(bool keepSpecial)
    {
        using var model = new Read();
        (long, Document)[] documents = [.. Odd.Select((text, i) => ((long)i, new Document($"d{i}", text)))];
        using var pass = new ActivationPass(model.Host, model.Tokenizer, [model.Hook], new PassOptions
        {
            Context = 32,
            KeepSpecial = keepSpecial,
        });
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        long row = 0;
        foreach (WindowBlock block in WindowBlocks.FromTexts(pass, documents, long.MaxValue, TestContext.Current.CancellationToken))
        {
            using (block)
            {
                int first = 0;
                foreach (RowWindow window in block.Windows)
                {
                    Assert.Equal((row + first, first), (window.Row, window.First));
                    Assert.Equal(window.Count, window.Lengths.Length);
                    Assert.Equal(window.Text.Length, window.Lengths.Sum());
                    Assert.InRange(window.Count, 1, 32);
                    Assert.Equal(Enumerable.Range(keepSpecial ? 0 : 1, window.Count), block.Positions[first..(first + window.Count)]);
                    texts[window.Document] = texts.GetValueOrDefault(window.Document) + window.Text;
                    if (keepSpecial) Assert.Equal((model.Tokenizer.Start, 0), (block.Tokens[first], window.Lengths[0]));

                    // A piece is the text of its token, wherever the token is whole characters.
                    for (int i = 0, at = 0; i < window.Count; at += window.Lengths[i++])
                    {
                        string piece = model.Tokenizer.Decode([block.Tokens[first + i]]);
                        if (!piece.Contains('\uFFFD', StringComparison.Ordinal) && !(keepSpecial && i == 0))
                            Assert.Equal(piece, window.Text.Substring(at, window.Lengths[i]));
                    }

                    first += window.Count;
                }

                Assert.Equal(first, block.Rows.Rows);
                row += first;
            }
        }

        Assert.Equal(Odd.Where(text => text.Length > 0),
            documents.Where(document => texts.ContainsKey(document.Item2.Id)).Select(document => texts[document.Item2.Id]),
            StringComparer.Ordinal);
    }

    [Fact]
    public void Texts_and_their_harvest_have_the_same_features()
    {
        using var folder = new TemporaryFolder();
        using var model = new Read();

        // Not the text whose characters are cut by windows: of those the harvest has lost the one half.
        foreach ((string text, int i) in Odd.Take(4).Append(Odd[5]).Select((text, i) => (text, i)))
            File.WriteAllText(folder[$"{i}.txt"], text);
        File.WriteAllLines(folder["more.jsonl"],
            TextCorpus.Open(Path.Combine(Root(), "data", "corpus", "held-out.jsonl.gz")).Documents().Take(12)
                .Select(document => JsonSerializer.Serialize(new { text = document.Document.Text })));
        using var autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 300, K = 6 }, model.Hook.Width, new Rng(3));
        var options = new FeatureStatisticsOptions { Top = 5, Drawn = 4, Pool = 200, Sample = 2000, Seed = 2 };
        TextCorpus corpus = TextCorpus.Open(folder.Path);
        string[] direct = Describe(() =>
        {
            using var pass = new ActivationPass(model.Host, model.Tokenizer, [model.Hook]);
            return FeatureStatistics.FromTexts(autoencoder, pass, model.Tokenizer, corpus.Documents(), options);
        });
        using var place = new TemporaryFolder();
        using (var pass = new ActivationPass(model.Host, model.Tokenizer, [model.Hook]))
        using (HarvestWriter writer = HarvestWriter.Create(place["acts"],
            Harvester.Describe(model.Host, model.Tokenizer, [model.Hook], corpus, new PassOptions(), ElementType.Float32)))
            Harvester.Run(pass, corpus, writer);
        using Harvest harvest = Harvest.Open(place["acts"]);
        using HarvestSource source = harvest.Source();
        string[] harvested = Describe(() => FeatureStatistics.FromHarvest(autoencoder, source, model.Tokenizer, options));
        Assert.Equal(300, direct.Length);
        for (int latent = 0; latent < direct.Length; latent++) Assert.Equal(direct[latent], harvested[latent]);
        Assert.Contains(direct, feature => feature.Contains(JsonEncodedText.Encode("🐳").ToString(), StringComparison.OrdinalIgnoreCase));

        string[] Describe(Func<FeatureStatistics> make)
        {
            using FeatureStatistics statistics = make();
            using LogitLens? lens = LogitLens.Open(model.Host, model.Tokenizer, statistics.Width);
            Assert.NotNull(lens);
            return [.. statistics.Features(lens).Select(made => JsonSerializer.Serialize(made.Feature) + made.Label)];
        }
    }

    [Fact]
    public void A_catalog_gives_examples_as_the_whole_windows_that_the_model_read()
    {
        using var folder = new TemporaryFolder();
        using var model = new Read();
        using var autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 300, K = 6 }, model.Hook.Width, new Rng(3));
        string[] texts = [.. Odd[..6], .. TextCorpus.Open(Path.Combine(Root(), "data", "corpus", "held-out.jsonl.gz")).Documents().Take(6)
            .Select(document => document.Document.Text[..Math.Min(3000, document.Document.Text.Length)])];
        (long, Document)[] documents = [.. texts.Select((text, i) => ((long)i, new Document($"d{i}", text)))];
        using (var pass = new ActivationPass(model.Host, model.Tokenizer, [model.Hook], new PassOptions { Context = 64 }))
        using (var statistics = FeatureStatistics.FromTexts(autoencoder, pass, model.Tokenizer, documents))
        {
            var source = new CatalogSource { Latents = 300, Rows = statistics.Rows, Windows = statistics.Windows, Texts = "texts" };
            FeatureCatalog.Build(folder.Path, source, statistics.Features().Select(made => made.Feature));
        }

        // What fires where, read by another way.
        using var hosted = new HostedAutoencoder(model.Host, model.Tokenizer, model.Hook, autoencoder, 64);
        TextCodes[] codes = [.. texts.Select(hosted.Encode)];
        using FeatureCatalog catalog = FeatureCatalog.Open(folder.Path);
        int wider = 0;
        for (int latent = 0; latent < 300; latent++)
        {
            Feature cut = catalog.Read(latent), whole = catalog.ReadWithWindows(latent);
            foreach ((FeatureExample near, FeatureExample far) in Examples(cut).Zip(Examples(whole)))
            {
                Assert.Equal((near.Document, near.Row, near.Position), (far.Document, far.Row, far.Position));
                Assert.Equal((near.Activation, near.Pieces[near.Peak]), (far.Activation, far.Pieces[far.Peak]));
                Assert.Contains(near.Text, far.Text, StringComparison.Ordinal);
                wider += far.Pieces.Count > near.Pieces.Count ? 1 : 0;

                TextCodes document = codes[int.Parse(far.Document[1..])];
                int room = 63, first = far.Position - 1 - far.Peak;
                Assert.Equal(0, first);
                int start = Enumerable.Range(0, document.Pieces.Count).First(at => at % room == 0
                    && document.Pieces.Skip(at).Take(far.Pieces.Count).SequenceEqual(far.Pieces, StringComparer.Ordinal));
                Assert.Equal(Math.Min(room, document.Pieces.Count - start), far.Pieces.Count);
                for (int i = 0; i < far.Pieces.Count; i++)
                {
                    int at = document.Codes.Latents(start + i).BinarySearch(latent);
                    float value = at < 0 ? 0 : document.Codes.Values(start + i)[at];
                    Assert.Equal(value, far.Activations[i], 1e-3f * (1 + value));
                }
            }
        }

        Assert.True(wider > 500, $"{wider} examples are wider");

        // A build of an earlier version has no windows: its examples are as they were cut.
        string cutOnly = JsonSerializer.Serialize(catalog.Read(7).Top);
        Assert.NotEqual(cutOnly, JsonSerializer.Serialize(catalog.ReadWithWindows(7).Top), StringComparer.Ordinal);
        using (var connection = new SqliteConnection($"Data Source={catalog.Path};Pooling=False"))
        {
            connection.Open();
            using SqliteCommand drop = connection.CreateCommand();
            drop.CommandText = "DROP TABLE window_1; DROP TABLE places_1";
            drop.ExecuteNonQuery();
        }

        Assert.Equal(cutOnly, JsonSerializer.Serialize(catalog.ReadWithWindows(7).Top));

        static IEnumerable<FeatureExample> Examples(Feature feature) =>
            feature.Top.Concat(feature.Quantiles.SelectMany(group => group.Examples));
    }

    [Fact]
    public void A_pass_stops_at_the_end_of_a_document_and_refuses_what_it_cannot_read()
    {
        using var model = new Read();
        using var autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 64, K = 4 }, model.Hook.Width, new Rng(3));
        using var pass = new ActivationPass(model.Host, model.Tokenizer, [model.Hook]);
        (long, Document)[] documents = [.. Enumerable.Range(0, 40).Select(i => ((long)i, new Document($"{i}", Odd[5])))];
        int own = model.Tokenizer.Encode(Odd[5]).Count;
        using (FeatureStatistics statistics = FeatureStatistics.FromTexts(autoencoder, pass, model.Tokenizer, documents, rows: own + 1))
            Assert.Equal(2 * own, statistics.Rows);
        Assert.Contains("no token",
            Assert.Throws<InputException>(() =>
                FeatureStatistics.FromTexts(autoencoder, pass, model.Tokenizer, [(0, new Document("a", ""))])).Message,
            StringComparison.Ordinal);
        using var narrow = new TopKAutoencoder(new TopKOptions { Latents = 64, K = 4 }, 20, new Rng(3));
        Assert.Throws<InputException>(() => FeatureStatistics.FromTexts(narrow, pass, model.Tokenizer, documents));
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            FeatureStatistics.FromTexts(autoencoder, pass, model.Tokenizer, documents, progress: new Stopping(stop),
                cancellationToken: stop.Token));
    }

    [Fact]
    public void Vectors_have_features_of_whole_texts()
    {
        using var x = new Matrix(300, 8);
        var rng = new Rng(2);
        for (int row = 0; row < x.Rows; row++) x[row, row % 10 == 0 ? 1 : 2] = 1 + (float)rng.NextDouble();
        using var autoencoder = new CoordinateLatents(8);
        using var source = new MatrixSource(x);
        string Text(long row) =>
            row % 10 == 0 ? $"A definition about whales, number {row}" : $"Some other {(char)('a' + (row % 26))} text {row % 7}";
        using FeatureStatistics statistics = FeatureStatistics.FromVectors(autoencoder, source, Text);
        (Feature Feature, FeatureLabel? Label)[] made = [.. statistics.Features()];
        Assert.Equal((300, 300), (statistics.Rows, statistics.Windows));
        (Feature whales, FeatureLabel? label) = made[1];
        Assert.Equal(30, whales.Fired);
        Assert.Equal(whales.Frequency, whales.Density);
        Assert.Equal(FeatureKind.Ordinary, whales.Kind);
        Assert.True(whales.Tokens.Count == 0 && whales.Positions.Count == 0 && whales.Graph.Count == 0);
        Assert.All(whales.Top, example => Assert.Equal((Text(example.Row), 1, 0), (example.Text, example.Pieces.Count, example.Position)));
        Assert.Equal(whales.Top.OrderByDescending(example => example.Activation).Select(example => example.Row),
            whales.Top.Select(example => example.Row));
        Assert.Equal("words", label!.Method);
        Assert.Matches("texts with “(about|whales|definition|number|a)", label.Text);
        Assert.Equal(1, label.Detection, 1e-9);
        Assert.True(double.IsNaN(label.Fuzzing));
        Assert.Equal(FeatureKind.Dense, made[2].Feature.Kind);
        using FeatureStatistics silent = FeatureStatistics.FromVectors(autoencoder, source);
        Assert.Equal("row 10", silent.Features().ElementAt(1).Feature.Top.First(example => example.Row == 10).Text);
    }

    [Fact]
    public void Pieces_take_what_a_tokenizer_leaves_out()
    {
        Assert.Equal(["  one", " two", "", "  end "],
            TextPieces.Cut("  one two  end ", [new Token(1, 2, 3), new Token(2, 6, 3), new Token(3, 9, 0), new Token(4, 11, 3)]),
            StringComparer.Ordinal);
        Assert.Empty(TextPieces.Cut("", []));
    }

    [Fact]
    public void Tokens_that_share_a_character_leave_it_to_the_first()
    {
        using var model = new Read();
        var pieces = new TokenPieces(model.Tokenizer);
        foreach (string text in Odd[..^1])
        {
            int[] ids = [.. model.Tokenizer.Encode(text).Select(token => token.Id)];
            (string read, int[] lengths) = pieces.Decode(ids);
            Assert.Equal(text, read);
            Assert.Equal(TextPieces.Cut(text, model.Tokenizer.Encode(text)).Select(piece => piece.Length), lengths);
        }

        // Half a character stays half a character.
        int[] whale = [.. model.Tokenizer.Encode("🐳").Select(token => token.Id)];
        Assert.True(whale.Length > 2);
        (string half, int[] own) = pieces.Decode(whale.AsSpan(0, whale.Length - 1));
        Assert.Equal(half.Length, own.Sum());
        Assert.DoesNotContain("🐳", half, StringComparison.Ordinal);
    }

    [Fact]
    public void Windows_are_read_back_as_they_were_and_no_file_is_left()
    {
        using var folder = new TemporaryFolder();
        using (var spool = new WindowSpool(folder.Path))
        {
            RowWindow[] windows =
            [
                .. Enumerable.Range(0, 500).Select(i => new RowWindow($"ä {i}", i, 0, 3, $"ab{i} 🐳\uD83D", [2, $"{i}".Length, 4])),
            ];
            long[] places = [.. windows.Select(spool.Add)];
            spool.Complete();
            Parallel.For(0, 500, i =>
            {
                (string document, string[] pieces) = spool.Read(places[i]);
                Assert.Equal(windows[i].Document, document);
                Assert.Equal(["ab", $"{i}", " 🐳\uD83D"], pieces, StringComparer.Ordinal);
            });
            Assert.Throws<EndOfStreamException>(() => spool.Read(places[^1] + 1000));

            // Not even while it is open, so that a killed process leaves none behind.
            if (!OperatingSystem.IsWindows()) Assert.Empty(Directory.GetFiles(folder.Path));
        }

        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static string Root([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));

    private sealed class Stopping(CancellationTokenSource stop) : IProgress<long>
    {
        public void Report(long value) => stop.Cancel();
    }

    private sealed class Read : IDisposable
    {
        public Read()
        {
            string path = Path.Combine(Root(), "models", "english-4m");
            Host = OnnxHost.Open(path);
            Tokenizer = TokenizerFile.Open(path);
            Hook = Host.FindOne("blocks.2");
        }

        public OnnxHost Host { get; }

        public ITokenizer Tokenizer { get; }

        public Hook Hook { get; }

        public void Dispose() => Host.Dispose();
    }
}
