using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>
/// A host model split at a hook: the part below gives the activations, the part above takes changed ones to logits. Each part is made ready
/// when it is first needed, and once. What it gives are copies; a run belongs to one thread at a time.
/// </summary>
internal sealed class SplitHost(IHostModel model, ITokenizer tokenizer, Hook hook, bool keepSpecial = false) : IDisposable
{
    private const int BatchTokens = 4096;

    private const long BatchLogits = 1L << 26; // the logits of a batch stay below 256 MiB

    private readonly Lock entry = new();
    private IHostRun? below, above, whole;
    private bool disposed;

    /// <summary>Copies of a window that are run at once.</summary>
    /// <param name="window">The window.</param>
    public int Copies(TokenWindow window)
    {
        long tokens = Math.Min(BatchTokens, BatchLogits / Math.Max(1, model.Vocabulary ?? 1));
        return model.Input.FixedBatch ?? (int)Math.Max(1, tokens / window.Ids.Length);
    }

    /// <summary>The activations of windows' own tokens, window after window; or one of each, where the hook has one for a text.</summary>
    /// <param name="windows">Windows of one document, in order.</param>
    public Matrix Activations(TokenWindow[] windows)
    {
        var rows = new Matrix(hook.PerText ? windows.Length : windows.Sum(window => window.Count), hook.Width);
        foreach (
            (TokenBatch batch, TokenWindow[] members) in TokenWindow.Batches(
                windows, model.Input, ActivationPass.Filling(model, tokenizer), BatchTokens))
        {
            lock (entry)
            {
                Matrix read = Below(batch);
                for (int i = 0; i < members.Length; i++)
                {
                    if (hook.PerText)
                    {
                        Span<float> row = rows.Row(Array.IndexOf(windows, members[i]));
                        (int skip, int count) = members[i].Used(keepSpecial);
                        if (hook.IsMean) ActivationPass.Mean(read, (i * batch.Length) + skip, count, row);
                        else read.Row(i).CopyTo(row);
                        continue;
                    }

                    int place = members[i].First - windows[0].First;
                    for (int own = 0; own < members[i].Count; own++)
                        read.Row((i * batch.Length) + members[i].Lead + own).CopyTo(rows.Row(place + own));
                }
            }
        }

        return rows;
    }

    /// <summary>
    /// The activations of one window, special tokens and padding included: what
    /// <see cref="Logits(TokenWindow, Matrix, int, Action{int, Matrix, int})"/> takes.
    /// </summary>
    public Matrix Activations(TokenWindow window)
    {
        TokenBatch batch = Batch(window, 1);
        lock (entry)
        {
            return Below(batch).CopyRows(0, batch.Length);
        }
    }

    /// <summary>The model's own logits after a window.</summary>
    public float[] Logits(TokenWindow window)
    {
        TokenBatch batch = Batch(window, 1);
        lock (entry)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            whole ??= model.Open(new HostPlan([], Output: true));
            whole.Run(batch);
            return Last(whole.Output, window, 0);
        }
    }

    /// <summary>The logits after copies of a window, the activations of each changed in its own way.</summary>
    /// <param name="window">The window.</param>
    /// <param name="clean">Its activations, from <see cref="Activations(TokenWindow)"/>.</param>
    /// <param name="count">Number of copies.</param>
    /// <param name="change">Told the copy, the activations of all, and the row of the copy's first own token.</param>
    public float[][] Logits(TokenWindow window, Matrix clean, int count, Action<int, Matrix, int> change)
    {
        TokenBatch batch = Batch(window, count);
        using var patch = new Matrix(batch.Count * batch.Length, hook.Width);
        for (int copy = 0; copy < batch.Count; copy++)
        {
            for (int row = 0; row < batch.Length; row++) clean.Row(row).CopyTo(patch.Row((copy * batch.Length) + row));
            if (copy < count) change(copy, patch, (copy * batch.Length) + window.Lead);
        }

        lock (entry)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            above ??= model.Open(new HostPlan([], hook, Output: true));
            above.Run(batch, patch);
            return [.. Enumerable.Range(0, count).Select(copy => Last(above.Output, window, copy * batch.Length))];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (entry)
        {
            disposed = true;
            below?.Dispose();
            above?.Dispose();
            whole?.Dispose();
        }
    }

    private Matrix Below(TokenBatch batch)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        below ??= model.Open(new HostPlan([hook]));
        below.Run(batch);
        return below.Activations(0);
    }

    private TokenBatch Batch(TokenWindow window, int count) =>
        new([.. Enumerable.Repeat(window.Ids, model.Input.FixedBatch ?? count)], ActivationPass.Filling(model, tokenizer),
            model.Input.FixedLength ?? 0);

    // The logits at a window's last token. Ids beyond the tokenizer's are filling of the table, and never come.
    private float[] Last(Matrix output, TokenWindow window, int first)
    {
        float[] logits = output.Row(first + window.Ids.Length - 1)[..Math.Min(output.Columns, tokenizer.VocabularySize)].ToArray();
        return Array.Exists(logits, float.IsNaN) || Array.Exists(logits, float.IsPositiveInfinity)
            ? throw new InputException($"{model.Name} gives logits that are not numbers; where latents are changed, use smaller strengths.")
            : logits;
    }
}
