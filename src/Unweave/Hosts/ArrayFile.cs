using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Hosts;

/// <summary>A file with one array, whatever its axes: the first counts the inputs of a model, a row is all numbers of one input.</summary>
internal sealed class ArrayFile : IActivationSource
{
    private readonly TensorFile file;
    private readonly TensorInfo tensor;

    private ArrayFile(TensorFile file)
    {
        this.file = file;
        TensorInfo[] arrays = [.. file.Tensors.Where(one => one.Shape.Count > 0)];
        tensor = arrays.Length == 1 ? arrays[0] : throw new InputException($"{file.Path}: one array is needed; it has "
            + $"{(arrays.Length == 0 ? "none" : string.Join(", ", arrays.Take(10).Select(one => one.ToString())))}.");
        bool single = tensor.Shape.Count == 1;
        Rows = single ? 1 : tensor.Shape[0];
        Shape = single ? tensor.Shape : [.. tensor.Shape.Skip(1)];
        long width = Shape.Aggregate(1L, (product, length) => checked(product * length));
        if (Rows == 0 || width == 0) throw new InputException($"{file.Path} holds {Description}: there is no number in it.");
        if (width > Array.MaxLength)
            throw new InputException($"{file.Path}: one input has {width} numbers, which is too many for memory; is the array transposed?");
        Width = (int)width;
    }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public long Rows { get; }

    /// <inheritdoc/>
    public string Name => file.Path;

    /// <summary>Lengths of the axes of one input.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Type and axes, for messages.</summary>
    public string Description => $"{tensor.Type} [{string.Join(", ", tensor.Shape)}]";

    /// <summary>Whether the numbers are stored as whole ones.</summary>
    public bool HoldsWholeNumbers => !tensor.Type.IsFloat();

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file; its format is recognized by its content.</param>
    /// <exception cref="InputException">There is no such file, or not exactly one array in it.</exception>
    public static ArrayFile Open(string path)
    {
        TensorFile opened = TensorFile.Open(path);
        try
        {
            return new ArrayFile(opened);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<long> rows, Matrix destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        for (int i = 0; i < rows.Length; i++)
        {
            file.Read(tensor, rows[i] * Width, destination.Row(i));
            RowChecks.Finite(destination.Row(i), Name, rows[i]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
