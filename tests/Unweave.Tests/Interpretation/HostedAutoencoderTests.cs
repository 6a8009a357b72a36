using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Tests.Onnx;

namespace Unweave.Tests.Interpretation;

/// <summary>Reading and changing latents, against runs of the model by hand.</summary>
public sealed class HostedAutoencoderTests(EmbeddedHost embedded) : IClassFixture<EmbeddedHost>
{
    private const string Text = "The White Whale swam before him, and the Senate of the United States";

    private static readonly string Long = string.Concat(Enumerable.Repeat("It was a fine morning, and the captain spoke of the sea. ", 30));

    [Fact]
    public void Codes_are_those_of_the_activations_that_a_pass_reads()
    {
        foreach (string text in (string[])[Text, Long])
        {
            TextCodes read = embedded.Hosted.Encode(text);
            using var pass = new ActivationPass(embedded.Model, embedded.Tokenizer, [embedded.Hook]);
            DocumentRows rows = pass.Run([(0, new Document("a", text))])
                .Select(piece => piece with { Activations = [piece.Activations[0].Clone()] }).Single();
            using Matrix activations = rows.Activations[0];
            SparseCodes expected = embedded.Autoencoder.Encode(activations);
            Assert.Equal(expected.Starts, read.Codes.Starts);
            Assert.Equal(expected.AllLatents, read.Codes.AllLatents);
            Assert.Equal(expected.AllValues.ToArray(), read.Codes.AllValues.ToArray());
            Assert.Equal(text, string.Concat(read.Pieces));
            Assert.Equal(read.Codes.Rows, read.Pieces.Count);
        }
    }

    [Fact]
    public void An_empty_text_has_no_pieces()
    {
        TextCodes read = embedded.Hosted.Encode("");
        Assert.Empty(read.Pieces);
        Assert.Equal(0, read.Codes.Rows);
        Assert.Empty(embedded.Hosted.Attribute(""));
        Assert.Equal(3, embedded.Hosted.Predict("", [], 3).Count);
    }

    [Fact]
    public void Without_interventions_the_logits_are_the_models_own()
    {
        float[] own = embedded.Logits(Text);
        IReadOnlyList<NextToken> next = embedded.Hosted.Predict(Text, [], own.Length);
        Assert.Equal(own.Length, next.Count);
        Assert.All(next, token => Assert.Equal(own[token.Token], token.Logit));
        Assert.Equal(1, next.Sum(token => token.Probability), 9);
        Assert.Equal(own.Max(), next[0].Logit);
        Assert.Equal(next.OrderByDescending(token => token.Logit).Select(token => token.Token), next.Select(token => token.Token));
        double sum = own.Sum(logit => Math.Exp(logit));
        Assert.Equal(Math.Exp(next[5].Logit) / sum, next[5].Probability, 9);
        Assert.Equal(embedded.Tokenizer.Decode([next[0].Token]), next[0].Text);
    }

    [Fact]
    public void Ablating_takes_away_what_the_latent_adds_at_each_own_token()
    {
        SparseCodes codes = embedded.Codes(Text);
        int latent = codes.AllLatents.ToArray().CountBy(each => each).MaxBy(pair => pair.Value).Key;
        Same(
            embedded.Logits(Text, rows => Each(codes, latent, (row, z) => AddRow(rows, row + 1, latent, -z))),
            [new Intervention(latent, InterventionKind.Ablate, float.NaN)]); // an ablation has no strength
    }

    [Fact]
    public void Clamping_sets_the_activation_where_it_fires_and_where_it_does_not()
    {
        SparseCodes codes = embedded.Codes(Text);
        int latent = codes.Latents(2)[0];
        Same(embedded.Logits(Text, rows => Each(codes, latent, (row, z) => AddRow(rows, row + 1, latent, 7 - z))),
            [new Intervention(latent, InterventionKind.Clamp, 7)]);
    }

    [Fact]
    public void Clamping_to_the_own_activation_changes_nothing()
    {
        SparseCodes codes = embedded.Codes("The");
        Assert.Equal(1, codes.Rows);
        int latent = codes.Latents(0)[1],
            silent = Enumerable.Range(0, codes.DictionarySize).First(each => codes.Latents(0).IndexOf(each) < 0);
        Same(embedded.Logits("The"),
            [new Intervention(latent, InterventionKind.Clamp, codes.Values(0)[1]), new Intervention(silent, InterventionKind.Clamp),
                new Intervention(silent + 1 == latent ? silent + 2 : silent + 1, InterventionKind.Steer)],
            "The");
    }

    [Fact]
    public void Steering_moves_the_hook_by_the_decoder_row_at_the_hosts_scale_whether_the_latent_fires_or_not()
    {
        SparseCodes codes = embedded.Codes(Text);
        Same(
            embedded.Logits(Text, rows =>
            {
                for (int row = 0; row < codes.Rows; row++)
                {
                    AddRow(rows, row + 1, 11, 3);
                    AddRow(rows, row + 1, 40, -2);
                }
            }),
            [new Intervention(11, InterventionKind.Steer, 3), new Intervention(40, InterventionKind.Steer, -2)]);
        Assert.NotEqual(embedded.Hosted.Predict(Text, [])[0].Logit,
            embedded.Hosted.Predict(Text, [new Intervention(11, InterventionKind.Steer, 3)])[0].Logit, 0.5f);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_effect_of_a_latent_is_the_difference_that_ablating_it_makes(bool everyPosition)
    {
        const string text = "In the course of human events";
        SparseCodes codes = embedded.Codes(text);
        float[] own = embedded.Logits(text, _ => { });
        int token = Array.IndexOf(own, own.Max());
        IReadOnlyList<LatentEffect> effects = embedded.Hosted.Attribute(text, null, 1000, everyPosition);
        Assert.Equal(everyPosition ? codes.Count : codes.AllLatents.ToArray().Distinct().Count(), effects.Count);
        Assert.Equal(effects.OrderByDescending(effect => Math.Abs(effect.Effect)), effects);
        foreach (LatentEffect effect in effects.Take(5).Append(effects[^1]))
        {
            float most = 0;
            float[] ablated = embedded.Logits(text, rows => Each(codes, effect.Latent, (row, z) =>
            {
                if (everyPosition && row != effect.Position) return;
                AddRow(rows, row + 1, effect.Latent, -z);
                most = Math.Max(most, z);
            }));
            Assert.Equal(own[token] - ablated[token], effect.Effect, 1e-4);
            Assert.Equal(most, effect.Activation, 1e-4f);
            Assert.True(everyPosition || effect.Position == -1);
        }

        LatentEffect other = embedded.Hosted.Attribute(text, token: 100, count: 1)[0];
        float[] without = embedded.Logits(text, rows => Each(codes, other.Latent, (row, z) => AddRow(rows, row + 1, other.Latent, -z)));
        Assert.Equal(own[100] - without[100], other.Effect, 1e-4);
    }

    [Fact]
    public void The_same_seed_gives_the_same_text_and_another_another()
    {
        var options = new GenerationOptions { Tokens = 30, Seed = 5 };
        string first = Generated(options), again = Generated(options), other = Generated(options with { Seed = 6 });
        Assert.Equal(first, again);
        Assert.NotEqual(first, other, StringComparer.Ordinal);
        Assert.NotEqual(first,
            string.Concat(
                embedded.Hosted.Generate(Text, [new Intervention(11, InterventionKind.Steer, 30)], options,
                    TestContext.Current.CancellationToken)),
            StringComparer.Ordinal);

        string Generated(GenerationOptions how) =>
            string.Concat(embedded.Hosted.Generate(Text, [], how, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Greedy_text_is_the_likeliest_token_each_time_interventions_at_generated_tokens_too()
    {
        Intervention[] interventions = [new(11, InterventionKind.Steer, 2), new(3, InterventionKind.Ablate)];
        string text = Text;
        for (int i = 0; i < 8; i++)
        {
            text += embedded.Hosted.Predict(text, interventions, 1)[0].Text;
        }

        string generated = Text + string.Concat(
            embedded.Hosted.Generate(Text, interventions, new GenerationOptions { Tokens = 8, Temperature = 0 },
                TestContext.Current.CancellationToken));
        Assert.Equal(text, generated);
    }

    [Fact]
    public void Text_goes_on_past_the_context()
    {
        string[] pieces =
        [
            .. embedded.Hosted.Generate(Long, [new Intervention(5, InterventionKind.Steer, 1)],
                new GenerationOptions { Tokens = 150, Temperature = 0 }, TestContext.Current.CancellationToken),
        ];
        Assert.InRange(pieces.Length, 60, 151);
        Assert.All(pieces, piece => Assert.NotEmpty(piece));
        using var narrow = new HostedAutoencoder(embedded.Model, embedded.Tokenizer, embedded.Hook, embedded.Autoencoder, context: 2);
        Assert.NotEmpty(
            narrow.Generate("a", [], new GenerationOptions { Tokens = 5, Temperature = 0 }, TestContext.Current.CancellationToken));
        Assert.Empty(embedded.Hosted.Generate(Text, [], new GenerationOptions { Tokens = 0 }, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_cancelled_generation_and_attribution_end()
    {
        using var cancellationToken = new CancellationTokenSource();
        int pieces = 0;
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (string piece in embedded.Hosted.Generate(Text, [], new GenerationOptions { Tokens = 50 }, cancellationToken.Token))
            {
                if (++pieces == 3) cancellationToken.Cancel();
            }
        });
        Assert.Equal(3, pieces);
        Assert.Throws<OperationCanceledException>(() => embedded.Hosted.Attribute(Text, cancellationToken: cancellationToken.Token));
        Assert.NotEmpty(embedded.Hosted.Predict(Text, []));
    }

    [Fact]
    public async Task Calls_from_several_threads_give_what_one_gives()
    {
        Intervention[] steer = [new(11, InterventionKind.Steer, 5)];
        var options = new GenerationOptions { Tokens = 10, Seed = 2 };
        Func<string>[] calls =
        [
            () => string.Concat(embedded.Hosted.Generate(Text, steer, options)),
            () => string.Concat(embedded.Hosted.Generate("It was", [], options)),
            () => string.Join(' ', embedded.Hosted.Encode(Long).Codes.AllLatents.ToArray()),
            () => string.Join(' ', embedded.Hosted.Predict(Text, steer).Select(token => (token.Token, token.Logit))),
            () => string.Join(' ', embedded.Hosted.Attribute("It was", count: 3).Select(effect => (effect.Latent, effect.Effect))),
        ];
        string[] alone = [.. calls.Select(call => call())];
        string[] together = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(calls[i % calls.Length])));
        for (int i = 0; i < together.Length; i++) Assert.Equal(alone[i % alone.Length], together[i]);
    }

    [Fact]
    public void What_cannot_be_done_is_refused()
    {
        InputException Refused(params Intervention[] interventions) =>
            Assert.Throws<InputException>(() => embedded.Hosted.Predict(Text, interventions));
        Assert.Contains("no latent 96", Refused(new Intervention(96, InterventionKind.Ablate)).Message, StringComparison.Ordinal);
        Assert.Contains("no latent -1", Refused(new Intervention(-1, InterventionKind.Steer, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("NaN", Refused(new Intervention(1, InterventionKind.Clamp, float.NaN)).Message, StringComparison.Ordinal);
        Assert.Contains("changed twice",
            Refused(new Intervention(1, InterventionKind.Ablate), new Intervention(1, InterventionKind.Steer, 1)).Message,
            StringComparison.Ordinal);
        Assert.Contains("smaller strengths",
            Refused(new Intervention(1, InterventionKind.Steer, float.MaxValue),
                new Intervention(2, InterventionKind.Steer, float.MaxValue)).Message,
            StringComparison.Ordinal);
        Assert.Contains("no token 4096", Assert.Throws<InputException>(() => embedded.Hosted.Attribute(Text, 4096)).Message,
            StringComparison.Ordinal);
        foreach (GenerationOptions options in (GenerationOptions[])[new() { Tokens = -1 }, new() { Temperature = double.NaN },
            new() { Temperature = -1 }, new() { TopK = -1 }])
            // at once, not at the first piece
            Assert.Throws<InputException>(() => embedded.Hosted.Generate(Text, [], options, TestContext.Current.CancellationToken));
        Hook other = embedded.Model.FindOne("blocks.1.mlp.neurons");
        Assert.Contains("has width 1024",
            Assert.Throws<InputException>(() =>
                new HostedAutoencoder(embedded.Model, embedded.Tokenizer, other, embedded.Autoencoder)).Message,
            StringComparison.Ordinal);
        Hook notPerToken = embedded.Hook with { Shape = ["batch", "4", "sequence", "256"], FeatureAxis = 3 };
        Assert.Contains("one vector for each token",
            Assert.Throws<InputException>(() =>
                new HostedAutoencoder(embedded.Model, embedded.Tokenizer, notPerToken, embedded.Autoencoder)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_reads_both_ways_has_latents_and_no_predictions()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Encoder().Save(folder));
        using var autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 20, K = 3 }, Graphs.Width, new Rng(1));
        using var hosted = new HostedAutoencoder(host, new LetterTokenizer(),
            host.Hooks.First(hook => hook.PerToken && hook.Width == Graphs.Width), autoencoder);
        Assert.False(hosted.PredictsTokens);
        Assert.Equal(["a", "b", "c"], hosted.Encode("abc").Pieces);
        Assert.Contains("does not predict", Assert.Throws<InputException>(() => hosted.Predict("abc", [])).Message,
            StringComparison.Ordinal);
        Assert.Throws<InputException>(() => hosted.Generate("abc", [], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Throws<InputException>(() => hosted.Attribute("abc"));
    }

    [Fact]
    public void A_model_without_a_start_token_needs_some_text()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        using var autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 20, K = 3 }, Graphs.Width, new Rng(1));
        using var hosted = new HostedAutoencoder(host, new LetterTokenizer(start: false), host.FindOne("blocks.0"), autoencoder);
        Assert.Contains("give some text", Assert.Throws<InputException>(() => hosted.Predict("", [])).Message, StringComparison.Ordinal);
        Assert.Equal(Graphs.Vocabulary, hosted.Predict("a", [new Intervention(2, InterventionKind.Steer, 1)], 100).Count);
    }

    [Fact]
    public void A_model_of_fixed_shape_gives_what_the_free_one_gives()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost free = OnnxHost.Open(Graphs.Decoder().Save(folder));
        using var fixedShape = new FixedShape(free, batch: 3, length: 12);
        using var autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 20, K = 3 }, Graphs.Width, new Rng(1));
        var tokenizer = new LetterTokenizer();
        Hook hook = free.FindOne("blocks.0");
        using HostedAutoencoder one = new(free, tokenizer, hook, autoencoder, context: 12),
            other = new(fixedShape, tokenizer, hook, autoencoder);
        Intervention[] changes = [new(4, InterventionKind.Steer, 2), new(7, InterventionKind.Ablate)];
        foreach (string text in (string[])["abcd", "abcdefghijk", "abcdefghijklmnopqrstuvwxyz"])
        {
            Assert.Equal(one.Encode(text).Codes.AllLatents, other.Encode(text).Codes.AllLatents);
            foreach (Intervention[] made in (Intervention[][])[[], changes])
            {
                IReadOnlyList<NextToken> expected = one.Predict(text, made), given = other.Predict(text, made);
                for (int i = 0; i < expected.Count; i++) Assert.Equal(expected[i].Logit, given[i].Logit, 1e-4f);
            }

            IReadOnlyList<LatentEffect> effects = one.Attribute(text, 3, 100, everyPosition: true),
                same = other.Attribute(text, 3, 100, everyPosition: true);
            Assert.Equal(effects.OrderBy(Key).Select(Key), same.OrderBy(Key).Select(Key));
            Assert.Equal(effects.Sum(effect => effect.Effect), same.Sum(effect => effect.Effect), 1e-3);
        }

        static (int, int) Key(LatentEffect effect) => (effect.Latent, effect.Position);
    }

    private static void Each(SparseCodes codes, int latent, Action<int, float> at)
    {
        for (int row = 0; row < codes.Rows; row++)
        {
            int entry = codes.Latents(row).IndexOf(latent);
            at(row, entry < 0 ? 0 : codes.Values(row)[entry]);
        }
    }

    private void AddRow(Matrix rows, int row, int latent, float change)
    {
        for (int c = 0; c < rows.Columns; c++)
            rows[row, c] += change * embedded.Autoencoder.Decoder[latent, c] / embedded.Autoencoder.InputScale;
    }

    private void Same(float[] expected, Intervention[] interventions, string text = Text)
    {
        IReadOnlyList<NextToken> given = embedded.Hosted.Predict(text, interventions, expected.Length);
        foreach (NextToken token in given) Assert.Equal(expected[token.Token], token.Logit, 2e-4f);
    }

    /// <summary>A model that insists on a batch size and a length.</summary>
    private sealed class FixedShape(IHostModel model, int batch, int length) : IHostModel
    {
        public string Name => model.Name;

        public string Hash => model.Hash;

        public HostInput Input => model.Input with { FixedBatch = batch, FixedLength = length, Context = length };

        public int? Vocabulary => model.Vocabulary;

        public bool PredictsTokens => model.PredictsTokens;

        public IReadOnlyList<Hook> Hooks => model.Hooks;

        public IHostRun Open(HostPlan plan) => new Run1(model.Open(plan), batch, length);

        public void Dispose()
        {
        }

        private sealed class Run1(IHostRun run, int batch, int length) : IHostRun
        {
            public Matrix Output => run.Output;

            public Matrix Activations(int index) => run.Activations(index);

            public void Run(HostBatch fed, Matrix? patch = null)
            {
                var tokens = Assert.IsType<TokenBatch>(fed);
                Assert.Equal((batch, length), (tokens.Count, tokens.Length));
                run.Run(fed, patch);
            }

            public void Dispose() => run.Dispose();
        }
    }
}
