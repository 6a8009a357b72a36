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
    private const int Context = 128;
    private const string Text = "The people of the United States have a government of laws";

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
            float z = model.Activation(row, latent),
                delta = kind switch { InterventionKind.Ablate => -z, InterventionKind.Clamp => strength - z, _ => strength };
            for (int c = 0; c < x.Length; c++)
                x[c] += (
                    (delta * model.Autoencoder.Decoder[latent, c]) + (
                        1.5f * model.Autoencoder.Decoder[other, c])) / model.Autoencoder.InputScale;
        });
        IReadOnlyList<NextToken> next = model.Hosted.Predict(Text, interventions, 4096);
        Assert.All(next, token => Assert.Equal(expected[token.Token], token.Logit, 2e-4));
        float[] clean = model.Logits(Text);
        Assert.True(next.Max(token => Math.Abs(token.Logit - clean[token.Token])) > 0.01);
    }

    [Fact]
    public void Latents_of_a_text_are_those_of_a_pass_over_it()
    {
        // Longer than the context, with characters of several tokens.
        string text = string.Concat(Enumerable.Repeat("The naïve 🐳 swam; — and 42 whales followed. ", 20));
        TextCodes codes = model.Hosted.Encode(text);
        Assert.Equal(text, string.Concat(codes.Pieces));
        Assert.Equal(model.Tokenizer.Encode(text).Count, codes.Pieces.Count);
        Assert.True(codes.Pieces.Count > Context);
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
    public void A_text_may_outgrow_the_context_and_what_the_model_sees_is_its_end()
    {
        string text = string.Concat(Enumerable.Repeat("The people of the United States have a government of laws, and not of men. ", 20));
        IReadOnlyList<Token> tokens = model.Tokenizer.Encode(text);
        Assert.True(tokens.Count > Context + 20);
        int[] end = [.. tokens.Skip(tokens.Count - (Context - 1)).Select(token => token.Id)];
        float[] expected = model.Logits(end);
        Assert.All(model.Hosted.Predict(text, [], 50), token => Assert.Equal(expected[token.Token], token.Logit, 2e-4));
        Assert.NotEmpty(model.Hosted.Predict(text, [new(2, InterventionKind.Steer, 3)], 5));
        Assert.NotEmpty(model.Hosted.Generate(text, [new(2, InterventionKind.Clamp, 1)], new GenerationOptions { Tokens = 4 }));
        Assert.All(model.Hosted.Attribute(text, count: 30, everyPosition: true), effect =>
        {
            Assert.InRange(effect.Position, tokens.Count - (Context - 1), tokens.Count - 1);
        });

        // A generation from just below the context goes through it.
        string prompt = text[..tokens[122].Start];
        Assert.InRange(model.Hosted.Generate(prompt, [], new GenerationOptions { Tokens = 10, Temperature = 0 }).Count(), 5, 10);
    }

    [Fact]
    public void A_strength_that_the_model_cannot_bear_is_refused()
    {
        Assert.Contains("smaller strengths",
            Assert.Throws<InputException>(() => model.Hosted.Predict(Text, [new(1, InterventionKind.Steer, 3.4e38f)])).Message,
            StringComparison.Ordinal);
        Assert.NotEmpty(model.Hosted.Predict(Text, [new(1, InterventionKind.Steer, 1e6f)]));
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
            Assert.Equal(Enumerable.Range(0, odd.Length).OrderByDescending(token => odd[token]).Take(6),
                seen[direction].Raised.Select(token => token.Token));
            Assert.Equal(Enumerable.Range(0, odd.Length).OrderBy(token => odd[token]).Take(6),
                seen[direction].Lowered.Select(token => token.Token));
            Assert.All(seen[direction].Raised.Concat(seen[direction].Lowered), token =>
            {
                Assert.Equal(odd[token.Token], token.Logit, 1e-3);
                Assert.Equal(model.Tokenizer.TokenName(token.Token), token.Text);
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
            Autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 256, K = 8 }, Hook.Width, new Rng(12))
            {
                InputScale = 0.7f,
                OutputScale = 0.7f,
            };
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

        internal float[] Logits(string text, Change? change = null) =>
            Logits([.. Tokenizer.Encode(text).Select(token => token.Id)], change);

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

        internal static string Root([CallerFilePath] string path = "") =>
            Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));
    }

    internal delegate void Change(int row, Span<float> x);
}
