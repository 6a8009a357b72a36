namespace Unweave.Interpretation;

/// <summary>How text is generated.</summary>
public sealed record GenerationOptions
{
    /// <summary>Tokens to generate at most. Default 60.</summary>
    public int Tokens { get; init; } = 60;

    /// <summary>Divides the logits before sampling; 0 takes the likeliest token. Default 0.8.</summary>
    public double Temperature { get; init; } = 0.8;

    /// <summary>Samples among this many likeliest tokens; 0 among all. Default 40.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Seed of the sampling: the same seed gives the same text.</summary>
    public ulong Seed { get; init; }

    /// <summary>Refuses settings that make no sense.</summary>
    /// <exception cref="InputException">One of them.</exception>
    internal void Check()
    {
        if (Tokens < 0) throw new InputException($"{Tokens} tokens cannot be generated; give 0 or more.");
        if (!double.IsFinite(Temperature) || Temperature < 0)
            throw new InputException($"The temperature is {Temperature}; give 0 for the likeliest token, or a number above it.");
        if (TopK < 0)
            throw new InputException($"Sampling among the {TopK} likeliest tokens is not possible; give 0 for all, or at least 1.");
    }
}
