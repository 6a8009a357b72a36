using System.IO.Compression;

namespace Unweave.Formats;

/// <summary>Writes npz archives that <c>numpy.load</c> reads: stored, whole or not at all, and the same bytes for the same arrays.</summary>
public static class NpzWriter
{
    // The first moment that a zip archive can name: the time of writing would make equal archives differ.
    private static readonly DateTimeOffset Epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes arrays, one after the other in the given order.</summary>
    /// <param name="path">The target; its folder exists.</param>
    /// <param name="entries">The arrays, each with a name of its own.</param>
    /// <exception cref="InputException">The disk is full or the target may not be written; an earlier file is unchanged.</exception>
    public static void Write(string path, IReadOnlyList<TensorToWrite> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        if (entries.GroupBy(entry => entry.Info.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Skip(1).Any()) is { } twice)
            throw new ArgumentException($"Two arrays are named '{twice.Key}'.", nameof(entries));
        AtomicFile.Write(path, file =>
        {
            using var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true);
            foreach (TensorToWrite tensor in entries)
            {
                ZipArchiveEntry entry = zip.CreateEntry($"{tensor.Info.Name}.npy", CompressionLevel.NoCompression);
                entry.LastWriteTime = Epoch;
                using Stream stream = entry.Open();
                NpyWriter.Write(stream, tensor);
            }
        });
    }
}
