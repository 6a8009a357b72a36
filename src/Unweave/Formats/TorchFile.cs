namespace Unweave.Formats;
/// <summary>x</summary>
public sealed class TorchFile : MappedTensorFile
{
    /// <summary>x</summary>
    internal TorchFile(string path, FileBytes bytes, ZipDirectory? directory = null) : base(path) { _ = bytes; _ = directory; }
    internal static bool Is(ZipDirectory zip) => zip.Entries.Any(e => e.Name.EndsWith("data.pkl", StringComparison.Ordinal));
    /// <inheritdoc/>
    public override string Format => "torch";
    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata => null!;
    /// <inheritdoc/>
    protected override void Dispose(bool disposing) { }
}
