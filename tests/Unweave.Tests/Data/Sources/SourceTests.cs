using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

public sealed class SourceTests
{
    [Fact]
    public void A_matrix_serves_its_rows_in_the_order_asked_for()
    {
        using var source = new MatrixSource(new Matrix(3, 2, [1, 2, 3, 4, 5, 6]), ownsMatrix: true);
        using Matrix rows = source.Rows([2, 0, 2]);
        Assert.Equal([5, 6, 1, 2, 5, 6], rows.AsSpan());
        using Matrix range = source.Rows(1, 2);
        Assert.Equal([3, 4, 5, 6], range.AsSpan());
    }

    [Fact]
    public void A_matrix_that_cannot_be_trained_on_is_refused()
    {
        Assert.Contains("mine: row 1 (counted from 0) has NaN at column 1",
            Assert.Throws<InputException>(() => new MatrixSource(new Matrix(2, 2, [1, 2, 3, float.NaN]), "mine")).Message,
            StringComparison.Ordinal);
        Assert.Contains("no rows", Assert.Throws<InputException>(() => new MatrixSource(new Matrix(0, 2))).Message,
            StringComparison.Ordinal);
        Assert.Contains("width 0", Assert.Throws<InputException>(() => new MatrixSource(new Matrix(2, 0))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "an infinity")]
    [InlineData(float.NegativeInfinity, "a negative infinity")]
    public void One_bad_value_is_found_wherever_it_is_in_rows_of_any_width(float bad, string said)
    {
        for (int width = 1; width <= 70; width++)
        {
            float[] row = new float[width];
            row.AsSpan().Fill(float.MaxValue);
            RowChecks.Finite(row, "x", 0);
            for (int column = 0; column < width; column++)
            {
                row[column] = bad;
                Assert.Contains($"row 9 (counted from 0) has {said} at column {column};",
                    Assert.Throws<InputException>(() => RowChecks.Finite(row, "x", 9)).Message, StringComparison.Ordinal);
                row[column] = float.MinValue;
            }
        }
    }

    [Fact]
    public void Reading_outside_the_source_or_into_the_wrong_shape_is_refused()
    {
        using var source = new MatrixSource(new Matrix(3, 2), ownsMatrix: true);
        using Matrix right = new(2, 2), wrong = new(2, 3);
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Read([3], right));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Read([-1], right));
        Assert.Throws<ArgumentException>(() => source.Read([0], wrong));
        Assert.Throws<ArgumentException>(() => source.Read([0, 1, 2], right));
    }

    [Fact]
    public void A_subset_maps_positions()
    {
        using var source = new MatrixSource(new Matrix(5, 1, [10, 11, 12, 13, 14]), ownsMatrix: true);
        using var chosen = new RowSubset(source, [4, 1, 1]);
        using var range = RowSubset.Range(source, 2, 3);
        using Matrix fromChosen = chosen.Rows(0, 3), fromRange = range.Rows(0, 3);
        Assert.Equal([14, 11, 11], fromChosen.AsSpan());
        Assert.Equal([12, 13, 14], fromRange.AsSpan());
        Assert.Throws<ArgumentOutOfRangeException>(() => new RowSubset(source, [5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => RowSubset.Range(source, 3, 3));
        Assert.Throws<InputException>(() => RowSubset.Range(source, 3, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => range.Rows([3]));
    }

    [Fact]
    public void The_held_out_rows_are_a_subset()
    {
        using var source = new MatrixSource(new Matrix(20, 1, [.. Enumerable.Range(0, 20).Select(i => (float)i)]), ownsMatrix: true);
        var rows = new ShuffledRows(20, 9, 0.25);
        using RowSubset heldOut = RowSubset.Validation(source, rows);
        using Matrix values = heldOut.Rows(0, 5);
        Assert.Equal(5, heldOut.Rows);
        for (int i = 0; i < 5; i++) Assert.Equal(rows.ValidationRow(i), values[i, 0]);
    }
}
