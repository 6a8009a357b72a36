using Unweave.Autoencoders;
using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>An autoencoder at its hook in its host model: reads the latents of a text, and acts on them. Safe to use from several threads.</summary>
/// <remarks>
/// Latents are changed at the text's own tokens. The start token keeps its activation, as autoencoders are trained without it. Runs are opened when
/// first needed and used by one caller at a time.
/// </remarks>
public sealed class HostedAutoencoder : IDisposable
{
    private const int BatchTokens = 4096;
    private const long MostLogits = 1L << 26;

    private readonly IHostModel model;
    private readonly ITokenizer tokenizer;
    private readonly Hook hook;
    private readonly SparseAutoencoder autoencoder;
    private readonly int context;
    private readonly Lock entry = new();
    private IHostRun? reading, predicting, patching;

    /// <summary>Prepares the model.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="hook">The hook that the autoencoder was trained on.</param>
    /// <param name="autoencoder">The autoencoder; it stays the caller's.</param>
    /// <exception cref="InputException">The model is not fed tokens, does not go with the tokenizer, or the hook has not one vector of the autoencoder's width for each token.</exception>
    public HostedAutoencoder(IHostModel model, ITokenizer tokenizer, Hook hook, SparseAutoencoder autoencoder)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(hook);
        ArgumentNullException.ThrowIfNull(autoencoder);
        ActivationPass.CheckFed(model, tokenizer);
        if (!hook.PerToken) throw new InputException($"{model.Name}: {hook} does not have one vector for each token [batch, sequence, width]; choose another hook.");
        if (hook.Width != autoencoder.InputWidth) throw new InputException($"The autoencoder is of width {autoencoder.InputWidth}, {hook.Name} of {model.Name} has width {hook.Width}; it was trained on another hook or model. Name its own with --hook.");
        this.model = model;
        this.tokenizer = tokenizer;
        this.hook = hook;
        this.autoencoder = autoencoder;
        context = new PassOptions().ContextOf(model, tokenizer);
    }

    /// <summary>Whether the host predicts the next token, so that <see cref="Predict"/>, <see cref="Generate"/> and <see cref="Attribute"/> work.</summary>
    public bool PredictsTokens => model.PredictsTokens && model.Input.Causal;

    /// <summary>Tokens that the host sees at once, special ones included.</summary>
    public int Context => context;

    /// <summary>Reads the latents of a text, window after window where it is longer than the context.</summary>
    /// <param name="text">The text; an empty one has no pieces.</param>
    public TextCodes Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        IReadOnlyList<Token> tokens = tokenizer.Encode(text);
        using var rows = new Matrix(tokens.Count, hook.Width);
        lock (entry)
        {
            reading ??= model.Open(new HostPlan([hook]));
            foreach ((TokenBatch batch, TokenWindow[] windows) in TokenWindow.Batches(TokenWindow.Cut(0, tokens, tokenizer, context), model.Input, tokenizer.Padding ?? 0, BatchTokens))
            {
                reading.Run(batch);
                for (int w = 0; w < windows.Length; w++)
                {
                    for (int i = 0; i < windows[w].Count; i++) reading.Activations(0).Row((w * batch.Length) + windows[w].Lead + i).CopyTo(rows.Row(windows[w].First + i));
                }
            }
        }

        return new TextCodes(TextPieces.Of(text, tokens), autoencoder.Encode(rows));
    }

    /// <summary>The likeliest next tokens after a text, likeliest first.</summary>
    /// <param name="text">The text; of a long one, the last window counts. An empty one is the start token alone.</param>
    /// <param name="interventions">What is done to latents at every token of the text; none leaves the model as it is.</param>
    /// <param name="count">Tokens to give.</param>
    /// <exception cref="InputException">The host predicts no tokens, the text is empty and the tokenizer has no start token, or an intervention names no latent.</exception>
    public IReadOnlyList<NextToken> Predict(string text, IReadOnlyList<Intervention> interventions, int count = 10)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Check(interventions);
        float[] logits = Logits(Window([.. tokenizer.Encode(text).Select(token => token.Id)]), interventions);
        double most = logits.Max(), sum = logits.Sum(logit => Math.Exp(logit - most));
        return [.. Enumerable.Range(0, logits.Length).OrderByDescending(token => logits[token]).ThenBy(token => token).Take(count)
            .Select(token => new NextToken(token, tokenizer.Decode([token]), logits[token], Math.Exp(logits[token] - most) / sum))];
    }

    /// <summary>Generates text, a piece at a time. It ends early where the model ends its text.</summary>
    /// <param name="prompt">What the text begins with; not given back. When the text outgrows the context, the model sees its end.</param>
    /// <param name="interventions">What is done to latents at every token, generated ones too.</param>
    /// <param name="options">Length and sampling.</param>
    /// <param name="cancellation">Ends it between tokens.</param>
    /// <exception cref="InputException">As in <see cref="Predict"/>, or an option has no meaning.</exception>
    public IEnumerable<string> Generate(string prompt, IReadOnlyList<Intervention> interventions, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        Check(interventions);
        options ??= new GenerationOptions();
        var sampler = new Sampler(options);
        List<int> ids = [.. tokenizer.Encode(prompt).Select(token => token.Id)];
        return Pieces();

        IEnumerable<string> Pieces()
        {
            // Decoded together with the prompt's last token, so that a tokenizer that drops a leading space drops none between tokens.
            int known = Math.Max(0, ids.Count - 1);
            string shown = tokenizer.Decode([.. ids.Skip(known)]);
            for (int i = 0; i < options.Tokens; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                int next = sampler.Next(Logits(Window(ids), interventions));
                if (next == tokenizer.End || next == tokenizer.Start) yield break;
                ids.Add(next);
                string whole = tokenizer.Decode([.. ids.Skip(known)]);

                // A character of several tokens is given when it is whole.
                if (whole.EndsWith('\uFFFD') && i + 1 < options.Tokens) continue;
                if (whole.Length > shown.Length) yield return whole[shown.Length..];
                shown = whole;
            }
        }
    }

    /// <summary>Which latents of a text raise a token's logit as the next token, by ablating each: the largest effects, either way, largest first.</summary>
    /// <param name="text">The text; of a long one, the last window.</param>
    /// <param name="token">The token whose logit is explained; null takes the likeliest.</param>
    /// <param name="count">Effects to give.</param>
    /// <param name="everyPosition">False ablates a latent at all its tokens together; true at each alone.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="InputException">As in <see cref="Predict"/>, or the token is not in the vocabulary.</exception>
    public IReadOnlyList<LatentEffect> Attribute(string text, int? token = null, int count = 20, bool everyPosition = false, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        IReadOnlyList<Token> tokens = tokenizer.Encode(text);
        int[] ids = Window([.. tokens.Select(own => own.Id)]);
        int lead = Lead, skipped = tokens.Count - (ids.Length - lead);
        float[] clean = Logits(ids, []);
        if (token is { } named && (named < 0 || named >= clean.Length)) throw new InputException($"There is no token {named}; the model's vocabulary has {clean.Length}.");
        int explained = token ?? Array.IndexOf(clean, clean.Max());
        if (ids.Length == lead) return [];
        var effects = new List<LatentEffect>();
        lock (entry)
        {
            using Matrix rows = Read(ids);
            SparseCodes codes = autoencoder.Encode(rows);
            LatentEffect[] ablations = [.. Ablations(codes, everyPosition)];
            int most = model.Input.FixedBatch ?? (int)Math.Clamp(Math.Min(BatchTokens, MostLogits / clean.Length) / Length(ids), 1, 256);
            foreach (LatentEffect[] batch in ablations.Chunk(most))
            {
                cancellation.ThrowIfCancellationRequested();
                Matrix logits = Patched(ids, rows, batch.Length, (ablation, row, x) =>
                {
                    LatentEffect own = batch[ablation];
                    if (own.Position >= 0 && own.Position != row) return;
                    float z = Activation(codes, row, own.Latent);
                    if (z != 0) Shift(x, own.Latent, -z);
                });
                for (int i = 0; i < batch.Length; i++)
                    effects.Add(batch[i] with { Position = batch[i].Position < 0 ? -1 : batch[i].Position + skipped, Effect = clean[explained] - logits[(i * Length(ids)) + ids.Length - 1, explained] });
            }
        }

        return [.. effects.OrderByDescending(effect => Math.Abs(effect.Effect)).ThenBy(effect => effect.Latent).ThenBy(effect => effect.Position).Take(count)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (entry)
        {
            reading?.Dispose();
            predicting?.Dispose();
            patching?.Dispose();
            (reading, predicting, patching) = (null, null, null);
        }
    }

    private int Lead => tokenizer.Start is null ? 0 : 1;

    private static IEnumerable<LatentEffect> Ablations(SparseCodes codes, bool everyPosition)
    {
        IEnumerable<(int Latent, int Row, float Value)> entries = Enumerable.Range(0, codes.Rows).SelectMany(row => Enumerable.Range(0, codes.RowCount(row)).Select(i => (codes.Latents(row)[i], row, codes.Values(row)[i])));
        return everyPosition
            ? entries.Select(entry => new LatentEffect(entry.Latent, entry.Row, entry.Value, 0))
            : entries.GroupBy(entry => entry.Latent).OrderBy(group => group.Key).Select(group => new LatentEffect(group.Key, -1, group.Max(entry => entry.Value), 0));
    }

    private static float Activation(SparseCodes codes, int row, int latent)
    {
        int at = codes.Latents(row).BinarySearch(latent);
        return at < 0 ? 0 : codes.Values(row)[at];
    }

    private void Check(IReadOnlyList<Intervention> interventions)
    {
        ArgumentNullException.ThrowIfNull(interventions);
        if (!PredictsTokens) throw new InputException($"{model.Name} does not predict the next token, so nothing follows a text; its latents can be read alone.");
        foreach (Intervention intervention in interventions)
        {
            if (intervention.Latent < 0 || intervention.Latent >= autoencoder.Latents) throw new InputException($"There is no latent {intervention.Latent}; the autoencoder has latents 0 to {autoencoder.Latents - 1}.");
            if (!float.IsFinite(intervention.Strength)) throw new InputException($"The strength for latent {intervention.Latent} is {intervention.Strength}; it must be a number.");
        }

        if (interventions.GroupBy(intervention => intervention.Latent).FirstOrDefault(group => group.Count() > 1) is { } twice) throw new InputException($"Latent {twice.Key} is changed twice; give it one intervention.");
    }

    // What the model is fed to predict what follows: the end of the text, as much as the context holds.
    private int[] Window(List<int> ids)
    {
        if (!PredictsTokens) throw new InputException($"{model.Name} does not predict the next token, so nothing follows a text; its latents can be read alone.");
        int room = context - Lead, from = Math.Max(0, ids.Count - room);
        int[] window = [.. tokenizer.Start is { } start ? [start] : Array.Empty<int>(), .. ids.Skip(from)];
        return window.Length > 0 ? window : throw new InputException($"The text is empty, and {tokenizer.Name} has no token that starts a text; give a word to begin with.");
    }

    private int Length(int[] ids) => model.Input.FixedLength ?? ids.Length;

    private TokenBatch Batch(int[] ids, int count) => new([.. Enumerable.Repeat((ReadOnlyMemory<int>)ids, model.Input.FixedBatch ?? count)], tokenizer.Padding ?? 0, Length(ids));

    // Logits of the token that follows.
    private float[] Logits(int[] ids, IReadOnlyList<Intervention> interventions)
    {
        lock (entry)
        {
            if (interventions.Count == 0 || ids.Length == Lead)
            {
                predicting ??= model.Open(new HostPlan([], Output: true));
                predicting.Run(Batch(ids, 1));
                return Known(predicting.Output.Row(ids.Length - 1));
            }

            using Matrix rows = Read(ids);
            SparseCodes codes = autoencoder.Encode(rows);
            Matrix logits = Patched(ids, rows, 1, (_, row, x) =>
            {
                foreach (Intervention intervention in interventions)
                {
                    float z = intervention.Kind == InterventionKind.Steer ? 0 : Activation(codes, row, intervention.Latent);
                    Shift(x, intervention.Latent, (intervention.Kind == InterventionKind.Ablate ? 0 : intervention.Strength) - z);
                }
            });
            float[] changed = Known(logits.Row(ids.Length - 1));
            return Array.TrueForAll(changed, float.IsFinite) ? changed : throw TooStrong(interventions);
        }
    }

    private static InputException TooStrong(IReadOnlyList<Intervention> interventions)
    {
        Intervention strongest = interventions.MaxBy(intervention => Math.Abs(intervention.Strength))!;
        return new InputException($"With latent {strongest.Latent} changed by {strongest.Strength} the model's numbers overflow; give a smaller strength.");
    }

    // Some models have logits for more tokens than there are; those beyond the tokenizer's mean nothing.
    private float[] Known(ReadOnlySpan<float> logits) => logits[..Math.Min(logits.Length, tokenizer.VocabularySize)].ToArray();

    // The activations of the text's own tokens.
    private Matrix Read(int[] ids)
    {
        reading ??= model.Open(new HostPlan([hook]));
        reading.Run(Batch(ids, 1));
        var rows = new Matrix(ids.Length - Lead, hook.Width);
        reading.Activations(0).AsSpan().Slice(Lead * hook.Width, rows.Rows * hook.Width).CopyTo(rows.AsSpan());
        return rows;
    }

    // Runs copies of a text, each with its rows changed in its own way. The start token's activation is the one just read.
    private Matrix Patched(int[] ids, Matrix rows, int count, Change change)
    {
        patching ??= model.Open(new HostPlan([], hook, Output: true));
        TokenBatch batch = Batch(ids, count);
        using var whole = new Matrix(batch.Count * batch.Length, hook.Width);
        ReadOnlySpan<float> read = reading!.Activations(0).AsSpan()[..(batch.Length * hook.Width)];
        for (int copy = 0; copy < batch.Count; copy++)
        {
            read.CopyTo(whole.AsSpan()[(copy * batch.Length * hook.Width)..]);
            for (int row = 0; row < rows.Rows && copy < count; row++) change(copy, row, whole.Row((copy * batch.Length) + Lead + row));
        }

        patching.Run(batch, whole);
        return patching.Output;
    }

    private delegate void Change(int copy, int row, Span<float> activation);

    // x + Δ·W_dec,i at the scale of the model.
    private void Shift(Span<float> x, int latent, float delta)
    {
        ReadOnlySpan<float> direction = autoencoder.Decoder.Row(latent);
        float scaled = delta / autoencoder.InputScale;
        for (int i = 0; i < x.Length; i++) x[i] += scaled * direction[i];
    }
}
