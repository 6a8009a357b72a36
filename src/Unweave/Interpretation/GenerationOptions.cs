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
}
