using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

/// <summary>
/// A stream of rows for training: what is held out, in which order the rest comes, and that it depends on seed and position alone.
/// </summary>
public sealed class StreamedDataTests
{
    private const int Width = 2, Held = 30;

    [Fact]
    public void Rows_held_out_never_come_and_all_others_come_in_every_pass()
    {
        using StreamedData data = Of(rows: 200, capacity: 50, seed: 1);
        using Batch validation = data.Validation(1000)!.Value;
        Assert.Equal(Enumerable.Range(0, Held), Numbers(validation.Input));
        using Batch sample = data.Sample(1000);
        Assert.Equal(50, sample.Rows);
        using IBatches batches = data.Start(0, 10, 1, 1);

        // The sample is drawn from the first pass too: 50 + 12 × 10 of its 170 rows.
        List<int> seen = [.. Numbers(sample.Input)];
        for (int i = 0; i < 12; i++) seen.AddRange(Numbers(batches.Next().Input));
        Assert.All(seen, row => Assert.InRange(row, Held, 199));
        for (int i = 0; i < 200; i++) seen.AddRange(Numbers(batches.Next().Input));
        Assert.Equal(Enumerable.Range(Held, 200 - Held), seen.Distinct().Order());
        int[] times = [.. seen.GroupBy(row => row).Select(group => group.Count())];
        Assert.InRange(times.Max() - times.Min(), 0, 2);
    }

    [Fact]
    public void Batches_mix_rows_that_were_made_far_apart()
    {
        using StreamedData data = Of(rows: 10_000, capacity: 2000, seed: 1);
        using IBatches batches = data.Start(0, 100, 1, 1);
        int[] rows = Numbers(batches.Next().Input);
        Assert.InRange(rows.Max() - rows.Min(), 1000, 4000);
        Assert.NotEqual(rows.Order(), rows);
    }

    [Fact]
    public void A_seed_and_a_position_give_the_same_batches()
    {
        using StreamedData one = Of(500, 64, seed: 7), resumed = Of(500, 64, seed: 7), other = Of(500, 64, seed: 8);
        using IBatches from = one.Start(0, 16, 2, 2), at = resumed.Start(5 * 16, 16, 2, 2), different = other.Start(5 * 16, 16, 2, 2);
        for (int i = 0; i < 5; i++) from.Next();
        for (int i = 0; i < 50; i++)
        {
            float[] expected = from.Next().Input.AsSpan().ToArray();
            Assert.Equal(expected, at.Next().Input.AsSpan().ToArray());
            if (i == 0) Assert.NotEqual(expected, different.Next().Input.AsSpan().ToArray());
        }
    }

    [Fact]
    public void A_stream_with_nothing_to_train_on_says_so()
    {
        using StreamedData data = Of(rows: Held, capacity: 50, seed: 1);
        Assert.Contains("no more than the 30 rows", Assert.Throws<InputException>(() => data.Sample(10)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Targets_stay_with_their_inputs_through_the_shuffle()
    {
        IEnumerable<Batch> Pairs() => Blocks(500).Select(block =>
        {
            var target = new Matrix(block.Rows, 3);
            for (int r = 0; r < block.Rows; r++)
                for (int c = 0; c < 3; c++) target[r, c] = (10 * block[r, 0]) + c;
            return new Batch(block, target);
        });
        using var data = new StreamedData(Pairs, Width, 3, 64, 1, Held, "pairs");
        using Batch validation = data.Validation(1000)!.Value, sample = data.Sample(1000);
        using IBatches batches = data.Start(0, 16, inputScale: 2, targetScale: 4);
        Assert.Equal(Enumerable.Range(0, Held), Numbers(validation.Input));
        foreach (Batch batch in (Batch[])[validation, sample])
            for (int r = 0; r < batch.Rows; r++) Assert.Equal((10 * batch.Input[r, 0]) + 2, batch.Target[r, 2]);
        for (int i = 0; i < 50; i++)
        {
            Batch batch = batches.Next();
            for (int r = 0; r < 16; r++) Assert.Equal(4 * ((10 * batch.Input[r, 0] / 2) + 1), batch.Target[r, 1]);
        }
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
