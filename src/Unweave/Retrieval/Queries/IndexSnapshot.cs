using System.Collections;
using Unweave.Retrieval.Segments;

namespace Unweave.Retrieval.Queries;

/// <summary>One state of an index: its segments, and which of their rows are deleted. Held while it is read.</summary>
internal sealed class IndexSnapshot
{
    private readonly Segment[] segments;
    private int holders = 1;

    /// <summary>Takes over a hold of each segment.</summary>
    /// <param name="generation">Number of the state.</param>
    /// <param name="parts">The segments in order.</param>
    public IndexSnapshot(long generation, IReadOnlyList<SegmentPart> parts)
    {
        (Generation, Parts) = (generation, parts);
        segments = [.. parts.Select(part => part.Segment)];
        Offsets = new uint[parts.Count + 1];
        for (int i = 0; i < parts.Count; i++) Offsets[i + 1] = checked(Offsets[i] + (uint)parts[i].Segment.Rows);
        foreach (SegmentPart part in parts) LiveRows += part.LiveRows;
    }

    /// <summary>Number of the state: later ones are higher.</summary>
    public long Generation { get; }

    /// <summary>The segments in order.</summary>
    public IReadOnlyList<SegmentPart> Parts { get; }

    /// <summary>Number of the first row of each segment among all, and of all rows.</summary>
    public uint[] Offsets { get; }

    /// <summary>Rows that are not deleted.</summary>
    public long LiveRows { get; }

    /// <summary>Where a row is.</summary>
    public (Segment Segment, int Row) Find(uint row)
    {
        int part = 0, end = segments.Length - 1; // the last part that begins at the row or before it: one without rows has none
        while (part < end)
        {
            int middle = (part + end + 1) >>> 1;
            if (Offsets[middle] <= row) part = middle;
            else end = middle - 1;
        }

        return (segments[part], (int)(row - Offsets[part]));
    }

    /// <summary>The live row of a key; null where there is none.</summary>
    public uint? Find(ReadOnlySpan<byte> key)
    {
        for (int i = Parts.Count - 1; i >= 0; i--)
        {
            int row = Parts[i].Segment.Find(key);
            if (row >= 0 && !Parts[i].IsDeleted(row)) return Offsets[i] + (uint)row;
        }

        return null;
    }

    /// <summary>Keeps it open until <see cref="Release"/>; false where it is closed already.</summary>
    public bool TryHold()
    {
        while (true)
        {
            int now = Volatile.Read(ref holders);
            if (now == 0) return false;
            if (Interlocked.CompareExchange(ref holders, now + 1, now) == now) return true;
        }
    }

    /// <summary>Ends a hold; the last lets go of the segments.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref holders) != 0) return;
        foreach (SegmentPart part in Parts) part.Segment.Dispose();
    }
}

/// <summary>A segment in a state of an index.</summary>
/// <param name="Id">Number of the segment.</param>
/// <param name="Segment">The segment.</param>
/// <param name="Deleted">Which rows are deleted; null for none.</param>
/// <param name="DeletedFile">Name of the file that says so.</param>
internal sealed record SegmentPart(long Id, Segment Segment, BitArray? Deleted, string? DeletedFile)
{
    /// <summary>Rows that are not deleted.</summary>
    public int LiveRows { get; } = Segment.Rows - DeletedRows.Count(Deleted);

    /// <summary>Whether a row is deleted.</summary>
    public bool IsDeleted(int row) => Deleted is not null && Deleted[row];
}
