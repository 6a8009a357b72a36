using System.IO.Compression;

namespace Unweave.Tests.Formats;

/// <summary>Zip archives by the platform's own writer and reader: the second opinion on ours.</summary>
internal static class ZipFiles
{
    public static void Write(string path, IEnumerable<(string Name, byte[] Content)> entries,
        CompressionLevel level = CompressionLevel.NoCompression) =>
        File.WriteAllBytes(path, Pack(entries, level));

    public static byte[] Pack(IEnumerable<(string Name, byte[] Content)> entries, CompressionLevel level = CompressionLevel.NoCompression)
    {
        var packed = new MemoryStream();
        using (var zip = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in entries)
            {
                using Stream entry = zip.CreateEntry(name, level).Open();
                entry.Write(content);
            }
        }

        return packed.ToArray();
    }

    public static List<(string Name, byte[] Content)> Unpack(string path)
    {
        using ZipArchive zip = ZipFile.OpenRead(path);
        return [.. zip.Entries.Select(entry =>
        {
            using Stream stream = entry.Open();
            var content = new MemoryStream();
            stream.CopyTo(content);
            return (entry.FullName, content.ToArray());
        })];
    }
}
