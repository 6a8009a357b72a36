using Unweave.Autoencoders;
using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>How a latent is changed.</summary>
public enum InterventionKind
{
    /// <summary>Its activation becomes 0.</summary>
    Ablate,

    /// <summary>Its activation becomes the strength.</summary>
    Clamp,

    /// <summary>The strength is added to its activation, whether it fires or not.</summary>
    Steer,
}

/// <summary>
/// One change of a latent: the host's activation x becomes x + Δ·W_dec,i with Δ = −z (ablate), s − z (clamp) or s (steer), z being the latent's
/// own activation at that token. What the autoencoder does not reconstruct stays as it is.
/// </summary>
/// <param name="Latent">The latent i.</param>
/// <param name="Kind">What is done.</param>
/// <param name="Strength">s, at the scale of the weights (that of the activations shown); ignored by <see cref="InterventionKind.Ablate"/>.</param>
public sealed record Intervention(int Latent, InterventionKind Kind, float Strength = 0);

/// <summary>The latents of a text.</summary>
/// <param name="Pieces">The text, a piece a token.</param>
/// <param name="Codes">The codes, a row a piece.</param>
public sealed record TextCodes(IReadOnlyList<string> Pieces, SparseCodes Codes);

/// <summary>A token that may come next.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Text">Its text.</param>
/// <param name="Logit">Its logit.</param>
/// <param name="Probability">Its probability.</param>
public sealed record NextToken(int Token, string Text, float Logit, double Probability);

/// <summary>How text is generated.</summary>
public sealed record GenerationOptions
{
    /// <summary>Tokens to generate at most. Default 60.</summary>
    public int Tokens { get; init; } = 60;

    /// <summary>Divides the logits before sampling; 0 takes the likeliest token. Default 0.8.</summary>
    public double Temperature { get; init; } = 0.8;

    /// <summary>Samples among this many likeliest tokens; 0 among all. Default 40.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Seed of the sampling: the same seed gives the same text.</summary>
    public ulong Seed { get; init; }
}

/// <summary>What a latent contributes to a logit.</summary>
/// <param name="Latent">The latent.</param>
/// <param name="Position">The token at which it fires; −1 where all its tokens were ablated together.</param>
/// <param name="Activation">Its activation there, or the largest.</param>
/// <param name="Effect">The logit as it is less the logit with the latent ablated.</param>
public sealed record LatentEffect(int Latent, int Position, float Activation, double Effect);

/// <summary>An autoencoder at its hook in its host model: reads the latents of a text, and acts on them. Safe to use from several threads.</summary>
public sealed class HostedAutoencoder : IDisposable
{
    /// <summary>Prepares the model.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="hook">The hook that the autoencoder was trained on.</param>
    /// <param name="autoencoder">The autoencoder; it stays the caller's.</param>
    public HostedAutoencoder(IHostModel model, ITokenizer tokenizer, Hook hook, SparseAutoencoder autoencoder) => throw new NotSupportedException();

    /// <summary>Whether the host predicts tokens, so that <see cref="Predict"/>, <see cref="Generate"/> and <see cref="Attribute"/> work.</summary>
    public bool PredictsTokens => throw new NotSupportedException();

    /// <summary>Reads the latents of a text, window after window where it is longer than the context.</summary>
    public TextCodes Encode(string text) => throw new NotSupportedException();

    /// <summary>The likeliest next tokens after a text, likeliest first.</summary>
    /// <param name="text">The text; of a long one, the last window counts. An empty one is the start token alone.</param>
    /// <param name="interventions">What is done to latents at every token of the text; none leaves the model as it is.</param>
    /// <param name="count">Tokens to give.</param>
    public IReadOnlyList<NextToken> Predict(string text, IReadOnlyList<Intervention> interventions, int count = 10) => throw new NotSupportedException();

    /// <summary>Generates text, a piece at a time.</summary>
    public IEnumerable<string> Generate(string prompt, IReadOnlyList<Intervention> interventions, GenerationOptions? options = null, CancellationToken cancellation = default) => throw new NotSupportedException();

    /// <summary>Which latents of a text raise a token's logit as the next token, by ablating each: the largest effects, either way, largest first.</summary>
    /// <param name="text">The text.</param>
    /// <param name="token">The token whose logit is explained; null takes the likeliest.</param>
    /// <param name="count">Effects to give.</param>
    /// <param name="everyPosition">False ablates a latent at all its tokens together; true at each alone.</param>
    /// <param name="cancellation">Ends it.</param>
    public IReadOnlyList<LatentEffect> Attribute(string text, int? token = null, int count = 20, bool everyPosition = false, CancellationToken cancellation = default) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotSupportedException();
}
