using Unweave.Numerics;

namespace Unweave.Learn.Adversarial;

/// <summary>What a generator has to imitate: numbers drawn from one Gaussian or from several, each as likely.</summary>
/// <param name="Name">What a reader calls it.</param>
/// <param name="Peaks">Its Gaussians.</param>
internal sealed record TargetDistribution(string Name, IReadOnlyList<Gaussian> Peaks)
{
    /// <summary>One peak, away from where the generator starts.</summary>
    public static TargetDistribution OnePeak { get; } = new("One peak", [new Gaussian(2.2, 0.7)]);

    /// <summary>Two peaks, with little between them.</summary>
    public static TargetDistribution TwoPeaks { get; } = new("Two peaks", [new Gaussian(-1.6, 0.45), new Gaussian(1.6, 0.45)]);

    /// <summary>Four peaks: generators often leave numbers in the gaps.</summary>
    public static TargetDistribution FourPeaks { get; } =
        new("Four peaks", [new Gaussian(-3, 0.35), new Gaussian(-1, 0.35), new Gaussian(1, 0.35), new Gaussian(3, 0.35)]);

    /// <summary>All targets.</summary>
    public static IReadOnlyList<TargetDistribution> All { get; } = [OnePeak, TwoPeaks, FourPeaks];

    /// <summary>Shares of a large sample of it in the bins of <see cref="Histogram"/>: always the same sample.</summary>
    public double[] Shares
    {
        get
        {
            var rng = new Rng(11, stream: 3);
            double[] sample = new double[Game.Sampled];
            for (int i = 0; i < sample.Length; i++) sample[i] = Draw(rng);
            return Histogram.Count(sample);
        }
    }

    /// <summary>Draws a number.</summary>
    public double Draw(Rng rng)
    {
        Gaussian peak = Peaks[(int)rng.NextBelow(Peaks.Count)];
        return peak.Mean + (peak.StandardDeviation * rng.NextNormal());
    }
}
