namespace Unweave.Projection;

/// <summary>Settings of t-SNE. The defaults are those that Kobak and Berens (2019) and Belkina et al. (2019) found to hold from hundreds to many thousands of points.</summary>
public sealed record TSneOptions
{
    /// <summary>How many neighbours count, softly: the perplexity of each point's affinities. Default 30; it is lowered to a third of the other points where there are few.</summary>
    public double Perplexity { get; init; } = 30;

    /// <summary>Steps. Default 750.</summary>
    public int Iterations { get; init; } = 750;

    /// <summary>Steps at the start in which attraction is stronger. Default 250.</summary>
    public int ExaggeratedIterations { get; init; } = 250;

    /// <summary>How much stronger it is. Default 12.</summary>
    public double Exaggeration { get; init; } = 12;

    /// <summary>Learning rate; null takes N / exaggeration / 4, at least 50 (Belkina et al. 2019, with the factor 4 of the gradient left in).</summary>
    public double? LearningRate { get; init; }

    /// <summary>How far apart points are taken together: a cell counts as one point where its width is less than θ of its distance (van der Maaten 2014). 0 is exact. Default 0.5.</summary>
    public double Theta { get; init; } = 0.5;

    /// <summary>Seed of the start, where the data give none.</summary>
    public ulong Seed { get; init; }

    /// <summary>Refuses settings that have no meaning.</summary>
    /// <exception cref="InputException">One has none.</exception>
    internal void Validate()
    {
        if (!(Perplexity >= 1 && double.IsFinite(Perplexity))) throw new InputException($"perplexity is {Perplexity}; it must be 1 or more, 5 to 50 are usual.");
        if (Iterations < 1) throw new InputException($"iterations is {Iterations}; it must be 1 or more.");
        if (ExaggeratedIterations < 0) throw new InputException($"exaggerated iterations is {ExaggeratedIterations}; it must not be negative.");
        if (!(Exaggeration >= 1 && double.IsFinite(Exaggeration))) throw new InputException($"exaggeration is {Exaggeration}; it must be 1 or more.");
        if (LearningRate is { } rate && !(rate > 0 && double.IsFinite(rate))) throw new InputException($"the learning rate is {rate}; it must be above 0.");
        if (!(Theta >= 0 && Theta <= 1)) throw new InputException($"theta is {Theta}; it must be from 0 (exact) to 1.");
    }
}
