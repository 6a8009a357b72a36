using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>
/// What directions of a residual stream do to the logits on the direct path: through the model's last normalization and its unembedding
/// (nostalgebraist 2020, "Interpreting GPT: the logit lens").
/// </summary>
/// <remarks>
/// The direction is put alone into the last block's stream, and so is its negative; half the difference of the logits leaves out what the
/// normalization's and the unembedding's own biases add. The normalization brings the direction to the length that the model's own streams
/// have there.
/// </remarks>
public sealed class LogitLens : IDisposable
{
    private const int Block = 128;

    private readonly IHostRun run;
    private readonly ITokenizer tokenizer;
    private readonly int width;

    private LogitLens(IHostModel model, ITokenizer tokenizer, Hook hook)
    {
        run = model.Open(new HostPlan([], hook, Output: true));
        this.tokenizer = tokenizer;
        width = hook.Width;
    }

    /// <summary>Opens the lens of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="width">Width of the directions.</param>
    /// <returns>Null where there is none: the model predicts no tokens, or its residual stream is not of that width.</returns>
    public static LogitLens? Open(IHostModel model, ITokenizer tokenizer, int width)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        Hook? last = model.Hooks.LastOrDefault(hook => hook.Kind == HookKind.Residual && hook.PerToken);
        return model.PredictsTokens && last is not null && last.Width == width && model.Input is { FixedBatch: null, FixedLength: null }
            ? new LogitLens(model, tokenizer, last)
            : null;
    }

    /// <summary>The tokens that each direction raises and lowers most.</summary>
    /// <param name="directions">Directions, <c>[n, width]</c>.</param>
    /// <param name="count">Tokens each way.</param>
    public (IReadOnlyList<TokenLogit> Raised, IReadOnlyList<TokenLogit> Lowered)[] Look(Matrix directions, int count)
    {
        ArgumentNullException.ThrowIfNull(directions);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        if (directions.Columns != width)
            throw new ArgumentException($"The directions have width {directions.Columns}, the stream {width}.", nameof(directions));
        var seen = new (IReadOnlyList<TokenLogit>, IReadOnlyList<TokenLogit>)[directions.Rows];
        for (int first = 0; first < directions.Rows; first += Block)
        {
            int rows = Math.Min(Block, directions.Rows - first);
            using var put = new Matrix(2 * rows, width);
            for (int row = 0; row < rows; row++)
            {
                directions.Row(first + row).CopyTo(put.Row(2 * row));
                Span<float> negative = put.Row((2 * row) + 1);
                for (int c = 0; c < width; c++) negative[c] = -directions[first + row, c];
            }

            int start = tokenizer.Start ?? 0;
            run.Run(new TokenBatch([.. Enumerable.Repeat((ReadOnlyMemory<int>)new[] { start }, 2 * rows)]), put);
            Matrix logits = run.Output;
            Workers.Shared.Run(rows, row =>
            {
                ReadOnlySpan<float> with = logits.Row(2 * row), against = logits.Row((2 * row) + 1);
                float[] odd = new float[Math.Min(with.Length, tokenizer.VocabularySize)];
                for (int token = 0; token < odd.Length; token++) odd[token] = (with[token] - against[token]) / 2;
                seen[first + row] = (Extremes(odd, count, 1), Extremes(odd, count, -1));
            });
        }

        return seen;
    }

    /// <inheritdoc/>
    public void Dispose() => run.Dispose();

    private TokenLogit[] Extremes(float[] logits, int count, int sign)
    {
        var best = new PriorityQueue<int, float>();
        for (int token = 0; token < logits.Length; token++)
        {
            float value = sign * logits[token];
            if (best.Count < count) best.Enqueue(token, value);
            else if (best.TryPeek(out _, out float least) && value > least) best.EnqueueDequeue(token, value);
        }

        return [.. best.UnorderedItems.Select(item => item.Element).OrderByDescending(token => sign * logits[token])
            .ThenBy(token => token).Select(token => new TokenLogit(token, tokenizer.TokenName(token), logits[token]))];
    }
}
