using CsCheck;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

public sealed class ShuffleBufferTests
{
    [Fact]
    public void Every_row_is_served_once_whatever_the_sizes() =>
        Gen.Select(Gen.Int[0, 500], Gen.Int[1, 60], Gen.Int[1, 40], Gen.Int[1, 90], Gen.ULong)
            .Sample((total, capacity, batch, block, seed) =>
        {
            List<float[]> batches = Draw(total, capacity, Math.Min(batch, capacity), seed, _ => block);
            Assert.Equal(Enumerable.Range(0, total).Select(i => (float)i), batches.SelectMany(values => values).Order());
            Assert.All(batches.SkipLast(1), values => Assert.Equal(Math.Min(batch, capacity), values.Length));
        }, iter: 300);

    [Fact]
    public void A_seed_gives_the_same_batches_however_the_blocks_are_cut()
    {
        List<float[]> small = Draw(1000, 128, 16, 7, _ => 1), large = Draw(1000, 128, 16, 7, _ => 333),
            odd = Draw(1000, 128, 16, 7, i => i % 9), other = Draw(1000, 128, 16, 8, _ => 1);
        Assert.Equal(small, large);
        Assert.Equal(small, odd);
        Assert.NotEqual(small, other);
    }

    // The first draw is uniform over the buffer: each of 8 rows about 1,250 times in 10,000 (7 standard deviations are 230).
    [Fact]
    public void A_draw_is_uniform_over_the_buffer()
    {
        int[] first = new int[20];
        for (ulong seed = 0; seed < 10_000; seed++) first[(int)Draw(20, 8, 1, seed, _ => 5, most: 1)[0][0]]++;
        Assert.All(first[..8], times => Assert.InRange(times, 1020, 1480));
        Assert.All(first[8..], times => Assert.Equal(0, times));
    }

    [Fact]
    public void A_row_never_comes_before_the_buffer_could_hold_it_and_the_producer_waits_until_half_is_gone()
    {
        int produced = 0;
        IEnumerable<Matrix> Produce()
        {
            using var row = new Matrix(1, 1);
            for (; produced < 1000; row[0, 0] = ++produced) yield return row;
        }

        using var buffer = new ShuffleBuffer(Produce(), 1, 100, seed: 3);
        Assert.Equal(0, buffer.Produced);
        using var batch = new Matrix(10, 1);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(10, buffer.Next(batch));
            Assert.Equal(100, buffer.Produced);
            foreach (float row in batch.AsSpan()) Assert.InRange(row, 0, 99);
        }

        buffer.Next(batch); // half is gone: filled up first
        Assert.Equal((150, 60), (buffer.Produced, buffer.Served));
    }

    [Fact]
    public void An_ended_stream_serves_what_is_left_and_then_nothing()
    {
        Assert.Equal([4, 4, 2], Draw(10, 4, 4, 1, _ => 3).Select(batch => batch.Length));
        Assert.Empty(Draw(0, 4, 4, 1, _ => 3));
    }

    [Fact]
    public void Rows_of_another_width_and_NaN_are_refused_with_the_row()
    {
        using Matrix good = new(3, 2), wide = new(1, 3), bad = new(2, 2, [0, 0, 0, float.NaN]), batch = new(2, 2);
        using var widths = new ShuffleBuffer([good, wide], 2, 10, seed: 0, "gpt2, blocks.2");
        Assert.Equal("gpt2, blocks.2: rows have width 3 from row 3 on where 2 is due; harvest one hook of one model.",
            Assert.Throws<InputException>(() => widths.Next(batch)).Message);
        using var nan = new ShuffleBuffer([good, bad], 2, 10, seed: 0);
        Assert.StartsWith("stream: row 4 (counted from 0) has NaN at column 1",
            Assert.Throws<InputException>(() => nan.Next(batch)).Message, StringComparison.Ordinal);
        using var small = new ShuffleBuffer([good], 2, 1, seed: 0);
        Assert.Throws<ArgumentException>(() => small.Next(batch));
    }

    /// <summary>The batches of a stream of rows 0, 1, 2, … of width 1, in blocks whose sizes are given.</summary>
    private static List<float[]> Draw(int total, int capacity, int batch, ulong seed, Func<int, int> blockRows, int most = int.MaxValue)
    {
        IEnumerable<Matrix> Produce()
        {
            for (int row = 0, number = 0; row < total; number++)
            {
                using var block = new Matrix(Math.Min(blockRows(number), total - row), 1);
                for (int i = 0; i < block.Rows; i++) block[i, 0] = row++;
                yield return block;
            }
        }

        using var buffer = new ShuffleBuffer(Produce(), 1, capacity, seed);
        using var drawn = new Matrix(batch, 1);
        var batches = new List<float[]>();
        while (batches.Count < most && buffer.Next(drawn) is > 0 and int count) batches.Add(drawn.AsSpan()[..count].ToArray());
        return batches;
    }
}
