using System.Diagnostics;
using System.Numerics.Tensors;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Training;

/// <summary>
/// A training run, one step at a time, without any output of its own: <c>Trainer</c> adds files, an interactive page its
/// buttons. Everything that a step needs follows from the options, the data and the step's number, so that a run saved after any
/// step and resumed is, bit for bit, the run that was never interrupted.
/// </summary>
public sealed class TrainingRun : IDisposable
{
    private const int StartSample = 8192;      // rows for the scale and the geometric median: more would not move them
    private const int ValidationSample = 8192; // held-out rows of a validation during the run

    private readonly Schedule schedule;
    private readonly Workers workers;
    private readonly IBatches? reader;
    private readonly Batch? validation;
    private readonly double validationVariance;
    private readonly InputTransform? transform;
    private readonly bool scalesParts; // kept, because asking the learner for its autoencoder brings the weights to use here
    private Matrix? mapped; // the batch as the autoencoder in training takes it, where that is another than the data give
    private readonly bool sharesValidation; // with other runs of a sweep

    private TrainingRun(TrainingOptions options, ITrainingData data, CreateLearner? create, Action<TrainingRun>? restore)
    {
        options.Validate(data.Width, data.TargetWidth);
        Options = options;
        schedule = new Schedule(options);
        workers = new Workers(options.Threads);
        Autoencoder? model = null;
        try
        {
            Rng? rng = restore is null ? new Rng(options.WeightSeed ?? options.Seed, stream: 1) : null; // a state brings its own weights
            model = options.Autoencoder.Build(data.Width, data.TargetWidth ?? data.Width, rng);
            scalesParts = model.ScalesParts;
            LastFired = new long[model is SparseAutoencoder sparse ? sparse.Latents : 0];
            if (options.InputScaling is InputScaling.Center or InputScaling.Whiten)
            {
                using Batch sample = data.Sample(StartSample);
                transform = InputTransform.From(options.InputScaling, sample.Input, workers);
            }

            if (restore is null) StartFromData(model, data);
            Learner = create is null ? new CpuLearner(model, options, workers) : create(model, options, workers);
            restore?.Invoke(this);
            reader = data.Start(Step * options.Batch, options.Batch, model.InputScale, model.OutputScale);
            sharesValidation = data is SharedData;
            validation = data.Validation(ValidationSample);
            if (validation is { } held) validationVariance = ScaledVariance(held.Target, model.OutputScale);
        }
        catch
        {
            if (Learner is null) model?.Dispose();
            Dispose();
            throw;
        }
    }

    /// <summary>Makes the learner of a run from an autoencoder whose first weights are set; it takes the autoencoder over.</summary>
    internal delegate Learner CreateLearner(Autoencoder model, TrainingOptions options, Workers workers);

    /// <summary>The settings of the run.</summary>
    public TrainingOptions Options { get; }

    /// <summary>
    /// The autoencoder in training; with inputs that are centered or whitened it takes these, and <see cref="Detach"/> gives the one of
    /// vectors as they are.
    /// </summary>
    public Autoencoder Autoencoder => Learner.Autoencoder;

    /// <summary>Steps done so far.</summary>
    public long Step => Learner.Steps;

    /// <summary>Rows seen so far.</summary>
    public long Rows => Step * Options.Batch;

    /// <summary>True when the run is over: all its steps are done, or validation has stopped improving.</summary>
    public bool Finished => Step >= Options.Steps || StoppedEarly;

    /// <summary>True when the run ended because validation had stopped improving.</summary>
    public bool StoppedEarly => Options.Patience > 0 && Stale >= Options.Patience;

    /// <summary>True when <see cref="Next"/> failed because the loss was no longer finite.</summary>
    internal bool Diverged { get; private set; }

    /// <summary>Owns the weights and the optimizer.</summary>
    internal Learner Learner { get; }

    /// <summary>Rows seen when each latent last fired, <c>[n]</c>.</summary>
    internal long[] LastFired { get; }

    /// <summary>Best validation FVU so far.</summary>
    internal double BestValidation { get; set; } = double.PositiveInfinity;

    /// <summary>Validations in a row that have not improved on <see cref="BestValidation"/>.</summary>
    internal int Stale { get; set; }

    // At least two batches: with one, a latent that rested for a single batch would count as dead.
    private long DeadAfter => Options.DeadAfter ?? Math.Max(2L * Options.Batch, Math.Min(10_000_000, Options.Rows / 10));

    /// <summary>Starts a run: scales and centers the model by the data, splits and shuffles the rows.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="source">The vectors; the caller's to dispose, after the run.</param>
    /// <exception cref="InputException">The settings contradict each other or the data.</exception>
    public static TrainingRun Start(TrainingOptions options, IActivationSource source)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(source);
        return Start(options, new ShuffledData(source, options.Seed, options.Validation));
    }

    /// <summary>Starts a run on rows that come in an order of their own.</summary>
    /// <param name="options">The settings; the data have applied their seed and validation share.</param>
    /// <param name="data">The rows; the caller's to dispose, after the run.</param>
    /// <exception cref="InputException">The settings contradict each other or the data.</exception>
    public static TrainingRun Start(TrainingOptions options, ITrainingData data)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(data);
        return new TrainingRun(options, data, create: null, restore: null);
    }

    /// <summary>Starts a run with a learner of another kind than the processor's.</summary>
    internal static TrainingRun Start(TrainingOptions options, ITrainingData data, CreateLearner create) =>
        new(options, data, create, restore: null);

    /// <summary>Makes a run whose state <paramref name="restore"/> fills in before the first batch is read.</summary>
    internal static TrainingRun Restore(TrainingOptions options, ITrainingData data, Action<TrainingRun> restore) =>
        new(options, data, null, restore);

    /// <summary>Does one step.</summary>
    /// <returns>What it did.</returns>
    /// <exception cref="InvalidOperationException">The run is over.</exception>
    /// <exception cref="InputException">The data cannot be read, or the loss is no longer finite.</exception>
    public StepReport Next()
    {
        if (Finished) throw new InvalidOperationException($"The run ended after step {Step}.");
        long started = Stopwatch.GetTimestamp(), step = Step + 1;
        Batch batch = Mapped(reader!.Next());
        TimeSpan read = Stopwatch.GetElapsedTime(started);
        double rate = schedule.LearningRate(step);

        double progress = (double)(step - 1) / Options.Steps;
        var settings = new StepSettings(schedule.SparsityWarmup(step), Dead(), NoiseSeed(Options.Seed, step), progress, step);
        LearnerStep done = Learner.Step(batch, settings, rate);
        if (!double.IsFinite(done.Loss.Total))
        {
            Diverged = true;
            throw new InputException($"The loss is {done.Loss.Total} at step {step}: training diverged. "
                + $"Lower learningRate (now {rate:G3}), or set gradientClip to 1.");
        }

        MarkFired();
        int[] dead = Dead();
        if (Options.ResampleEvery > 0 && dead.Length > 0 && Rows / Options.ResampleEvery > (Rows - Options.Batch) / Options.ResampleEvery)
        {
            var rng = new Rng(Options.Seed, stream: (ulong)Step + 2);
            foreach (int latent in Learner.Resample(dead, rng)) LastFired[latent] = Rows;
        }

        double? validated = null;
        if (validation is not null && ((Options.ValidateEvery > 0 && Step % Options.ValidateEvery == 0) || Step == Options.Steps))
        {
            validated = Validate();
            Stale = validated < BestValidation ? 0 : Stale + 1;
            BestValidation = Math.Min(BestValidation, validated.Value);
        }

        return new StepReport
        {
            Step = Step,
            Steps = Options.Steps,
            Rows = Rows,
            Loss = done.Loss,
            Fvu = done.SquaredError / Variance(batch.Target),
            L0 = (double)done.Entries / Options.Batch,
            Firing = (double)Sum(Learner.Fired) / Options.Batch,
            Dead = dead.Length,
            LearningRate = rate,
            GradientNorm = done.GradientNorm,
            ValidationFvu = validated,
            Last = Finished,
            StoppedEarly = StoppedEarly && Step < Options.Steps,
            Times = new StepTimes(read, done.Encode, done.Decode, done.Backward, done.Update),
        };
    }

    /// <summary>
    /// Seed of a step's noise. The run's seed is mixed before the step joins it, so that runs of neighboring seeds share no noise.
    /// </summary>
    internal static ulong NoiseSeed(ulong seed, long step) => Rng.Mix(Rng.Mix(seed) ^ (ulong)step);

    /// <summary>FVU over held-out rows (8192 of them at most), or NaN when none are held out.</summary>
    public double Validate()
    {
        if (validation is not { } held) return double.NaN;
        const int Block = 1024;
        double errors = 0;
        using SparseAutoencoder? folded = Folded();
        Autoencoder model = folded ?? Autoencoder;
        for (int first = 0; first < held.Rows; first += Block)
        {
            int count = Math.Min(Block, held.Rows - first);
            using var block = new Matrix(count, held.Input.Columns, held.Input.Block(first, count));
            using var reconstruction = new Matrix(count, held.Target.Columns);
            model.Reconstruct(block, reconstruction);
            for (int r = 0; r < count; r++)
            {
                Span<float> error = reconstruction.Row(r);
                TensorPrimitives.Subtract(held.Target.Row(first + r), error, error);
                // at the scale of the weights, where squares neither overflow nor vanish
                TensorPrimitives.Multiply(error, model.OutputScale, error);
                errors += TensorPrimitives.SumOfSquares<float>(error);
            }
        }

        return errors / validationVariance;
    }

    /// <summary>Gives the autoencoder to the caller: the run no longer disposes it. No step is to be done after that.</summary>
    public Autoencoder Detach() => Folded() ?? Learner.Detach();

    /// <summary>The autoencoder of vectors as they are, where the one in training takes others; the caller disposes it.</summary>
    internal SparseAutoencoder? Folded() => transform?.Fold((SparseAutoencoder)Autoencoder);

    /// <inheritdoc/>
    public void Dispose()
    {
        reader?.Dispose();
        Learner?.Dispose();
        if (!sharesValidation) validation?.Dispose();
        transform?.Dispose();
        mapped?.Dispose();
        workers.Dispose();
    }

    // One factor brings the mean norm to √d; the decoder's bias starts at the geometric median of the targets.
    private void StartFromData(Autoencoder model, ITrainingData data)
    {
        using Batch sample = data.Sample(StartSample);
        if (Options.InputScaling == InputScaling.MeanNorm)
        {
            model.InputScale = InputStatistics.Scale(sample.Input);
            model.OutputScale = sample.IsSelf ? model.InputScale : InputStatistics.Scale(sample.Target);
        }

        transform?.Apply(sample.Input);
        model.InitializeScales(sample.Input);
        if (!sample.IsSelf) TensorPrimitives.Multiply(sample.Input.AsSpan(), model.InputScale, sample.Input.AsSpan());
        TensorPrimitives.Multiply(sample.Target.AsSpan(), model.OutputScale, sample.Target.AsSpan());
        if (Options.From is { } from)
        {
            if (WarmStart.Load(model, from)) return;
        }
        else
        {
            model.InitializeDecoderBias(InputStatistics.GeometricMedian(sample.Target, tolerance: 1e-4));
            model.InitializeDirections(sample.Target, workers);
        }

        model.ScaleBatch(sample.Input);
        model.InitializeThresholds(sample.Input);
    }

    // Batches may be shared with other runs, so that they are mapped beside them.
    private Batch Mapped(Batch batch)
    {
        if (transform is null && !scalesParts) return batch;
        if (mapped is null || mapped.Rows != batch.Rows)
        {
            mapped?.Dispose();
            mapped = new Matrix(batch.Rows, batch.Input.Columns);
        }

        batch.Input.AsSpan().CopyTo(mapped.AsSpan());
        transform?.Apply(mapped);
        if (scalesParts) Autoencoder.ScaleBatch(mapped);
        return new Batch(mapped);
    }

    private int[] Dead()
    {
        long limit = Rows - DeadAfter;
        if (limit < 0) return [];
        var dead = new List<int>();
        for (int latent = 0; latent < LastFired.Length; latent++)
            if (LastFired[latent] <= limit) dead.Add(latent);
        return [.. dead];
    }

    private void MarkFired()
    {
        ReadOnlySpan<int> fired = Learner.Fired;
        for (int latent = 0; latent < fired.Length; latent++)
            if (fired[latent] > 0) LastFired[latent] = Rows;
    }

    private static long Sum(ReadOnlySpan<int> values)
    {
        long sum = 0;
        foreach (int value in values) sum += value;
        return sum;
    }

    private double ScaledVariance(Matrix rows, float scale)
    {
        using Matrix scaled = rows.Clone();
        TensorPrimitives.Multiply(scaled.AsSpan(), scale, scaled.AsSpan());
        return Variance(scaled);
    }

    // Σ‖x − x̄‖², by blocks of rows: the mean first, so that a large mean does not drown the rest.
    private double Variance(Matrix x)
    {
        const int Parts = 64;
        float[][] sums = new float[Parts][];
        double[] squares = new double[Parts];
        int width = x.Columns;
        workers.Run(Parts, part =>
        {
            float[] sum = sums[part] = new float[width];
            (int first, int end) = Range(part);
            for (int r = first; r < end; r++) TensorPrimitives.Add(sum, x.Row(r), sum);
        });
        float[] mean = new float[width];
        foreach (float[] sum in sums) TensorPrimitives.Add(mean, sum, mean);
        TensorPrimitives.Divide(mean, x.Rows, mean);
        workers.Run(Parts, part =>
        {
            float[] difference = sums[part];
            (int first, int end) = Range(part);
            for (int r = first; r < end; r++)
            {
                TensorPrimitives.Subtract(x.Row(r), mean, difference);
                squares[part] += TensorPrimitives.SumOfSquares<float>(difference);
            }
        });
        double variance = 0;
        foreach (double square in squares) variance += square;
        return variance;

        (int First, int End) Range(int part) => ((int)((long)x.Rows * part / Parts), (int)((long)x.Rows * (part + 1) / Parts));
    }
}
