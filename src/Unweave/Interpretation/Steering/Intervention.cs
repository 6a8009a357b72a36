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
    /// <exception cref="InputException">
    /// A latent is unknown or named twice, a strength is not finite, or the autoencoder does not reconstruct its input.
    /// </exception>
    public static void Check(IReadOnlyList<Intervention> interventions, SparseAutoencoder autoencoder)
    {
        ArgumentNullException.ThrowIfNull(interventions);
        if (interventions.Count > 0) CheckReconstructs(autoencoder);
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

    /// <summary>Refuses an autoencoder whose latents have no direction at the hook that it reads.</summary>
    public static void CheckReconstructs(SparseAutoencoder autoencoder)
    {
        if (autoencoder.OutputWidth == autoencoder.InputWidth && autoencoder.Options is not SparseOptions { Transcoder: true }) return;
        throw new InputException($"This autoencoder maps vectors of width {autoencoder.InputWidth} to others of width "
            + $"{autoencoder.OutputWidth}; its latents can be read, and not be changed where it reads them.");
    }

    /// <summary>Changes activations in place.</summary>
    /// <param name="interventions">What is done.</param>
    /// <param name="autoencoder">The dictionary.</param>
    /// <param name="rows">The host's activations, <c>[tokens, d]</c>.</param>
    public static void Apply(IReadOnlyList<Intervention> interventions, SparseAutoencoder autoencoder, Matrix rows)
    {
        if (rows.Rows == 0 || interventions.Count == 0) return;
        SparseCodes? codes = interventions.Any(intervention => intervention.Kind != InterventionKind.Steer)
            ? autoencoder.Encode(rows)
            : null;
        Intervention[] ascending = [.. interventions.OrderBy(intervention => intervention.Latent)];
        long[] starts = [.. Enumerable.Range(0, rows.Rows + 1).Select(row => (long)row * ascending.Length)];
        int[] latents = [.. Enumerable.Repeat(ascending, rows.Rows).SelectMany(all => all).Select(intervention => intervention.Latent)];
        float[] changes =
        [
            .. Enumerable.Range(0, rows.Rows).SelectMany(row => ascending.Select(intervention => intervention.Kind switch
            {
                InterventionKind.Ablate => -Activation(codes!, row, intervention.Latent),
                InterventionKind.Clamp => intervention.Strength - Activation(codes!, row, intervention.Latent),
                _ => intervention.Strength,
            })),
        ];
        using Matrix difference = Difference(autoencoder, new SparseCodes(autoencoder.Latents, starts, latents, changes), rows);
        for (int row = 0; row < rows.Rows; row++)
        {
            // A model squares what it reads, to normalize it.
            if (!float.IsFinite(TensorPrimitives.SumOfSquares<float>(difference.Row(row))))
                throw new InputException("Latents are changed by more than 32-bit floats can square; use smaller strengths.");
        }

        TensorPrimitives.Add(rows.AsSpan(), difference.AsSpan(), rows.AsSpan());
    }

    /// <summary>
    /// What changes of latents change of reconstructions, at the host's scale. Given its input, every decoder is affine in its codes, so
    /// that the change of the codes decides it: Δ·W_dec,i, times what the input says of its own scale.
    /// </summary>
    /// <param name="autoencoder">The dictionary.</param>
    /// <param name="changes">Δ of each latent that changes.</param>
    /// <param name="input">The vectors whose latents change, <c>[changes.Rows, d]</c>.</param>
    public static Matrix Difference(SparseAutoencoder autoencoder, SparseCodes changes, Matrix input)
    {
        var difference = new Matrix(changes.Rows, autoencoder.OutputWidth);
        using var unchanged = new Matrix(changes.Rows, autoencoder.OutputWidth);
        autoencoder.Decode(changes, input, difference);
        autoencoder.Decode(new SparseCodes(autoencoder.Latents, new long[changes.Rows + 1], [], []), input, unchanged);
        TensorPrimitives.Subtract(difference.AsSpan(), unchanged.AsSpan(), difference.AsSpan());
        return difference;
    }

    private static float Activation(SparseCodes codes, int row, int latent)
    {
        int at = codes.Latents(row).BinarySearch(latent);
        return at < 0 ? 0 : codes.Values(row)[at];
    }
}
