using Unweave.Data;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Tokenizers;

public sealed class UnknownTokenTests
{
    [Theory]
    [InlineData("bert lower", 1)]
    [InlineData("unigram, first", 0)]
    [InlineData("unigram, bytes", null)]
    [InlineData("pairs, Llama", null)]
    [InlineData("pairs, fused", 0)]
    [InlineData("words", 0)]
    [InlineData("bytes", null)]
    public void A_tokenizer_names_its_unknown_token_unless_bytes_spell_what_it_lacks(string name, int? unknown)
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = TokenizerFiles.Open(folder, TokenizerFiles.All[name]());
        Assert.Equal(unknown, tokenizer.Unknown);
        if (unknown is { } id) Assert.Contains(tokenizer.Encode("a \u2603"), token => token.Id == id);
    }

    [Fact]
    public void A_SentencePiece_model_names_it_too()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["m.model"], SentencePieceTests.Small());
        Assert.Equal(0, TokenizerFile.Open(folder.Path).Unknown);
    }

    // Two words in five are none of the vocabulary; the harvest is stopped in the middle, and goes on.
    [Fact]
    public void A_harvest_counts_the_rows_of_unknown_tokens_and_keeps_the_number()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        File.WriteAllLines(folder["vocab.txt"], ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "##s"]);
        ITokenizer tokenizer = TokenizerFile.Open(folder["vocab.txt"]);
        File.WriteAllLines(folder["texts.jsonl"], Enumerable.Repeat("""{ "text": "The dogs the cat sat" }""", 10));
        var corpus = TextCorpus.Open(folder["texts.jsonl"]);
        Hook hook = host.FindOne("blocks.0");
        var options = new PassOptions { Context = 8 };
        HarvestManifest manifest = Harvester.Describe(host, tokenizer, [hook], corpus, options, rowsPerShard: 20);
        using var pass = new ActivationPass(host, tokenizer, [hook], options);
        using (HarvestWriter writer = HarvestWriter.Create(folder["acts"], manifest))
        {
            foreach (DocumentRows document in pass.Run(corpus.Documents().Take(6)))
                writer.Append(document.Number, document.Document.Id, document.RowTokens, document.RowPositions, document.Activations);
            Assert.Equal((30, 12), (writer.Rows, writer.UnknownRows));
        }

        using (HarvestWriter writer = HarvestWriter.Resume(folder["acts"], manifest))
        {
            Assert.Equal((20, 8), (writer.Rows, writer.UnknownRows)); // of the whole shard
            Harvester.Run(pass, corpus, writer);
            Assert.Equal((50, 20), (writer.Rows, writer.UnknownRows));
        }

        using (var harvest = Harvest.Open(folder["acts"]))
        {
            Assert.Equal(1, harvest.Manifest.UnknownToken);
            Assert.Equal(20, harvest.UnknownRows);
        }

        string path = folder["acts/manifest.json"], whole = File.ReadAllText(path);
        Assert.Contains("\"unknown\": 8", whole, StringComparison.Ordinal);
        File.WriteAllText(path, whole.Replace("\"unknown\": 8", "\"unknown\": 21", StringComparison.Ordinal));
        Assert.Contains("unknown", Assert.Throws<InputException>(() => Harvest.Open(folder["acts"])).Message, StringComparison.Ordinal);
    }
}
