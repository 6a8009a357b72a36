using System.IO.Compression;
using Unweave.Formats;

namespace Unweave.Tests.Formats;

/// <summary>Writes npz archives of several arrays, which the library only reads.</summary>
internal static class NpzWriter
{
    public static void Write(string path, params IReadOnlyList<TensorToWrite> arrays)
    {
        using FileStream file = File.Create(path);
        using var zip = new ZipArchive(file, ZipArchiveMode.Create);
        foreach (TensorToWrite array in arrays)
        {
            using Stream stream = zip.CreateEntry($"{array.Info.Name}.npy", CompressionLevel.NoCompression).Open();
            NpyWriter.Write(stream, array);
        }
    }
}
