using CsCheck;
using Unweave.Numerics;
using Unweave.Retrieval;

namespace Unweave.Tests.Retrieval;

public sealed class CellsTests
{
    private static RowReader Reader(Matrix rows) => (row, destination) => rows.Row(row).CopyTo(destination);

    private static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double dot = 0;
        for (int i = 0; i < a.Length; i++) dot += (double)a[i] * b[i];
        return dot / (Norms.L2(a) * Norms.L2(b));
    }

    // Rows of any length around planted directions.
    private static Matrix Planted(Rng rng, Matrix directions, int rows, float noise)
    {
        var x = new Matrix(rows, directions.Columns);
        rng.FillNormal(x.AsSpan());
        for (int r = 0; r < rows; r++)
        {
            float size = 0.1f + (5 * (float)rng.NextDouble());
            for (int c = 0; c < x.Columns; c++) x[r, c] = size * (directions[r % directions.Rows, c] + (noise * x[r, c]));
        }

        return x;
    }

    [Fact]
    public void A_row_is_in_the_cell_of_the_center_nearest_by_angle() =>
        Gen.Select(Gen.Int[1, 60], Gen.Int[1, 20], Gen.Int[1, 9], Gen.ULong).Sample((rows, count, width, seed) =>
    {
        using var x = new Matrix(rows, width);
        new Rng(seed).FillNormal(x.AsSpan());
        using Cells cells = Cells.Train(rows, width, Reader(x), Math.Min(rows, count), seed, Workers.Shared);
        int[] members = cells.Assign(rows, Reader(x));
        for (int r = 0; r < rows; r++)
        {
            double best = Enumerable.Range(0, cells.Centers.Rows).Max(cell => Cosine(x.Row(r), cells.Centers.Row(cell)));
            Assert.Equal(best, Cosine(x.Row(r), cells.Centers.Row(members[r])), 2e-6);
        }
    });

    [Fact]
    public void Planted_directions_are_found_whatever_the_length_of_the_rows()
    {
        const int Directions = 12;
        var rng = new Rng(1);
        using var directions = new Matrix(Directions, 40);
        rng.FillNormal(directions.AsSpan());
        using Matrix x = Planted(rng, directions, 3000, 0.3f);
        using Cells cells = Cells.Train(3000, 40, Reader(x), 2 * Directions, 7, Workers.Shared);
        int[] members = cells.Assign(3000, Reader(x));
        for (int cell = 0; cell < 2 * Directions; cell++)
        {
            int[] of = [.. Enumerable.Range(0, 3000).Where(r => members[r] == cell).Select(r => r % Directions).Distinct()];
            Assert.Single(of); // no cell is empty or has rows of two directions
            Assert.InRange(Cosine(directions.Row(of[0]), cells.Centers.Row(cell)), 0.9, 1.000001);
        }
    }

    [Fact]
    public void Cells_that_start_empty_take_rows_of_large_ones()
    {
        var rng = new Rng(2);
        using Matrix directions = new(3, 16), one = new(1, 16);
        rng.FillNormal(directions.AsSpan());
        rng.FillNormal(one.AsSpan());
        using Matrix x = Planted(rng, directions, 400, 0.2f);
        for (int r = 0; r < 360; r++) one.Row(0).CopyTo(x.Row(r)); // nearly all starts are the same row
        using Cells cells = Cells.Train(400, 16, Reader(x), 8, 3, Workers.Shared);
        int[] members = cells.Assign(400, Reader(x));
        Assert.Single(members.Take(360).Distinct());
        Assert.True(members.Skip(360).Distinct().Count() >= 3, string.Join(", ", members.Skip(360)));
        Assert.All(Enumerable.Range(360, 40), r => Assert.InRange(Cosine(x.Row(r), cells.Centers.Row(members[r])), 0.8, 1.000001));
    }

    [Fact]
    public void The_seed_decides_and_not_the_number_of_threads()
    {
        using var x = new Matrix(9000, 20);
        new Rng(4).FillNormal(x.AsSpan());
        using var alone = new Workers(1);
        using var team = new Workers(3);
        using Cells one = Cells.Train(9000, 20, Reader(x), 50, 1, alone), same = Cells.Train(9000, 20, Reader(x), 50, 1, team);
        using Cells other = Cells.Train(9000, 20, Reader(x), 50, 2, team);
        Assert.Equal(one.Centers.AsSpan(), same.Centers.AsSpan());
        Assert.Equal(one.Assign(9000, Reader(x)), same.Assign(9000, Reader(x)));
        Assert.False(one.Centers.AsSpan().SequenceEqual(other.Centers.AsSpan()));
    }

    [Fact]
    public void A_large_collection_is_sampled()
    {
        int read = 0;
        using var x = new Matrix(20_000, 4);
        new Rng(5).FillNormal(x.AsSpan());
        var seen = new HashSet<int>();
        using Cells cells = Cells.Train(
            20_000,
            4,
            (row, destination) =>
            {
                Interlocked.Increment(ref read);
                lock (seen) seen.Add(row);
                x.Row(row).CopyTo(destination);
            },
            5,
            6,
            Workers.Shared);
        Assert.Equal((200, 200), (read, seen.Count));
        Assert.InRange(seen.Average(), 7_000, 13_000);
        Assert.Equal(20_000, cells.Assign(20_000, Reader(x)).Length);
    }

    [Fact]
    public void Damaged_rows_and_too_many_cells_are_refused_and_the_work_can_be_cancelled()
    {
        using var x = new Matrix(10, 2);
        Assert.Throws<ArgumentOutOfRangeException>(() => Cells.Train(10, 2, Reader(x), 11, 1, Workers.Shared));
        Assert.Throws<OperationCanceledException>(() => Cells.Train(10, 2, Reader(x), 2, 1, Workers.Shared, new CancellationToken(true)));
        using Cells cells = Cells.Train(10, 2, Reader(x), 2, 1, Workers.Shared); // rows of 0 have a cell too
        Assert.All(cells.Assign(10, Reader(x)), cell => Assert.InRange(cell, 0, 1));
        x[3, 1] = float.NaN;
        Assert.Contains("Row 3", Assert.Throws<InputException>(() => cells.Assign(10, Reader(x))).Message, StringComparison.Ordinal);
    }
}
