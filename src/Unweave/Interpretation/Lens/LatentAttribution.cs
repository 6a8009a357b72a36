using Unweave.Autoencoders;
using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>What a latent contributes to a logit.</summary>
/// <param name="Latent">The latent.</param>
/// <param name="Position">
/// The token at which it fires: its place in the text's tokens; −1 where all its tokens were ablated together.
/// </param>
/// <param name="Activation">Its activation there, or the largest.</param>
/// <param name="Effect">The logit as it is less the logit with the latent ablated.</param>
public sealed record LatentEffect(int Latent, int Position, float Activation, double Effect);

/// <summary>Attribution without gradients: the latents of a window are ablated one by one, many copies of the window a run.</summary>
internal static class LatentAttribution
{
    /// <summary>Measures the effects of all latents that fire in a window on one logit, in no order.</summary>
    /// <param name="host">The host model.</param>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="window">The window.</param>
    /// <param name="token">The token whose logit is explained; null takes the likeliest.</param>
    /// <param name="everyPosition">Whether each token is ablated alone.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static IEnumerable<LatentEffect> Effects(
        SplitHost host, SparseAutoencoder autoencoder, TokenWindow window, int? token, bool everyPosition,
        CancellationToken cancellationToken)
    {
        using Matrix clean = host.Activations(window);
        using Matrix own = clean.CopyRows(window.Lead, window.Count);

        // Put back as they are, by the same path as the ablated ones, so that the path itself cancels out.
        float[] logits = host.Logits(window, clean, 1, (_, _, _) => { })[0];
        int target = token ?? System.Numerics.Tensors.TensorPrimitives.IndexOfMax(logits);
        ActiveLatent[][] ablations = [.. Ablations(autoencoder, own, everyPosition)];
        foreach (ActiveLatent[][] some in ablations.Chunk(host.Copies(window)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            float[][] ablated = host.Logits(
                window, clean, some.Length, (copy, rows, first) => Ablate(autoencoder, own, some[copy], rows, first));
            for (int i = 0; i < some.Length; i++)
                yield return new LatentEffect(
                    some[i][0].Latent,
                    everyPosition ? window.First + some[i][0].Own : -1,
                    some[i].Max(firing => firing.Activation),
                    (double)logits[target] - ablated[i][target]);
        }
    }

    // Of one latent at each token at most, so that an ablation is a row.
    private static void Ablate(SparseAutoencoder autoencoder, Matrix own, ActiveLatent[] firings, Matrix rows, int first)
    {
        using var input = new Matrix(firings.Length, own.Columns);
        for (int i = 0; i < firings.Length; i++) own.Row(firings[i].Own).CopyTo(input.Row(i));
        var changes = new SparseCodes(
            autoencoder.Latents,
            [.. Enumerable.Range(0, firings.Length + 1).Select(row => (long)row)],
            [.. firings.Select(firing => firing.Latent)],
            [.. firings.Select(firing => -firing.Activation)]);
        using Matrix difference = Interventions.Difference(autoencoder, changes, input);
        for (int i = 0; i < firings.Length; i++)
        {
            Span<float> row = rows.Row(first + firings[i].Own);
            System.Numerics.Tensors.TensorPrimitives.Add(row, difference.Row(i), row);
        }
    }

    private static IEnumerable<ActiveLatent[]> Ablations(SparseAutoencoder autoencoder, Matrix own, bool everyPosition)
    {
        SparseCodes codes = autoencoder.Encode(own);
        IEnumerable<ActiveLatent> firings = Enumerable.Range(0, codes.Rows)
            .SelectMany(row =>
                Enumerable.Range(0, codes.RowCount(row)).Select(entry =>
                    new ActiveLatent(codes.Latents(row)[entry], row, codes.Values(row)[entry])))
            .Where(firing => firing.Activation > autoencoder.FiringThreshold);
        return everyPosition
            ? firings.Select(firing => (ActiveLatent[])[firing])
            : firings.GroupBy(firing => firing.Latent).OrderBy(group => group.Key).Select(group => group.ToArray());
    }

    private readonly record struct ActiveLatent(int Latent, int Own, float Activation);
}
