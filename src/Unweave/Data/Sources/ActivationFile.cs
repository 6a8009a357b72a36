using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// The rows of one file of vectors: npy, npz, safetensors, torch or Parquet. Rows are read where they lie and converted to 32-bit
/// floats, so the file may be larger than memory; what can only be read from front to back is unpacked once to a temporary file.
/// </summary>
public sealed class ActivationFile : IRowSource
{
    private readonly TensorFile file;
    private readonly TensorInfo tensor;
    private readonly SpooledRows? spool;

    /// <summary>Serves a tensor of an open file, and disposes the file.</summary>
    internal ActivationFile(TensorFile file, string? tensorName)
    {
        this.file = file;
        tensor = Choose(file, tensorName);
        // Of an array of more axes, such as [texts, tokens, width], the leading ones are rows one after the other.
        long width = tensor.Shape[^1], rows = tensor.Shape.SkipLast(1).Aggregate(1L, (product, length) => checked(product * length));
        RowChecks.NotEmpty(file.Path, rows, width);
        if (width > Array.MaxLength)
            throw new InputException(
                $"{file.Path}: the vectors have width {width}, which is too wide for a row in memory; is the array transposed?");
        Name = tensor.Shape.Count == 2 ? file.Path : $"{file.Path} ([{string.Join(", ", tensor.Shape)}] as {rows} rows of {width})";
        Width = (int)width;
        Rows = rows;
        if (file.IsSequential(tensor)) spool = Unpack();
    }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public long Rows { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Opens a file of vectors.</summary>
    /// <param name="path">The file; its format is recognized by its content.</param>
    /// <param name="tensor">The tensor or column to read; null takes the only one that holds vectors: floats of two axes, or
    /// else of more, whose leading axes are rows one after the other.</param>
    /// <exception cref="InputException">There is no such file or tensor, or not exactly one that holds vectors, or it is empty.</exception>
    public static ActivationFile Open(string path, string? tensor = null)
    {
        if (Harvest.Exists(path)) throw new InputException($"{path}: is a harvest, not one file of vectors; open it as one, with a hook.");
        TensorFile opened = TensorFile.Open(path);
        try
        {
            return new ActivationFile(opened, tensor);
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
        RowChecks.Request(this, rows, destination);
        for (int i = 0; i < rows.Length; i++) ((IRowSource)this).ReadRow(rows[i], destination.Row(i));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        spool?.Dispose();
        file.Dispose();
    }

    /// <inheritdoc/>
    void IRowSource.ReadRow(long row, Span<float> destination)
    {
        if (spool is null) file.Read(tensor, row * Width, destination);
        else spool.Read(row, destination);
        RowChecks.Finite(destination, Name, row);
    }

    private SpooledRows Unpack()
    {
        const int BlockElements = 1 << 20;
        var rows = new SpooledRows(Name, Width);
        try
        {
            float[] block = new float[Math.Min(Rows, Math.Max(1, BlockElements / Width)) * Width];
            for (long at = 0, end = Rows * Width; at < end;)
            {
                Span<float> piece = block.AsSpan(0, (int)Math.Min(block.Length, end - at));
                file.Read(tensor, at, piece);
                rows.Append(piece);
                at += piece.Length;
            }

            rows.Complete();
            return rows;
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    private static TensorInfo Choose(TensorFile file, string? name)
    {
        if (name is not null)
        {
            TensorInfo named = file[name];
            return named.Shape.Count >= 2
                ? named
                : throw new InputException(
                    $"{file.Path}: tensor {Describe(named)} has {named.Shape.Count} axes; vectors need at least two, [rows, width].");
        }

        TensorInfo[] candidates = [.. file.Tensors.Where(tensor => HoldsVectors(tensor) && tensor.Shape.Count == 2)];
        if (candidates.Length == 0) candidates = [.. file.Tensors.Where(HoldsVectors)];
        if (candidates.Length == 1) return candidates[0];
        if (candidates.Length > 1)
            throw new InputException($"{file.Path}: several tensors could be the vectors: {List(candidates)}; choose one by its name.");
        if (file.Tensors.Count == 0) throw new InputException($"{file.Path}: there are no tensors in it.");
        throw new InputException(
            $"{file.Path}: no tensor is an array of floats with two axes or more, [rows, width]; it has {List(file.Tensors)}.");
    }

    private static bool HoldsVectors(TensorInfo tensor) =>
        tensor.Shape.Count >= 2
            && tensor.Type is (ElementType.Float64 or ElementType.Float32 or ElementType.Float16 or ElementType.BFloat16);

    private static string List(IReadOnlyList<TensorInfo> tensors)
    {
        const int shown = 10;
        string list = string.Join(", ", tensors.Take(shown).Select(Describe));
        return tensors.Count <= shown ? list : $"{list} and {tensors.Count - shown} more";
    }

    private static string Describe(TensorInfo tensor) => $"'{tensor.Name}' {tensor.Type} [{string.Join(", ", tensor.Shape)}]";
}
