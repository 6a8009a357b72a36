using ZstdSharp;

namespace Unweave.Data;

/// <summary>Compressed texts: what the ending of a name says, and how such a file is unpacked.</summary>
internal static class Compression
{
    private const string Gzip = ".gz";

    private static readonly string[] Read = [Gzip, ".zst", ".zstd"];

    // Texts are published in these too; a folder says which of its files it leaves out for that.
    private static readonly string[] Unread = [".xz", ".bz2", ".lz4", ".br", ".lzma", ".zip", ".7z"];

    /// <summary>The name without the ending of its compression; the name itself where it has none that is read.</summary>
    public static string Unpacked(string path) => Ending(path, Read) is { } ending ? path[..^ending.Length] : path;

    /// <summary>Whether a file is compressed in a way that is read.</summary>
    public static bool Is(string path) => Ending(path, Read) is not null;

    /// <summary>The name without the ending of a compression that is not read; null where it has no such ending.</summary>
    public static string? UnpackedUnread(string path) => Ending(path, Unread) is { } ending ? path[..^ending.Length] : null;

    /// <summary>
    /// The content of a compressed file. What is cut or damaged throws while it is read; <see cref="IsDamage"/> knows it.
    /// </summary>
    /// <param name="path">Its name.</param>
    /// <param name="file">Its bytes; the stream becomes the result's.</param>
    public static Stream Unpack(string path, Stream file) =>
        IsGzip(path) ? new SealedGzip(file) : new DecompressionStream(file, leaveOpen: false);

    /// <summary>Name of the compression, for messages.</summary>
    public static string Name(string path) => IsGzip(path) ? "gzip" : "zstd";

    /// <summary>Whether an exception of reading says that the file is torn, or not of its compression.</summary>
    public static bool IsDamage(Exception exception) => exception is InvalidDataException or ZstdException or EndOfStreamException;

    private static bool IsGzip(string path) => path.EndsWith(Gzip, StringComparison.OrdinalIgnoreCase);

    private static string? Ending(string path, string[] endings) =>
        Array.Find(endings, ending => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
}
