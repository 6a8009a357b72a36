namespace Unweave.Numerics;

/// <summary>
/// The sparse codes of a set of rows: for each row, the latents that are active and how strongly, in compressed row storage.
/// Within a row, latents ascend.
/// </summary>
/// <remarks>
/// The meeting point of the library: autoencoders emit it, retrieval indexes it, interpretation reads it. An instance may be
/// reused as the destination of another encode; its arrays grow and never shrink.
/// </remarks>
public sealed class SparseCodes
{
    private long[] starts = [0];
    private int[] latents = [];
    private float[] values = [];

    /// <summary>Makes an empty set of codes over a dictionary.</summary>
    /// <param name="dictionarySize">Number of latents n; every index is below it.</param>
    public SparseCodes(int dictionarySize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(dictionarySize);
        DictionarySize = dictionarySize;
    }

    /// <summary>Makes codes from compressed row storage, checking that they are well formed.</summary>
    /// <param name="dictionarySize">Number of latents n.</param>
    /// <param name="starts">rows + 1 offsets: row r owns entries starts[r] to starts[r+1].</param>
    /// <param name="latents">Latent of each entry, ascending within a row.</param>
    /// <param name="values">Activation of each entry.</param>
    public SparseCodes(int dictionarySize, ReadOnlySpan<long> starts, ReadOnlySpan<int> latents, ReadOnlySpan<float> values)
        : this(dictionarySize)
    {
        if (starts.IsEmpty || starts[0] != 0 || starts[^1] != latents.Length || latents.Length != values.Length)
            throw new ArgumentException($"Sparse codes need starts from 0 to the number of entries; got {starts.Length} starts, "
                + $"{latents.Length} latents, {values.Length} values.");
        for (int row = 0; row + 1 < starts.Length; row++)
        {
            if (starts[row + 1] < starts[row] || starts[row + 1] > latents.Length)
                throw new ArgumentException($"Sparse codes: row {row} starts at {starts[row]} and ends at {starts[row + 1]}.");
            for (long entry = starts[row]; entry < starts[row + 1]; entry++)
            {
                int latent = latents[(int)entry];
                if ((uint)latent >= (uint)dictionarySize)
                    throw new ArgumentException($"Sparse codes: row {row} names latent {latent} of a dictionary of {dictionarySize}.");
                if (entry > starts[row] && latents[(int)entry - 1] >= latent)
                    throw new ArgumentException($"Sparse codes: the latents of row {row} do not ascend.");
            }
        }

        this.starts = starts.ToArray();
        this.latents = latents.ToArray();
        this.values = values.ToArray();
        Rows = starts.Length - 1;
    }

    /// <summary>Number of latents n of the dictionary.</summary>
    public int DictionarySize { get; }

    /// <summary>Number of rows.</summary>
    public int Rows { get; private set; }

    /// <summary>Number of entries of all rows together.</summary>
    public long Count => starts[Rows];

    /// <summary>Offsets of the rows, <c>[rows + 1]</c>.</summary>
    public ReadOnlySpan<long> Starts => starts.AsSpan(0, Rows + 1);

    /// <summary>Latent of every entry, row after row, <c>[count]</c>.</summary>
    public ReadOnlySpan<int> AllLatents => latents.AsSpan(0, checked((int)Count));

    /// <summary>Activation of every entry, row after row, <c>[count]</c>.</summary>
    public ReadOnlySpan<float> AllValues => values.AsSpan(0, checked((int)Count));

    /// <summary>The active latents of a row, ascending.</summary>
    public ReadOnlySpan<int> Latents(int row) => latents.AsSpan(checked((int)starts[row]), RowCount(row));

    /// <summary>The activations of a row, in the order of <see cref="Latents"/>.</summary>
    public ReadOnlySpan<float> Values(int row) => values.AsSpan(checked((int)starts[row]), RowCount(row));

    /// <summary>Number of active latents of a row: its L0.</summary>
    public int RowCount(int row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        return (int)(starts[row + 1] - starts[row]);
    }

    /// <summary>
    /// Lays out rows of given lengths, for a producer that then fills <see cref="LatentsForWriting"/> and <see cref="ValuesForWriting"/>.
    /// </summary>
    /// <param name="lengths">Number of entries of each row.</param>
    internal void Layout(ReadOnlySpan<int> lengths)
    {
        // Everything that may fail comes first, so that a refused layout leaves the codes as they were.
        long count = 0;
        foreach (int length in lengths) count += length;
        if (count > Array.MaxLength)
        {
            throw new InputException($"{lengths.Length} rows have {count} active latents, more than one set of codes holds "
                + $"({Array.MaxLength}); give fewer rows at a time.");
        }

        long[] offsets = starts.Length > lengths.Length ? starts : new long[lengths.Length + 1];
        if (latents.Length < count)
        {
            long capacity = Math.Min(Array.MaxLength, count + (count / 4));
            (latents, values) = (new int[capacity], new float[capacity]);
        }

        starts = offsets;
        for (int row = 0; row < lengths.Length; row++) starts[row + 1] = starts[row] + lengths[row];
        Rows = lengths.Length;
    }

    /// <summary>The entries' latents, to be filled after <see cref="Layout"/>.</summary>
    internal Span<int> LatentsForWriting => latents.AsSpan(0, (int)Count);

    /// <summary>The entries' activations, to be filled after <see cref="Layout"/>.</summary>
    internal Span<float> ValuesForWriting => values.AsSpan(0, (int)Count);

    /// <inheritdoc/>
    public override string ToString() => $"SparseCodes [{Rows}, {DictionarySize}], {Count} entries";
}
