using System.Diagnostics;
using System.Numerics.Tensors;
using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Training;

/// <summary>
/// Learns on the processor: the autoencoder's own weights, its hand-written backward pass, and an optimizer that takes and applies the
/// gradient block by block.
/// </summary>
internal sealed class CpuLearner : Learner
{
    private const double ResampledEncoderShare = 0.2;

    private readonly Autoencoder model;
    private readonly LossAndGradients gradients;
    private readonly Optimizer optimizer;
    private readonly double? clip;
    private Batch last;

    /// <summary>Takes over an autoencoder, with an optimizer that has not seen anything.</summary>
    /// <param name="model">The autoencoder, its first weights set.</param>
    /// <param name="options">The optimizer's settings and the clipping.</param>
    /// <param name="workers">The threads to run on; they stay the caller's.</param>
    public CpuLearner(Autoencoder model, TrainingOptions options, Workers workers)
    {
        (this.model, clip) = (model, options.GradientClip);
        gradients = model.CreateGradients(workers);
        optimizer = Optimizer.Create(model.Parameters, options, workers);
    }

    /// <inheritdoc/>
    public override Autoencoder Autoencoder
    {
        get
        {
            Show(use: true);
            return model;
        }
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<int> Fired => gradients.Fired;

    /// <inheritdoc/>
    public override long Steps => optimizer.Step;

    private IEnumerable<Parameter> State => model.Parameters.Concat(optimizer.State).Concat(gradients.State);

    /// <inheritdoc/>
    public override LearnerStep Step(Batch batch, in StepSettings settings, double rate)
    {
        last = batch;
        Show(use: false);
        LossTerms loss = gradients.Compute(batch, settings);
        if (!double.IsFinite(loss.Total)) return new LearnerStep { Loss = loss }; // the weights stay as they were
        long computed = Stopwatch.GetTimestamp();
        (double? norm, double scale) = (null, 1);
        if (clip is { } limit)
        {
            norm = optimizer.Norm(gradients);
            scale = norm > limit ? limit / norm.Value : 1;
        }

        optimizer.Apply(gradients, rate, scale);
        model.WeightsChanged();
        TimeSpan update = Stopwatch.GetElapsedTime(computed) - optimizer.ReadTime;
        double error = 0;
        foreach (double row in gradients.RowErrors) error += row;
        PhaseTimes times = gradients.Times;
        return new LearnerStep(
            loss, error, gradients.Entries, norm, times.Encode, times.Decode, times.Backward + optimizer.ReadTime, update);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Each takes a row with probability proportional to its squared loss: its decoder row points from b_dec to the row's target, its
    /// encoder row has a fifth of the mean norm of those of living latents, and its bias and its moments start afresh. A latent whose
    /// row lies at b_dec has no direction to take, and stays dead.
    /// </remarks>
    public override IReadOnlyList<int> Resample(ReadOnlyMemory<int> dead, Rng rng)
    {
        var sparse = (SparseAutoencoder)model;
        Show(use: false);
        ReadOnlySpan<double> errors = gradients.RowErrors;
        double[] cumulative = new double[errors.Length];
        double total = 0;
        for (int r = 0; r < errors.Length; r++) cumulative[r] = total += errors[r] * errors[r];
        var resampled = new List<int>();
        if (!(total > 0)) return resampled;
        ReadOnlySpan<float> center = sparse.Weights.DecoderBias.Row(0);
        float norm = (float)(ResampledEncoderShare * MeanLivingNorm(sparse.Weights.Encoder, dead.Span));
        float[] direction = new float[last.Target.Columns], encoder = new float[last.Input.Columns];
        foreach (int latent in dead.Span)
        {
            double at = rng.NextDouble() * total;
            int row = Array.BinarySearch(cumulative, at);
            row = Math.Min(row < 0 ? ~row : row + 1, cumulative.Length - 1);
            TensorPrimitives.Subtract(last.Target.Row(row), center, direction);
            if (!Normalize(direction)) continue;
            if (last.IsSelf) direction.CopyTo(encoder, 0);
            else last.Input.Row(row).CopyTo(encoder);
            if (!last.IsSelf && !Normalize(encoder)) continue;
            TensorPrimitives.Multiply(encoder, norm, encoder);
            sparse.Resample(latent, direction, encoder);
            optimizer.Forget(latent);
            resampled.Add(latent);
        }

        model.WeightsChanged();
        return resampled;
    }

    /// <inheritdoc/>
    public override void Save(Action<Parameter> write)
    {
        Show(use: false);
        foreach (Parameter tensor in State) write(tensor);
    }

    /// <inheritdoc/>
    public override void Restore(Action<Parameter> read, long steps)
    {
        Show(use: false);
        foreach (Parameter tensor in State) read(tensor);
        optimizer.Step = steps;
        model.WeightsChanged();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        gradients.Dispose();
        optimizer.Dispose();
        if (!Detached) model.Dispose();
    }

    // Weights to train on and weights to use may not be the same.
    private void Show(bool use)
    {
        if (optimizer.Show(use)) model.WeightsChanged();
    }

    private static bool Normalize(float[] vector)
    {
        float length = (float)Norms.L2(vector);
        if (length == 0) return false;
        TensorPrimitives.Divide(vector, length, vector);
        return true;
    }

    private static double MeanLivingNorm(Matrix encoder, ReadOnlySpan<int> dead)
    {
        double sum = 0;
        int living = 0;
        for (int latent = 0; latent < encoder.Rows; latent++)
        {
            if (dead.BinarySearch(latent) >= 0) continue;
            sum += Norms.L2(encoder.Row(latent));
            living++;
        }

        return living > 0 ? sum / living : 1;
    }
}
