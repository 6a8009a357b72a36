using System.Diagnostics;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// Loss and gradients of autoencoders that choose their active latents and revive dead ones by AuxK (Gao et al. 2024, section 2.4):
/// ‖y − ŷ‖² + α‖e − ê‖², e = y − ŷ held fixed, ê from the k_aux strongest dead latents of each row, without b_dec. And, for even usage,
/// λ·(n/k)·Σ m_i², m the mean code of the batch.
/// </summary>
internal abstract class AuxKGradients(
    SparseAutoencoder model, int auxK, double auxCoefficient, int k, double balanceCoefficient, Workers workers)
    : DictionaryGradients(model, workers)
{
    private readonly FusedEncoder encoder = new(workers);
    private readonly SparseBackward backward = new(model.Weights, workers);
    private readonly SparseCodes codes = new(model.Latents), deadCodes = new(model.Latents);
    private readonly Matrix usageSlopes = new(1, model.Latents);
    private readonly double[] means = new double[model.Latents];

    /// <inheritdoc/>
    public override long Entries => codes.Count;

    /// <summary>The k_aux that is used when none is given: half the width, rounded down to a power of two.</summary>
    public static int DefaultK(int width) => width < 2 ? 1 : 1 << (int)Math.Log2(width / 2);

    /// <inheritdoc/>
    public sealed override unsafe LossTerms Compute(Batch batch, in StepSettings settings)
    {
        double weight = balanceCoefficient * settings.SparsityWarmup;
        long start = Stopwatch.GetTimestamp();
        Load(batch);
        encoder.Load(Input);
        Select(encoder, codes);
        long encoded = Stopwatch.GetTimestamp();
        backward.Begin(Input);
        double usage = weight > 0 ? Balance(weight, batch.Rows) : 0;
        Errors = backward.Reconstruct(codes, Target, 1, 1, hasBias: true, weight > 0 ? usageSlopes.Pointer : null);
        double reconstruction = Mean(Errors), auxiliary = OtherTerms(backward);
        int deadK = Math.Min(auxK, settings.Dead.Length);
        if (deadK > 0 && auxCoefficient > 0)
        {
            encoder.TopK(Weights.Encoder, Weights.EncoderBias.Pointer, deadK, settings.Dead.Span, deadCodes);

            // e = y − ŷ is −B/2 times the gradient of the first term, and does not move with the weights.
            double[] errors = backward.Reconstruct(deadCodes, backward.Gradient, -batch.Rows / 2f, auxCoefficient, hasBias: false);
            auxiliary += auxCoefficient * Mean(errors);
        }

        long decoded = Stopwatch.GetTimestamp();
        backward.Finish();
        backward.CountFired(0, FiredCounts);
        Times = new PhaseTimes(
            Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
        return new LossTerms(reconstruction, usage, auxiliary);
    }

    /// <inheritdoc/>
    public sealed override void Read(int parameter, int firstRow, int rowCount, Span<float> destination) =>
        backward.Read(parameter, firstRow, rowCount, destination);

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        encoder.Dispose();
        backward.Dispose();
        usageSlopes.Dispose();
    }

    /// <summary>Chooses the active latents of the batch that is loaded.</summary>
    protected abstract void Select(FusedEncoder encoder, SparseCodes codes);

    /// <summary>Adds other reconstructions of the batch.</summary>
    /// <returns>Their part of the loss.</returns>
    protected virtual double OtherTerms(SparseBackward backward) => 0;

    // The term and its slope in each active code of a latent: m_i is a mean over the batch.
    private double Balance(double weight, int batch)
    {
        Array.Clear(means);
        ReadOnlySpan<int> latents = codes.AllLatents;
        ReadOnlySpan<float> values = codes.AllValues;
        for (int j = 0; j < latents.Length; j++) means[latents[j]] += values[j];
        double factor = weight * means.Length / k, squares = 0;
        for (int latent = 0; latent < means.Length; latent++)
        {
            double mean = means[latent] / batch;
            squares += mean * mean;
            usageSlopes[0, latent] = (float)(2 * factor * mean / batch);
        }

        return factor * squares;
    }
}
