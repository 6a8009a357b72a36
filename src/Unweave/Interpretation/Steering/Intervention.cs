using System.Numerics.Tensors;
using Unweave.Autoencoders;
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
/// One change of a latent: the host's activation x becomes x + Δ·W_dec,i with Δ = −z (ablate), s − z (clamp) or s (steer), z being the
/// latent's own activation at that token. What the autoencoder does not reconstruct stays as it is.
/// </summary>
/// <param name="Latent">The latent i.</param>
/// <param name="Kind">What is done.</param>
/// <param name="Strength">
/// s, at the scale of the weights (that of the activations shown); ignored by <see cref="InterventionKind.Ablate"/>.
/// </param>
public sealed record Intervention(int Latent, InterventionKind Kind, float Strength = 0);

/// <summary>Several interventions, on one dictionary, made together: each takes its z from the activations as they were.</summary>
internal static class Interventions
{
    /// <summary>Refuses interventions that cannot be made.</summary>
    /// <exception cref="InputException">A latent is unknown or named twice, or a strength is not finite.</exception>
    public static void Check(IReadOnlyList<Intervention> interventions, SparseAutoencoder autoencoder)
    {
        ArgumentNullException.ThrowIfNull(interventions);
        var named = new HashSet<int>();
        foreach (Intervention intervention in interventions)
        {
            ArgumentNullException.ThrowIfNull(intervention);
            if ((uint)intervention.Latent >= (uint)autoencoder.Latents)
            {
                throw new InputException($"there is no latent {intervention.Latent}; this autoencoder has {autoencoder.Latents}, from 0 "
                    + $"to {autoencoder.Latents - 1}.");
            }

            if (!Enum.IsDefined(intervention.Kind))
                throw new ArgumentOutOfRangeException(nameof(interventions), intervention.Kind, "Not a kind of intervention.");
            if (intervention.Kind != InterventionKind.Ablate && !float.IsFinite(intervention.Strength))
            {
                throw new InputException($"The strength for latent {intervention.Latent} is {intervention.Strength}; give a finite "
                    + "number.");
            }

            if (!named.Add(intervention.Latent))
                throw new InputException($"Latent {intervention.Latent} is changed twice; keep one of the two changes.");
        }
    }

    /// <summary>Changes activations in place.</summary>
    /// <param name="interventions">What is done.</param>
    /// <param name="autoencoder">The dictionary.</param>
    /// <param name="rows">The host's activations, <c>[tokens, d]</c>.</param>
    public static void Apply(IReadOnlyList<Intervention> interventions, SparseAutoencoder autoencoder, Matrix rows)
    {
        if (rows.Rows == 0) return;
        SparseCodes? codes = interventions.Any(intervention => intervention.Kind != InterventionKind.Steer)
            ? autoencoder.Encode(rows)
            : null;
        for (int row = 0; row < rows.Rows; row++)
        {
            foreach (Intervention intervention in interventions)
            {
                float change = intervention.Kind switch
                {
                    InterventionKind.Ablate => -Activation(codes!, row, intervention.Latent),
                    InterventionKind.Clamp => intervention.Strength - Activation(codes!, row, intervention.Latent),
                    _ => intervention.Strength,
                };
                Add(autoencoder, intervention.Latent, change, rows.Row(row));
            }
        }
    }

    /// <summary>x + Δ·W_dec,i, the decoder row brought from the scale of the weights to the host's.</summary>
    public static void Add(SparseAutoencoder autoencoder, int latent, float change, Span<float> x)
    {
        if (change != 0) TensorPrimitives.MultiplyAdd(autoencoder.Decoder.Row(latent), change / autoencoder.InputScale, x, x);
    }

    private static float Activation(SparseCodes codes, int row, int latent)
    {
        int at = codes.Latents(row).BinarySearch(latent);
        return at < 0 ? 0 : codes.Values(row)[at];
    }
}
