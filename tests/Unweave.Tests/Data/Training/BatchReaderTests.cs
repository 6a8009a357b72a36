using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

public sealed class BatchReaderTests
{
    [Fact]
    public void Gives_the_rows_of_the_stream_scaled_and_across_epochs()
    {
        using var source = new SyntheticFeatures(new() { Rows = 37, Width = 9, Features = 20 });
        var rows = new ShuffledRows(37, 5, 0.2);
        using var reader = new BatchReader(source, rows, startPosition: 3, batch: 10, inputScale: 1.7f, targetScale: 1.7f);
        long[] positions = new long[10];
        for (int step = 0; step < 12; step++)
        {
            Assert.Equal(3 + (step * 10), reader.Position);
            Matrix batch = reader.Next().Input;
            rows.Fill(3 + (step * 10), positions);
            using Matrix expected = source.Rows(positions);
            for (int i = 0; i < 10; i++)
            {
                for (int j = 0; j < 9; j++) Assert.Equal(expected[i, j] * 1.7f, batch[i, j]);
            }
        }
    }

    [Fact]
    public void A_batch_stays_whole_until_the_next_call_and_reading_goes_on_meanwhile()
    {
        using var source = new Watched();
        using var reader = new BatchReader(source, new ShuffledRows(100, 0, 0), 0, 4, 1, 1);
        Matrix first = reader.Next().Input;
        using Matrix copy = first.Clone();
        source.WaitForReads(2);
        Assert.Equal(copy.AsSpan(), first.AsSpan());
    }

    [Fact]
    public void Resumes_at_its_position_with_the_same_values()
    {
        using var source = new SyntheticFeatures(new() { Rows = 50, Width = 6, Features = 10 });
        var rows = new ShuffledRows(50, 1, 0.1);
        using var whole = new BatchReader(source, rows, 0, 7, 0.5f, 0.5f);
        for (int step = 0; step < 9; step++) whole.Next();
        using var resumed = new BatchReader(source, new ShuffledRows(50, 1, 0.1), whole.Position, 7, 0.5f, 0.5f);
        for (int step = 0; step < 9; step++) Assert.Equal(whole.Next().Input.AsSpan(), resumed.Next().Input.AsSpan());
    }

    [Fact]
    public void A_failed_read_surfaces_at_the_call_that_would_have_given_its_batch()
    {
        using var source = new Watched { FailFrom = 3 };
        using var reader = new BatchReader(source, new ShuffledRows(100, 0, 0), 0, 4, 1, 1);
        reader.Next();
        reader.Next();
        Assert.Equal("file.npy: row 7 has NaN", Assert.Throws<InputException>(() => reader.Next()).Message);
        Assert.Equal("file.npy: row 7 has NaN", Assert.Throws<InputException>(() => reader.Next()).Message);
    }

    [Fact]
    public void Is_disposed_at_any_time()
    {
        using var source = new Watched();
        for (int steps = 0; steps < 5; steps++)
        {
            var reader = new BatchReader(source, new ShuffledRows(100, 0, 0), 0, 4, 1, 1);
            for (int step = 0; step < steps; step++) reader.Next();
            reader.Dispose();
            reader.Dispose();
            Assert.Throws<ObjectDisposedException>(() => reader.Next());
        }

        using var failing = new Watched { FailFrom = 1 };
        new BatchReader(failing, new ShuffledRows(100, 0, 0), 0, 4, 1, 1).Dispose();
    }

    [Fact]
    public void Targets_come_with_their_inputs_each_by_its_own_scale()
    {
        using var input = new SyntheticFeatures(new() { Rows = 37, Width = 9, Features = 20 });
        using var target = new SyntheticFeatures(new() { Rows = 37, Width = 5, Features = 20, Seed = 3 });
        using var pairs = new PairedSource(input, target);
        var rows = new ShuffledRows(37, 5, 0.2);
        using var reader = new BatchReader(pairs, rows, 0, 10, inputScale: 2, targetScale: 3);
        long[] positions = new long[10];
        for (int step = 0; step < 9; step++)
        {
            Batch batch = reader.Next();
            rows.Fill(step * 10, positions);
            using Matrix inputs = input.Rows(positions), targets = target.Rows(positions);
            for (int i = 0; i < 10; i++)
            {
                for (int j = 0; j < 9; j++) Assert.Equal(inputs[i, j] * 2, batch.Input[i, j]);
                for (int j = 0; j < 5; j++) Assert.Equal(targets[i, j] * 3, batch.Target[i, j]);
            }
        }
    }

    [Fact]
    public void Refuses_a_shuffle_of_another_set()
    {
        using var source = new Watched();
        Assert.Throws<ArgumentException>(() => new BatchReader(source, new ShuffledRows(99, 0, 0), 0, 4, 1, 1));
    }

    /// <summary>A source that counts the reads and fails from one on.</summary>
    private sealed class Watched : IActivationSource
    {
        private int reads;

        public int FailFrom { get; init; } = int.MaxValue;

        public int Width => 3;

        public long Rows => 100;

        public string Name => "watched";

        public void Read(ReadOnlySpan<long> rows, Matrix destination)
        {
            if (reads + 1 >= FailFrom) throw new InputException("file.npy: row 7 has NaN");
            for (int i = 0; i < rows.Length; i++) destination.Row(i).Fill(rows[i]);
            lock (this)
            {
                reads++;
                Monitor.PulseAll(this);
            }
        }

        public void WaitForReads(int count)
        {
            lock (this)
            {
                while (reads < count) Assert.True(Monitor.Wait(this, TimeSpan.FromSeconds(30)));
            }
        }

        public void Dispose()
        {
        }
    }
}
