using System.Buffers;
using CsCheck;
using Unweave.Retrieval.Postings;

namespace Unweave.Tests.Retrieval;

public sealed unsafe class PostingListTests
{
    private static readonly Gen<(ushort[] Rows, byte[] Levels)> Lists =
        Gen.Select(Gen.Int[1, 700], Gen.Int[1, 65_536], Gen.ULong).Select((wanted, span, seed) =>
        {
            var rng = new Unweave.Numerics.Rng(seed);
            var rows = new SortedSet<ushort>();
            for (int i = 0; i < wanted; i++) rows.Add((ushort)rng.NextBelow(span));
            return (rows.ToArray(), rows.Select(_ => (byte)rng.NextBelow(PostingList.Levels)).ToArray());
        });

    [Fact]
    public void What_is_packed_is_read_again() => Lists.Sample(list =>
    {
        byte[] packed = Pack(list.Rows, list.Levels, out int length);
        fixed (byte* first = packed)
        {
            Assert.Equal(list.Rows.Length, PostingList.Count(first));
            ushort[] rows = new ushort[PostingList.Block];
            byte[] levels = new byte[PostingList.Block];
            int count = PostingList.Read(first, rows, levels);
            Assert.Equal(list.Rows, rows[..count]);
            Assert.Equal(list.Levels.Select(level => level + 1), levels[..count].Select(level => (int)level));
            Assert.True(PostingList.IsWhole(first, length, list.Rows[^1] + 1));
            Assert.False(PostingList.IsWhole(first, length, list.Rows[^1]), "a row past the block");
            Assert.False(PostingList.IsWhole(first, length - 1, PostingList.Block), "cut short");
        }
    });

    [Fact]
    public void All_rows_and_a_whole_block_are_one_list()
    {
        ushort[] rows = [.. Enumerable.Range(0, PostingList.Block).Select(row => (ushort)row)];
        byte[] packed = Pack(rows, new byte[rows.Length], out int length);
        Assert.InRange(length, PostingList.Block * 5 / 8, PostingList.Block * 7 / 8); // distances of 1 take no bits
        fixed (byte* first = packed) Assert.Equal(PostingList.Block, PostingList.Count(first));
    }

    [Fact]
    public void Scores_are_sums_of_weights_times_levels() => Gen.Select(Lists, Gen.UInt[1, 400]).Sample((list, weight) =>
    {
        ushort[] scores = new ushort[PostingList.Block], expected = new ushort[PostingList.Block];
        for (int i = 0; i < list.Rows.Length; i++) expected[list.Rows[i]] += (ushort)((list.Levels[i] + 1) * weight);
        byte[] packed = Pack(list.Rows, list.Levels, out _);
        fixed (byte* first = packed)
        fixed (ushort* score = scores)
            PostingList.Accumulate(first, weight, score);
        Assert.Equal(expected, scores);
    });

    [Fact]
    public void Rows_of_ranges_are_scored_as_all_are() => Gen.Select(Lists, Gen.Int[0, 65_000], Gen.Int[1, 3_000], Gen.Int[1, 9_000])
        .Sample((list, start, gap, length) =>
    {
        (int First, int End)[] ranges = [(start / 2, (start / 2) + length), ((start / 2) + length + gap, (start / 2) + (2 * length) + gap)];
        ushort[] some = new ushort[PostingList.Block], all = new ushort[PostingList.Block];
        byte[] packed = Pack(list.Rows, list.Levels, out _);
        fixed (byte* first = packed)
        fixed (ushort* score = some)
        fixed (ushort* whole = all)
        {
            PostingList.Accumulate(first, 3, ranges, score);
            PostingList.Accumulate(first, 3, whole);
        }

        foreach ((int from, int end) in ranges)
            Assert.Equal(all[Math.Min(from, all.Length)..Math.Min(end, all.Length)],
                some[Math.Min(from, all.Length)..Math.Min(end, all.Length)]);
    });

    private static byte[] Pack(ushort[] rows, byte[] levels, out int length)
    {
        var target = new ArrayBufferWriter<byte>();
        PostingList.Write(target, rows, levels);
        length = target.WrittenCount;
        return [.. target.WrittenSpan, .. new byte[PostingList.Slack]];
    }
}
