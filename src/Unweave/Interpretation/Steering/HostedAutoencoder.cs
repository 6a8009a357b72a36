using Unweave.Autoencoders;
using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>
/// An autoencoder at its hook in its host model: reads the latents of a text, and acts on them. Safe to use from several threads.
/// </summary>
/// <remarks>
/// Latents are read and changed at the text's own tokens. Start and end tokens keep their activations, as autoencoders are trained without
/// them.
/// </remarks>
public sealed class HostedAutoencoder : IDisposable
{
    private readonly IHostModel model;
    private readonly ITokenizer tokenizer;
    private readonly SparseAutoencoder autoencoder;
    private readonly SplitHost host;
    private readonly Hook hook;
    private readonly int context;

    /// <summary>Prepares the model.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="hook">The hook that the autoencoder was trained on.</param>
    /// <param name="autoencoder">The autoencoder; it stays the caller's.</param>
    /// <param name="context">Tokens of a window, special ones included; null takes the model's context.</param>
    /// <param name="keepSpecial">Whether start and end tokens count where a text has the mean of its tokens.</param>
    /// <exception cref="InputException">
    /// The model is not fed tokens, does not go with the tokenizer or the autoencoder, or the hook has other than one vector a token or a
    /// text.
    /// </exception>
    public HostedAutoencoder(IHostModel model, ITokenizer tokenizer, Hook hook, SparseAutoencoder autoencoder, int? context = null,
        bool keepSpecial = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(hook);
        ArgumentNullException.ThrowIfNull(autoencoder);
        ActivationPass.CheckFed(model, tokenizer);
        if (!hook.PerToken && !hook.PerText)
        {
            throw new InputException($"{model.Name}: {hook} has neither one vector for each token [batch, sequence, width] nor one for "
                + "each text [batch, width]; choose another hook.");
        }

        if (autoencoder.InputWidth != hook.Width)
        {
            throw new InputException($"The autoencoder is of width {autoencoder.InputWidth}, {hook.Name} of {model.Name} has width "
                + $"{hook.Width}; it was trained on another hook or model. Name its own with --hook.");
        }

        this.model = model;
        this.tokenizer = tokenizer;
        this.hook = hook;
        this.autoencoder = autoencoder;
        this.context = new PassOptions { Context = context }.ContextOf(model, tokenizer);
        host = new SplitHost(model, tokenizer, hook, keepSpecial);
    }

    /// <summary>
    /// Whether the host predicts tokens and has a vector for each, so that <see cref="Predict"/>, <see cref="Generate"/> and
    /// <see cref="Attribute"/> work.
    /// </summary>
    public bool PredictsTokens => model.PredictsTokens && model.Input.Causal && hook.PerToken;

    private int Lead => tokenizer.Start is null ? 0 : 1;

    /// <summary>Reads the latents of a text, window after window where it is longer than the context.</summary>
    /// <param name="text">
    /// Any text; an empty one has no pieces. At a hook with one vector for each text there is one piece, as long as the context allows.
    /// </param>
    public TextCodes Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        const int together = 64; // windows of which activations are held at once
        IReadOnlyList<Token> tokens = tokenizer.Encode(text);
        List<long> starts = [0];
        List<int> latents = [];
        List<float> values = [];
        var codes = new SparseCodes(autoencoder.Latents);
        if (hook.PerText) tokens = [.. tokens.Take(TokenWindow.Room(tokenizer, context))];
        foreach (TokenWindow[] windows in TokenWindow.Cut(0, tokens, tokenizer, context).Chunk(together))
        {
            using Matrix rows = host.Activations(windows);
            autoencoder.Encode(rows, codes);
            foreach (long start in codes.Starts[1..]) starts.Add(latents.Count + start);
            latents.AddRange(codes.AllLatents);
            values.AddRange(codes.AllValues);
        }

        IReadOnlyList<string> pieces = hook.PerText && tokens.Count > 0
            ? [text[..(tokens[^1].Start + tokens[^1].Length)]]
            : TextPieces.Cut(text, tokens);
        return new TextCodes(pieces, new SparseCodes(autoencoder.Latents, [.. starts], [.. latents], [.. values]))
        {
            UnknownPieces = tokenizer.Unknown is { } unknown ? tokens.Count(token => token.Id == unknown) : 0,
        };
    }

    /// <summary>The likeliest next tokens after a text, likeliest first.</summary>
    /// <param name="text">The text; of one longer than the context, its end counts. An empty one is the start token alone.</param>
    /// <param name="interventions">What is done to latents at every token of the text; none leaves the model as it is.</param>
    /// <param name="count">Tokens to give.</param>
    /// <exception cref="InputException">The model predicts no tokens, or an intervention cannot be made.</exception>
    public IReadOnlyList<NextToken> Predict(string text, IReadOnlyList<Intervention> interventions, int count = 10)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        CheckPredicts();
        Interventions.Check(interventions, autoencoder);
        return NextToken.Likeliest(Logits(End(Ids(text)), interventions), tokenizer, count);
    }

    /// <summary>Generates text, a piece at a time, until a start or end token comes or there are enough.</summary>
    /// <param name="prompt">The text to go on from; of one longer than the context, its end counts.</param>
    /// <param name="interventions">What is done to latents at every token, of the prompt and of what is generated.</param>
    /// <param name="options">How tokens are drawn.</param>
    /// <param name="cancellationToken">Ends it between tokens.</param>
    /// <returns>Pieces of text, as they come; never one without text.</returns>
    /// <exception cref="InputException">The model predicts no tokens, or an intervention or a setting makes no sense.</exception>
    public IEnumerable<string> Generate(
        string prompt,
        IReadOnlyList<Intervention> interventions,
        GenerationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        CheckPredicts();
        Interventions.Check(interventions, autoencoder);
        GenerationOptions settings = options ?? new GenerationOptions();
        settings.Check();
        int[] start = Ids(prompt);
        _ = End(start);
        return Pieces();

        IEnumerable<string> Pieces()
        {
            var sampler = new TokenSampler(settings.Temperature, settings.TopK, settings.Seed);
            var text = new TokenText(tokenizer, start);
            TokenWindow window = End(start);
            for (int drawn = 0; drawn < settings.Tokens; drawn++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int token = sampler.Next(Logits(window, interventions));
                if (token == tokenizer.Start || token == tokenizer.End) break;
                if (text.Add(token) is { Length: > 0 } piece) yield return piece;
                window = Longer(window, token);
            }

            if (text.End() is { Length: > 0 } rest) yield return rest;
        }
    }

    /// <summary>
    /// Which latents of a text raise a token's logit as the next token, by ablating each: the largest effects, either way, largest first.
    /// </summary>
    /// <param name="text">The text; of one longer than the context, its end counts.</param>
    /// <param name="token">The token whose logit is explained; null takes the likeliest.</param>
    /// <param name="count">Effects to give.</param>
    /// <param name="everyPosition">False ablates a latent at all its tokens together; true at each alone.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="InputException">The model predicts no tokens, or there is no such token.</exception>
    public IReadOnlyList<LatentEffect> Attribute(
        string text, int? token = null, int count = 20, bool everyPosition = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        CheckPredicts();
        Interventions.CheckReconstructs(autoencoder);
        if (token is { } asked && (uint)asked >= (uint)tokenizer.VocabularySize)
        {
            throw new InputException($"There is no token {asked}; {tokenizer.Name} has {tokenizer.VocabularySize}, from 0 to "
                + $"{tokenizer.VocabularySize - 1}.");
        }

        TokenWindow window = End(Ids(text));
        if (window.Count == 0) return [];
        return [.. LatentAttribution.Effects(host, autoencoder, window, token, everyPosition, cancellationToken)
            .OrderByDescending(effect => Math.Abs(effect.Effect)).ThenBy(effect => effect.Latent).ThenBy(effect => effect.Position)
                .Take(count)];
    }

    /// <inheritdoc/>
    public void Dispose() => host.Dispose();

    private void CheckPredicts()
    {
        if (hook.PerText)
        {
            throw new InputException($"{model.Name}: {hook} has one vector for each text, not one for each token; its latents can be read, "
                + "and not be changed as text is generated.");
        }

        if (!PredictsTokens)
        {
            throw new InputException($"{model.Name} does not predict the next token (its output is not a vector of logits for each "
                + "token of a causal model); its latents can be read, and nothing be generated.");
        }
    }

    private int[] Ids(string text) => [.. tokenizer.Encode(text).Select(token => token.Id)];

    // The end of a text, without an end token, as far as it fits.
    private TokenWindow End(int[] own)
    {
        int count = Math.Min(own.Length, context - Lead);
        if (count + Lead == 0)
        {
            throw new InputException($"There is nothing to predict from: the text is empty, and {tokenizer.Name} has no start token; "
                + "give some text.");
        }

        return Window(own.AsSpan(own.Length - count), own.Length - count);
    }

    // A full window lets go of its first quarter, so that the text before a token changes now and then instead of each time.
    private TokenWindow Longer(TokenWindow window, int token)
    {
        ReadOnlySpan<int> own = window.Ids.Span[window.Lead..];
        int room = context - Lead, dropped = own.Length < room ? 0 : Math.Max(1, room / 4);
        return Window([.. own[dropped..], token], window.First + dropped);
    }

    private TokenWindow Window(ReadOnlySpan<int> own, int first) =>
        new(0, first, (int[])(tokenizer.Start is { } start ? [start, .. own] : [.. own]), Lead, own.Length);

    private float[] Logits(TokenWindow window, IReadOnlyList<Intervention> interventions)
    {
        if (interventions.Count == 0) return host.Logits(window);
        using Matrix clean = host.Activations(window);
        using Matrix own = clean.CopyRows(window.Lead, window.Count);
        Interventions.Apply(interventions, autoencoder, own);
        return host.Logits(window, clean, 1, (_, rows, first) =>
        {
            for (int i = 0; i < own.Rows; i++) own.Row(i).CopyTo(rows.Row(first + i));
        })[0];
    }
}
