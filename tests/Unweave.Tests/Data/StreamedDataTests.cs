using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

/// <summary>A stream of rows for training: what is held out, in which order the rest comes, and that it depends on seed and position alone.</summary>
public sealed class StreamedDataTests
{
    private const int Width = 2, Held = 30;

    [Fact]
    public void Rows_held_out_never_come_and_all_others_come_in_every_pass()
    {
        using StreamedData data = Of(rows: 200, capacity: 50, seed: 1);
        using Matrix validation = data.Validation(1000)!;
        Assert.Equal(Enumerable.Range(0, Held), Numbers(validation));
        using Matrix sample = data.Sample(1000);
        Assert.Equal(50, sample.Rows);
        using IBatches batches = data.Start(0, 10, scale: 1);

        // The sample is drawn from the first pass too: 50 + 12 × 10 of its 170 rows.
        List<int> seen = [.. Numbers(sample)];
        for (int i = 0; i < 12; i++) seen.AddRange(Numbers(batches.Next()));
        Assert.All(seen, row => Assert.InRange(row, Held, 199));
        for (int i = 0; i < 200; i++) seen.AddRange(Numbers(batches.Next()));
        Assert.Equal(Enumerable.Range(Held, 200 - Held), seen.Distinct().Order());
        int[] times = [.. seen.GroupBy(row => row).Select(group => group.Count())];
        Assert.InRange(times.Max() - times.Min(), 0, 2);
    }

    [Fact]
    public void Batches_mix_rows_that_were_made_far_apart()
    {
        using StreamedData data = Of(rows: 10_000, capacity: 2000, seed: 1);
        using IBatches batches = data.Start(0, 100, scale: 1);
        int[] rows = Numbers(batches.Next());
        Assert.InRange(rows.Max() - rows.Min(), 1000, 4000);
        Assert.NotEqual(rows.Order(), rows);
    }

    [Fact]
    public void A_seed_and_a_position_give_the_same_batches()
    {
        using StreamedData one = Of(500, 64, seed: 7), resumed = Of(500, 64, seed: 7), other = Of(500, 64, seed: 8);
        using IBatches from = one.Start(0, 16, scale: 2), at = resumed.Start(5 * 16, 16, scale: 2), different = other.Start(5 * 16, 16, scale: 2);
        for (int i = 0; i < 5; i++) from.Next();
        for (int i = 0; i < 50; i++)
        {
            float[] expected = from.Next().AsSpan().ToArray();
            Assert.Equal(expected, at.Next().AsSpan().ToArray());
            if (i == 0) Assert.NotEqual(expected, different.Next().AsSpan().ToArray());
        }
    }

    [Fact]
    public void A_stream_with_nothing_to_train_on_says_so()
    {
        using StreamedData data = Of(rows: Held, capacity: 50, seed: 1);
        Assert.Contains("no more than the 30 rows", Assert.Throws<InputException>(() => data.Sample(10)).Message, StringComparison.Ordinal);
    }

    private static StreamedData Of(int rows, int capacity, ulong seed) => new(() => Blocks(rows), Width, capacity, seed, Held, "numbers");

    // Blocks of 7 rows; a row holds its number, and its number again.
    private static IEnumerable<Matrix> Blocks(int rows)
    {
        for (int first = 0; first < rows; first += 7)
        {
            int count = Math.Min(7, rows - first);
            using var block = new Matrix(count, Width);
            for (int i = 0; i < count; i++) block.Row(i).Fill(first + i);
            yield return block;
        }
    }

    private static int[] Numbers(Matrix rows) => [.. Enumerable.Range(0, rows.Rows).Select(row => (int)rows[row, 1])];
}
