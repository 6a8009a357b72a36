namespace Unweave.Formats;

/// <summary>
/// One NumPy array, as <c>numpy.save</c> writes it, versions 1.0 to 3.0, in C or Fortran order; its tensor's name is empty.
/// </summary>
internal sealed class NpyFile : MappedTensorFile
{
    private readonly FileBytes bytes;
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);

    /// <summary>Opens a file and checks its header against its length.</summary>
    /// <exception cref="InputException">The file is missing, or not one whole array of plain numbers.</exception>
    public NpyFile(string path)
        : base(path)
    {
        bytes = FileBytes.Map(path);
        try
        {
            NpyHeader? header;
            string? unreadable;
            using (FileBytes.View view = bytes.Hold())
                header = NpyHeader.Parse(view.Span(0, (int)Math.Min(bytes.Length, NpyHeader.Longest)), path, out unreadable);
            if (header is null) throw new InputException(unreadable!);
            CheckLength(header, bytes.Length, path);
            if (header.Guess is { } guess) metadata["elements"] = guess;
            Add(new StridedElements(new TensorInfo("", header.Type, header.Shape), () => bytes, header.DataStart, header.Strides));
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Format => "npy";

    /// <summary>What was guessed, where anything was.</summary>
    public override IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Whether a file begins like this format.</summary>
    internal static bool Begins(ReadOnlySpan<byte> head) => NpyHeader.Begins(head);

    /// <summary>Refuses an array that is not exactly as long as its header says.</summary>
    internal static void CheckLength(NpyHeader header, long length, string where)
    {
        if (header.FileLength > length)
            throw new InputException(
                $"{where}: is cut short: {header.Type} [{string.Join(", ", header.Shape)}] takes {header.FileLength} bytes with its "
                + $"header, and {length} are there; copy or write it again.");
        if (header.FileLength < length)
            throw new InputException(
                $"{where}: has {length - header.FileLength} bytes past the end of its array; write one array a file (several go into an "
                + "npz).");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) bytes.Dispose();
    }
}
