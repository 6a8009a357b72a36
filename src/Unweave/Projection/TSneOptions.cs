namespace Unweave.Projection;

/// <summary>Settings of <see cref="TSne"/>; the defaults are those that its literature settled on.</summary>
public sealed record TSneOptions
{
    /// <summary>
    /// Number of neighbors that a point counts as its own, softly (van der Maaten and Hinton 2008), 1 or more. Default 30. Of fewer than
    /// 3·<see cref="Perplexity"/> + 1 points a third of the others is taken instead.
    /// </summary>
    public double Perplexity
    {
        get;
        init => field = value is >= 1 and < 1e6
            ? value
            : throw new InputException($"The perplexity is {value}; it is a number of neighbors, 1 or more, most often 5 to 50.");
    } = 30;

    /// <summary>Steps, 1 or more. Default 750.</summary>
    public int Iterations
    {
        get;
        init => field = value >= 1 ? value : throw new InputException($"The number of iterations is {value}; it must be at least 1.");
    } = 750;

    /// <summary>
    /// How coarsely far points are seen: a square of them acts as one point from where it looks smaller than this, its width over its
    /// distance (van der Maaten 2014), 0 to 1. Default 0.5; at 0 all pairs are summed, which costs N² a step.
    /// </summary>
    public double Theta
    {
        get;
        init => field = value is >= 0 and <= 1
            ? value
            : throw new InputException($"Theta is {value}; it must be from 0 (exact) to 1 (coarse).");
    } = 0.5;

    /// <summary>
    /// What attraction is multiplied with at first, so that clusters form before they spread, 1 or more. Default 12 (Belkina et al. 2019).
    /// </summary>
    public double Exaggeration
    {
        get;
        init => field = value is >= 1 and < 1e6 ? value : throw new InputException($"The exaggeration is {value}; it must be at least 1.");
    } = 12;

    /// <summary>Steps with exaggeration, but never more than a third of all. Default 250.</summary>
    public int ExaggeratedIterations
    {
        get;
        init => field = value >= 0
            ? value
            : throw new InputException($"The number of exaggerated iterations is {value}; it must be at least 0.");
    } = 250;

    /// <summary>
    /// Step along the gradient; null, the default, for max(N / (4·<see cref="Exaggeration"/>), 50): N/12 of a gradient without its factor
    /// 4, as in Belkina et al. 2019.
    /// </summary>
    public double? LearningRate
    {
        get;
        init => field = value is null or (> 0 and < double.PositiveInfinity)
            ? value
            : throw new InputException($"The learning rate is {value}; it must be above 0.");
    }

    /// <summary>
    /// Seed of the noise added to the start, a hundredth of it, which parts equal points. The start itself is the first two principal
    /// components (Kobak and Berens 2019), so that other seeds give much the same map.
    /// </summary>
    public ulong Seed { get; init; }
}
