using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Training;

namespace Unweave.Learn.Training;

/// <summary>The reader's settings of a run. Those that a run opens with are in <see cref="Default"/>; tests train with them.</summary>
public sealed record LiveSettings
{
    /// <summary>Steps of a run.</summary>
    public const int Steps = 3000;

    /// <summary>Rows of a batch.</summary>
    public const int Batch = 256;

    /// <summary>Made-up features that are known.</summary>
    public const int KnownFeatures = 64;

    /// <summary>Dimensions that they share.</summary>
    public const int KnownWidth = 32;

    /// <summary>Made-up features in a row, on average.</summary>
    public const int ActiveFeatures = 3;

    /// <summary>Share of ρ by which a latent's mean activation may differ from it and count as near.</summary>
    public const double Band = 0.5;

    /// <summary>What is trained on.</summary>
    public required DataKind Data { get; init; }

    /// <summary>What keeps the code sparse.</summary>
    public required SparsityKind Sparsity { get; init; }

    /// <summary>Number of latents.</summary>
    public int Latents { get; init; } = 96;

    /// <summary>Weight λ of the L1 penalty.</summary>
    public double Lambda { get; init; }

    /// <summary>Target mean activation ρ.</summary>
    public double Rho { get; init; }

    /// <summary>Weight β of the KL penalty.</summary>
    public double Beta { get; init; }

    /// <summary>Latents kept by TopK.</summary>
    public int K { get; init; }

    /// <summary>Peak learning rate.</summary>
    public double LearningRate { get; init; }

    /// <summary>Seed of the first weights and of the order of the rows.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The settings that a run opens with: each ends with what the chapter promises of it.</summary>
    public static LiveSettings Default(DataKind data, SparsityKind sparsity) => new()
    {
        Data = data,
        Sparsity = sparsity,
        Lambda = data == DataKind.Patches ? 3 : 2,
        Rho = data == DataKind.Patches ? 0.04 : 0.05,
        Beta = data == DataKind.Patches ? 4 : 1,
        K = data == DataKind.Patches ? 5 : 3,
        LearningRate = sparsity == SparsityKind.Kl ? 0.01 : 0.003,
    };

    /// <summary>Width of the rows trained on.</summary>
    public int Width => Data == DataKind.Patches ? Patches.Pixels : KnownWidth;

    /// <summary>The autoencoder, as the library takes it.</summary>
    public DictionaryOptions Autoencoder => Sparsity switch
    {
        SparsityKind.L1 => new ReluOptions { Latents = Latents, L1Coefficient = Lambda, UnitDecoder = true },
        SparsityKind.Kl => new KlOptions { Latents = Latents, TargetActivation = Rho, KlCoefficient = Beta, UnitDecoder = true },
        _ => new TopKOptions { Latents = Latents, K = K },
    };

    /// <summary>
    /// The run, as the library takes it. One thread: readers share the processors by taking turns, and a step is too small to divide.
    /// </summary>
    public TrainingOptions Run => new()
    {
        Autoencoder = Autoencoder,
        Rows = (long)Steps * Batch,
        Batch = Batch,
        Seed = (ulong)Seed,
        Threads = 1,
        LearningRate = LearningRate,
        DeadAfter = 100 * Batch,
        Validation = 0,

        // Activations of sigmoids end at 1, so their data keeps the scale it was given.
        InputScaling = Sparsity == SparsityKind.Kl ? InputScaling.None : InputScaling.MeanNorm,
    };

    /// <summary>Makes the made-up features; the caller disposes of them.</summary>
    public SyntheticFeatures MakeFeatures() => new(new SyntheticFeatureOptions
    {
        Width = KnownWidth,
        Features = KnownFeatures,
        Rows = 100_000,
        ActivePerRow = ActiveFeatures,
        Frequency = FeatureFrequency.Uniform,
        Seed = (ulong)Seed,
    });
}
