using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// Splices an autoencoder into a language model: replaces the activations at a hook by their reconstructions, by zeros and by their
/// mean, and compares the model's predictions with those it makes undisturbed.
/// </summary>
/// <remarks>
/// Replaced are the positions of the text's own tokens. Start and end tokens keep their activations, as autoencoders are trained
/// without them, unless <see cref="PassOptions.KeepSpecial"/> is set. Padding is neither replaced nor counted.
/// </remarks>
public sealed class SpliceEvaluator
{
    // Windows that are put together in batches of like length; more are not held at once.
    private const int WindowsAtOnce = 1024;

    private readonly IHostModel model;
    private readonly ITokenizer tokenizer;
    private readonly Hook hook, source;
    private readonly PassOptions options;
    private readonly int context;

    /// <summary>Prepares an evaluation.</summary>
    /// <param name="model">A language model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="hook">Where to splice.</param>
    /// <param name="options">Context, batches and special tokens.</param>
    /// <param name="source">
    /// The hook whose activations are encoded: of a transcoder, whose output takes the place of those at <paramref name="hook"/>. Null for
    /// the same hook.
    /// </param>
    /// <exception cref="InputException">The model predicts no tokens, or does not go with the tokenizer or the hooks.</exception>
    public SpliceEvaluator(IHostModel model, ITokenizer tokenizer, Hook hook, PassOptions? options = null, Hook? source = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(hook);
        ActivationPass.CheckFed(model, tokenizer);
        if (hook.PerText)
        {
            throw new InputException($"{model.Name}: {hook} has one vector for each text, not one for each token that the model's own "
                + "could be replaced by; measure the reconstruction alone (eval without --text).");
        }

        if (!model.PredictsTokens || !model.Input.Causal)
        {
            throw new InputException($"{model.Name} does not predict the next token (its output is not a vector of logits for each "
                + $"token of a causal "
                + "model), so a splice has no cross-entropy; measure the reconstruction alone.");
        }

        if (!hook.PerToken || source is { PerToken: false })
            throw new InputException($"{model.Name}: {hook} does not have one vector for each token [batch, sequence, width]; choose "
                + $"another hook.");
        this.model = model;
        this.tokenizer = tokenizer;
        (this.hook, this.source) = (hook, source ?? hook);
        this.options = options ?? new PassOptions();
        context = this.options.ContextOf(model, tokenizer);
    }

    /// <summary>Evaluates.</summary>
    /// <param name="autoencoder">The autoencoder to splice in.</param>
    /// <param name="documents">
    /// Texts that neither the model nor the autoencoder were trained on, if the figures are to mean anything. They are read twice, the
    /// first time for the mean, and never held in memory together.
    /// </param>
    /// <param name="name">What the texts are, for the report.</param>
    /// <param name="tokens">Tokens to read at most; whole windows are taken until there are as many.</param>
    /// <param name="progress">Told the share done.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    /// <exception cref="InputException">
    /// The autoencoder is of another width than the hook, or the texts have no window of two tokens.
    /// </exception>
    public SpliceReport Run(
        Autoencoder autoencoder, IEnumerable<Document> documents, string name, long tokens = long.MaxValue,
            IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(name);
        if ((autoencoder.InputWidth, autoencoder.OutputWidth) != (source.Width, hook.Width))
        {
            bool input = autoencoder.InputWidth != source.Width;
            (int width, Hook other) = input ? (autoencoder.InputWidth, source) : (autoencoder.OutputWidth, hook);
            throw new InputException($"The autoencoder {(input ? "is" : "gives vectors")} of width {width}, {other.Name} of {model.Name} "
                + $"has width {other.Width}; it was trained on another hook or model. Name its own with --hook.");
        }

        (float[] mean, long total, long predicted) = Mean(Batches(documents, tokens, out _), cancellationToken);
        if (predicted == 0) throw new InputException($"{name}: no window has a token to predict after its first; give longer texts.");
        using IHostRun clean = model.Open(new HostPlan(ReferenceEquals(source, hook) ? [hook] : [hook, source], Output: true)),
            patched = model.Open(new HostPlan([], hook, Output: true));
        var tally = new EvaluationTally(autoencoder);
        var sums = new PositionSums[context];
        for (int i = 0; i < context; i++) sums[i] = new PositionSums();
        long done = 0;
        IEnumerable<(TokenBatch, TokenWindow[])> batches = Batches(documents, tokens, out Counter read);
        foreach ((TokenBatch batch, TokenWindow[] rows) in batches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int[] replaced = [.. Replaced(batch, rows)];
            Prediction[] predictions = [.. Predictions(batch, rows)];
            clean.Run(batch);
            Matrix activations = clean.Activations(0), encoded = ReferenceEquals(source, hook) ? activations : clean.Activations(1);
            Measure(clean.Output, clean.Output, predictions, (sum, loss) => sum.Clean += loss.CrossEntropy);

            Patch(activations, replaced, patched, batch, (own, put) =>
            {
                if (ReferenceEquals(encoded, activations))
                {
                    tally.Add(own, put);
                    return;
                }

                using Matrix from = Rows(encoded, replaced);
                tally.Add(new Batch(from, own), put);
            });
            Measure(patched.Output, clean.Output, predictions, (sum, loss) =>
            {
                sum.Count++;
                sum.Spliced += loss.CrossEntropy;
                sum.Divergence += loss.Divergence;
                sum.Agreed += loss.Agrees ? 1 : 0;
            });
            Patch(activations, replaced, patched, batch, (_, put) => put.Clear());
            Measure(patched.Output, null, predictions, (sum, loss) => sum.Zero += loss.CrossEntropy);
            Patch(activations, replaced, patched, batch, (_, put) => Fill(put, mean));
            Measure(patched.Output, null, predictions, (sum, loss) => sum.Mean += loss.CrossEntropy);
            done += rows.Length;
            progress?.Report((double)done / total);

            void Measure(Matrix logits, Matrix? reference, Prediction[] at, Action<PositionSums, Loss> add)
            {
                Loss[] losses = Losses(logits, reference, at);
                for (int p = 0; p < at.Length; p++) add(sums[at[p].Position], losses[p]);
            }
        }

        return Report(sums, tally.Report(name), read.Documents);
    }

    /// <summary>
    /// The largest difference between the model's output and the output with its own activations put back at the hook, relative to the
    /// largest clean logit.
    /// </summary>
    /// <param name="model">The model, of tokens or of arrays.</param>
    /// <param name="hook">The hook, of any shape.</param>
    /// <param name="batch">What to run.</param>
    public static double CleanSplice(IHostModel model, Hook hook, HostBatch batch)
    {
        ArgumentNullException.ThrowIfNull(model);
        using IHostRun clean = model.Open(new HostPlan([hook], Output: true)), patched = model.Open(new HostPlan([], hook, Output: true));
        clean.Run(batch);
        patched.Run(batch, clean.Activations(0));
        double most = 0, difference = 0;
        for (int row = 0; row < clean.Output.Rows; row++)
        {
            ReadOnlySpan<float> was = clean.Output.Row(row), now = patched.Output.Row(row);
            for (int i = 0; i < was.Length; i++)
            {
                most = Math.Max(most, Math.Abs(was[i]));
                difference = Math.Max(difference, Math.Abs((double)was[i] - now[i]));
            }
        }

        return difference / most;
    }

    private static void Fill(Matrix rows, ReadOnlySpan<float> row)
    {
        for (int i = 0; i < rows.Rows; i++) row.CopyTo(rows.Row(i));
    }

    // Puts something else at the replaced rows, and runs.
    private static void Patch(Matrix activations, int[] replaced, IHostRun run, TokenBatch batch, Action<Matrix, Matrix> make)
    {
        using Matrix own = Rows(activations, replaced), put = new(replaced.Length, activations.Columns), whole = activations.Clone();
        make(own, put);
        for (int i = 0; i < replaced.Length; i++) put.Row(i).CopyTo(whole.Row(replaced[i]));
        run.Run(batch, whole);
    }

    private static Matrix Rows(Matrix of, int[] rows)
    {
        var taken = new Matrix(rows.Length, of.Columns);
        for (int i = 0; i < rows.Length; i++) of.Row(rows[i]).CopyTo(taken.Row(i));
        return taken;
    }

    private static Loss[] Losses(Matrix logits, Matrix? reference, Prediction[] predictions)
    {
        const int part = 64;
        var losses = new Loss[predictions.Length];
        Workers.Shared.Run((predictions.Length + part - 1) / part, number =>
        {
            for (int i = number * part; i < Math.Min(predictions.Length, (number + 1) * part); i++)
            {
                ReadOnlySpan<float> row = logits.Row(predictions[i].Row);
                double loss = NextTokenLoss.CrossEntropy(row, predictions[i].Target);
                if (reference is null || ReferenceEquals(reference, logits))
                {
                    losses[i] = new Loss(loss, 0, true);
                    continue;
                }

                ReadOnlySpan<float> clean = reference.Row(predictions[i].Row);
                losses[i] = new Loss(loss, NextTokenLoss.Divergence(clean, row), NextTokenLoss.Top(row) == NextTokenLoss.Top(clean));
            }
        });
        return losses;
    }

    private IEnumerable<(TokenBatch Batch, TokenWindow[] Windows)> Batches(
        IEnumerable<Document> documents, long tokens, out Counter counter)
    {
        var read = counter = new Counter();
        return Windows().Chunk(WindowsAtOnce)
            .SelectMany(windows => TokenWindow.Batches(
                windows, model.Input, ActivationPass.Filling(model, tokenizer), options.BatchTokensWithLogits(model)));

        IEnumerable<TokenWindow> Windows()
        {
            long count = 0;
            foreach (Document document in documents)
            {
                read.Documents++;
                foreach (TokenWindow window in TokenWindow.Cut(0, tokenizer.Encode(document.Text), tokenizer, context))
                {
                    yield return window;
                    count += window.Count;
                    if (count >= tokens) yield break;
                }
            }
        }
    }

    private int FirstReplaced(TokenWindow window) => options.KeepSpecial ? 0 : window.Lead;

    private IEnumerable<int> Replaced(TokenBatch batch, TokenWindow[] windows)
    {
        for (int i = 0; i < windows.Length; i++)
        {
            int first = FirstReplaced(windows[i]), end = options.KeepSpecial ? windows[i].Ids.Length : windows[i].Lead + windows[i].Count;
            for (int position = first; position < end; position++) yield return (i * batch.Length) + position;
        }
    }

    private IEnumerable<Prediction> Predictions(TokenBatch batch, TokenWindow[] windows)
    {
        for (int i = 0; i < windows.Length; i++)
        {
            ReadOnlyMemory<int> ids = windows[i].Ids;
            for (int position = FirstReplaced(windows[i]); position + 1 < ids.Length; position++)
                yield return new Prediction((i * batch.Length) + position, position, ids.Span[position + 1]);
        }
    }

    // The mean of the replaced rows, the windows that there are, and the tokens to predict in them.
    private (float[] Mean, long Windows, long Predicted) Mean(
        IEnumerable<(TokenBatch Batch, TokenWindow[] Windows)> batches, CancellationToken cancellationToken)
    {
        using IHostRun run = model.Open(new HostPlan([hook]));
        double[] sums = new double[hook.Width];
        long count = 0, windows = 0, predicted = 0;
        foreach ((TokenBatch batch, TokenWindow[] rows) in batches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            run.Run(batch);
            windows += rows.Length;
            predicted += Predictions(batch, rows).Count();
            foreach (int at in Replaced(batch, rows))
            {
                ReadOnlySpan<float> row = run.Activations(0).Row(at);
                for (int c = 0; c < sums.Length; c++) sums[c] += row[c];
                count++;
            }
        }

        return ([.. sums.Select(sum => (float)(sum / count))], windows, predicted);
    }

    private SpliceReport Report(PositionSums[] sums, EvaluationReport reconstruction, long documents)
    {
        long count = sums.Sum(sum => sum.Count);
        return new SpliceReport
        {
            Hook = hook.Name,
            Documents = documents,
            Predictions = count,
            Context = context,
            Clean = sums.Sum(sum => sum.Clean) / count,
            Spliced = sums.Sum(sum => sum.Spliced) / count,
            Zero = sums.Sum(sum => sum.Zero) / count,
            Mean = sums.Sum(sum => sum.Mean) / count,
            Divergence = sums.Sum(sum => sum.Divergence) / count,
            Agreement = (double)sums.Sum(sum => sum.Agreed) / count,
            Reconstruction = reconstruction,
            Positions = [.. sums.Index().Where(pair => pair.Item.Count > 0).Select(pair => pair.Item.Report(pair.Index))],
        };
    }

    private readonly record struct Prediction(int Row, int Position, int Target);

    private readonly record struct Loss(double CrossEntropy, double Divergence, bool Agrees);

    private sealed class Counter
    {
        public long Documents { get; set; }
    }

    private sealed class PositionSums
    {
        public long Count { get; set; }

        public double Clean { get; set; }

        public double Spliced { get; set; }

        public double Zero { get; set; }

        public double Mean { get; set; }

        public double Divergence { get; set; }

        public long Agreed { get; set; }

        public SplicePosition Report(int position) => new(
            position, Count, Clean / Count, Spliced / Count, Zero / Count, Mean / Count, Divergence / Count, (double)Agreed / Count);
    }
}
