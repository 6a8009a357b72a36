using Unweave.Formats;

namespace Unweave.Retrieval.Segments;

/// <summary>
/// The tensors of a segment's file by address. All bytes are checked against the file's checksum when it is opened; the memory stays in
/// place until it is disposed.
/// </summary>
internal sealed unsafe class SegmentTensors : IDisposable
{
    private readonly SafetensorsFile file;
    private readonly List<FileBytes.Pinned> pinned = [];

    /// <summary>Opens a file.</summary>
    /// <exception cref="InputException">It is missing, damaged, or no such file.</exception>
    public SegmentTensors(SafetensorsFile file)
    {
        this.file = file;
        if (!file.HasChecksum) throw new InputException($"{file.Path}: has no checksum, so it is no segment of an index.");
        file.Verify();
    }

    /// <summary>SHA-256 of the file's header.</summary>
    public string HeaderHash => file.HeaderHash;

    /// <summary>The file's metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata => file.Metadata;

    /// <summary>Bytes of the tensors, summed by what their names begin with.</summary>
    public IReadOnlyDictionary<string, long> BytesByPart => file.Tensors
        .GroupBy(tensor => tensor.Name.Split('.')[0], StringComparer.Ordinal)
        .ToDictionary(part => part.Key, part => part.Sum(tensor => tensor.Count * tensor.Type.Size()), StringComparer.Ordinal);

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Has(string name) => file.Tensors.Any(tensor => string.Equals(tensor.Name, name, StringComparison.Ordinal));

    /// <summary>Number of values of a tensor; at least 1.</summary>
    public int Count(string name)
    {
        Check(Has(name), $"has no {name}");
        long count = file[name].Count;
        Check(count is > 0 and <= int.MaxValue, $"{name} has {count} values");
        return (int)count;
    }

    public long* Longs(string name, long count) => (long*)Find(name, ElementType.Int64, count);

    public double* Doubles(string name, long count) => (double*)Find(name, ElementType.Float64, count);

    public float* Floats(string name, long count) => (float*)Find(name, ElementType.Float32, count);

    public uint* UInts(string name, long count) => (uint*)Find(name, ElementType.UInt32, count);

    public uint* UInts(string name, out long count) => (uint*)Find(name, ElementType.UInt32, out count);

    public int* Ints(string name, long count) => (int*)Find(name, ElementType.Int32, count);

    public ulong* ULongs(string name, long count) => (ulong*)Find(name, ElementType.UInt64, count);

    public byte* Bytes(string name, long count) => (byte*)Find(name, ElementType.UInt8, count);

    public byte* Bytes(string name, out long count) => (byte*)Find(name, ElementType.UInt8, out count);

    /// <summary>Latents are kept in 16 bits where all fit.</summary>
    public void* Latents(string name, long count, out bool wide)
    {
        wide = file[name].Type == ElementType.Int32;
        return Find(name, wide ? ElementType.Int32 : ElementType.UInt16, count);
    }

    /// <summary>Refuses the file where something does not hold.</summary>
    /// <exception cref="InputException">It does not.</exception>
    public void Check(bool holds, string problem)
    {
        if (!holds) throw Bad(problem);
    }

    /// <summary>What is wrong with the file, as an error.</summary>
    public InputException Bad(string problem) =>
        new($"{file.Path}: {problem}; the segment is damaged or of another program: restore it, or build the index again.");

    /// <summary>Gives back the memory that reading has filled.</summary>
    public void Forget() => file.Forget();

    public void Dispose()
    {
        foreach (FileBytes.Pinned place in pinned) place.Dispose();
        file.Dispose();
    }

    private void* Find(string name, ElementType type, long count)
    {
        void* found = Find(name, type, out long actual);
        Check(actual == count, $"{name} has {actual} values where {count} were due");
        return found;
    }

    private void* Find(string name, ElementType type, out long count)
    {
        Check(Has(name), $"has no {name}");
        TensorInfo tensor = file[name];
        Check(tensor.Type == type, $"{name} is of type {tensor.Type}, not {type}");
        count = tensor.Count;
        FileBytes.Pinned place = file.Raw(tensor).Pin();
        pinned.Add(place);
        return place.First;
    }
}
