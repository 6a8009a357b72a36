using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx.Graphs;

namespace Unweave.Onnx;

/// <summary>
/// A sentence encoder in ONNX: a text's tokens are run through the model, and their vectors pooled, as the model's own files say; or the
/// graph pools them itself. It embeds documents; <see cref="Queries"/> embeds what is asked of them.
/// </summary>
/// <remarks>
/// A text of more tokens than the encoder takes is cut. An empty text has the vector of its start and end tokens; where the tokenizer puts
/// none around a text, the row is all zeros. What is quantized as it runs has one scale for a batch, so that a text's vector follows
/// the texts beside it a little.
/// </remarks>
public sealed class OnnxEmbedder : ITextEmbedder, IDisposable
{
    /// <summary>
    /// Tokens of a batch. Below some hundreds a run's fixed costs show; above, what is kept between two layers leaves the cache.
    /// </summary>
    private const int BatchTokens = 1024;

    /// <summary>Texts that are sorted by length together.</summary>
    private const int BlockTexts = 4096;

    private readonly OnnxHost host;
    private readonly ITokenizer tokenizer;
    private readonly Hook hook;
    private readonly IHostRun run;
    private readonly DenseLayer[] layers;
    private readonly bool lower, poolsPrefix;
    private readonly int filling;
    private readonly Lock running = new();
    private long cut;

    private OnnxEmbedder(string path, EmbedderOptions options)
    {
        host = OnnxHost.Open(path, options.Threads, options.Inputs);

        // That texts of one length share a batch costs an encoder nothing, which sorts texts by length.
        var notes = new List<string>(host.Notes.Where(note => note is not GraphProbe.PaddingNote));
        try
        {
            tokenizer = TokenizerFile.Open(options.Tokenizer ?? ModelFolder.Tokenizer(path));
            if (tokenizer.Note is not null) notes.Add(tokenizer.Note);
            ActivationPass.CheckFed(host, tokenizer);
            var files = EncoderFiles.Read(host.Name, options.Pooling is not null);
            (hook, Pooling) = Choose(options.Pooling, files.Pooling, notes);
            layers = Pooling == TextPooling.Model ? [] : [.. files.Layers.Select(DenseLayer.Open)];
            Width = CheckedWidth();
            (lower, poolsPrefix) = (files.Lower, files.PoolsPrefix);
            DocumentPrefix = options.DocumentPrefix ?? files.DocumentPrefix;
            QueryPrefix = options.QueryPrefix ?? files.QueryPrefix;
            UnitLength = options.UnitLength;
            Length = LengthOf(options.Length, files.Length);
            filling = ActivationPass.Filling(host, tokenizer);
            Notes = notes;
            Identity = Hashed();
            run = host.Open(new HostPlan([hook]));
            Queries = string.Equals(QueryPrefix, DocumentPrefix, StringComparison.Ordinal) ? this : new QueryEmbedder(this);
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>The model's file.</summary>
    public string Name => host.Name;

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public string Identity { get; }

    /// <summary>How the vectors of a text's tokens become the text's.</summary>
    public TextPooling Pooling { get; }

    /// <summary>What is written before each document.</summary>
    public string DocumentPrefix { get; }

    /// <summary>What is written before each query.</summary>
    public string QueryPrefix { get; }

    /// <summary>The most tokens of a text, start and end tokens included.</summary>
    public int Length { get; }

    /// <summary>Whether vectors have unit length.</summary>
    public bool UnitLength { get; }

    /// <summary>The same encoder for queries: of one <see cref="Identity"/>, with the queries' prefix. It ends with this one.</summary>
    public ITextEmbedder Queries { get; }

    /// <summary>What was guessed, and how the model is fed where that is not as usual, a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Texts that were cut at <see cref="Length"/> so far.</summary>
    public long TextsCut => Interlocked.Read(ref cut);

    /// <summary>Opens a sentence encoder.</summary>
    /// <param name="path">
    /// Its folder, as sentence-transformers lays it out with <c>model.onnx</c> in it or in its subfolder <c>onnx</c>; or the ONNX file. Of
    /// the graph's outputs, one called <c>sentence_embedding</c> is taken where no pooling is chosen.
    /// </param>
    /// <param name="options">What stands in for what the model's files say.</param>
    /// <exception cref="InputException">
    /// The model or its tokenizer cannot be read, it has no output that can be pooled, or its files ask for what is not known here.
    /// </exception>
    public static OnnxEmbedder Open(string path, EmbedderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        return new OnnxEmbedder(path, options ?? new EmbedderOptions());
    }

    /// <inheritdoc/>
    public Matrix Embed(IReadOnlyList<string> texts, CancellationToken cancellationToken = default) =>
        Embed(texts, DocumentPrefix, cancellationToken);

    /// <summary>The batches that documents are run in; at most as many as are sorted together.</summary>
    internal IReadOnlyList<TokenBatch> Batches(IReadOnlyList<string> texts) =>
        [.. Batches(texts, 0, texts.Count, DocumentPrefix).Select(made => made.Batch)];

    /// <summary>Runs a batch and takes nothing of what comes out: the runtime's own time.</summary>
    internal void RunAlone(TokenBatch batch) => ((OnnxRun)run).RunAlone(batch);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (running) run.Dispose();
        host.Dispose();
    }

    private Matrix Embed(IReadOnlyList<string> texts, string prefix, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(texts);
        var vectors = new Matrix(texts.Count, Width);
        try
        {
            for (int first = 0; first < texts.Count; first += BlockTexts)
                EmbedBlock(texts, first, Math.Min(BlockTexts, texts.Count - first), prefix, vectors, cancellationToken);
            return vectors;
        }
        catch
        {
            vectors.Dispose();
            throw;
        }
    }

    private void EmbedBlock(
        IReadOnlyList<string> texts, int first, int count, string prefix, Matrix vectors, CancellationToken cancellationToken)
    {
        int skipped = poolsPrefix || prefix.Length == 0 ? 0 : Tokens(prefix).Count;
        foreach ((TokenBatch batch, TokenWindow[] rows) in Batches(texts, first, count, prefix))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var pooled = new Matrix(rows.Length, hook.Width);
            lock (running)
            {
                run.Run(batch);
                Matrix read = run.Activations(0);
                for (int row = 0; row < rows.Length; row++) Pool(read, row, batch.Length, rows[row], skipped, pooled.Row(row));
            }

            Finish(pooled, rows, texts, vectors);
        }
    }

    private IEnumerable<(TokenBatch Batch, TokenWindow[] Rows)> Batches(IReadOnlyList<string> texts, int first, int count, string prefix)
    {
        var windows = new List<TokenWindow>(count);
        for (int i = first; i < first + count; i++)
        {
            if (Window(i, prefix + texts[i]) is { } window) windows.Add(window);
        }

        return TokenWindow.Batches(windows, host.Input, filling, BatchTokens);
    }

    // What follows the pooling, and where the rows belong.
    private void Finish(Matrix pooled, TokenWindow[] rows, IReadOnlyList<string> texts, Matrix vectors)
    {
        Matrix made = pooled;
        try
        {
            foreach (DenseLayer layer in layers)
            {
                Matrix next = layer.Apply(made);
                if (made != pooled) made.Dispose();
                made = next;
            }

            for (int row = 0; row < rows.Length; row++)
            {
                Span<float> vector = vectors.Row(rows[row].Document);
                made.Row(row).CopyTo(vector);
                double length = Norms.L2(vector);
                if (!double.IsFinite(length)) throw NotFinite(texts[rows[row].Document], rows[row].Document);
                if (!UnitLength || length == 0) continue;
                float scale = (float)(1 / length);
                foreach (ref float value in vector) value *= scale;
            }
        }
        finally
        {
            if (made != pooled) made.Dispose();
        }
    }

    private void Pool(Matrix read, int row, int length, TokenWindow window, int skipped, Span<float> vector)
    {
        int first = row * length, tokens = window.Ids.Length;

        // The start token goes with the prefix, as in the reference; a text that is all prefix is pooled whole.
        int skip = skipped == 0 || window.Lead + skipped >= tokens ? 0 : window.Lead + skipped;
        switch (Pooling)
        {
            case TextPooling.Model:
                read.Row(row).CopyTo(vector);
                break;
            case TextPooling.Cls:
                read.Row(first).CopyTo(vector);
                break;
            case TextPooling.Last:
                read.Row(first + tokens - 1).CopyTo(vector);
                break;
            case TextPooling.Max:
                read.Row(first + skip).CopyTo(vector);
                for (int token = skip + 1; token < tokens; token++)
                {
                    ReadOnlySpan<float> own = read.Row(first + token);
                    for (int i = 0; i < vector.Length; i++) vector[i] = Math.Max(vector[i], own[i]);
                }

                break;
            default:
                ActivationPass.Mean(read, first + skip, tokens - skip, vector);
                break;
        }
    }

    private TokenWindow? Window(int place, string text)
    {
        IReadOnlyList<Token> tokens = Tokens(text);
        int room = TokenWindow.Room(tokenizer, Length);
        if (tokens.Count > room) Interlocked.Increment(ref cut);
        if (tokens.Count > 0) return TokenWindow.Cut(place, tokens, tokenizer, Length, 0, Math.Min(room, tokens.Count)).Single();
        int[] around = [.. new[] { tokenizer.Start, tokenizer.End }.OfType<int>()];
        return around.Length > 0 ? new TokenWindow(place, 0, around, tokenizer.Start is null ? 0 : 1, 0) : null;
    }

    private IReadOnlyList<Token> Tokens(string text) => tokenizer.Encode(lower ? text.ToLowerInvariant() : text);

    // The output to read: one that the graph pooled, or one with a vector for each token.
    private (Hook Hook, TextPooling Pooling) Choose(TextPooling? chosen, TextPooling? said, List<string> notes)
    {
        Hook[] outputs = [.. host.Outputs.Select(name => host.Hooks.FirstOrDefault(
            hook => string.Equals(hook.Tensor, name, StringComparison.Ordinal))).OfType<Hook>()];
        Hook? embedding = outputs.FirstOrDefault(hook => hook.PerText && Named(hook, "sentence_embedding"));
        Hook? text = embedding ?? outputs.FirstOrDefault(hook => hook.PerText);
        Hook? token = outputs.Where(hook => hook.PerToken && hook.Width != host.Vocabulary)
            .OrderBy(hook => Named(hook, "last_hidden_state") || Named(hook, "token_embeddings") ? 0 : 1).FirstOrDefault();
        if (token is null && host.PredictsTokens) token = host.Hooks.FirstOrDefault(hook => hook.Kind == HookKind.Final && hook.PerToken);
        if (chosen is TextPooling.Model || (chosen is null && (embedding is not null || (token is null && text is not null))))
        {
            if (chosen is null && embedding is null)
                notes.Add($"The vectors are the graph's output {text!.Tensor}, the only one with a vector for each text.");
            return (text ?? throw new InputException($"{Name} has no output with one vector for each text; its outputs are "
                + $"{Described(outputs)}. Pool the vectors of its tokens with --pooling mean, cls, last or max."), TextPooling.Model);
        }

        if (token is null)
        {
            string remedy = text is null ? "Export the encoder with last_hidden_state." : "Take its own with --pooling model.";
            throw new InputException($"{Name} has no output with one vector for each token, which could be pooled; its outputs are "
                + $"{Described(outputs)}. {remedy}");
        }

        if ((chosen ?? said) is { } known) return (token, known);
        TextPooling guess = host.Input.Causal ? TextPooling.Last : TextPooling.Mean;
        notes.Add($"No file beside the model says how the vectors of {token.Name} are pooled; "
            + $"{(guess == TextPooling.Last ? "the last token's is taken, since the model looks back only" : "their mean is taken")}. "
            + "--pooling chooses another way.");
        return (token, guess);

        static bool Named(Hook hook, string name) => string.Equals(hook.Tensor, name, StringComparison.Ordinal);
    }

    private string Described(Hook[] outputs) =>
        outputs.Length > 0 ? string.Join(", ", outputs.Select(hook => hook.ToString())) : string.Join(", ", host.Outputs);

    private int CheckedWidth()
    {
        int width = hook.Width;
        foreach (DenseLayer layer in layers)
        {
            if (layer.Inputs != width)
                throw new InputException($"{Name}: a Dense layer takes vectors of {layer.Inputs}, and what comes before it gives {width}.");
            width = layer.Width;
        }

        return width;
    }

    private int LengthOf(int? chosen, int? said)
    {
        int? longest = host.Input.Context;
        if (chosen is { } asked && asked > longest)
            throw new InputException($"A length of {asked} tokens is longer than the {longest} that {Name} takes; give at most {longest}.");
        int length = chosen ?? Math.Min(said ?? int.MaxValue, longest ?? (said is null ? 512 : int.MaxValue));
        if (TokenWindow.Room(tokenizer, length) < 1)
        {
            throw new InputException($"A length of {length} tokens has no room for a token of the text beside the start and end tokens; "
                + "give more.");
        }

        return length;
    }

    private string Hashed()
    {
        string[] parts =
        [
            host.Hash, hook.Tensor, tokenizer.Hash, Pooling.ToString(), DocumentPrefix, QueryPrefix,
            Length.ToString(CultureInfo.InvariantCulture), UnitLength.ToString(), lower.ToString(), poolsPrefix.ToString(),
            .. layers.Select(layer => layer.Hash),
        ];
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', parts))));
    }

    private InputException NotFinite(string text, int place)
    {
        const int shown = 40;
        string start = text.Length <= shown ? text : text[..shown] + "…";
        return new InputException($"{Name} gives text {place} ('{start.ReplaceLineEndings(" ")}') a vector with NaN or infinity; the "
            + "model is damaged, or its 16-bit numbers are too small for it.");
    }

    private sealed class QueryEmbedder(OnnxEmbedder encoder) : ITextEmbedder
    {
        public int Width => encoder.Width;

        public string Identity => encoder.Identity;

        public Matrix Embed(IReadOnlyList<string> texts, CancellationToken cancellationToken = default) =>
            encoder.Embed(texts, encoder.QueryPrefix, cancellationToken);
    }
}
