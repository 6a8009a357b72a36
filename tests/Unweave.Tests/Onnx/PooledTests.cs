using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

/// <summary>Hooks with one vector for each text: what a model pools, and the mean over a text's tokens.</summary>
public sealed class PooledTests
{
    private const int Context = 8;

    private static readonly (long Number, Document Document)[] Texts =
    [
        (0, new("a", "abc")), (1, new("b", "")), (3, new("c", "z")), (4, new("d", "abcdefghijklmnop")), (9, new("e", "hijklm")),
    ];

    [Theory]
    [InlineData("sentence_embedding")]
    [InlineData("pooler_output")]
    public void A_text_has_the_vector_that_it_has_when_it_is_run_alone(string name)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Pooled().Save(folder));
        Hook hook = host.FindOne(name);
        Assert.True(hook.PerText && !hook.PerToken);
        using var pass = new ActivationPass(host, new LetterTokenizer(), [hook], new PassOptions { Context = Context });
        using IHostRun run = host.Open(new HostPlan([hook]));
        DocumentRows[] all = [.. Rows(pass)];
        Assert.Equal([0, 3, 4, 9], all.Select(document => document.Number));
        Assert.Equal(1, pass.TextsCut);
        foreach (DocumentRows document in all)
        {
            var tokenizer = new LetterTokenizer();
            TokenWindow first = TokenWindow.Cut(0, tokenizer.Encode(document.Document.Text), tokenizer, Context).First();
            run.Run(new TokenBatch([first.Ids]));
            Assert.Equal(run.Activations(0).AsSpan().ToArray(), document.Activations[0].AsSpan().ToArray(), Near);
            Assert.Equal([-1], document.RowTokens);
            Assert.Equal(first.Count, document.Tokens.Count);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_mean_is_that_of_the_rows_of_the_tokens(bool keepSpecial)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Encoder().Save(folder));
        var options = new PassOptions { Context = Context, KeepSpecial = keepSpecial };
        using ActivationPass each = new(host, new LetterTokenizer(), [host.FindOne("blocks.0")], options),
            mean = new(host, new LetterTokenizer(), [host.FindOne("blocks.0.mean")], options);
        DocumentRows[] tokens = [.. Rows(each)], texts = [.. Rows(mean)];
        Assert.Equal(tokens.Length, texts.Length);
        for (int i = 0; i < texts.Length; i++)
        {
            Matrix own = tokens[i].Activations[0];
            int used = Math.Min(own.Rows, keepSpecial ? Context : Context - 1);
            float[] expected = [.. Enumerable.Range(0, own.Columns)
                .Select(c => (float)Enumerable.Range(0, used).Average(row => (double)own[row, c]))];
            Assert.Equal(expected, texts[i].Activations[0].AsSpan().ToArray(), Near);
        }
    }

    [Fact]
    public void Rows_of_texts_and_of_tokens_are_not_read_together()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Pooled().Save(folder));
        Assert.Contains("do not stand beside each other", Assert.Throws<InputException>(() => new ActivationPass(
            host, new LetterTokenizer(), [host.FindOne("blocks.0"), host.FindOne("pooler_output")])).Message, StringComparison.Ordinal);
        Assert.Contains("no mean over the tokens", Assert.Throws<InputException>(() => host.FindOne("pooler_output.mean")).Message,
            StringComparison.Ordinal);
        Assert.Equal(["blocks.0.mean", "blocks.1.mean"], host.Find("blocks.?.mean").Select(hook => hook.Name), StringComparer.Ordinal);
    }

    [Fact]
    public void A_harvest_says_that_its_rows_are_of_texts_and_its_latents_are_described_by_them()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Pooled().Save(folder));
        File.WriteAllLines(folder["texts.jsonl"],
            Texts.Select(text => $$"""{"id": "{{text.Document.Id}}", "text": "{{text.Document.Text}}"}"""));
        var corpus = TextCorpus.Open(folder["texts.jsonl"]);
        var tokenizer = new LetterTokenizer();
        Hook[] hooks = [host.FindOne("sentence_embedding"), host.FindOne("blocks.1.mean")];
        var options = new PassOptions { Context = Context };
        HarvestManifest manifest = Harvester.Describe(host, tokenizer, hooks, corpus, options, ElementType.Float32);
        Assert.True(Harvester.IsPerText(manifest));
        Assert.False(Harvester.IsPerText(Harvester.Describe(host, tokenizer, [host.FindOne("blocks.1")], corpus, options)));
        using (var pass = new ActivationPass(host, tokenizer, hooks, options))
        using (var writer = HarvestWriter.Create(folder["acts"], manifest))
            Harvester.Run(pass, corpus, writer);
        using var harvest = Harvest.Open(folder["acts"]);
        harvest.Verify(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((4, 4), (harvest.Rows, harvest.Documents));

        using var autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 20, K = 3 }, Graphs.Width, new Rng(1));
        using HarvestSource source = harvest.Source("sentence_embedding");
        Assert.Contains("give the texts", Assert.Throws<InputException>(() => FeatureStatistics.FromHarvest(
            autoencoder, source, tokenizer, cancellationToken: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        using var again = new ActivationPass(host, tokenizer, [hooks[0]], options);
        using FeatureStatistics harvested = FeatureStatistics.FromHarvest(autoencoder, source, tokenizer, documents: corpus.Documents(),
            cancellationToken: TestContext.Current.CancellationToken);
        using FeatureStatistics read = FeatureStatistics.FromTexts(autoencoder, again, tokenizer, corpus.Documents(),
            cancellationToken: TestContext.Current.CancellationToken);
        foreach (FeatureStatistics statistics in (FeatureStatistics[])[harvested, read])
        {
            Assert.Equal((4, 4), (statistics.Rows, statistics.Windows));
            string[] shown = [.. statistics.Features(cancellationToken: TestContext.Current.CancellationToken)
                .SelectMany(made => made.Feature.Top).SelectMany(example => example.Pieces)
                .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
            Assert.Equal(["abc", "abcdefg", "hijklm", "z"], shown, StringComparer.Ordinal); // the long one as far as it was seen
        }
    }

    [Fact]
    public void The_latents_of_a_text_are_read_and_nothing_is_put_in_its_place()
    {
        using TemporaryFolder one = new(), two = new();
        using OnnxHost host = OnnxHost.Open(Graphs.Pooled().Save(one)), decoder = OnnxHost.Open(Graphs.Decoder().Save(two));
        using var autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 20, K = 3 }, Graphs.Width, new Rng(1));
        foreach ((OnnxHost model, string name) in
            ((OnnxHost, string)[])[(host, "sentence_embedding"), (host, "blocks.1.mean"), (decoder, "blocks.1.mean")])
        {
            Hook hook = model.FindOne(name);
            var tokenizer = new LetterTokenizer();
            using var hosted = new HostedAutoencoder(model, tokenizer, hook, autoencoder, Context);
            using var pass = new ActivationPass(model, tokenizer, [hook], new PassOptions { Context = Context });
            DocumentRows rows = Rows(pass).Single(document => document.Number == 4);
            TextCodes codes = hosted.Encode(rows.Document.Text);
            Assert.Equal(["abcdefg"], codes.Pieces);
            Assert.Equal(autoencoder.Encode(rows.Activations[0]).Latents(0).ToArray(), codes.Codes.Latents(0).ToArray());
            Assert.Empty(hosted.Encode("").Pieces);
            Assert.False(hosted.PredictsTokens);
            Assert.Contains("one vector for each text", Assert.Throws<InputException>(() => hosted.Predict("abc", [])).Message,
                StringComparison.Ordinal);
            Assert.Contains("one vector for each text",
                Assert.Throws<InputException>(() => new SpliceEvaluator(model, tokenizer, hook)).Message, StringComparison.Ordinal);
        }
    }

    private static bool Near(float one, float other) => Math.Abs(one - other) < 1e-5f;

    private static IEnumerable<DocumentRows> Rows(ActivationPass pass) => pass.Run(Texts)
        .Select(document => document with { Activations = [.. document.Activations.Select(rows => rows.Clone())] });
}
