using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>The directions of rows from the rows' center, each of length 1. Safe to use from several threads.</summary>
internal sealed class RowVectors
{
    private readonly IActivationSource source;
    private readonly float[] center;

    /// <summary>Takes the mean of some rows for the center.</summary>
    /// <param name="source">All rows; open while this is used.</param>
    /// <param name="sample">The rows whose mean is the center.</param>
    public RowVectors(IActivationSource source, IReadOnlyList<long> sample)
    {
        this.source = source;
        center = new float[source.Width];
        float[][] rows = Of(sample, centered: false);
        foreach (float[] row in rows) TensorPrimitives.Add(center, row, center);
        TensorPrimitives.Divide(center, Math.Max(1, rows.Length), center);
    }

    /// <summary>The directions of rows, in the order asked for; zeros for a row at the center.</summary>
    public float[][] Of(IReadOnlyList<long> rows) => Of(rows, centered: true);

    /// <summary>The sum of directions, of length 1.</summary>
    public static float[] Sum(IEnumerable<float[]> directions)
    {
        float[]? sum = null;
        foreach (float[] one in directions)
        {
            if (sum is null) sum = [.. one];
            else TensorPrimitives.Add(sum, one, sum);
        }

        return Unit(sum ?? []);
    }

    private static float[] Unit(float[] row)
    {
        float length = TensorPrimitives.Norm(row);
        if (length > 0) TensorPrimitives.Divide(row, length, row);
        return row;
    }

    private float[][] Of(IReadOnlyList<long> rows, bool centered)
    {
        if (rows.Count == 0) return [];
        using var read = new Matrix(rows.Count, source.Width);
        source.Read([.. rows], read);
        var all = new float[rows.Count][];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = [.. read.Row(i)];
            if (!centered) continue;
            TensorPrimitives.Subtract(all[i], center, all[i]);
            Unit(all[i]);
        }

        return all;
    }
}
