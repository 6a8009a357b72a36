using System.Runtime.CompilerServices;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

/// <summary>The language model that ships with Unweave: its hooks, its tokenizer, and that it predicts as well as its card says.</summary>
public sealed class EmbeddedModelTests
{
    private static string Model => Path.Combine(Root(), "models", "english-4m");

    [Fact]
    public void A_clean_activation_put_back_gives_the_clean_logits_at_every_hook()
    {
        using OnnxHost host = OnnxHost.Open(Model);
        ITokenizer tokenizer = TokenizerFile.Open(Model);
        var texts = TextCorpus.Open(HeldOut).Documents().Take(3).Select(document => document.Document.Text);
        TokenWindow[] windows = [.. texts.SelectMany((text, i) => TokenWindow.Cut(i, tokenizer.Encode(text), tokenizer, 40).Take(2))];
        TokenBatch batch = TokenWindow.Batches(windows, host.Input, 0).First().Batch;
        int spliced = 0, named = 0;
        foreach (Hook hook in host.Hooks.Where(hook => hook.Tensor is not "logits"))
        {
            Assert.InRange(SpliceEvaluator.CleanSplice(host, hook, batch), 0, 1e-4);
            spliced++;
            if (hook.Kind != HookKind.Tensor) named++;
        }

        Assert.Equal(26, named); // embed, six for each of four blocks, final
        Assert.True(spliced > 80, $"{spliced}");
    }

    [Fact]
    public void It_is_a_causal_language_model_of_the_size_that_its_card_says()
    {
        using OnnxHost host = OnnxHost.Open(Model);
        ITokenizer tokenizer = TokenizerFile.Open(Model);
        Assert.True(host.PredictsTokens && host.Input.Causal && !host.Input.Masked);
        Assert.Equal((4096, 128), (host.Vocabulary, host.Input.Context));
        Assert.Equal((4096, 0), (tokenizer.VocabularySize, tokenizer.Start));
        Assert.InRange(new FileInfo(Path.Combine(Model, "model.onnx")).Length, 10_000_000, 25_000_000);
    }

    // The ids are those of tools/lm/tokenizer.py: Tokenizer("models/english-4m/tokenizer.json").encode(text).
    [Theory]
    [InlineData("Fellow-Citizens of the Senate and House of Representatives:", 71, 800, 334, 46, 68, 1091, 555, 268, 262, 2806, 287, 3269,
        268, 1556, 1352, 2456, 59)]
    [InlineData("It was the White Whale, said Ahab;  42 naïve cafés\n\n— 'tis 1851's", 3009, 419, 262, 1116, 627, 1116, 845, 45, 730, 2963,
        60, 33, 1996, 51, 299, 98, 196, 176, 307, 272, 1768, 196, 170, 116, 11, 11, 1185, 1561, 117, 277, 1000, 54, 50, 470)]
    public void Its_tokenizer_gives_the_ids_that_it_was_trained_with(string text, params int[] expected)
    {
        ITokenizer tokenizer = TokenizerFile.Open(Model);
        IReadOnlyList<Token> tokens = tokenizer.Encode(text);
        Assert.Equal(expected, tokens.Select(token => token.Id));
        Assert.Equal(text, tokenizer.Decode(expected));
        Assert.Equal(text, string.Concat(tokens.Select(token => text.Substring(token.Start, token.Length))));
    }

    // The loss is PyTorch's, on the first 20 held-out documents: tools/lm/train.py, windows() and held_out_loss().
    [Fact]
    public void Its_held_out_loss_is_what_PyTorch_measured()
    {
        const double expected = 3.57493;
        const long tokens = 12063;
        using OnnxHost host = OnnxHost.Open(Model);
        ITokenizer tokenizer = TokenizerFile.Open(Model);
        TokenWindow[] windows =
        [
            .. TextCorpus.Open(HeldOut).Documents().Take(20)
            .SelectMany(document => TokenWindow.Cut(0, tokenizer.Encode(document.Document.Text), tokenizer, 128)),
        ];
        using IHostRun run = host.Open(new HostPlan([], Output: true));
        double sum = 0;
        long count = 0;
        foreach ((TokenBatch batch, TokenWindow[] rows) in TokenWindow.Batches(windows, host.Input, 0))
        {
            run.Run(batch);
            for (int row = 0; row < rows.Length; row++)
            {
                for (int position = 0; position + 1 < rows[row].Ids.Length; position++, count++)
                    sum += NextTokenLoss.CrossEntropy(run.Output.Row((row * batch.Length) + position), rows[row].Ids.Span[position + 1]);
            }
        }

        Assert.Equal(tokens, count);
        Assert.Equal(expected, sum / count, 3);
    }

    private static string HeldOut => Path.Combine(Root(), "data", "corpus", "held-out.jsonl.gz");

    private static string Root([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));
}
