using System.Numerics;
using System.Runtime.CompilerServices;

namespace Unweave.Numerics;

/// <summary>
/// A seeded random number generator, xoshiro256** (Blackman and Vigna 2018) seeded through SplitMix64. The same seed and stream
/// give the same numbers on every machine, and <see cref="State"/> can be saved and restored.
/// </summary>
public sealed class Rng
{
    private ulong s0, s1, s2, s3;

    /// <summary>Starts a stream of numbers.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Names an independent stream under the same seed.</param>
    public Rng(ulong seed, ulong stream = 0)
    {
        ulong mix = seed ^ Mix(stream + 0x632BE59BD9B4E019UL);
        s0 = Mix(mix += 0x9E3779B97F4A7C15UL);
        s1 = Mix(mix += 0x9E3779B97F4A7C15UL);
        s2 = Mix(mix += 0x9E3779B97F4A7C15UL);
        s3 = Mix(mix + 0x9E3779B97F4A7C15UL);
    }

    /// <summary>Continues from a saved state.</summary>
    public Rng((ulong, ulong, ulong, ulong) state) => State = state;

    /// <summary>The whole state: two generators of equal state give equal numbers.</summary>
    public (ulong S0, ulong S1, ulong S2, ulong S3) State
    {
        get => (s0, s1, s2, s3);
        set
        {
            if ((value.S0 | value.S1 | value.S2 | value.S3) == 0)
                throw new ArgumentException("The all-zero state is the one state that xoshiro256** never leaves.", nameof(value));
            (s0, s1, s2, s3) = value;
        }
    }

    /// <summary>A bijective mix of 64 bits: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).</summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9UL;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EBUL;
        return value ^ (value >> 31);
    }

    /// <summary>64 random bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong NextBits()
    {
        ulong result = BitOperations.RotateLeft(s1 * 5, 7) * 9;
        ulong t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = BitOperations.RotateLeft(s3, 45);
        return result;
    }

    /// <summary>A uniform number in [0, 1), with 53 random bits.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A uniform integer in [0, <paramref name="bound"/>), without bias (Lemire 2019).</summary>
    public long NextBelow(long bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        ulong n = (ulong)bound;
        ulong high = Math.BigMul(NextBits(), n, out ulong low);
        if (low < n)
        {
            ulong floor = (0 - n) % n;
            while (low < floor) high = Math.BigMul(NextBits(), n, out low);
        }

        return (long)high;
    }

    /// <summary>
    /// A standard normal number (Marsaglia's polar method; the second of each pair is dropped, so that the state is all there is).
    /// </summary>
    public double NextNormal()
    {
        while (true)
        {
            double u = (2 * NextDouble()) - 1, v = (2 * NextDouble()) - 1, s = (u * u) + (v * v);
            if (s is > 0 and < 1) return u * Math.Sqrt(-2 * Math.Log(s) / s);
        }
    }

    /// <summary>Fills with normal numbers of a given standard deviation.</summary>
    public void FillNormal(Span<float> destination, double standardDeviation = 1)
    {
        for (int i = 0; i < destination.Length; i++) destination[i] = (float)(NextNormal() * standardDeviation);
    }
}
