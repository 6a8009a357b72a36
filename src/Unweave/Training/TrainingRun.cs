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
    private const int CentreSample = 8192;  // rows for the scale and the geometric median: more would not move them
    private const int ValidationSample = 8192; // held-out rows of a validation during the run

    private readonly ITrainingData data;
    private readonly Schedule schedule;
    private readonly Workers workers;
    private readonly Gradients gradients;
    private readonly IBatches reader;
    private readonly Matrix? validation;
    private readonly double validationVariance;

    private TrainingRun(TrainingOptions options, ITrainingData data, Action<TrainingRun>? restore)
    {
        options.Validate(data.Width);
        (Options, this.data) = (options, data);
        schedule = new Schedule(options);
        workers = new Workers(options.Threads);
        Autoencoder = options.Autoencoder.Build(data.Width, new Rng(options.Seed, stream: 1));
        LastFired = new long[Autoencoder is SparseAutoencoder sparse ? sparse.Latents : 0];
        Optimizer = new Adam(Autoencoder.Parameters, workers, options.Beta1, options.Beta2, options.Epsilon);
        gradients = Autoencoder.CreateGradients(workers);
        if (restore is null) StartFromData();
        else restore(this);
        reader = data.Start(Step * options.Batch, options.Batch, Autoencoder.InputScale);
        validation = data.Validation(ValidationSample);
        if (validation is not null)
        {
            using Matrix scaled = validation.Clone();
            TensorPrimitives.Multiply(scaled.AsSpan(), Autoencoder.InputScale, scaled.AsSpan());
            validationVariance = Variance(scaled);
        }
    }

    /// <summary>The settings of the run.</summary>
    public TrainingOptions Options { get; }

    /// <summary>The autoencoder in training.</summary>
    public Autoencoder Autoencoder { get; }

    /// <summary>Steps done so far.</summary>
    public long Step { get; internal set; }

    /// <summary>Rows seen so far.</summary>
    public long Tokens => Step * Options.Batch;

    /// <summary>True when the run is over: all its steps are done, or validation has stopped improving.</summary>
    public bool Finished => Step >= Options.Steps || StoppedEarly;

    /// <summary>True when the run ended because validation had stopped improving.</summary>
    public bool StoppedEarly => Options.Patience > 0 && Stale >= Options.Patience;

    /// <summary>The optimiser and its moments.</summary>
    internal Adam Optimizer { get; }

    /// <summary>State of the loss that a resumed run needs.</summary>
    internal IReadOnlyList<Parameter> LossState => gradients.State;

    /// <summary>Rows seen when each latent last fired, <c>[n]</c>.</summary>
    internal long[] LastFired { get; }

    /// <summary>Best validation FVU so far.</summary>
    internal double BestValidation { get; set; } = double.PositiveInfinity;

    /// <summary>Validations in a row that have not improved on <see cref="BestValidation"/>.</summary>
    internal int Stale { get; set; }

    private long DeadAfter => Options.DeadAfter ?? Math.Max(1, Math.Min(10_000_000, Options.Tokens / 10));

    /// <summary>Starts a run: scales and centres the model by the data, splits and shuffles the rows.</summary>
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
    /// <param name="options">The settings; their seed and validation share are the data's affair.</param>
    /// <param name="data">The rows; the caller's to dispose, after the run.</param>
    /// <exception cref="InputException">The settings contradict each other or the data.</exception>
    public static TrainingRun Start(TrainingOptions options, ITrainingData data)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(data);
        return new TrainingRun(options, data, restore: null);
    }

    /// <summary>Makes a run whose state <paramref name="restore"/> fills in before the first batch is read.</summary>
    internal static TrainingRun Restore(TrainingOptions options, ITrainingData data, Action<TrainingRun> restore) => new(options, data, restore);

    /// <summary>Does one step.</summary>
    /// <returns>What it did.</returns>
    /// <exception cref="InvalidOperationException">The run is over.</exception>
    /// <exception cref="InputException">The data cannot be read, or the loss is no longer finite.</exception>
    public StepReport Next()
    {
        if (Finished) throw new InvalidOperationException($"The run ended after step {Step}.");
        long started = Stopwatch.GetTimestamp();
        Matrix x = reader.Next();
        TimeSpan read = Stopwatch.GetElapsedTime(started);
        Step++;
        int[] dead = Dead();
        var settings = new StepSettings(schedule.SparsityWarmup(Step), dead, Rng.Mix(Options.Seed ^ (ulong)Step));
        LossTerms loss = gradients.Compute(x, settings);
        if (!double.IsFinite(loss.Total))
            throw new InputException($"The loss is {loss.Total} at step {Step}: training diverged. Lower learningRate (now {schedule.LearningRate(Step):G3}), or set gradientClip to 1.");
        long computed = Stopwatch.GetTimestamp();
        double rate = schedule.LearningRate(Step);
        (double? norm, double scale) = (null, 1);
        if (Options.GradientClip is { } limit)
        {
            norm = Optimizer.Norm(gradients);
            scale = norm > limit ? limit / norm.Value : 1;
        }

        Optimizer.Apply(gradients, rate, scale);
        TimeSpan update = Stopwatch.GetElapsedTime(computed) - Optimizer.ReadTime;
        long fired = CountFired();
        dead = Dead();
        if (Options.ResampleEvery > 0 && dead.Length > 0 && Tokens / Options.ResampleEvery > (Tokens - Options.Batch) / Options.ResampleEvery)
        {
            Resampling.Apply((SparseAutoencoder)Autoencoder, Optimizer, x, gradients.RowErrors, dead, new Rng(Options.Seed, stream: (ulong)Step + 2));
            foreach (int latent in dead) LastFired[latent] = Tokens;
        }

        double? validated = null;
        if (validation is not null && ((Options.ValidateEvery > 0 && Step % Options.ValidateEvery == 0) || Step == Options.Steps))
        {
            validated = Validate();
            Stale = validated < BestValidation ? 0 : Stale + 1;
            BestValidation = Math.Min(BestValidation, validated.Value);
        }

        double variance = Variance(x);
        return new StepReport
        {
            Step = Step,
            Steps = Options.Steps,
            Tokens = Tokens,
            Loss = loss,
            Fvu = Sum(gradients.RowErrors) / variance,
            L0 = (double)fired / Options.Batch,
            Dead = dead.Length,
            LearningRate = rate,
            GradientNorm = norm,
            ValidationFvu = validated,
            Last = Finished,
            StoppedEarly = StoppedEarly && Step < Options.Steps,
            Times = new StepTimes(read, gradients.Times.Encode, gradients.Times.Decode, gradients.Times.Backward + Optimizer.ReadTime, update),
        };
    }

    /// <summary>FVU over held-out rows (8192 of them at most), or NaN when none are held out.</summary>
    public double Validate()
    {
        if (validation is null) return double.NaN;
        const int Block = 1024;
        double errors = 0;
        for (int first = 0; first < validation.Rows; first += Block)
        {
            int count = Math.Min(Block, validation.Rows - first);
            using var block = new Matrix(count, validation.Columns, validation.AsSpan().Slice(first * validation.Columns, count * validation.Columns));
            using var reconstruction = new Matrix(count, validation.Columns);
            Autoencoder.Reconstruct(block, reconstruction);
            for (int r = 0; r < count; r++)
            {
                Span<float> error = reconstruction.Row(r);
                TensorPrimitives.Subtract(block.Row(r), error, error);
                TensorPrimitives.Multiply(error, Autoencoder.InputScale, error); // at the scale of the weights, where squares neither overflow nor vanish
                errors += TensorPrimitives.SumOfSquares<float>(error);
            }
        }

        return errors / validationVariance;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        reader.Dispose();
        gradients.Dispose();
        Optimizer.Dispose();
        Autoencoder.Dispose();
        validation?.Dispose();
        workers.Dispose();
    }

    // One factor brings the mean norm to √d; the decoder's bias starts at the geometric median.
    private void StartFromData()
    {
        using Matrix sample = data.Sample(CentreSample);
        if (Options.InputScaling == InputScaling.MeanNorm) Autoencoder.InputScale = InputStatistics.Scale(sample);
        TensorPrimitives.Multiply(sample.AsSpan(), Autoencoder.InputScale, sample.AsSpan());
        Autoencoder.StartAt(InputStatistics.GeometricMedian(sample, tolerance: 1e-4));
    }

    private int[] Dead()
    {
        long limit = Tokens - DeadAfter;
        if (limit < 0) return [];
        var dead = new List<int>();
        for (int latent = 0; latent < LastFired.Length; latent++)
            if (LastFired[latent] <= limit) dead.Add(latent);
        return [.. dead];
    }

    private long CountFired()
    {
        long total = 0;
        ReadOnlySpan<int> fired = gradients.Fired;
        for (int latent = 0; latent < fired.Length; latent++)
        {
            total += fired[latent];
            if (fired[latent] > 0) LastFired[latent] = Tokens;
        }

        return total;
    }

    private static double Sum(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values) sum += value;
        return sum;
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
            for (int r = (int)((long)x.Rows * part / Parts); r < (int)((long)x.Rows * (part + 1) / Parts); r++) TensorPrimitives.Add(sum, x.Row(r), sum);
        });
        float[] mean = new float[width];
        foreach (float[] sum in sums) TensorPrimitives.Add(mean, sum, mean);
        TensorPrimitives.Divide(mean, x.Rows, mean);
        workers.Run(Parts, part =>
        {
            float[] difference = sums[part];
            for (int r = (int)((long)x.Rows * part / Parts); r < (int)((long)x.Rows * (part + 1) / Parts); r++)
            {
                TensorPrimitives.Subtract(x.Row(r), mean, difference);
                squares[part] += TensorPrimitives.SumOfSquares<float>(difference);
            }
        });
        return Sum(squares);
    }
}
