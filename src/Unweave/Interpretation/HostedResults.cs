using Unweave.Numerics;

namespace Unweave.Interpretation;

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

/// <summary>What a latent contributes to a logit.</summary>
/// <param name="Latent">The latent.</param>
/// <param name="Position">The token at which it fires: its place among the text's tokens; −1 where all its tokens were ablated together.</param>
/// <param name="Activation">Its activation there, or the largest.</param>
/// <param name="Effect">The logit as it is less the logit with the latent ablated.</param>
public sealed record LatentEffect(int Latent, int Position, float Activation, double Effect);
