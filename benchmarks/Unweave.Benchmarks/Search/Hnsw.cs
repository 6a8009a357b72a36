using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Cloud.Unum.USearch;

namespace Unweave.Benchmarks.Search;

/// <summary>
/// HNSW by USearch (Malkov and Yashunin 2018): a graph of neighbors, searched with candidate lists of several lengths (ef).
/// </summary>
/// <param name="kind">The numbers that vectors are kept in.</param>
internal sealed partial class Hnsw(ScalarKind kind) : Rival
{
    private const int Connectivity = 16, EfAtBuilding = 128;

    private static readonly int[] Lengths = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384];

    private SearchSet set = null!;
    private USearchIndex index = null!;
    private float[] vector = [];
    private double bytes;

    public override string Name => $"USearch {(kind == ScalarKind.Float16 ? "f16" : "i8")}";

    public override IReadOnlyList<string> Settings { get; } = [.. Lengths.Select(length => $"ef {length}")];

    public override void Build(SearchSet set)
    {
        this.set = set;
        vector = new float[set.Rows.Columns];
        index = new USearchIndex(MetricKind.Cos, kind, (ulong)vector.Length, Connectivity, EfAtBuilding, (ulong)Lengths[0], false);
        for (int row = 0; row < set.Rows.Rows; row++)
        {
            set.Rows.Row(row).CopyTo(vector);
            index.Add((ulong)row, vector);
        }

        bytes = Native(usearch_memory_usage(Handle(index), out nint error), error);
    }

    public override int Search(int query, int setting, Span<int> found)
    {
        usearch_change_expansion_search(Handle(index), (nuint)Lengths[setting], out nint error);
        _ = Native(0, error);
        set.Queries.Row(query).CopyTo(vector);
        int count = index.Search(vector, found.Length, out ulong[] keys, out _);
        for (int i = 0; i < count; i++) found[i] = (int)keys[i];
        return count;
    }

    public override double BytesPerRow(int setting) => bytes / set.Rows.Rows;

    // USearch lengthens the list to what is asked for.
    public override int Most(int setting) => Lengths[setting];

    public override void Dispose()
    {
        base.Dispose();
        index?.Dispose();
    }

    private static nuint Native(nuint value, nint error) =>
        error == 0 ? value : throw new InvalidOperationException($"USearch: {Marshal.PtrToStringUTF8(error)}.");

    // The class has neither, and the library does.
    [LibraryImport("libusearch_c")]
    private static partial nuint usearch_memory_usage(nint index, out nint error);

    [LibraryImport("libusearch_c")]
    private static partial void usearch_change_expansion_search(nint index, nuint expansion, out nint error);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_index")]
    private static extern ref nint Handle(USearchIndex index);
}
