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
