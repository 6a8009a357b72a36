using Unweave.Data;

namespace Unweave.Tests.Data;

public sealed class PermutationTests
{
    [Fact]
    public void Is_a_bijection_for_every_size_to_2000()
    {
        bool[] seen = new bool[2000];
        for (int count = 1; count <= 2000; count++)
        {
            seen.AsSpan().Clear();
            var permutation = new Permutation(count, seed: (ulong)count);
            for (int i = 0; i < count; i++)
            {
                long value = permutation[i];
                Assert.InRange(value, 0, count - 1);
                Assert.False(seen[value], $"{value} twice, n = {count}");
                seen[value] = true;
            }
        }
    }

    [Theory]
    [InlineData(1_048_576)] // exactly a power of four: no walking
    [InlineData(1_048_577)] // one past it: the longest walks
    [InlineData(777_777)]
    public void Is_a_bijection_on_large_sets(int count)
    {
        var seen = new bool[count];
        var permutation = new Permutation(count, seed: 5);
        for (int i = 0; i < count; i++)
        {
            ref bool slot = ref seen[permutation[i]];
            Assert.False(slot);
            slot = true;
        }
    }

    [Theory]
    [InlineData((1L << 40) + 12345)]
    [InlineData(1L << 62)]
    [InlineData(long.MaxValue)]
    public void Stays_in_range_and_distinct_on_a_sample_of_huge_sets(long count)
    {
        var permutation = new Permutation(count, seed: 7);
        var values = new HashSet<long>();
        for (int i = 0; i < 5000; i++)
        {
            long low = permutation[i], high = permutation[count - 1 - i];
            Assert.InRange(low, 0, count - 1);
            Assert.InRange(high, 0, count - 1);
            Assert.True(values.Add(low) && values.Add(high));
        }
    }

    [Fact]
    public void Refuses_indices_outside_the_set()
    {
        var permutation = new Permutation(10, 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => permutation[10]);
        Assert.Throws<ArgumentOutOfRangeException>(() => permutation[-1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Permutation(0, 0)[0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Permutation(-1, 0));
    }

    [Fact]
    public void Is_the_same_on_every_machine()
    {
        // A change here would change every resumed run. From the definition, in Python:
        // M = (1 << 64) - 1
        // def mix(v):
        //     v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9 & M
        //     v = (v ^ (v >> 27)) * 0x94D049BB133111EB & M
        //     return v ^ (v >> 31)
        // rot = lambda v, k: (v << k | v >> (64 - k)) & M
        // def bits(seed, stream, count):
        //     m = seed ^ mix((stream + 0x632BE59BD9B4E019) & M)
        //     s = [mix((m + (i + 1) * 0x9E3779B97F4A7C15) & M) for i in range(4)]
        //     for _ in range(count):
        //         yield rot(s[1] * 5 & M, 7) * 9 & M
        //         t = s[1] << 17 & M
        //         s[2] ^= s[0]; s[3] ^= s[1]; s[1] ^= s[2]; s[0] ^= s[3]; s[2] ^= t; s[3] = rot(s[3], 45)
        // def permute(i, n, seed):
        //     half = max(-(-(n - 1).bit_length() // 2), 4)
        //     keys = list(bits(seed, n, 6))
        //     while True:
        //         left, right = i >> half, i & ((1 << half) - 1)
        //         for key in keys: left, right = right, left ^ (mix(right ^ key) & ((1 << half) - 1))
        //         i = left << half | right
        //         if i < n: return i
        // [permute(i, 1000, 42) for i in range(8)]
        var permutation = new Permutation(1000, 42);
        Assert.Equal([262, 597, 272, 57, 144, 756, 465, 625], Enumerable.Range(0, 8).Select(i => permutation[i]));
    }

    [Fact]
    public void All_orders_of_four_are_equally_likely()
    {
        const int trials = 24_000;
        int[] counts = new int[256];
        for (int seed = 0; seed < trials; seed++)
        {
            var permutation = new Permutation(4, (ulong)seed);
            counts[permutation[0] + (4 * permutation[1]) + (16 * permutation[2]) + (64 * permutation[3])]++;
        }

        int[] reached = [.. counts.Where(count => count > 0)];
        Assert.Equal(24, reached.Length);
        // χ² with 23 degrees of freedom is above 58 once in 10,000 times.
        Assert.True(ChiSquare(reached, trials / 24.0) < 58);
    }

    [Fact]
    public void An_index_lands_anywhere_equally_often()
    {
        const int trials = 20_000, bins = 100;
        int[] first = new int[bins], last = new int[bins];
        for (int seed = 0; seed < trials; seed++)
        {
            var permutation = new Permutation(1000, (ulong)seed);
            first[permutation[0] / 10]++;
            last[permutation[999] / 10]++;
        }

        // χ² with 99 degrees of freedom is above 161 once in 10,000 times.
        Assert.True(ChiSquare(first, trials / (double)bins) < 161);
        Assert.True(ChiSquare(last, trials / (double)bins) < 161);
    }

    [Fact]
    public void Neighbors_land_independently()
    {
        // Pairs (π(i), π(i+1)) over a 10 × 10 grid: χ² with 99 degrees of freedom.
        const int count = 100_003;
        var permutation = new Permutation(count, seed: 11);
        int[] grid = new int[100];
        double distance = 0;
        int ascents = 0;
        for (int i = 0; i + 1 < count; i++)
        {
            long here = permutation[i], there = permutation[i + 1];
            grid[(here * 10 / count * 10) + (there * 10 / count)]++;
            distance += Math.Abs(here - there);
            if (there > here) ascents++;
        }

        Assert.True(ChiSquare(grid, (count - 1) / 100.0) < 161);
        Assert.Equal(1.0 / 3, distance / ((double)count * count), 0.005);
        Assert.Equal(0.5, ascents / (double)count, 0.005);
    }

    private static double ChiSquare(int[] counts, double expected) =>
        counts.Sum(count => (count - expected) * (count - expected) / expected);
}
