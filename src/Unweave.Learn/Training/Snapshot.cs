using Unweave.Evaluation;
using Unweave.Training;

namespace Unweave.Learn.Training;

/// <summary>A run as it stood after some step: everything that a page shows of it, and nothing that changes any more.</summary>
public sealed record Snapshot
{
    /// <summary>The settings of the run.</summary>
    public required LiveSettings Settings { get; init; }

    /// <summary>Steps done.</summary>
    public long Step => Report?.Step ?? 0;

    /// <summary>What the last step did; null before the first.</summary>
    public StepReport? Report { get; init; }

    /// <summary>The loss over the steps.</summary>
    public IReadOnlyList<LossPoint> Losses { get; init; } = [];

    /// <summary>
    /// The picture of every latent's decoder row, <see cref="Patches.Pixels"/> bytes each; empty where rows are no pictures.
    /// </summary>
    public IReadOnlyList<byte[]> Tiles { get; init; } = [];

    /// <summary>Mean activation of each latent over the sample; empty before the first step.</summary>
    public IReadOnlyList<double> Means { get; init; } = [];

    /// <summary>Share of the sample's rows on which each latent fires; empty before the first step.</summary>
    public IReadOnlyList<double> Densities { get; init; } = [];

    /// <summary>How many activations of the sample lie in each of <see cref="ActivationBins"/>' bins, those that are 0 apart.</summary>
    public ActivationBins? Activations { get; init; }

    /// <summary>Σ KL(ρ‖ρ̂) over the latents, in nats; null unless the KL penalty trains.</summary>
    public double? KlSum { get; init; }

    /// <summary>How well the known features are found; null on patches.</summary>
    public KnownFeatures? Known { get; init; }

    /// <summary>Some rows, written as sums of decoder rows.</summary>
    public IReadOnlyList<DecomposedRow> Examples { get; init; } = [];

    /// <summary>Latents whose mean activation lies within half of ρ around ρ.</summary>
    public int InBand => Means.Count(mean => Math.Abs(mean - Settings.Rho) <= LiveSettings.Band * Settings.Rho);
}

/// <summary>The loss of a step.</summary>
/// <param name="Step">Its number.</param>
/// <param name="Reconstruction">‖x − x̂‖².</param>
/// <param name="Sparsity">The penalty.</param>
public readonly record struct LossPoint(long Step, double Reconstruction, double Sparsity);

/// <summary>A histogram of activations.</summary>
/// <param name="Zero">Share of activations that are 0.</param>
/// <param name="Largest">Upper end of the last bin.</param>
/// <param name="Counts">Activations in each bin, all above 0.</param>
public sealed record ActivationBins(double Zero, double Largest, IReadOnlyList<int> Counts);

/// <summary>How well known features are found.</summary>
/// <param name="Score">The library's score.</param>
/// <param name="Latents">The latent matched with each feature.</param>
/// <param name="Cosines">Its cosine.</param>
/// <param name="Matrix">The cosine of each feature (a row) with each latent (a column, matched ones first) as a gray pixel.</param>
public sealed record KnownFeatures(FeatureRecovery Score, IReadOnlyList<int> Latents, IReadOnlyList<double> Cosines, byte[] Matrix);

/// <summary>A row written as a sum.</summary>
/// <param name="Input">The row.</param>
/// <param name="Reconstruction">What the autoencoder makes of it.</param>
/// <param name="Rest">What the reconstruction has beside the parts: the decoder's bias, and weaker latents.</param>
/// <param name="Parts">Its strongest latents, strongest first.</param>
/// <param name="Others">Active latents that are not among the parts.</param>
/// <param name="Unexplained">‖x − x̂‖²/‖x‖².</param>
/// <param name="Truth">The known features in it and how strongly, where they are known.</param>
public sealed record DecomposedRow(float[] Input, float[] Reconstruction, float[] Rest, IReadOnlyList<LatentPart> Parts, int Others,
    double Unexplained, IReadOnlyList<LatentPart> Truth);

/// <summary>A latent (or a known feature) in a row.</summary>
/// <param name="Latent">Its number.</param>
/// <param name="Weight">How strongly: the factor of its decoder row, in units of the data.</param>
public readonly record struct LatentPart(int Latent, double Weight);
