using System.Runtime.CompilerServices;

namespace Unweave.Interpretation;

/// <summary>
/// How much <see cref="FeatureStatistics"/> keeps of each latent. Its memory is about 20 kB a latent that fires (more where
/// it fires on many tokens of a window), and 20 to 40 bytes for
/// each token that a latent fires on; both are bounded whatever the number of rows.
/// </summary>
public sealed record FeatureStatisticsOptions
{
    /// <summary>Strongest examples. Default 20.</summary>
    public int Top { get; init => field = AtLeast(1, value); } = 20;

    /// <summary>
    /// Examples drawn at random from each band of strength; there are five to eight bands of equal width from 0 to the strongest. Default
    /// 20.
    /// </summary>
    public int Drawn { get; init => field = AtLeast(1, value); } = 20;

    /// <summary>Tokens of an example before its peak. Default 16.</summary>
    public int Before { get; init => field = AtLeast(0, value); } = 16;

    /// <summary>Tokens of an example after its peak. Default 4.</summary>
    public int After { get; init => field = AtLeast(0, value); } = 4;

    /// <summary>Texts on which a latent does not fire, half of them near misses. Default 40.</summary>
    public int Contrasts { get; init => field = AtLeast(2, value); } = 40;

    /// <summary>Tokens, raised and lowered logits, nearest latents and partners that are listed. Default 10.</summary>
    public int Listed { get; init => field = AtLeast(0, value); } = 10;

    /// <summary>
    /// Pairs of latent and token that are counted at most: a latent's counts are exact while it fires on no more than this number over the
    /// number of latents, and at least 256, different tokens. Default 2²⁴: of 4,096 latents each may fire on 4,096 tokens. Beyond it,
    /// counts are lower bounds, and only tokens that certainly are among a latent's strongest are listed.
    /// </summary>
    public int TokenCounts { get; init => field = AtLeast(0, value); } = 1 << 24;

    /// <summary>Pieces of random text that contrasts are chosen from. Default 4,096.</summary>
    public int Pool { get; init => field = AtLeast(2, value); } = 4096;

    /// <summary>Rows that co-activation is counted on, drawn at random. Default 200,000.</summary>
    public int Sample { get; init => field = AtLeast(0, value); } = 200_000;

    /// <summary>Seed of everything drawn.</summary>
    public ulong Seed { get; init; }

    private static int AtLeast(int least, int value, [CallerMemberName] string name = "") =>
        value >= least ? value : throw new ArgumentOutOfRangeException(name, value, $"{name} is at least {least}.");
}
