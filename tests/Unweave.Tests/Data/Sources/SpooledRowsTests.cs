using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

public sealed class SpooledRowsTests
{
    [Fact]
    public void Rows_come_back_in_any_order_on_any_thread()
    {
        using var spool = new SpooledRows("x.parquet", 37);
        using var x = new Matrix(500, 37);
        new Rng(1).FillNormal(x.AsSpan());
        for (int first = 0; first < 500; first += 125) spool.Append(x.AsSpan().Slice(first * 37, 125 * 37));
        spool.Complete();
        Assert.Equal(500, spool.Rows);
        Parallel.For(0, 4, thread =>
        {
            var rng = new Rng(2, (ulong)thread);
            float[] row = new float[37];
            for (int i = 0; i < 200; i++)
            {
                long at = rng.NextBelow(500);
                spool.Read(at, row);
                Assert.True(x.Row((int)at).SequenceEqual(row));
            }
        });
    }

    [Fact]
    public void Nothing_is_left_in_the_temporary_folder()
    {
        int Ours() => Directory.GetFiles(Path.GetTempPath(), "unweave-*").Length;
        int before = Ours();
        using (var spool = new SpooledRows("x.parquet", 2))
        {
            spool.Append([1, 2]);
            spool.Complete();
        }

        Assert.Equal(before, Ours());
    }

    [Fact]
    public void Part_of_a_row_is_refused()
    {
        using var spool = new SpooledRows("x.parquet", 2);
        Assert.Throws<ArgumentException>(() => spool.Append([1, 2, 3]));
        Assert.Throws<EndOfStreamException>(() => spool.Read(0, new float[2]));
    }
}
