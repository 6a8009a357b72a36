using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>Some rows of another source, in an order of one's own, without copying them: a held-out split, a range, a sample.</summary>
internal sealed class RowSubset : IActivationSource
{
    private readonly IActivationSource source;
    private readonly Func<long, long> positionOf;

    /// <summary>Takes the rows at the given positions.</summary>
    /// <param name="source">The source; it stays the caller's to dispose.</param>
    /// <param name="positions">Positions in <paramref name="source"/>, repeats allowed; at least one.</param>
    public RowSubset(IActivationSource source, IReadOnlyList<long> positions)
        : this(source, positions.Count, i => positions[(int)i])
    {
        foreach (long position in positions)
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)position, (ulong)source.Rows, nameof(positions));
    }

    private RowSubset(IActivationSource source, long rows, Func<long, long> positionOf)
    {
        RowChecks.NotEmpty(source.Name, rows, source.Width);
        this.source = source;
        this.positionOf = positionOf;
        Rows = rows;
    }

    /// <inheritdoc/>
    public int Width => source.Width;

    /// <inheritdoc/>
    public long Rows { get; }

    /// <inheritdoc/>
    public string Name => source.Name;

    /// <inheritdoc/>
    public IActivationSource? Target => source.Target is { } target ? new RowSubset(target, Rows, positionOf) : null;

    /// <summary>Takes consecutive rows.</summary>
    /// <param name="source">The source; it stays the caller's to dispose.</param>
    /// <param name="first">Position of the first row.</param>
    /// <param name="count">Number of rows, at least one.</param>
    public static RowSubset Range(IActivationSource source, long first, long count)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, source.Rows - count);
        return new RowSubset(source, count, i => first + i);
    }

    /// <summary>Takes the rows that a shuffle holds out for validation.</summary>
    /// <param name="source">The source; it stays the caller's to dispose.</param>
    /// <param name="rows">A shuffle of this source's rows, with at least one held out.</param>
    public static RowSubset Validation(IActivationSource source, ShuffledRows rows)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(rows);
        return new RowSubset(source, rows.ValidationRows, rows.ValidationRow);
    }

    /// <summary>Where a row is in the source that these are rows of.</summary>
    public long PositionOf(long row) => positionOf(row);

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<long> rows, Matrix destination)
    {
        RowChecks.Request(this, rows, destination);
        long[] positions = new long[rows.Length];
        for (int i = 0; i < rows.Length; i++) positions[i] = positionOf(rows[i]);
        source.Read(positions, destination);
    }

    /// <summary>Nothing to give back: the source stays the caller's.</summary>
    public void Dispose()
    {
    }
}
