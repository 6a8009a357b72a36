namespace Unweave.Formats;

/// <summary>
/// A zip archive of NumPy arrays, as <c>numpy.savez</c> and <c>savez_compressed</c> write it. Stored arrays are read where they
/// lie in the mapped file, deflated ones are inflated when first read; both are checked against their checksum then.
/// </summary>
internal sealed class NpzFile : MappedTensorFile
{
    private const string Extension = ".npy";

    private readonly FileBytes bytes;
    private readonly ZipDirectory zip;
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);

    /// <summary>Opens an archive and checks the header of each of its arrays.</summary>
    /// <exception cref="InputException">The file is missing, or not a whole archive of arrays.</exception>
    public NpzFile(string path)
        : this(path, FileBytes.Map(path))
    {
    }

    /// <summary>Takes over an archive whose directory was read.</summary>
    internal NpzFile(string path, FileBytes bytes, ZipDirectory? directory = null)
        : base(path)
    {
        this.bytes = bytes;
        try
        {
            zip = directory ?? ZipDirectory.Read(path, bytes);
            foreach (ZipEntry entry in zip.Entries.Where(IsArray)) AddArray(entry);
        }
        catch
        {
            zip?.Release();
            bytes.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Format => "npz";

    /// <summary>
    /// For each array that cannot be read, such as one of texts, the reason; the others can. For one whose elements were guessed, the
    /// guess.
    /// </summary>
    public override IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Whether a zip archive holds arrays.</summary>
    internal static bool Is(ZipDirectory zip) => zip.Entries.Any(IsArray);

    /// <inheritdoc/>
    internal override void Forget() => bytes.Forget();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        zip.Release();
        bytes.Dispose();
    }

    private static bool IsArray(ZipEntry entry) => entry.Name.EndsWith(Extension, StringComparison.Ordinal);

    private void AddArray(ZipEntry entry)
    {
        string name = entry.Name[..^Extension.Length];
        if (NpyHeader.Parse(entry.Head(NpyHeader.Longest), entry.Where, out string? unreadable) is not { } header)
        {
            metadata.Add(name, unreadable!);
            return;
        }

        NpyFile.CheckLength(header, entry.Length, entry.Where);
        if (header.Guess is { } guess) metadata.Add(name, guess);
        Add(new StridedElements(new TensorInfo(name, header.Type, header.Shape), entry.Content, header.DataStart, header.Strides));
    }
}
