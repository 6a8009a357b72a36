using System.IO.Compression;

namespace Unweave.Formats;

/// <summary>Writes archives of arrays that <c>numpy.load</c> reads: whole or not at all, uncompressed, the same bytes for the same
/// arrays.</summary>
internal static class NpzWriter
{
    private static readonly DateTimeOffset NoTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero); // the first that a zip archive can say

    /// <summary>Writes arrays under their names.</summary>
    /// <param name="path">The target; its folder exists.</param>
    /// <param name="tensors">The arrays, each with a name of its own.</param>
    /// <exception cref="InputException">The disk is full or the target may not be written; an earlier file is unchanged.</exception>
    public static void Write(string path, IReadOnlyList<TensorToWrite> tensors) => AtomicFile.Write(path, file =>
    {
        using var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true);
        foreach (TensorToWrite tensor in tensors)
        {
            ZipArchiveEntry entry = zip.CreateEntry($"{tensor.Info.Name}.npy", CompressionLevel.NoCompression);
            entry.LastWriteTime = NoTime;
            using Stream target = entry.Open();
            NpyWriter.Write(target, tensor);
        }
    });
}
