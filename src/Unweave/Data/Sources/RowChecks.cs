using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>What every source checks, in the same words.</summary>
internal static class RowChecks
{
    /// <summary>Refuses a source without rows or without columns.</summary>
    public static void NotEmpty(string name, long rows, long width)
    {
        if (rows == 0) throw new InputException($"{name}: there are no rows; give a set of at least one vector.");
        if (width == 0) throw new InputException($"{name}: the vectors have width 0; they need at least one element.");
    }

    /// <summary>Refuses a row with a NaN or an infinity.</summary>
    public static void Finite(ReadOnlySpan<float> values, string name, long row)
    {
        if (TensorPrimitives.IsFiniteAll(values)) return;
        int column = 0;
        while (float.IsFinite(values[column])) column++;
        throw new InputException(
            $"{name}: row {row} (counted from 0) has {Describe(values[column])} at column {column}; remove such rows or mend what wrote "
            + "them.");
    }

    /// <summary>Refuses positions outside the source and a destination that cannot take the rows.</summary>
    public static void Request(IActivationSource source, ReadOnlySpan<long> rows, Matrix destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.Columns != source.Width || destination.Rows < rows.Length)
            throw new ArgumentException($"Reading {rows.Length} rows of width {source.Width} into a [{destination.Rows}, "
                + $"{destination.Columns}] matrix.", nameof(destination));
        foreach (long row in rows)
        {
            if ((ulong)row >= (ulong)source.Rows)
                throw new ArgumentOutOfRangeException(nameof(rows), row, $"{source.Name} has {source.Rows} rows.");
        }
    }

    private static string Describe(float value) => float.IsNaN(value) ? "NaN" : value > 0 ? "an infinity" : "a negative infinity";
}
