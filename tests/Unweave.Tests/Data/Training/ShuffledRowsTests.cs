using CsCheck;
using Unweave.Data;

namespace Unweave.Tests.Data;

public sealed class ShuffledRowsTests
{
    private static readonly Gen<ShuffledRows> Shuffles =
        Gen.Select(Gen.Int[2, 300], Gen.ULong, Gen.OneOf(Gen.Const(0.0), Gen.Double[0, 0.9]))
            .Select((rows, seed, share) => new ShuffledRows(rows, seed, share));

    [Theory]
    [InlineData(100, 0.05, 5)]
    [InlineData(100, 0.059, 5)]
    [InlineData(10, 0.05, 1)]
    [InlineData(2, 0.001, 1)]
    [InlineData(1, 0.5, 0)]
    [InlineData(100, 0, 0)]
    [InlineData(3, 0.9, 2)]
    public void Holds_out_the_share_rounded_down_but_at_least_one(long rows, double share, long heldOut)
    {
        var shuffle = new ShuffledRows(rows, 0, share);
        Assert.Equal(heldOut, shuffle.ValidationRows);
        Assert.Equal(rows - heldOut, shuffle.TrainingRows);
    }

    [Fact]
    public void Refuses_a_split_without_training_rows()
    {
        Assert.Contains("none is left to train on", Assert.Throws<InputException>(() => new ShuffledRows(0, 0, 0)).Message,
            StringComparison.Ordinal);
        Assert.Throws<InputException>(() => new ShuffledRows(10, 0, 1));
        Assert.Throws<InputException>(() => new ShuffledRows(10, 0, double.NaN));
    }

    [Fact]
    public void An_epoch_has_every_training_row_once_and_no_held_out_one() => Shuffles.Sample(shuffle =>
    {
        long[] heldOut = [.. Enumerable.Range(0, (int)shuffle.ValidationRows).Select(i => shuffle.ValidationRow(i))];
        for (int epoch = 0; epoch < 3; epoch++)
        {
            long[] rows = new long[shuffle.TrainingRows];
            shuffle.Fill(epoch * shuffle.TrainingRows, rows);
            Assert.Equal(Enumerable.Range(0, (int)shuffle.Rows).Select(i => (long)i), rows.Concat(heldOut).Order());
        }
    }, iter: 200);

    [Fact]
    public void Epochs_differ_and_seeds_differ()
    {
        var shuffle = new ShuffledRows(1000, 3, 0.1);
        long[] first = new long[900], second = new long[900], other = new long[900];
        shuffle.Fill(0, first);
        shuffle.Fill(900, second);
        new ShuffledRows(1000, 4, 0.1).Fill(0, other);
        // Two random orders of 900 agree in one place on average; 10 or more has probability 1e-7.
        Assert.InRange(first.Zip(second).Count(pair => pair.First == pair.Second), 0, 9);
        Assert.InRange(first.Zip(other).Count(pair => pair.First == pair.Second), 0, 9);
    }

    [Fact]
    public void Any_piece_of_the_stream_is_the_same_whoever_asks_and_in_whatever_order() =>
        Gen.Select(Gen.Int[2, 300], Gen.ULong, Gen.Int[0, 2000], Gen.Int[0, 700]).Sample((rows, seed, position, length) =>
        {
            long[] whole = new long[position + length], piece = new long[length];
            new ShuffledRows(rows, seed, 0.2).Fill(0, whole);
            var resumed = new ShuffledRows(rows, seed, 0.2);
            resumed.Fill(position, piece);
            Assert.Equal(whole[position..], piece);
            resumed.Fill(position / 2, piece.AsSpan(0, length / 2));
            Assert.Equal(whole.AsSpan(position / 2, length / 2), piece.AsSpan(0, length / 2));
        }, iter: 100);
}
