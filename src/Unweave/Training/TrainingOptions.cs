using System.ComponentModel;
using System.Text.Json.Serialization;
using Unweave.Autoencoders;

namespace Unweave.Training;

/// <summary>How inputs are scaled before training.</summary>
[JsonConverter(typeof(CamelCaseEnum<InputScaling>))]
public enum InputScaling
{
    /// <summary>
    /// By one factor, so that the mean norm is √d, or the mean distance from the center where the center is more than 4 such distances
    /// from zero; the factor is saved with the weights.
    /// </summary>
    MeanNorm,

    /// <summary>Not at all.</summary>
    None,

    /// <summary>Less their mean, then by one factor; both are folded into the weights that training gives.</summary>
    Center,

    /// <summary>
    /// Less their mean, then by Σ^−½ of a sample of 8,192 rows, so that all directions have one variance; both are folded into the weights.
    /// </summary>
    Whiten,
}

/// <summary>
/// A whole training run: the run file (JSON), the command line's flags and a checkpoint's metadata are all this record.
/// </summary>
public sealed record TrainingOptions
{
    private const int MostWhitened = 2048;

    /// <summary>The autoencoder to train. Default TopK with 4096 latents and k = 32.</summary>
    [Description("The autoencoder to train.")]
    public AutoencoderOptions Autoencoder { get; init; } = new TopKOptions();

    /// <summary>Rows seen in training, repeats counted; the last step may go past it by less than a batch. Default 2,000,000.</summary>
    [Description("Rows seen in training, repeats counted.")]
    public long Rows { get; init; } = 2_000_000;

    /// <summary>Rows of a batch. Default 2048.</summary>
    [Description("Rows of a batch.")]
    public int Batch { get; init; } = 2048;

    /// <summary>Seed of weights, shuffle and noise. Default 0.</summary>
    [Description("Seed of the weights, the shuffle and the noise.")]
    public ulong Seed { get; init; }

    /// <summary>
    /// Seed of the first weights alone, so that runs that differ in it see the same rows in the same order; null takes the seed. Default
    /// null.
    /// </summary>
    [Description("Seed of the first weights alone, with the order of the data left as it is; null takes the seed.")]
    public ulong? WeightSeed { get; init; }

    /// <summary>Threads; 0 takes one for each processor. The result does not depend on it. Default 0.</summary>
    [Description("Threads; 0 takes one for each processor. The result does not depend on it.")]
    public int Threads { get; init; }

    /// <summary>How weights are changed by their gradients. Default Adam.</summary>
    [Description("How weights are changed by their gradients.")]
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Adam;

    /// <summary>Peak learning rate; null takes 2e-4·√(16384/n) for a dictionary of n latents and 1e-3 otherwise. Default null.</summary>
    [Description("Peak learning rate; null takes 2e-4·sqrt(16384/n) for a dictionary of n latents, else 1e-3.")]
    public double? LearningRate { get; init; }

    /// <summary>Steps over which the learning rate rises from 0; null takes 5% of the run, at most 1000. Default null.</summary>
    [Description("Steps over which the learning rate rises; null takes 5% of the run, at most 1000.")]
    public int? WarmupSteps { get; init; }

    /// <summary>Share of the run, at its end, over which the learning rate falls linearly to 0. Default 0.2.</summary>
    [Description("Share of the run, at its end, over which the learning rate falls linearly to 0.")]
    public double DecayFraction { get; init; } = 0.2;

    /// <summary>Share of the run over which the L1 or KL penalty rises from 0; ignored by TopK. Default 0.05.</summary>
    [Description("Share of the run over which the L1 or KL penalty rises from 0; ignored by TopK.")]
    public double SparsityWarmupFraction { get; init; } = 0.05;

    /// <summary>β₁: of Adam; the momentum of Signum and Muon; how near schedule-free trains to its average. Default 0.9.</summary>
    [Description("Adam's beta1; the momentum of signum and muon; how near scheduleFree trains to its average.")]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂ of Adam and schedule-free, and of Muon's vectors. Default 0.999.</summary>
    [Description("Adam's and scheduleFree's beta2, and that of muon's vectors.")]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε of Adam and schedule-free, and of Muon's vectors. Default 6.25e-10 (Gao et al. 2024).</summary>
    [Description("Adam's and scheduleFree's epsilon, and that of muon's vectors.")]
    public double Epsilon { get; init; } = 6.25e-10;

    /// <summary>
    /// Largest norm of the whole gradient; a larger one is scaled down to it. Null is off; on, it costs a second pass over the gradient.
    /// Default null.
    /// </summary>
    [Description("Largest norm of the whole gradient; null is off.")]
    public double? GradientClip { get; init; }

    /// <summary>
    /// A latent is dead when it has not fired for this many rows; null takes the smaller of 10,000,000 and a tenth of the run, at least two
    /// batches. Default null.
    /// </summary>
    [Description("A latent is dead when it has not fired for this many rows; null takes the smaller of 10,000,000 and a tenth of the "
        + "run, at least two batches.")]
    public long? DeadAfter { get; init; }

    /// <summary>
    /// Dead latents are resampled each time this many rows have been seen (Bricken et al. 2023), an alternative to AuxK; 0 is off. Default
    /// 0.
    /// </summary>
    [Description("Dead latents are resampled each time this many rows have been seen; 0 is off.")]
    public long ResampleEvery { get; init; }

    /// <summary>How inputs are scaled. Default to mean norm √d.</summary>
    [Description("How inputs are scaled: to mean norm sqrt(d), not at all, less their mean, or whitened; what is more than a factor is "
        + "folded into the weights.")]
    public InputScaling InputScaling { get; init; } = InputScaling.MeanNorm;

    /// <summary>Share of the rows held out for validation; 0 holds out none. Default 0.05.</summary>
    [Description("Share of the rows held out for validation.")]
    public double Validation { get; init; } = 0.05;

    /// <summary>Steps between validations; 0 validates only at the end. Default 200.</summary>
    [Description("Steps between validations; 0 validates only at the end.")]
    public int ValidateEvery { get; init; } = 200;

    /// <summary>Stop when this many validations in a row have not improved FVU; 0 is off. Default 0.</summary>
    [Description("Stop when this many validations in a row have not improved FVU; 0 is off.")]
    public int Patience { get; init; }

    /// <summary>Steps between checkpoints; 0 is off. Default 0.</summary>
    [Description("Steps between checkpoints; 0 is off.")]
    public int CheckpointSteps { get; init; }

    /// <summary>Minutes between checkpoints; 0 is off. Default 10.</summary>
    [Description("Minutes between checkpoints; 0 is off.")]
    public double CheckpointMinutes { get; init; } = 10;

    /// <summary>Files of vectors: paths or globs of npy, npz, safetensors or Parquet. Ignored when a source is passed in code.</summary>
    [Description("Files of vectors: paths or globs of npy, npz, safetensors or Parquet.")]
    public IReadOnlyList<string> Data { get; init; } = [];

    /// <summary>
    /// Files of the targets of a transcoder: paths or globs as in <see cref="Data"/>, row for row those of the data, such as another hook
    /// of the same harvest. Empty where vectors are their own targets.
    /// </summary>
    [Description("Files of the targets of a transcoder, row for row those of data: another hook of the same harvest.")]
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Tensor or column of the files that holds the vectors; null takes the only one of rank 2. Default null.</summary>
    [Description("Tensor or column that holds the vectors; null takes the only one of rank 2.")]
    public string? Tensor { get; init; }

    /// <summary>
    /// Autoencoder whose weights training starts from, of any library: its folder or file. It has as many latents as the one in
    /// training. Null starts from random weights. Default null.
    /// </summary>
    [Description("Autoencoder of any library whose weights training starts from; null starts from random ones.")]
    public string? From { get; init; }

    /// <summary>Folder for checkpoints, metrics and the trained autoencoder; null writes nothing. Default null.</summary>
    [Description("Folder for checkpoints, metrics and the trained autoencoder.")]
    public string? Output { get; init; }

    /// <summary>Refuses contradictions.</summary>
    /// <param name="width">Width d of the vectors.</param>
    /// <param name="targetWidth">Width of their targets; null when the vectors are their own targets.</param>
    /// <exception cref="InputException">Names both settings and the fix.</exception>
    public void Validate(int width, int? targetWidth = null)
    {
        if (Autoencoder is null) throw new InputException($"autoencoder is missing; name an architecture: "
            + $"{Architecture.NamesWhere(options => options.Trainable)}.");
        if (!Autoencoder.Trainable)
        {
            throw new InputException($"The architecture {Architecture.From(Autoencoder).Name} can be used but not trained; choose one of "
                + $"{Architecture.NamesWhere(options => options.Trainable)}.");
        }

        Autoencoder.Validate(width, targetWidth ?? width);
        string architecture = Autoencoder.Title;
        if (targetWidth is not null && !Autoencoder.MapsBetweenSpaces)
            throw Autoencoder.RefuseTargets("The data have targets of their own");
        if (targetWidth is null && Autoencoder is SparseOptions { Transcoder: true })
        {
            throw new InputException("transcoder is true but the data have no targets of their own; give the targets, another hook's "
                + "activations of the same rows, or set transcoder to false.");
        }

        if (Rows < 1) throw new InputException($"rows is {Rows}; a run needs at least one row.");
        if (Batch < 1) throw new InputException($"batch is {Batch}; a batch needs at least one row.");
        if (Threads < 0) throw new InputException($"threads is {Threads}; use 0 for one thread a processor.");
        if (LearningRate is not null and not (> 0 and < double.PositiveInfinity))
            throw new InputException($"learningRate is {LearningRate}; it must be positive.");
        if (WarmupSteps is < 0) throw new InputException($"warmupSteps is {WarmupSteps}; it must be 0 or more.");
        if (WarmupSteps > Steps)
        {
            throw new InputException($"warmupSteps is {WarmupSteps} but rows {Rows} at batch {Batch} make {Steps} steps; lower "
                + $"warmupSteps or raise rows.");
        }

        if (DecayFraction is not (>= 0 and <= 1)) throw new InputException($"decayFraction is {DecayFraction}; it must lie in [0, 1].");
        if (SparsityWarmupFraction is not (>= 0 and <= 1))
            throw new InputException($"sparsityWarmupFraction is {SparsityWarmupFraction}; it must lie in [0, 1].");
        if (Beta1 is not (>= 0 and < 1)) throw new InputException($"beta1 is {Beta1}; it must lie in [0, 1).");
        if (Beta2 is not (>= 0 and < 1)) throw new InputException($"beta2 is {Beta2}; it must lie in [0, 1).");
        if (!(Epsilon > 0)) throw new InputException($"epsilon is {Epsilon}; it must be positive.");
        CheckOptimizer();
        if (GradientClip is not null and not > 0)
            throw new InputException($"gradientClip is {GradientClip}; it must be positive, or null for none.");
        if (DeadAfter is < 1) throw new InputException($"deadAfter is {DeadAfter}; it must be at least one row.");
        if (ResampleEvery < 0) throw new InputException($"resampleEvery is {ResampleEvery}; use 0 for none.");
        if (ResampleEvery > 0 && Autoencoder is not DictionaryOptions)
            throw new InputException($"resampleEvery is {ResampleEvery} but the architecture is {architecture}, which has no "
                + $"dictionary; set resampleEvery to 0.");
        if (ResampleEvery > 0 && Autoencoder.RevivesDead)
        {
            throw new InputException($"resampleEvery is {ResampleEvery} and auxK is on: two ways to revive dead latents at once; "
                + $"set auxK to 0 or resampleEvery to 0.");
        }

        if (InputScaling is InputScaling.Center or InputScaling.Whiten)
        {
            string name = InputScaling == InputScaling.Center ? "center" : "whiten";
            if (Autoencoder is not SparseOptions { Transcoder: false } || Autoencoder is CrosscoderOptions)
            {
                throw new InputException($"inputScaling is {name}, but a {architecture} autoencoder{(Autoencoder.MapsBetweenSpaces
                    ? " that maps between spaces" : "")} has no weights that it can be folded into; set inputScaling to meanNorm.");
            }

            if (From is not null)
                throw new InputException($"inputScaling is {name} but from is {From}, whose weights are for vectors as they are; set "
                    + "inputScaling to meanNorm.");
            if (InputScaling == InputScaling.Whiten && width > MostWhitened)
                throw new InputException($"inputScaling is whiten but the vectors have width {width}; a covariance of more than "
                    + $"{MostWhitened} is not decomposed in good time: set inputScaling to center.");
        }

        if (InputScaling != InputScaling.None && Autoencoder.RefusesScaling is { } why)
            throw new InputException($"inputScaling is meanNorm but {why}.");
        if (Validation is not (>= 0 and < 1)) throw new InputException($"validation is {Validation}; it must lie in [0, 1).");
        if (ValidateEvery < 0) throw new InputException($"validateEvery is {ValidateEvery}; use 0 for only at the end.");
        if (Patience < 0) throw new InputException($"patience is {Patience}; use 0 for none.");
        if (Patience > 0 && (Validation == 0 || ValidateEvery == 0))
        {
            throw new InputException($"patience is {Patience} but validation is {Validation} and validateEvery is {ValidateEvery}; "
                + $"early stopping needs both above 0.");
        }

        if (CheckpointSteps < 0) throw new InputException($"checkpointSteps is {CheckpointSteps}; use 0 for none.");
        if (!(CheckpointMinutes >= 0)) throw new InputException($"checkpointMinutes is {CheckpointMinutes}; use 0 for none.");
    }

    private void CheckOptimizer()
    {
        if (!Enum.IsDefined(Optimizer)) throw new InputException($"optimizer is {Optimizer}; it must be one of "
            + $"{string.Join(", ", Enum.GetNames<OptimizerKind>())}.");
        if (Optimizer == OptimizerKind.ScheduleFree && DecayFraction > 0)
        {
            throw new InputException($"decayFraction is {DecayFraction} but optimizer is scheduleFree, which averages weights in place of "
                + $"a falling rate; set decayFraction to 0, or choose another optimizer.");
        }

        var usual = new TrainingOptions();
        if (Optimizer != OptimizerKind.Signum) return;
        foreach ((string name, double value, double other) in
            (ReadOnlySpan<(string, double, double)>)[("beta2", Beta2, usual.Beta2), ("epsilon", Epsilon, usual.Epsilon)])
        {
            if (value != other)
                throw new InputException($"{name} is {value} but optimizer is signum, which has no second moment; leave {name} out.");
        }
    }

    /// <summary>Number of steps of the run.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long Steps => (Rows + Batch - 1) / Batch;
}
