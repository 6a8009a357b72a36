using System.Numerics;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// A pseudo-random permutation of [0, n) that is computed, not stored: any position is looked up in constant time and no memory
/// grows with n, so a shuffle spans a set larger than memory, and resuming it takes only its seed and a position.
/// </summary>
/// <remarks>
/// A balanced Feistel network (Luby and Rackoff 1988) permutes the next power of four; a value that falls outside [0, n) is
/// permuted again until it falls inside (cycle walking, Black and Rogaway 2002), fewer than four times on average.
/// </remarks>
internal sealed class Permutation
{
    private const int Rounds = 6;

    /// <summary>Bits of half a block at least: networks on fewer bits reach too few of the permutations of a tiny set.</summary>
    private const int SmallestHalf = 4;

    private readonly ulong[] keys = new ulong[Rounds];
    private readonly int halfBits;
    private readonly ulong halfMask;

    /// <summary>Chooses a permutation.</summary>
    /// <param name="count">Number of elements n, 0 or more.</param>
    /// <param name="seed">Names the permutation: the same seed gives the same one on every machine.</param>
    public Permutation(long count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Count = count;
        int bits = 64 - BitOperations.LeadingZeroCount((ulong)Math.Max(count - 1, 0));
        halfBits = Math.Max((bits + 1) / 2, SmallestHalf);
        halfMask = (1UL << halfBits) - 1;
        var rng = new Rng(seed, stream: (ulong)count);
        for (int round = 0; round < Rounds; round++) keys[round] = rng.NextBits();
    }

    /// <summary>Number of elements n.</summary>
    public long Count { get; }

    /// <summary>Where the permutation takes an index.</summary>
    /// <param name="index">In [0, <see cref="Count"/>).</param>
    public long this[long index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index, (ulong)Count, nameof(index));
            ulong value = (ulong)index;
            do value = PermuteBlock(value);
            while (value >= (ulong)Count);
            return (long)value;
        }
    }

    private ulong PermuteBlock(ulong block)
    {
        ulong left = block >> halfBits, right = block & halfMask;
        foreach (ulong key in keys)
            (left, right) = (right, left ^ (Rng.Mix(right ^ key) & halfMask));
        return (left << halfBits) | right;
    }
}
