using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Unweave.Formats;

/// <summary>An entry of a zip archive.</summary>
internal sealed class ZipEntry
{
    private readonly Lazy<FileBytes> content;

    public ZipEntry(string where, string name, FileBytes packed, long length, uint crc, bool deflated)
    {
        Where = where;
        Name = name;
        Packed = packed;
        Length = length;
        Deflated = deflated;
        content = new Lazy<FileBytes>(() => Unpack(crc));
    }

    /// <summary>Archive and entry, for messages.</summary>
    public string Where { get; }

    /// <summary>Name within the archive, with '/' between folders.</summary>
    public string Name { get; }

    /// <summary>Number of bytes of the content, as the archive says.</summary>
    public long Length { get; }

    private bool Deflated { get; }

    private FileBytes Packed { get; }

    /// <summary>The content: a range of the mapped archive, or inflated at the first call. The checksum is checked once.</summary>
    /// <exception cref="InputException">It is torn, not as long as the archive says, or larger than memory.</exception>
    public FileBytes Content() => content.Value;

    /// <summary>The first bytes of the content, at most <paramref name="count"/>, without their checksum checked.</summary>
    public byte[] Head(int count)
    {
        byte[] head = new byte[Math.Min(count, Length)];
        if (!Deflated)
        {
            using FileBytes.View view = Packed.Hold();
            view.Span(0, head.Length).CopyTo(head);
            return head;
        }

        try
        {
            using var inflate = new DeflateStream(Packed.Stream(), CompressionMode.Decompress);
            return inflate.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length
                ? head
                : throw Torn("is shorter than the archive says");
        }
        catch (InvalidDataException e)
        {
            throw Torn("cannot be inflated", e);
        }
    }

    /// <summary>Gives back what was inflated.</summary>
    public void Release()
    {
        if (Deflated && content.IsValueCreated) content.Value.Dispose();
    }

    private FileBytes Unpack(uint crc)
    {
        FileBytes bytes = Packed;
        if (Deflated)
        {
            // Zeros pack a thousandfold: an archive that is small on disk, honest or not, can pass what memory there is.
            if (Length > GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) throw TooLarge();
            try
            {
                bytes = FileBytes.Fill(Length, Inflate);
            }
            catch (InvalidDataException e)
            {
                throw Torn("cannot be inflated", e);
            }
            catch (OutOfMemoryException e)
            {
                throw TooLarge(e);
            }
        }

        if (Crc32.Compute(bytes) == crc) return bytes;
        if (Deflated) bytes.Dispose();
        throw Torn("differs from its checksum");
    }

    private void Inflate(UnmanagedMemoryStream target)
    {
        using var inflate = new DeflateStream(Packed.Stream(), CompressionMode.Decompress);
        byte[] block = new byte[1 << 16];
        long left = Length;
        while (inflate.Read(block) is > 0 and var read)
        {
            if (read > left) throw Torn("is longer than the archive says");
            target.Write(block, 0, read);
            left -= read;
        }

        if (left > 0) throw Torn("is shorter than the archive says");
    }

    private InputException TooLarge(Exception? cause = null)
    {
        string message =
            $"{Where}: takes {Length} bytes when inflated, more than memory holds; write the archive without compression (numpy.savez, "
            + "not savez_compressed), which is read in place.";
        return cause is null ? new InputException(message) : new InputException(message, cause);
    }

    private InputException Torn(string what, Exception? cause = null)
    {
        string message = $"{Where}: {what}; the archive is torn or corrupt: copy or write it again.";
        return cause is null ? new InputException(message) : new InputException(message, cause);
    }
}

/// <summary>
/// The directory of a zip archive, read from its mapped bytes, so that stored entries are read where they lie. Every length is
/// checked against the file; what does not add up is refused.
/// </summary>
internal sealed class ZipDirectory
{
    private const uint EndSignature = 0x06054B50, End64Signature = 0x06064B50, Locator64Signature = 0x07064B50;
    private const uint EntrySignature = 0x02014B50, LocalSignature = 0x04034B50;
    private const int EndLength = 22, Locator64Length = 20, End64Length = 56, EntryLength = 46, LocalLength = 30;

    // Deflate cannot do better: 258 bytes for two bits.
    private const long BestRatio = 1032;

    private readonly string path;
    private readonly FileBytes bytes;
    private readonly Dictionary<string, ZipEntry> byName = new(StringComparer.Ordinal);
    private readonly List<ZipEntry> entries = [];

    private ZipDirectory(string path, FileBytes bytes)
    {
        this.path = path;
        this.bytes = bytes;
    }

    /// <summary>The entries that are files, in the archive's order.</summary>
    public IReadOnlyList<ZipEntry> Entries => entries;

    /// <summary>Whether a file begins like a zip archive.</summary>
    public static bool Begins(ReadOnlySpan<byte> head) => head.StartsWith("PK\u0003\u0004"u8) || head.StartsWith("PK\u0005\u0006"u8);

    /// <summary>Reads the directory.</summary>
    /// <exception cref="InputException">The archive is torn, hostile, encrypted, or packed by another method than deflate.</exception>
    public static ZipDirectory Read(string path, FileBytes bytes)
    {
        var zip = new ZipDirectory(path, bytes);
        zip.Read();
        return zip;
    }

    /// <summary>The entry of a name, or null.</summary>
    public ZipEntry? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>Gives back what was inflated.</summary>
    public void Release()
    {
        foreach (ZipEntry entry in entries) entry.Release();
    }

    private void Read()
    {
        using FileBytes.View view = bytes.Hold();
        (long start, long length, long count) = FindDirectory(view);
        if (start < 0 || length < 0 || start > bytes.Length - length || count < 0 || count > length / EntryLength)
            throw Torn("has a directory that is not inside it");
        var places = new List<(long Begin, long End, string Name)>();
        long at = start, end = start + length;
        for (long i = 0; i < count; i++)
        {
            if (at > end - EntryLength) throw Torn("has fewer entries than it says");
            ReadOnlySpan<byte> fixedPart = view.Span(at, EntryLength);
            if (U32(fixedPart) != EntrySignature) throw Torn("has a damaged directory");
            int nameLength = U16(fixedPart[28..]), extraLength = U16(fixedPart[30..]), commentLength = U16(fixedPart[32..]);
            if (at + EntryLength > end - nameLength - extraLength - commentLength) throw Torn("has a damaged directory");
            ReadOnlySpan<byte> name = view.Span(at + EntryLength, nameLength);
            ReadOnlySpan<byte> extra = view.Span(at + EntryLength + nameLength, extraLength);
            ReadEntry(view, fixedPart, name, extra, start, places);
            at += EntryLength + nameLength + extraLength + commentLength;
        }

        // Overlapping entries are how a small archive pretends to be a large one.
        places.Sort();
        for (int i = 1; i < places.Count; i++)
        {
            if (places[i].Begin < places[i - 1].End) throw Torn($"has overlapping entries '{places[i - 1].Name}' and '{places[i].Name}'");
        }
    }

    private (long Start, long Length, long Count) FindDirectory(FileBytes.View view)
    {
        int tail = (int)Math.Min(bytes.Length, EndLength + ushort.MaxValue);
        ReadOnlySpan<byte> last = view.Span(bytes.Length - tail, tail);
        for (int at = tail - EndLength; at >= 0; at--)
        {
            ReadOnlySpan<byte> end = last[at..];
            if (U32(end) != EndSignature || U16(end[20..]) != end.Length - EndLength) continue;
            if (U16(end[4..]) is not (0 or ushort.MaxValue)) throw Torn("is one part of several");
            (long start, long length, long count) = (U32(end[16..]), U32(end[12..]), U16(end[10..]));
            return start == uint.MaxValue || length == uint.MaxValue || count == ushort.MaxValue
                ? FindDirectory64(view, bytes.Length - tail + at)
                : (start, length, count);
        }

        throw Torn("has no directory at its end");
    }

    private (long Start, long Length, long Count) FindDirectory64(FileBytes.View view, long end)
    {
        if (end < Locator64Length) throw Torn("has a damaged directory");
        ReadOnlySpan<byte> locator = view.Span(end - Locator64Length, Locator64Length);
        long at = (long)U64(locator[8..]);
        if (U32(locator) != Locator64Signature || at < 0 || at > bytes.Length - End64Length) throw Torn("has a damaged directory");
        ReadOnlySpan<byte> end64 = view.Span(at, End64Length);
        if (U32(end64) != End64Signature) throw Torn("has a damaged directory");
        return ((long)U64(end64[48..]), (long)U64(end64[40..]), (long)U64(end64[32..]));
    }

    private void ReadEntry(FileBytes.View view, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> rawName, ReadOnlySpan<byte> extra,
        long dataEnd, List<(long Begin, long End, string Name)> places)
    {
        string name = Encoding.UTF8.GetString(rawName);
        int flags = U16(entry[8..]), method = U16(entry[10..]);
        long packed = U32(entry[20..]), length = U32(entry[24..]), local = U32(entry[42..]);
        ReadSizes64(extra, ref length, ref packed, ref local);
        string where = $"{path}({TensorFile.OneLine(name)})";
        if ((flags & 1) != 0) throw new InputException($"{where}: is encrypted; write the archive again without a password.");
        if (method is not (0 or 8))
            throw new InputException($"{where}: is packed by zip method {method}; only stored and deflated entries can be read.");
        if (length < 0 || packed < 0 || local < 0 || local > dataEnd - LocalLength)
            throw Torn($"has entry '{TensorFile.OneLine(name)}' outside it");

        ReadOnlySpan<byte> header = view.Span(local, LocalLength);
        int nameLength = U16(header[26..]);
        long begin = local + LocalLength + nameLength + U16(header[28..]);
        if (U32(header) != LocalSignature || begin > dataEnd - packed) throw Torn($"has entry '{TensorFile.OneLine(name)}' outside it");
        if (!view.Span(local + LocalLength, nameLength).SequenceEqual(rawName) || U16(header[8..]) != method)
            throw Torn($"names entry '{TensorFile.OneLine(name)}' otherwise in its directory than before its content");
        if (method == 0 && packed != length)
            throw Torn($"has entry '{TensorFile.OneLine(name)}' stored in {packed} bytes but {length} long");
        if (length / BestRatio > packed)
            throw Torn($"has entry '{TensorFile.OneLine(name)}' of {length} bytes in {packed}, more than deflate can pack");
        places.Add((local, begin + packed, TensorFile.OneLine(name)));
        if (name.EndsWith('/')) return;
        var made = new ZipEntry(where, name, bytes.Slice(begin, packed), length, U32(entry[16..]), method == 8);
        if (!byName.TryAdd(name, made)) throw Torn($"has two entries named '{TensorFile.OneLine(name)}'");
        entries.Add(made);
    }

    // Extra field 1 holds, in this order, those of the three that did not fit 32 bits.
    private void ReadSizes64(ReadOnlySpan<byte> extra, ref long length, ref long packed, ref long local)
    {
        while (extra.Length >= 4)
        {
            int id = U16(extra), size = U16(extra[2..]);
            if (size > extra.Length - 4) throw Torn("has a damaged directory");
            if (id == 1)
            {
                ReadOnlySpan<byte> sizes = extra.Slice(4, size);
                Widen(ref sizes, ref length);
                Widen(ref sizes, ref packed);
                Widen(ref sizes, ref local);
                return;
            }

            extra = extra[(4 + size)..];
        }
    }

    private void Widen(ref ReadOnlySpan<byte> sizes, ref long value)
    {
        if (value != uint.MaxValue) return;
        if (sizes.Length < sizeof(ulong)) throw Torn("has a damaged directory");
        value = (long)U64(sizes);
        sizes = sizes[sizeof(ulong)..];
    }

    private InputException Torn(string what) => new($"{path}: {what}; the archive is torn or corrupt: copy or write it again.");

    private static ushort U16(ReadOnlySpan<byte> source) => BinaryPrimitives.ReadUInt16LittleEndian(source);

    private static uint U32(ReadOnlySpan<byte> source) => BinaryPrimitives.ReadUInt32LittleEndian(source);

    private static ulong U64(ReadOnlySpan<byte> source) => BinaryPrimitives.ReadUInt64LittleEndian(source);
}
