using System.Runtime.CompilerServices;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Tests.Onnx;

namespace Unweave.Tests.Interpretation;

/// <summary>Reading and changing latents in the embedded model, against the model read and patched by hand.</summary>
public sealed class HostedTests(HostedTests.Model model) : IClassFixture<HostedTests.Model>
{
    private const string Text = "The people of the United States have a government of laws";

    [Fact]
    public void Without_interventions_it_predicts_as_the_model_does()
    {
        float[] logits = model.Logits(Text);
        IReadOnlyList<NextToken> next = model.Hosted.Predict(Text, [], 4096);
        Assert.Equal(4096, next.Count);
        Assert.Equal(next.OrderByDescending(token => token.Logit).Select(token => token.Token), next.Select(token => token.Token));
        double sum = logits.Sum(logit => Math.Exp(logit));
        foreach (NextToken token in next)
        {
            Assert.Equal(logits[token.Token], token.Logit, 1e-4);
            Assert.Equal(Math.Exp(logits[token.Token]) / sum, token.Probability, 1e-5);
            Assert.Equal(model.Tokenizer.Decode([token.Token]), token.Text);
        }

        Assert.Equal(1, next.Sum(token => token.Probability), 1e-6);
        Assert.Equal(3, model.Hosted.Predict(Text, [], 3).Count);
    }

    [Theory]
    [InlineData(InterventionKind.Ablate, 0)]
    [InlineData(InterventionKind.Clamp, 5)]
    [InlineData(InterventionKind.Clamp, -3)]
    [InlineData(InterventionKind.Steer, 8)]
    [InlineData(InterventionKind.Steer, -8)]
    public void A_changed_latent_is_a_patched_run(InterventionKind kind, float strength)
    {
        int latent = model.Strongest(Text, 3), other = model.Strongest(Text, 5);
        Intervention[] interventions = [new(latent, kind, strength), new(other, InterventionKind.Steer, 1.5f)];
        float[] expected = model.Logits(Text, (row, x) =>
        {
            float z = model.Activation(row, latent), delta = kind switch { InterventionKind.Ablate => -z, InterventionKind.Clamp => strength - z, _ => strength };
            for (int c = 0; c < x.Length; c++)
                x[c] += ((delta * model.Autoencoder.Decoder[latent, c]) + (1.5f * model.Autoencoder.Decoder[other, c])) / model.Autoencoder.InputScale;
        });
        IReadOnlyList<NextToken> next = model.Hosted.Predict(Text, interventions, 4096);
        Assert.All(next, token => Assert.Equal(expected[token.Token], token.Logit, 2e-4));
        float[] clean = model.Logits(Text);
        Assert.True(next.Max(token => Math.Abs(token.Logit - clean[token.Token])) > 0.01);
    }

    [Fact]
    public void Holding_a_latent_where_it_is_changes_nothing()
    {
        const string one = " war";
        Assert.Single(model.Tokenizer.Encode(one));
        TextCodes codes = model.Hosted.Encode(one);
        int latent = codes.Codes.Latents(0)[2];
        float own = codes.Codes.Values(0)[2];
        float[] clean = model.Logits(one);
        Assert.All(model.Hosted.Predict(one, [new(latent, InterventionKind.Clamp, own)], 4096), token => Assert.Equal(clean[token.Token], token.Logit, 1e-4));

        // A latent that is silent is ablated already, and steering by nothing is nothing.
        int silent = Enumerable.Range(0, model.Autoencoder.Latents).First(i => codes.Codes.Latents(0).IndexOf(i) < 0);
        foreach (Intervention idle in (Intervention[])[new(silent, InterventionKind.Ablate), new(silent, InterventionKind.Clamp, 0), new(latent, InterventionKind.Steer, 0)])
            Assert.All(model.Hosted.Predict(one, [idle], 4096), token => Assert.Equal(clean[token.Token], token.Logit, 1e-4));
    }

    [Fact]
    public void Attribution_is_the_difference_that_ablation_makes()
    {
        IReadOnlyList<LatentEffect> effects = model.Hosted.Attribute(Text, count: 100_000);
        int likeliest = model.Hosted.Predict(Text, [], 1)[0].Token;
        float clean = model.Logits(Text)[likeliest];
        SparseCodes codes = model.Hosted.Encode(Text).Codes;
        Assert.Equal(codes.AllLatents.ToArray().Distinct().Order(), effects.Select(effect => effect.Latent).Order());
        Assert.Equal(effects.OrderByDescending(effect => Math.Abs(effect.Effect)).Select(effect => effect.Latent), effects.Select(effect => effect.Latent));
        foreach (LatentEffect effect in effects.Take(4).Concat(effects.TakeLast(2)))
        {
            float ablated = model.Hosted.Predict(Text, [new(effect.Latent, InterventionKind.Ablate)], 4096).First(token => token.Token == likeliest).Logit;
            Assert.Equal(clean - ablated, effect.Effect, 3e-4);
            Assert.Equal(-1, effect.Position);
            Assert.Equal(Enumerable.Range(0, codes.Rows).Max(row => Of(codes, row, effect.Latent)), effect.Activation);
        }

        Assert.Equal(effects.Take(5), model.Hosted.Attribute(Text, likeliest, 5));
        Assert.NotEqual(effects[0].Effect, model.Hosted.Attribute(Text, likeliest == 5 ? 6 : 5, 1)[0].Effect);
    }

    [Fact]
    public void Attribution_at_each_token_ablates_there_alone()
    {
        int token = model.Hosted.Predict(Text, [], 1)[0].Token;
        SparseCodes codes = model.Hosted.Encode(Text).Codes;
        IReadOnlyList<LatentEffect> effects = model.Hosted.Attribute(Text, token, 100_000, everyPosition: true);
        Assert.Equal(codes.Count, effects.Count);
        float clean = model.Logits(Text)[token];
        foreach (LatentEffect effect in effects.Take(3).Append(effects[^1]))
        {
            Assert.Equal(Of(codes, effect.Position, effect.Latent), effect.Activation);
            float ablated = model.Logits(Text, (row, x) =>
            {
                if (row != effect.Position) return;
                for (int c = 0; c < x.Length; c++) x[c] -= effect.Activation * model.Autoencoder.Decoder[effect.Latent, c] / model.Autoencoder.InputScale;
            })[token];
            Assert.Equal(clean - ablated, effect.Effect, 3e-4);
        }
    }

    [Fact]
    public void Latents_of_a_text_are_those_of_a_pass_over_it()
    {
        // Longer than the context, with characters of several tokens.
        string text = string.Concat(Enumerable.Repeat("The naïve 🐳 swam; — and 42 whales followed. ", 20));
        TextCodes codes = model.Hosted.Encode(text);
        Assert.Equal(text, string.Concat(codes.Pieces));
        Assert.Equal(model.Tokenizer.Encode(text).Count, codes.Pieces.Count);
        Assert.True(codes.Pieces.Count > model.Hosted.Context);
        using var pass = new ActivationPass(model.Host, model.Tokenizer, [model.Hook]);
        int at = 0;
        foreach (DocumentRows rows in pass.Run([(0, new Document("a", text))]))
        {
            SparseCodes expected = model.Autoencoder.Encode(rows.Activations[0]);
            for (int row = 0; row < expected.Rows; row++, at++)
            {
                Assert.Equal(expected.Latents(row).ToArray(), codes.Codes.Latents(at).ToArray());
                for (int i = 0; i < expected.RowCount(row); i++) Assert.Equal(expected.Values(row)[i], codes.Codes.Values(at)[i], 1e-3);
            }
        }

        Assert.Equal(at, codes.Codes.Rows);
        Assert.Empty(model.Hosted.Encode("").Pieces);
        Assert.Equal(0, model.Hosted.Encode("").Codes.Rows);
    }

    [Fact]
    public void The_same_seed_writes_the_same_text()
    {
        Intervention[] changes = [new(3, InterventionKind.Steer, 2)];
        string Write(ulong seed, Intervention[] interventions) => string.Concat(model.Hosted.Generate("Call me", interventions, new GenerationOptions { Tokens = 20, Seed = seed }));
        Assert.Equal(Write(1, changes), Write(1, changes));
        Assert.NotEqual(Write(1, changes), Write(2, changes), StringComparer.Ordinal);
        Assert.NotEqual(Write(1, changes), Write(1, []), StringComparer.Ordinal);
        Assert.Equal("", string.Concat(model.Hosted.Generate("Call me", [], new GenerationOptions { Tokens = 0 })));
    }

    [Fact]
    public void The_likeliest_text_is_that_of_the_likeliest_tokens_one_by_one()
    {
        string text = "It was the";
        List<int> ids = [.. model.Tokenizer.Encode(text).Select(token => token.Id)];
        int prompt = ids.Count;
        for (int i = 0; i < 12; i++) ids.Add(Array.IndexOf(model.Logits(ids), model.Logits(ids).Max()));
        string expected = model.Tokenizer.Decode([.. ids])[model.Tokenizer.Decode([.. ids.Take(prompt)]).Length..];
        Assert.Equal(expected, string.Concat(model.Hosted.Generate(text, [], new GenerationOptions { Tokens = 12, Temperature = 0 })));
    }

    [Fact]
    public void A_text_may_outgrow_the_context_and_what_the_model_sees_is_its_end()
    {
        string text = string.Concat(Enumerable.Repeat("The people of the United States have a government of laws, and not of men. ", 20));
        IReadOnlyList<Token> tokens = model.Tokenizer.Encode(text);
        Assert.True(tokens.Count > model.Hosted.Context + 20);
        int[] end = [.. tokens.Skip(tokens.Count - (model.Hosted.Context - 1)).Select(token => token.Id)];
        float[] expected = model.Logits(end);
        Assert.All(model.Hosted.Predict(text, [], 50), token => Assert.Equal(expected[token.Token], token.Logit, 2e-4));
        Assert.NotEmpty(model.Hosted.Predict(text, [new(2, InterventionKind.Steer, 3)], 5));
        Assert.NotEmpty(model.Hosted.Generate(text, [new(2, InterventionKind.Clamp, 1)], new GenerationOptions { Tokens = 4 }));
        Assert.All(model.Hosted.Attribute(text, count: 30, everyPosition: true), effect =>
        {
            Assert.InRange(effect.Position, tokens.Count - (model.Hosted.Context - 1), tokens.Count - 1);
        });

        // A generation from just below the context goes through it.
        string prompt = text[..tokens[122].Start];
        Assert.InRange(model.Hosted.Generate(prompt, [], new GenerationOptions { Tokens = 10, Temperature = 0 }).Count(), 5, 10);
    }

    [Fact]
    public void An_empty_text_is_the_start_token_alone()
    {
        Assert.NotEmpty(model.Hosted.Predict("", [new(1, InterventionKind.Ablate)], 3));
        Assert.Empty(model.Hosted.Attribute(""));
        Assert.NotEmpty(model.Hosted.Generate("", [], new GenerationOptions { Tokens = 5 }));
    }

    [Fact]
    public void It_is_cancelled_between_tokens()
    {
        using var stop = new CancellationTokenSource();
        var written = new List<string>();
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (string piece in model.Hosted.Generate("Call me", [], new GenerationOptions { Tokens = 1000 }, stop.Token))
            {
                written.Add(piece);
                if (written.Count == 3) stop.Cancel();
            }
        });
        Assert.Equal(3, written.Count);
        Assert.Throws<OperationCanceledException>(() => model.Hosted.Attribute(Text, cancellation: stop.Token));
    }

    [Fact]
    public void Several_threads_get_the_answers_that_one_gets()
    {
        string[] texts = ["The king", "It was a dark night and", "Of the whales", "We the people of the United"];
        string Answer(int i) => string.Join('|', model.Hosted.Predict(texts[i % 4], i % 2 == 0 ? [] : [new(i, InterventionKind.Steer, 4)], 5).Select(token => token.Token))
            + string.Concat(model.Hosted.Generate(texts[i % 4], [new(i, InterventionKind.Clamp, 2)], new GenerationOptions { Tokens = 4, Seed = (ulong)i }))
            + string.Join('|', model.Hosted.Encode(texts[i % 4]).Codes.AllLatents.ToArray())
            + string.Join('|', model.Hosted.Attribute(texts[i % 4], count: 1).Select(effect => effect.Latent));
        string[] alone = [.. Enumerable.Range(0, 12).Select(Answer)], together = new string[12];
        Parallel.For(0, 12, new ParallelOptions { MaxDegreeOfParallelism = 6 }, i => together[i] = Answer(i));
        Assert.Equal(alone, together);
    }

    [Fact]
    public void What_means_nothing_is_refused()
    {
        void Refused(string expected, Action call) => Assert.Contains(expected, Assert.Throws<InputException>(call).Message, StringComparison.Ordinal);
        Refused("There is no latent 256; the autoencoder has latents 0 to 255", () => model.Hosted.Predict(Text, [new(256, InterventionKind.Ablate)]));
        Refused("There is no latent -1", () => model.Hosted.Generate(Text, [new(-1, InterventionKind.Steer, 1)]));
        Refused("must be a number", () => model.Hosted.Predict(Text, [new(1, InterventionKind.Steer, float.NaN)]));
        Refused("must be a number", () => model.Hosted.Predict(Text, [new(1, InterventionKind.Clamp, float.PositiveInfinity)]));
        Refused("Latent 4 is changed twice", () => model.Hosted.Predict(Text, [new(4, InterventionKind.Ablate), new(5, InterventionKind.Ablate), new(4, InterventionKind.Steer, 2)]));
        Refused("There is no token 4096", () => model.Hosted.Attribute(Text, 4096));
        Refused("There is no token -2", () => model.Hosted.Attribute(Text, -2));
        Refused("temperature", () => model.Hosted.Generate(Text, [], new GenerationOptions { Temperature = -1 }));
        Refused("temperature", () => model.Hosted.Generate(Text, [], new GenerationOptions { Temperature = double.NaN }));
        Refused("likeliest tokens", () => model.Hosted.Generate(Text, [], new GenerationOptions { TopK = -1 }));
        Refused("tokens cannot be generated", () => model.Hosted.Generate(Text, [], new GenerationOptions { Tokens = -1 }));

        // So strong that the model's numbers overflow.
        Refused("latent 1", () => model.Hosted.Predict(Text, [new(1, InterventionKind.Steer, 3.4e38f)]));
        using var narrow = new TopKAutoencoder(new TopKOptions { Latents = 64, K = 4 }, 100, new Rng(1));
        Refused("width 100", () => _ = new HostedAutoencoder(model.Host, model.Tokenizer, model.Hook, narrow));
    }

    [Fact]
    public void A_model_that_predicts_no_tokens_is_read_alone()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost encoder = OnnxHost.Open(Graphs.Encoder().Save(folder));
        var tokenizer = new LetterTokenizer();
        Hook hook = encoder.Hooks.First(hook => hook.PerToken && hook.Kind == HookKind.Residual);
        using var autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 24, K = 3 }, hook.Width, new Rng(2));
        using var hosted = new HostedAutoencoder(encoder, tokenizer, hook, autoencoder);
        Assert.False(hosted.PredictsTokens);
        TextCodes codes = hosted.Encode("whale");
        Assert.Equal(5, codes.Codes.Rows);
        Assert.Equal("whale", string.Concat(codes.Pieces));
        foreach (Action call in (Action[])[() => hosted.Predict("a", []), () => hosted.Generate("a", []), () => hosted.Attribute("a")])
            Assert.Contains("does not predict the next token", Assert.Throws<InputException>(call).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_lens_gives_the_odd_part_of_the_last_blocks_logits()
    {
        using LogitLens lens = LogitLens.Open(model.Host, model.Tokenizer, model.Hook.Width)!;
        Hook last = model.Host.FindOne("blocks.3");
        using var directions = new Matrix(131, last.Width); // more than a block of them
        new Rng(3).FillNormal(directions.AsSpan(), 0.1);
        for (int c = 0; c < last.Width; c++) directions[130, c] = -directions[0, c];
        var seen = lens.Look(directions, 6);
        Assert.Equal(131, seen.Length);
        using IHostRun run = model.Host.Open(new HostPlan([], last, Output: true));
        foreach (int direction in (int[])[0, 1, 64, 127, 128, 130])
        {
            float[] with = Output(1), against = Output(-1), odd = [.. with.Zip(against, (a, b) => (a - b) / 2)];
            Assert.Equal(Enumerable.Range(0, odd.Length).OrderByDescending(token => odd[token]).Take(6), seen[direction].Raised.Select(token => token.Token));
            Assert.Equal(Enumerable.Range(0, odd.Length).OrderBy(token => odd[token]).Take(6), seen[direction].Lowered.Select(token => token.Token));
            Assert.All(seen[direction].Raised.Concat(seen[direction].Lowered), token =>
            {
                Assert.Equal(odd[token.Token], token.Logit, 1e-3);
                Assert.Equal(model.Tokenizer.Decode([token.Token]), token.Text);
            });

            float[] Output(float sign)
            {
                using var put = new Matrix(1, last.Width);
                for (int c = 0; c < last.Width; c++) put[0, c] = sign * directions[direction, c];
                run.Run(new TokenBatch([new[] { model.Tokenizer.Start!.Value }]), put);
                return run.Output.Row(0).ToArray();
            }
        }

        // The negative of a direction raises what the direction lowers.
        Assert.Equal(seen[0].Raised.Select(token => token.Token), seen[130].Lowered.Select(token => token.Token));
        Assert.Equal(seen[0].Lowered.Select(token => token.Token), seen[130].Raised.Select(token => token.Token));
        Assert.All(seen[0].Raised.Zip(seen[130].Lowered), pair => Assert.Equal(pair.First.Logit, -pair.Second.Logit, 1e-3));
        using var narrow = new Matrix(1, 3);
        Assert.Throws<ArgumentException>(() => lens.Look(narrow, 3));
    }

    [Fact]
    public void There_is_no_lens_on_another_width_or_a_model_without_logits()
    {
        Assert.Null(LogitLens.Open(model.Host, model.Tokenizer, 24));
        using var folder = new TemporaryFolder();
        using OnnxHost encoder = OnnxHost.Open(Graphs.Encoder().Save(folder));
        Assert.Null(LogitLens.Open(encoder, new LetterTokenizer(), encoder.Hooks[0].Width));
    }

    private static float Of(SparseCodes codes, int row, int latent)
    {
        int at = codes.Latents(row).IndexOf(latent);
        return at < 0 ? 0 : codes.Values(row)[at];
    }

    /// <summary>The embedded model with a random dictionary at the stream after its third block.</summary>
    public sealed class Model : IDisposable
    {
        private SparseCodes codes = new(0);

        public Model()
        {
            string path = Path.Combine(Root(), "models", "english-4m");
            Host = OnnxHost.Open(path);
            Tokenizer = TokenizerFile.Open(path);
            Hook = Host.FindOne("blocks.2");
            Autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 256, K = 8 }, Hook.Width, new Rng(12)) { InputScale = 0.7f };
            Hosted = new HostedAutoencoder(Host, Tokenizer, Hook, Autoencoder);
        }

        internal OnnxHost Host { get; }

        internal ITokenizer Tokenizer { get; }

        internal Hook Hook { get; }

        internal TopKAutoencoder Autoencoder { get; }

        internal HostedAutoencoder Hosted { get; }

        public void Dispose()
        {
            Hosted.Dispose();
            Autoencoder.Dispose();
            Host.Dispose();
        }

        /// <summary>The latent that is strongest at a token of a text.</summary>
        internal int Strongest(string text, int row)
        {
            codes = Hosted.Encode(text).Codes;
            return codes.Latents(row)[codes.Values(row).ToArray().Select((value, i) => (value, i)).Max().i];
        }

        /// <summary>The activation of a latent at a token of the text last asked about.</summary>
        internal float Activation(int row, int latent) => Of(codes, row, latent);

        internal float[] Logits(string text, Change? change = null) => Logits([.. Tokenizer.Encode(text).Select(token => token.Id)], change);

        /// <summary>Logits of what follows, with the rows of the text's own tokens changed.</summary>
        internal float[] Logits(IReadOnlyList<int> ids, Change? change = null)
        {
            TokenBatch batch = new([new[] { Tokenizer.Start!.Value }.Concat(ids).ToArray()]);
            using IHostRun clean = Host.Open(new HostPlan([Hook], Output: true));
            clean.Run(batch);
            if (change is null) return clean.Output.Row(ids.Count).ToArray();
            using Matrix x = clean.Activations(0).Clone();
            for (int row = 0; row < ids.Count; row++) change(row, x.Row(row + 1));
            using IHostRun patched = Host.Open(new HostPlan([], Hook, Output: true));
            patched.Run(batch, x);
            return patched.Output.Row(ids.Count).ToArray();
        }

        internal static string Root([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));
    }

    internal delegate void Change(int row, Span<float> x);
}
