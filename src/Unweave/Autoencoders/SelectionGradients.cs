using System.Diagnostics;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// Loss and gradients of autoencoders that select their active latents by number and revive dead ones by AuxK (Gao et al. 2024, section
/// 2.4): ‖y − ŷ‖² + α‖e − ê‖², e = y − ŷ held fixed, ê from the k_aux strongest dead latents of each row, without b_dec. And, for even
/// usage, λ·(n/k)·Σ m_i², m the mean code of the batch. With an ISTA step the input is encoded, refined by what the codes leave over, and
/// encoded again.
/// </summary>
internal abstract class SelectionGradients : SparseGradients
{
    private readonly SelectionOptions options;
    private readonly int auxK;
    private readonly FusedEncoder encoder;
    private readonly FusedEncoder? firstEncoder;
    private readonly SparseCodes deadCodes, firstCodes;
    private readonly Matrix usageSlopes;
    private readonly double[] means;
    private double[] deadErrors = [];
    private Matrix? refined, lastError;
    private int codeTerms;

    protected SelectionGradients(TrainedAutoencoder model, SelectionOptions options, Workers workers)
        : base(model, options, workers)
    {
        this.options = options;
        auxK = options.AuxK ?? DefaultK(model.OutputWidth);
        encoder = new FusedEncoder(workers);
        if (options.IstaStep > 0) firstEncoder = new FusedEncoder(workers);
        (Codes, deadCodes, firstCodes) = (new SparseCodes(model.Latents), new SparseCodes(model.Latents), new SparseCodes(model.Latents));
        usageSlopes = new Matrix(1, model.Latents);
        means = new double[model.Latents];
    }

    /// <inheritdoc/>
    public override long Entries => Codes.Count;

    /// <summary>The k_aux that is used when none is given: half the width, rounded down to a power of two.</summary>
    public static int DefaultK(int width) => width < 2 ? 1 : 1 << (int)Math.Log2(width / 2);

    /// <summary>The codes of the batch.</summary>
    protected SparseCodes Codes { get; }

    /// <summary>Where ŷ − y of the batch is kept, <c>[batch, output width]</c>.</summary>
    protected Matrix LastError => Resized(ref lastError, Target);

    /// <inheritdoc/>
    public sealed override unsafe LossTerms Compute(Batch batch, in StepSettings settings)
    {
        double weight = options.BalanceCoefficient * settings.SparsityWarmup, k = options.KAt(settings.Progress);
        long start = Stopwatch.GetTimestamp();
        Load(batch);
        Matrix seen = Input;
        if (firstEncoder is not null)
        {
            firstEncoder.Load(Input);
            Select(firstEncoder, k, firstCodes, stage: 0);
            seen = Resized(ref refined, Input);
            Weights.Refine(Input, firstCodes, options.IstaStep, Workers, seen);
        }

        encoder.Load(seen);
        Select(encoder, k, Codes, stage: 1);
        long encoded = Stopwatch.GetTimestamp();
        Backward.Begin(seen);
        (double reconstruction, double auxiliary, codeTerms) = Reconstruct();
        double usage = weight > 0 ? Balance(weight, k, batch.Rows) : 0;
        int deadK = Math.Min(auxK, settings.Dead.Length);
        if (deadK > 0 && options.AuxCoefficient > 0)
        {
            SelectDead(encoder, deadK, settings.Dead.Span, deadCodes);
            if (deadErrors.Length != batch.Rows) deadErrors = new double[batch.Rows];
            (Matrix error, float scale) = FinalError(batch.Rows);
            Backward.Reconstruct(deadCodes, error, deadErrors, -scale, options.AuxCoefficient, hasBias: false);
            auxiliary += options.AuxCoefficient * Mean(deadErrors);
        }

        if (firstEncoder is not null) Backward.RefinedFrom(firstCodes, Input, options.IstaStep);
        long decoded = Stopwatch.GetTimestamp();
        double alike = FinishBackward(settings);
        Backward.CountFired(codeTerms, FiredCounts);
        Times = new PhaseTimes(
            Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
        return new LossTerms(reconstruction, usage + alike, auxiliary);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        foreach (IDisposable? part in (IDisposable?[])[encoder, firstEncoder, usageSlopes, refined, lastError]) part?.Dispose();
    }

    /// <summary>Chooses the active latents of what an encoder has loaded.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="k">k of the step, a whole number unless it is on its way from one to another.</param>
    /// <param name="codes">Overwritten.</param>
    /// <param name="stage">0 for the first of two encodings, 1 for the last.</param>
    protected abstract void Select(FusedEncoder encoder, double k, SparseCodes codes, int stage);

    /// <summary>Chooses the dead latents that are to model what the others leave over.</summary>
    protected virtual unsafe void SelectDead(FusedEncoder encoder, int k, ReadOnlySpan<int> dead, SparseCodes codes) =>
        encoder.TopK(Weights.Encoder, Weights.EncoderBias.Pointer, k, dead, codes);

    /// <summary>Adds the reconstructions of the codes, the terms of <see cref="Codes"/> first; sets
    /// <see cref="DictionaryGradients.Errors"/>.</summary>
    /// <returns>The loss of the whole reconstruction, that of others, and how many terms the codes are in.</returns>
    protected virtual (double Loss, double Others, int Terms) Reconstruct()
    {
        Backward.Reconstruct(Codes, Target, Errors, tilt: options.Tilt, error: options.Tilt > 0 ? LastError : null);
        return (RowWeights.Loss(Errors, options.Tilt), 0, 1);
    }

    /// <summary>ŷ − y, as a matrix and a factor on it; valid after <see cref="Reconstruct"/>.</summary>
    protected virtual (Matrix Error, float Scale) FinalError(int batch) =>
        options.Tilt > 0 ? (LastError, 1) : (Backward.OutputGradients.First(), batch / 2f);

    // The term and its slope in each active code of a latent: m_i is a mean over the batch.
    private double Balance(double weight, double k, int batch)
    {
        Array.Clear(means);
        ReadOnlySpan<int> latents = Codes.AllLatents;
        ReadOnlySpan<float> values = Codes.AllValues;
        for (int j = 0; j < latents.Length; j++) means[latents[j]] += values[j];
        double factor = weight * means.Length / k, squares = 0;
        for (int latent = 0; latent < means.Length; latent++)
        {
            double mean = means[latent] / batch;
            squares += mean * mean;
            usageSlopes[0, latent] = (float)(2 * factor * mean / batch);
        }

        for (int term = 0; term < codeTerms; term++) Backward.AddToDeltas(term, usageSlopes.Row(0));
        return factor * squares;
    }
}
