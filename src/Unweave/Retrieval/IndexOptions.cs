namespace Unweave.Retrieval;

/// <summary>What an index keeps; fixed when it is made.</summary>
public sealed record IndexOptions
{
    /// <summary>What is kept of the vectors beside the codes. Default 8 bits for each number.</summary>
    public VectorStore Store { get; init; } = VectorStore.Int8;

    /// <summary>Seed of the rotation of <see cref="VectorStore.Signs"/> and of cells. Default 0.</summary>
    public ulong Seed { get; init; }

    /// <summary>
    /// From how many rows on a segment's rows are numbered by cells, so that a search may look at the nearest cells alone. Default a
    /// million.
    /// </summary>
    public int CellsFrom { get; init; } = 1_000_000;
}
