using Unweave.Numerics;

namespace Unweave.Benchmarks.Search;

/// <summary>Every row in single precision: the exact answer.</summary>
internal sealed class FloatScan : Rival
{
    private readonly Best best = new();
    private SearchSet set = null!;

    public override string Name => "fp32 scan";

    public override void Build(SearchSet set) => this.set = set;

    public override int Search(int query, int setting, Span<int> found)
    {
        best.Clear(found.Length);
        ReadOnlySpan<float> vector = set.Queries.Row(query);
        for (int row = 0; row < set.Rows.Rows; row++)
        {
            float score = Dots.Float(set.Rows.Row(row), vector);
            if (score > best.Threshold) best.Offer(score, row);
        }

        return best.Take(found);
    }

    public override double BytesPerRow(int setting) => set.Rows.Columns * sizeof(float);
}

/// <summary>Every row in 8 bits.</summary>
internal sealed class ByteScan : Rival
{
    private readonly Best best = new();
    private SearchSet set = null!;
    private ByteRows rows = null!;

    public override string Name => "int8 scan";

    public override void Build(SearchSet set)
    {
        this.set = set;
        rows = new ByteRows(set.Rows);
    }

    public override int Search(int query, int setting, Span<int> found)
    {
        rows.Take(set.Queries.Row(query));
        return rows.Scan(best, found);
    }

    public override double BytesPerRow(int setting) => rows.BytesPerRow;
}

/// <summary>Every row's leading principal components in 8 bits.</summary>
/// <param name="dimensions">How many components.</param>
internal sealed class PcaScan(int dimensions) : Rival
{
    private const int Sample = 20_000;

    private readonly Best best = new();
    private SearchSet set = null!;
    private ByteRows rows = null!;
    private Matrix axes = null!;
    private float[] projected = [];

    public override string Name => $"PCA {dimensions} int8";

    public override void Build(SearchSet set)
    {
        this.set = set;
        axes = Axes(set.Rows, Math.Min(dimensions, set.Rows.Columns));
        projected = new float[axes.Rows];
        using var all = new Matrix(set.Rows.Rows, axes.Rows);
        for (int row = 0; row < all.Rows; row++) Project(set.Rows.Row(row), all.Row(row));
        rows = new ByteRows(all);
    }

    public override int Search(int query, int setting, Span<int> found)
    {
        Project(set.Queries.Row(query), projected);
        rows.Take(projected);
        return rows.Scan(best, found);
    }

    public override double BytesPerRow(int setting) => rows.BytesPerRow;

    public override void Dispose()
    {
        base.Dispose();
        axes?.Dispose();
    }

    /// <summary>The leading principal axes of rows, a row each.</summary>
    public static Matrix Axes(Matrix rows, int count)
    {
        // A sample evenly over the rows, less its mean.
        int taken = Math.Min(Sample, rows.Rows);
        using var sample = new Matrix(taken, rows.Columns);
        double[] mean = new double[rows.Columns];
        for (int i = 0; i < taken; i++)
        {
            rows.Row((int)((long)i * rows.Rows / taken)).CopyTo(sample.Row(i));
            for (int j = 0; j < mean.Length; j++) mean[j] += sample[i, j] / (double)taken;
        }

        for (int i = 0; i < taken; i++)
            for (int j = 0; j < mean.Length; j++) sample[i, j] -= (float)mean[j];
        using var one = new Workers(1);
        (double[][] axes, _) = PrincipalComponents.Compute(sample, count, 0, one);
        return new Matrix(count, rows.Columns, [.. axes.SelectMany(axis => axis.Select(value => (float)value))]);
    }

    private void Project(ReadOnlySpan<float> vector, Span<float> to)
    {
        for (int i = 0; i < axes.Rows; i++) to[i] = Dots.Float(axes.Row(i), vector);
    }
}
