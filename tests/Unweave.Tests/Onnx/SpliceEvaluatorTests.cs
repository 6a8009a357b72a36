using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

/// <summary>The cost of a splice, against runs of the whole model by hand.</summary>
public sealed class SpliceEvaluatorTests
{
    private static readonly Document[] Texts =
    [
        new("a", "abcdefgh"), new("b", "hgfedc"), new("c", "bdbdbdbdbdbdbdbdbdbdbdb"), new("d", "x"),
    ];

    [Fact]
    public void An_autoencoder_that_gives_back_its_input_costs_nothing()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        using var identity = new Identity(Graphs.Width);
        SpliceReport report = Evaluate(host, identity, "blocks.0");
        Assert.Equal(report.Clean, report.Spliced, 5);
        Assert.Equal(1, report.RecoveredOverZero, 4);
        Assert.Equal(0, report.Divergence, 5);
        Assert.Equal(1, report.Agreement);
        Assert.Equal(0, report.Reconstruction.Fvu, 9);
    }

    [Fact]
    public void An_autoencoder_that_gives_zeros_costs_what_zeros_cost()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        using var zeros = new Identity(Graphs.Width, scale: 0);
        SpliceReport report = Evaluate(host, zeros, "blocks.1");
        Assert.Equal(report.Zero, report.Spliced, 9);
        Assert.Equal(0, report.RecoveredOverZero, 9);
        Assert.NotEqual(report.Clean, report.Spliced, 3);
    }

    // The stream before the MLP in place of that after it is the model without its MLP.
    [Fact]
    public void What_is_encoded_may_be_another_hook_than_what_is_replaced()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        using var identity = new Identity(Graphs.Width);
        var options = new PassOptions { BatchTokens = 40 };
        var evaluator = new SpliceEvaluator(
            host, new LetterTokenizer(), host.FindOne("blocks.0"), options, host.FindOne("blocks.0.mid"));
        SpliceReport report = evaluator.Run(identity, Texts, "texts"), without = Evaluate(host, identity, "blocks.0.mlp");
        Assert.Equal(without.Zero, report.Spliced, 5);
        Assert.NotEqual(report.Clean, report.Spliced, 3);
        Assert.True(report.Reconstruction.Fvu > 0.001);
    }

    [Fact]
    public void The_clean_loss_is_that_of_each_text_run_alone()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        using var identity = new Identity(Graphs.Width);
        var tokenizer = new LetterTokenizer();
        SpliceReport report = Evaluate(host, identity, "blocks.0", context: 10);
        using IHostRun run = host.Open(new HostPlan([], Output: true));
        double sum = 0;
        int count = 0;
        foreach (Document text in Texts)
        {
            int[] ids = [.. tokenizer.Encode(text.Text).Select(token => token.Id)];
            for (int first = 0; first < ids.Length; first += 9)
            {
                int[] window = [tokenizer.Start!.Value, .. ids.Skip(first).Take(9)];
                run.Run(new TokenBatch([window]));

                // Not the prediction made at the start token, which nothing is spliced into.
                for (int position = 1; position + 1 < window.Length; position++)
                {
                    double[] row = [.. run.Output.Row(position).ToArray().Select(logit => Math.Exp(logit))];
                    sum -= Math.Log(row[window[position + 1]] / row.Sum());
                    count++;
                }
            }
        }

        Assert.Equal(count, report.Predictions);
        Assert.Equal(sum / count, report.Clean, 5);
        Assert.Equal(report.Predictions, report.Positions.Sum(position => position.Predictions));
        Assert.Equal(report.Clean, report.Positions.Sum(position => position.Clean * position.Predictions) / count, 9);
        Assert.Equal(1, report.Positions[0].Position);
        Assert.Equal(Texts.Length, report.Documents);
    }

    [Fact]
    public void Only_as_many_tokens_are_read_as_asked_for()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        using var identity = new Identity(Graphs.Width);
        SpliceReport report = new SpliceEvaluator(host, new LetterTokenizer(), host.FindOne("blocks.0"))
            .Run(identity, Texts, "texts", tokens: 10);
        Assert.Equal(2, report.Documents);
        Assert.Equal(7 + 5, report.Predictions);
    }

    [Fact]
    public void Texts_are_run_as_they_are_read()
    {
        const int Most = 20_000;
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        using var identity = new Identity(Graphs.Width);
        using var stop = new CancellationTokenSource();
        int read = 0;
        var evaluator = new SpliceEvaluator(host, new LetterTokenizer(), host.FindOne("blocks.0"));
        Assert.ThrowsAny<OperationCanceledException>(() => evaluator.Run(identity, Endless(), "texts", cancellationToken: stop.Token));
        Assert.InRange(read, 1, Most);

        IEnumerable<Document> Endless()
        {
            while (true)
            {
                if (++read > Most) throw new InvalidOperationException("nothing was run before everything was read");
                if (read == Most / 2) stop.Cancel();
                yield return new Document("a", "abcdefgh");
            }
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_both_numbers()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        Hook hook = host.FindOne("blocks.0");
        using var narrow = new Identity(3);
        using var right = new Identity(Graphs.Width);
        Refused("width 3", () => new SpliceEvaluator(host, new LetterTokenizer(), hook).Run(narrow, Texts, "texts"));
        Refused("no window has a token to predict",
            () => new SpliceEvaluator(host, new LetterTokenizer(), hook).Run(right, [new Document("e", "x")], "texts"));
        Refused("has 70 tokens", () => new SpliceEvaluator(host, new TokenIds(70), hook));
        Refused("no room", () => new SpliceEvaluator(host, new LetterTokenizer(), hook, new PassOptions { Context = 1 }));
        using OnnxHost encoder = OnnxHost.Open(Graphs.Encoder().Save(folder, "encoder.onnx"));
        Refused("does not predict the next token", () => new SpliceEvaluator(encoder, new LetterTokenizer(), encoder.FindOne("blocks.0")));
        using OnnxHost images = OnnxHost.Open(Graphs.Convolutions().Save(folder, "images.onnx"));
        Refused("pixel_values", () => new SpliceEvaluator(images, new LetterTokenizer(), images.FindOne("blocks.0")));
    }

    private static void Refused(string part, Func<object> action) =>
        Assert.Contains(part, Assert.Throws<InputException>(action).Message, StringComparison.Ordinal);

    private static SpliceReport Evaluate(OnnxHost host, Autoencoder autoencoder, string hook, int? context = null) =>
        new SpliceEvaluator(host, new LetterTokenizer(), host.FindOne(hook), new PassOptions { Context = context, BatchTokens = 40 })
            .Run(autoencoder, Texts, "texts");

    /// <summary>Gives back its input, times a number.</summary>
    private sealed class Identity(int width, float scale = 1) : Autoencoder(new UndercompleteOptions { Bottleneck = 1 }, width, width)
    {
        public override AutoencoderOptions Options => new UndercompleteOptions { Bottleneck = 1 };

        internal override IReadOnlyList<Parameter> Parameters => [];

        public override void Reconstruct(Matrix x, Matrix reconstruction)
        {
            for (int i = 0; i < x.Rows; i++)
            {
                for (int c = 0; c < x.Columns; c++) reconstruction[i, c] = scale * x[i, c];
            }
        }

        internal override void InitializeDecoderBias(ReadOnlySpan<float> center)
        {
        }

        internal override LossAndGradients CreateGradients(Workers workers) => throw new NotSupportedException();
    }
}
