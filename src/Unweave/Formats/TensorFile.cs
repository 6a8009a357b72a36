namespace Unweave.Formats;

/// <summary>How the elements of a stored tensor are written.</summary>
public enum ElementType
{
    /// <summary>IEEE 754 double precision.</summary>
    Float64,

    /// <summary>IEEE 754 single precision.</summary>
    Float32,

    /// <summary>IEEE 754 half precision.</summary>
    Float16,

    /// <summary>The upper half of a single-precision float.</summary>
    BFloat16,

    /// <summary>Signed, 64 bits.</summary>
    Int64,

    /// <summary>Signed, 32 bits.</summary>
    Int32,

    /// <summary>Signed, 16 bits.</summary>
    Int16,

    /// <summary>Signed, 8 bits.</summary>
    Int8,

    /// <summary>Unsigned, 64 bits.</summary>
    UInt64,

    /// <summary>Unsigned, 32 bits.</summary>
    UInt32,

    /// <summary>Unsigned, 16 bits.</summary>
    UInt16,

    /// <summary>Unsigned, 8 bits.</summary>
    UInt8,

    /// <summary>One byte, 0 or 1.</summary>
    Bool,
}

/// <summary>A tensor of a file: its name, element type and shape.</summary>
/// <param name="Name">Name within the file; empty for the one array of an npy file.</param>
/// <param name="Type">How the elements are stored.</param>
/// <param name="Shape">Length of each axis, outermost first, row-major; empty for a scalar.</param>
public sealed record TensorInfo(string Name, ElementType Type, IReadOnlyList<long> Shape)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, length) => checked(product * length));

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Type} [{string.Join(", ", Shape)}]";
}

/// <summary>
/// A file of named tensors, opened without reading them: a format knows tensors, never models. Safe to read from several threads.
/// </summary>
public abstract partial class TensorFile : IDisposable
{
    /// <summary>Sets what every format has.</summary>
    protected TensorFile(string path) => Path = path;

    /// <summary>Where the file is.</summary>
    public string Path { get; }

    /// <summary>Name of the format: <c>safetensors</c>, <c>npy</c>, <c>npz</c>, <c>torch</c> or <c>parquet</c>.</summary>
    public abstract string Format { get; }

    /// <summary>The tensors, in the file's own order.</summary>
    public abstract IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>The file's own key-value metadata; empty where the format has none.</summary>
    public abstract IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensor of a name, or an error that lists the names there are.</summary>
    public TensorInfo this[string name] =>
        Tensors.FirstOrDefault(tensor => string.Equals(tensor.Name, name, StringComparison.Ordinal))
        ?? throw new InputException(WhyUnreadable(name)
            ?? $"{Path}: no tensor named '{name}'; it has "
                + $"{string.Join(", ", Tensors.Take(20).Select(tensor => $"'{OneLine(tensor.Name)}'"))}.");

    /// <summary>
    /// True when reading a tensor's elements means decoding all before them (compressed npz, Parquet): then <see cref="Read"/> is
    /// quick only from front to back. Default false.
    /// </summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    public virtual bool IsSequential(TensorInfo tensor) => false;

    /// <summary>Reads elements as 32-bit floats, converting from the stored type.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    /// <param name="first">Row-major position of the first element.</param>
    /// <param name="destination">Filled whole; reading past the tensor's end is refused.</param>
    public abstract void Read(TensorInfo tensor, long first, Span<float> destination);

    /// <summary>Reads elements as they are stored, little-endian.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    /// <param name="first">Row-major position of the first element.</param>
    /// <param name="destination">A whole number of elements.</param>
    public abstract void ReadBytes(TensorInfo tensor, long first, Span<byte> destination);

    /// <summary>
    /// Does what comes before a tensor's first element is read (inflating it, its checksum), on all threads: within a part of the readers'
    /// work it would have one.
    /// </summary>
    internal virtual void Prepare(TensorInfo tensor)
    {
    }

    /// <summary>Gives back memory that reading has filled with the file's bytes, for a reader who goes through it once.</summary>
    internal virtual void Forget()
    {
    }

    /// <summary>
    /// Why a tensor that the file has is not among <see cref="Tensors"/>, as a whole message; null where it has none of that name.
    /// </summary>
    private protected virtual string? WhyUnreadable(string name) => null;

    /// <summary>Refuses a range of elements that is not inside a tensor.</summary>
    private protected static void CheckRange(TensorInfo tensor, long first, long count)
    {
        if (first < 0 || first > tensor.Count - count)
            throw new ArgumentOutOfRangeException(nameof(first), first, $"{count} elements from there pass the end of {tensor}.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back the file handle and its mapping.</summary>
    protected abstract void Dispose(bool disposing);
}
