namespace Unweave.Formats;
/// <summary>x</summary>
public sealed class ParquetColumns : MappedTensorFile
{
    /// <summary>x</summary>
    public ParquetColumns(string path) : base(path) { }
    internal static bool Begins(ReadOnlySpan<byte> head) => head.StartsWith("PAR1"u8);
    /// <inheritdoc/>
    public override string Format => "parquet";
    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata => null!;
    /// <inheritdoc/>
    protected override void Dispose(bool disposing) { }
}
