using System.Buffers.Binary;
using System.Text;

namespace Unweave.Formats;

/// <summary>
/// The zip archive of a torch checkpoint, mapped into memory: where each entry's bytes lie in the file. Torch stores entries without
/// compression, so that they can be read in place; a compressed or encrypted one is refused. Zip64 (past 4 GiB) is read.
/// </summary>
internal sealed class TorchArchive : IDisposable
{
    private const uint EndMark = 0x06054b50, End64Mark = 0x06064b50, Locator64Mark = 0x07064b50, EntryMark = 0x02014b50, LocalMark = 0x04034b50;
    private const int EndLength = 22, Locator64Length = 20, End64Length = 56, EntryLength = 46, LocalLength = 30;
    private const int LongestComment = ushort.MaxValue;
    private const ushort Extra64 = 1; // the extra field that holds sizes past 4 GiB

    private readonly MappedFile file;
    private readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);

    /// <summary>Where an entry's bytes lie in the file.</summary>
    internal readonly record struct Entry(long Offset, long Length);

    /// <summary>Opens an archive and reads its directory.</summary>
    public TorchArchive(string path)
    {
        file = new MappedFile(path);
        try
        {
            ReadDirectory();
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Names of the entries.</summary>
    public IEnumerable<string> Names => entries.Keys;

    /// <summary>The entry of a name, or null.</summary>
    public Entry? Find(string name) => entries.TryGetValue(name, out Entry entry) ? entry : null;

    /// <summary>A piece of an entry.</summary>
    public ReadOnlySpan<byte> Slice(Entry entry, long offset, int length)
    {
        if (offset < 0 || length < 0 || offset > entry.Length - length) throw Bad($"{length} bytes at {offset} are past the end of an entry of {entry.Length}");
        return file.Slice(entry.Offset + offset, length);
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private void ReadDirectory()
    {
        long end = FindEnd();
        ReadOnlySpan<byte> tail = file.Slice(end, EndLength);
        long count = BinaryPrimitives.ReadUInt16LittleEndian(tail[10..]);
        long at = BinaryPrimitives.ReadUInt32LittleEndian(tail[16..]);
        if (count == ushort.MaxValue || at == uint.MaxValue) (count, at) = ReadEnd64(end);
        if (count > file.Length / EntryLength) throw Bad($"it claims {count} entries");
        for (long i = 0; i < count; i++) at = ReadEntry(at);
    }

    /// <summary>The end of the directory: the last record of the file, before a comment that is nearly always empty.</summary>
    private long FindEnd()
    {
        if (file.Length < 4 || BinaryPrimitives.ReadUInt32LittleEndian(file.Slice(0, 4)) != LocalMark)
            throw Bad("it is not a zip archive (torch before 1.6 wrote none; load the checkpoint in a later one and save it again)");
        for (long at = file.Length - EndLength; at >= Math.Max(0, file.Length - EndLength - LongestComment); at--)
            if (BinaryPrimitives.ReadUInt32LittleEndian(file.Slice(at, 4)) == EndMark) return at;
        throw Bad("its directory is missing, so the file was cut");
    }

    private (long Count, long At) ReadEnd64(long end)
    {
        if (end < Locator64Length) throw Bad("the end of its directory is damaged");
        ReadOnlySpan<byte> locator = file.Slice(end - Locator64Length, Locator64Length);
        long at = BinaryPrimitives.ReadInt64LittleEndian(locator[8..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != Locator64Mark || at < 0 || at > file.Length - End64Length) throw Bad("the end of its directory is damaged");
        ReadOnlySpan<byte> end64 = file.Slice(at, End64Length);
        if (BinaryPrimitives.ReadUInt32LittleEndian(end64) != End64Mark) throw Bad("the end of its directory is damaged");
        return (BinaryPrimitives.ReadInt64LittleEndian(end64[32..]), BinaryPrimitives.ReadInt64LittleEndian(end64[48..]));
    }

    /// <summary>Reads an entry of the directory and returns where the next one is.</summary>
    private long ReadEntry(long at)
    {
        ReadOnlySpan<byte> entry = Piece(at, EntryLength);
        if (BinaryPrimitives.ReadUInt32LittleEndian(entry) != EntryMark) throw Bad($"its directory is damaged at byte {at}");
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(entry[8..]), method = BinaryPrimitives.ReadUInt16LittleEndian(entry[10..]);
        long stored = BinaryPrimitives.ReadUInt32LittleEndian(entry[20..]), full = BinaryPrimitives.ReadUInt32LittleEndian(entry[24..]), local = BinaryPrimitives.ReadUInt32LittleEndian(entry[42..]);
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(entry[28..]), extraLength = BinaryPrimitives.ReadUInt16LittleEndian(entry[30..]), commentLength = BinaryPrimitives.ReadUInt16LittleEndian(entry[32..]);
        string name = Encoding.UTF8.GetString(Piece(at + EntryLength, nameLength));
        Widen(Piece(at + EntryLength + nameLength, extraLength), ref full, ref stored, ref local);
        if (method != 0 || (flags & 1) != 0 || stored != full) throw Bad($"its entry '{name}' is compressed or encrypted, which torch never does");
        ReadOnlySpan<byte> header = Piece(local, LocalLength);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != LocalMark) throw Bad($"its entry '{name}' is damaged at byte {local}");
        long offset = local + LocalLength + BinaryPrimitives.ReadUInt16LittleEndian(header[26..]) + BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
        if (stored < 0 || offset > file.Length - stored) throw Bad($"its entry '{name}' of {stored} bytes lies past the end of the file");
        if (!entries.TryAdd(name, new Entry(offset, stored))) throw Bad($"it has two entries named '{name}'");
        return at + EntryLength + nameLength + extraLength + commentLength;
    }

    /// <summary>Takes the sizes and offsets that do not fit 32 bits from the extra field.</summary>
    private void Widen(ReadOnlySpan<byte> extra, ref long full, ref long stored, ref long local)
    {
        while (extra.Length >= 4)
        {
            int id = BinaryPrimitives.ReadUInt16LittleEndian(extra), length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (length > extra.Length - 4) throw Bad("its directory is damaged");
            ReadOnlySpan<byte> wide = extra.Slice(4, length);
            extra = extra[(4 + length)..];
            if (id != Extra64) continue;
            Take(ref wide, ref full);
            Take(ref wide, ref stored);
            Take(ref wide, ref local);
        }

        static void Take(ref ReadOnlySpan<byte> wide, ref long value)
        {
            if (value != uint.MaxValue || wide.Length < sizeof(long)) return;
            value = BinaryPrimitives.ReadInt64LittleEndian(wide);
            wide = wide[sizeof(long)..];
        }
    }

    private ReadOnlySpan<byte> Piece(long at, int length) =>
        at >= 0 && at <= file.Length - length ? file.Slice(at, length) : throw Bad($"its directory leads to byte {at} of {file.Length}");

    private InputException Bad(string what) => new($"{file.Path} is not a whole torch checkpoint: {what.ReplaceLineEndings(" ")}. It may be truncated or of another format; use another copy.");
}
