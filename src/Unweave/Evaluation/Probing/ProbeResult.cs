namespace Unweave.Evaluation;

/// <summary>What probes of one coder's latents reached on one set of texts.</summary>
/// <param name="Coder">The coder.</param>
/// <param name="Accuracies">For each k, the mean accuracy over the classes, one value a split.</param>
internal sealed record ProbeFigures(string Coder, IReadOnlyDictionary<int, double[]> Accuracies);

/// <summary>k-sparse probing of several coders on one set of texts.</summary>
internal sealed record ProbeResult
{
    /// <summary>The texts.</summary>
    public required string Name { get; init; }

    /// <summary>Texts that took part.</summary>
    public required int Texts { get; init; }

    /// <summary>The classes that were probed for; others had too few texts.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>Classes left out, as they have too few texts.</summary>
    public required int ClassesLeftOut { get; init; }

    /// <summary>Test predictions of one split, over all its classes.</summary>
    public required int TestPredictions { get; init; }

    /// <summary>The probe on all elements of the raw vectors, one value a split.</summary>
    public required double[] Dense { get; init; }

    /// <summary>The coders.</summary>
    public required IReadOnlyList<ProbeFigures> Coders { get; init; }

    /// <summary>
    /// The smallest difference between two coders at k that such a test sees four times in five, at the two-sided level of 5%:
    /// (1.96 + 0.84)·√2·√(s²/S + p(1 − p)/N), with s² the variance over the S splits (pooled over the coders), p the mean accuracy and N
    /// the test predictions of one split.
    /// </summary>
    public double SmallestDifference(int k)
    {
        const double level = 1.96, power = 0.84;
        double variance = Coders.Average(coder => Variance(coder.Accuracies[k]));
        double p = Coders.Average(coder => coder.Accuracies[k].Average());
        return (level + power) * Math.Sqrt(2) * Math.Sqrt((variance / Dense.Length) + (p * (1 - p) / TestPredictions));
    }

    private static double Variance(double[] values)
    {
        double mean = values.Average();
        return values.Length < 2 ? 0 : values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1);
    }
}
