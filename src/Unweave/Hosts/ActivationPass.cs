using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Hosts;

/// <summary>How documents are run through a model.</summary>
public sealed record PassOptions
{
    /// <summary>The longest window that is taken where none is asked for: what attention needs grows with its square.</summary>
    internal const int LongestDefault = 1024;

    /// <summary>
    /// Tokens of a window, special ones included; null takes the model's context, at most 1,024, or 128 where the model does not say.
    /// </summary>
    public int? Context { get; init; }

    /// <summary>
    /// Whether the rows of start and end tokens are given too. They are left out by default: their activations are unlike all others, and
    /// the same in every window.
    /// </summary>
    public bool KeepSpecial { get; init; }

    /// <summary>About how many tokens are run at once.</summary>
    public int BatchTokens { get; init; } = 4096;

    /// <summary>About how many tokens are run at once where each gives a logit for every token of the vocabulary.</summary>
    internal int BatchTokensWithLogits(IHostModel model)
    {
        const int logits = 1 << 25; // 128 MiB a batch
        ArgumentNullException.ThrowIfNull(model);
        return Math.Clamp(logits / Math.Max(1, model.Vocabulary ?? 1), 1, BatchTokens);
    }

    /// <summary>Tokens of a window for a model.</summary>
    /// <exception cref="InputException">The context asked for is longer than the model's, or has no room for a token.</exception>
    public int ContextOf(IHostModel model, ITokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        const int unknown = 128;
        int least = 1 + (tokenizer.Start is null ? 0 : 1) + (tokenizer.End is null ? 0 : 1);
        int context = Context ?? Math.Min(model.Input.Context ?? unknown, model.Input.FixedLength ?? LongestDefault);
        if (context < least)
            throw new InputException($"A context of {context} tokens has no room for a token of the text; give at least {least}.");
        if (model.Input.Context is { } longest && context > longest)
        {
            throw new InputException($"A context of {context} tokens is longer than the {longest} that {model.Name} takes; give at most "
                + $"{longest}.");
        }

        return context;
    }
}

/// <summary>What a pass read from one document, or from a piece of a long one.</summary>
/// <param name="Number">The document's number in its corpus.</param>
/// <param name="Document">The document.</param>
/// <param name="Tokens">Its tokens: all of them, or, where a text has one vector, those that the model saw.</param>
/// <param name="FirstRow">Rows of the document that came in pieces before this one.</param>
/// <param name="Last">Whether this is all of the document, or its last piece.</param>
/// <param name="RowTokens">Token id of each row; −1 where the row is of the whole text.</param>
/// <param name="RowPositions">Position of each row in its window: 0 is the window's first token, special ones counted.</param>
/// <param name="RowSources">Which of <paramref name="Tokens"/> each row belongs to; −1 for special tokens.</param>
/// <param name="Activations">One matrix a hook, <c>[rows, width]</c>; valid until the next are asked for.</param>
public sealed record DocumentRows(
    long Number,
    Document Document,
    IReadOnlyList<Token> Tokens,
    long FirstRow,
    bool Last,
    int[] RowTokens,
    int[] RowPositions,
    int[] RowSources,
    IReadOnlyList<Matrix> Activations);

/// <summary>Runs documents through a host model and gives, document after document, the activations at some hooks.</summary>
public sealed class ActivationPass : IDisposable
{
    private readonly IHostModel model;
    private readonly ITokenizer tokenizer;
    private readonly IReadOnlyList<Hook> hooks;
    private readonly PassOptions options;
    private readonly IHostRun run;

    /// <summary>Prepares the model.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="hooks">What to read; all have one activation vector a token, or all one a text.</param>
    /// <param name="options">Context and batches.</param>
    /// <exception cref="InputException">
    /// The model is not fed tokens, the tokenizer has ids that the model lacks, or a hook has other than one vector a token or a text.
    /// </exception>
    public ActivationPass(IHostModel model, ITokenizer tokenizer, IReadOnlyList<Hook> hooks, PassOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(hooks);
        if (hooks.Count == 0) throw new ArgumentException("A pass reads at least one hook.", nameof(hooks));
        CheckFed(model, tokenizer);
        PerText = hooks[0].PerText;
        if (hooks.FirstOrDefault(hook => !hook.PerToken && !hook.PerText) is { } other)
        {
            throw new InputException($"{model.Name}: {other} has neither one vector for each token [batch, sequence, width] nor one for "
                + "each text [batch, width]; choose another hook.");
        }

        if (hooks.FirstOrDefault(hook => hook.PerText != PerText) is { } mixed)
        {
            (Hook text, Hook token) = PerText ? (hooks[0], mixed) : (mixed, hooks[0]);
            throw new InputException($"{model.Name}: {text} has one vector for each text, {token} one for each token, so their rows do not "
                + $"stand beside each other; read them one by one, or {token.Name}{Hook.MeanSuffix} for the mean over a text's tokens.");
        }

        this.model = model;
        this.tokenizer = tokenizer;
        this.hooks = hooks;
        this.options = options ?? new PassOptions();
        Context = this.options.ContextOf(model, tokenizer);
        run = model.Open(new HostPlan(hooks));
    }

    /// <summary>Tokens of a window, special ones included.</summary>
    public int Context { get; }

    /// <summary>
    /// Whether a text has one row instead of one for each token. It is then run as one window: what is beyond the context is left out.
    /// </summary>
    public bool PerText { get; }

    /// <summary>Texts with one row that were cut at the context so far.</summary>
    public long TextsCut { get; private set; }

    /// <summary>Tokens run so far, special ones and padding included.</summary>
    public long TokensRun { get; private set; }

    /// <summary>Refuses a tokenizer that does not belong to the model.</summary>
    /// <exception cref="InputException">It does not.</exception>
    public static void CheckFed(IHostModel model, ITokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (!model.Input.Tokens)
        {
            throw new InputException($"{model.Name} is fed {string.Join(", ", model.Input.Arrays.Select(array => array.Name))}, not "
                + $"tokens; it cannot read text.");
        }

        if (model.Vocabulary is not { } known || tokenizer.VocabularySize <= known) return;
        const int most = 1024;
        int beyond = tokenizer.VocabularySize - known;
        bool framed = tokenizer.Start >= known || tokenizer.End >= known;
        if (framed || beyond > most || Enumerable.Range(known, beyond).Any(id => IsText(tokenizer, id)))
            throw new InputException($"The tokenizer {tokenizer.Name} has {tokenizer.VocabularySize} tokens, {model.Name} knows "
                + $"{known}; they do not belong together. Name the model's own with --tokenizer.");
    }

    /// <summary>What fills up a batch's shorter texts: the tokenizer's padding, if the model knows it.</summary>
    internal static int Filling(IHostModel model, ITokenizer tokenizer) =>
        tokenizer.Padding is { } padding && (model.Vocabulary is null || padding < model.Vocabulary) ? padding : 0;

    // Special tokens that were added for training may have no row in the model; no text has them.
    private static bool IsText(ITokenizer tokenizer, int id) => tokenizer.Encode(tokenizer.Decode([id])).Any(token => token.Id == id);

    /// <summary>Runs documents.</summary>
    /// <param name="documents">The documents with their numbers, as a corpus gives them.</param>
    /// <param name="cancellationToken">Ends the pass between batches.</param>
    /// <returns>
    /// One for each document with a token, in order; a document of very many tokens comes in pieces, so that memory stays bounded.
    /// </returns>
    public IEnumerable<DocumentRows> Run(IEnumerable<(long Number, Document Document)> documents,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        return Rows();

        IEnumerable<DocumentRows> Rows()
        {
            foreach (List<Piece> block in Blocks(documents))
            {
                try
                {
                    Fill(block, cancellationToken);
                    foreach (Piece piece in block) yield return piece.Rows;
                }
                finally
                {
                    foreach (Matrix matrix in block.SelectMany(piece => piece.Rows.Activations)) matrix.Dispose();
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => run.Dispose();

    // Documents are run some at a time, so that windows of like length can share a batch.
    private IEnumerable<List<Piece>> Blocks(IEnumerable<(long Number, Document Document)> documents)
    {
        var block = new List<Piece>();
        int tokens = 0, most = 4 * options.BatchTokens;
        foreach ((long number, Document document) in documents)
        {
            foreach (Piece piece in Pieces(document, number, most))
            {
                block.Add(piece);
                tokens += piece.Until - piece.From;
                if (tokens < most) continue;
                yield return block;
                block = [];
                tokens = 0;
            }
        }

        if (block.Count > 0) yield return block;
    }

    // Cut where windows start, so that the pieces have the windows of the whole.
    private IEnumerable<Piece> Pieces(Document document, long number, int most)
    {
        IReadOnlyList<Token> tokens = tokenizer.Encode(document.Text);
        int room = TokenWindow.Room(tokenizer, Context), step = Math.Max(1, most / room) * room;
        if (PerText)
        {
            if (tokens.Count == 0) yield break;
            if (tokens.Count > room) TextsCut++;
            int seen = Math.Min(room, tokens.Count);
            yield return new Piece(Rows(1, 0, [.. tokens.Take(seen)], last: true), 0, seen);
            yield break;
        }

        int special = options.KeepSpecial ? Context - room : 0;
        long before = 0;
        for (int from = 0; from < tokens.Count; from += step)
        {
            int until = Math.Min(tokens.Count, from + step), rows = until - from + (special * ((until - from + room - 1) / room));
            yield return new Piece(Rows(rows, before, tokens, until == tokens.Count), from, until);
            before += rows;
        }

        DocumentRows Rows(int rows, long before, IReadOnlyList<Token> own, bool last) => new(
            number,
            document,
            own,
            before,
            last,
            new int[rows],
            new int[rows],
            new int[rows],
            [.. hooks.Select(hook => new Matrix(rows, hook.Width))]);
    }

    private void Fill(List<Piece> block, CancellationToken cancellationToken)
    {
        int[] next = new int[block.Count];
        var places = new Dictionary<(int, int), int>();
        var windows = new List<TokenWindow>();
        for (int i = 0; i < block.Count; i++)
        {
            foreach (TokenWindow window in TokenWindow.Cut(i, block[i].Rows.Tokens, tokenizer, Context, block[i].From, block[i].Until))
            {
                places[(i, window.First)] = next[i];
                next[i] += options.KeepSpecial ? window.Ids.Length : window.Count;
                windows.Add(window);
            }
        }

        foreach ((TokenBatch batch, TokenWindow[] rows) in TokenWindow.Batches(
            windows, model.Input, Filling(model, tokenizer), options.BatchTokens))
        {
            cancellationToken.ThrowIfCancellationRequested();
            run.Run(batch);
            TokensRun += (long)batch.Count * batch.Length;
            for (int row = 0; row < rows.Length; row++)
            {
                DocumentRows document = block[rows[row].Document].Rows;
                if (PerText) TakeText(document, rows[row], row, batch.Length);
                else Take(document, rows[row], places[(rows[row].Document, rows[row].First)], row * batch.Length);
            }
        }
    }

    private void TakeText(DocumentRows document, TokenWindow window, int text, int length)
    {
        (document.RowTokens[0], document.RowSources[0]) = (-1, -1);
        (int skip, int count) = window.Used(options.KeepSpecial);
        for (int hook = 0; hook < hooks.Count; hook++)
        {
            Matrix read = run.Activations(hook), kept = document.Activations[hook];
            if (hooks[hook].IsMean) Mean(read, (text * length) + skip, count, kept.Row(0));
            else read.Row(text).CopyTo(kept.Row(0));
        }
    }

    /// <summary>The mean of some rows.</summary>
    internal static void Mean(Matrix rows, int first, int count, Span<float> mean)
    {
        double[] sums = new double[mean.Length];
        for (int row = first; row < first + count; row++)
        {
            ReadOnlySpan<float> own = rows.Row(row);
            for (int i = 0; i < sums.Length; i++) sums[i] += own[i];
        }

        for (int i = 0; i < sums.Length; i++) mean[i] = (float)(sums[i] / count);
    }


    private void Take(DocumentRows document, TokenWindow window, int place, int from)
    {
        (int skip, int count) = window.Used(options.KeepSpecial);
        for (int i = 0; i < count; i++)
        {
            int position = skip + i, own = position - window.Lead;
            document.RowTokens[place + i] = window.Ids.Span[position];
            document.RowPositions[place + i] = position;
            document.RowSources[place + i] = own >= 0 && own < window.Count ? window.First + own : -1;
        }

        for (int hook = 0; hook < hooks.Count; hook++)
        {
            Matrix read = run.Activations(hook), kept = document.Activations[hook];
            for (int i = 0; i < count; i++) read.Row(from + skip + i).CopyTo(kept.Row(place + i));
        }
    }

    /// <summary>Some tokens of a document and the rows that they get.</summary>
    private readonly record struct Piece(DocumentRows Rows, int From, int Until);
}
