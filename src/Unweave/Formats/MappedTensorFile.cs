namespace Unweave.Formats;

/// <summary>
/// A file whose tensors lie as plain elements in its mapped bytes, so that reading is a copy or a conversion. Its formats only
/// say where each tensor lies.
/// </summary>
internal abstract class MappedTensorFile : TensorFile
{
    private readonly List<TensorInfo> tensors = [];
    private readonly Dictionary<string, StridedElements> elements = new(StringComparer.Ordinal);

    private protected MappedTensorFile(string path)
        : base(path)
    {
    }

    /// <inheritdoc/>
    public sealed override IReadOnlyList<TensorInfo> Tensors => tensors;

    /// <inheritdoc/>
    public sealed override void Read(TensorInfo tensor, long first, Span<float> destination) =>
        Find(tensor, first, destination.Length).Read(first, destination);

    /// <inheritdoc/>
    public sealed override void ReadBytes(TensorInfo tensor, long first, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        int size = tensor.Type.Size();
        if (destination.Length % size != 0)
            throw new ArgumentException($"{destination.Length} bytes are not a whole number of {tensor.Type} elements.",
                nameof(destination));
        Find(tensor, first, destination.Length / size).ReadBytes(first, destination);
    }

    /// <inheritdoc/>
    internal sealed override void Prepare(TensorInfo tensor) => Find(tensor, 0, 0).Prepare();

    /// <summary>Adds a tensor while the file is opened; two of one name are refused.</summary>
    private protected void Add(StridedElements tensor)
    {
        if (!elements.TryAdd(tensor.Info.Name, tensor))
            throw new InputException($"{Path}: two tensors are named '{tensor.Info.Name}'; write the file again with names of their own.");
        tensors.Add(tensor.Info);
    }

    private StridedElements Find(TensorInfo tensor, long first, long count)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!elements.TryGetValue(tensor.Name, out StridedElements? found) || found.Info.Type != tensor.Type)
            throw new ArgumentException($"{Path} has no tensor {tensor}.", nameof(tensor));
        CheckRange(found.Info, first, count);
        return found;
    }
}
