using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Unweave.Formats;

namespace Unweave.Data;

/// <summary>
/// Rows on their way into a safetensors file of one tensor, <c>activations</c> <c>[rows, width]</c>, whose number is not known before the
/// end. They go to the disk as they come, behind a place kept free for the header, which is written last; then the file gets its name.
/// </summary>
internal sealed class ShardStream : IDisposable
{
    /// <summary>Name of the tensor.</summary>
    public const string Tensor = "activations";

    private const int HeaderLength = 256; // the header with the longest numbers takes less, and the data begin aligned to 64
    private const int BufferLength = 1 << 20;

    private readonly string path;
    private readonly int width;
    private readonly ElementType type;
    private readonly FileStream file;
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] buffer = new byte[BufferLength];
    private int used;
    private long rows;
    private bool done;

    /// <summary>Starts a file; its folder exists.</summary>
    public ShardStream(string path, int width, ElementType type)
    {
        (this.path, this.width, this.type) = (path, width, type);
        try
        {
            file = new FileStream(path + HarvestFiles.Partial, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
            file.Position = HeaderLength;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(e);
        }
    }

    /// <summary>Bytes of a file with a number of rows.</summary>
    public static long FileLength(long rows, int width, ElementType type) => HeaderLength + (rows * width * type.Size());

    /// <summary>Says why a row cannot be kept in a type, or null: a NaN, an infinity, or a value past the type's range.</summary>
    public static string? Refuse(ReadOnlySpan<float> row, ElementType type)
    {
        float largest = MathF.Abs(TensorPrimitives.MaxMagnitude(row)); // NaN where there is one
        if (!float.IsFinite(largest))
            return $"{(float.IsNaN(largest) ? "NaN" : "an infinity")} at column {Column(row, value => !float.IsFinite(value))}; the model "
                + "overflows there: run it in 32-bit floats, or leave the document out";
        (float most, string name, string fix) = type switch
        {
            ElementType.Float16 => ((float)Half.MaxValue, "half-precision float", $"{ElementType.BFloat16} or {ElementType.Float32}"),
            ElementType.BFloat16 => (BitConverter.UInt32BitsToSingle(0x7F7F0000), "bfloat16", $"{ElementType.Float32}"),
            _ => (float.MaxValue, "", ""),
        };
        return largest <= most
            ? null
            : $"{row[Column(row, value => MathF.Abs(value) > most)]} at column {Column(row, value => MathF.Abs(value) > most)}, past "
                + $"±{most}, the largest {name}; keep the activations as {fix}";
    }

    /// <summary>Writes a row; <see cref="Refuse"/> had nothing against it.</summary>
    public void Append(ReadOnlySpan<float> row)
    {
        ReadOnlySpan<float> values = row;
        for (int size = type.Size(); !values.IsEmpty;)
        {
            if (used == buffer.Length) WriteBuffer();
            int count = Math.Min(values.Length, (buffer.Length - used) / size);
            Convert(values[..count], buffer.AsSpan(used, count * size));
            used += count * size;
            values = values[count..];
        }

        rows++;
    }

    /// <summary>Writes the header and gives the file its name.</summary>
    /// <returns>SHA-256 of the rows.</returns>
    public string Complete()
    {
        WriteBuffer();
        string checksum = System.Convert.ToHexStringLower(hash.GetHashAndReset());
        try
        {
            file.Position = 0;
            file.Write(Header(checksum));
            file.Flush(flushToDisk: true);
            file.Dispose();
            File.Move(path + HarvestFiles.Partial, path, overwrite: true);
            done = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(e);
        }

        return checksum;
    }

    /// <summary>Closes the file, and removes it where it was not completed.</summary>
    public void Dispose()
    {
        file.Dispose();
        hash.Dispose();
        if (!done) File.Delete(path + HarvestFiles.Partial);
    }

    private void Convert(ReadOnlySpan<float> values, Span<byte> destination)
    {
        switch (type)
        {
            case ElementType.Float32: MemoryMarshal.AsBytes(values).CopyTo(destination); break;
            case ElementType.Float16: ElementConversion.ToHalf(values, MemoryMarshal.Cast<byte, Half>(destination)); break;
            default: ToBFloat16(values, MemoryMarshal.Cast<byte, ushort>(destination)); break;
        }
    }

    // The upper half of the bits, rounded to nearest, ties to even: adding half a unit, less one where the unit is even, carries as it
    // should.
    private static void ToBFloat16(ReadOnlySpan<float> source, Span<ushort> destination)
    {
        ReadOnlySpan<uint> bits = MemoryMarshal.Cast<float, uint>(source);
        for (int i = 0; i < bits.Length; i++) destination[i] = (ushort)((bits[i] + 0x7FFF + ((bits[i] >> 16) & 1)) >> 16);
    }

    private void WriteBuffer()
    {
        ReadOnlySpan<byte> bytes = buffer.AsSpan(0, used);
        hash.AppendData(bytes);
        try
        {
            file.Write(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            throw Failed(e); // out of range is how .NET speaks of a file past the limit of its file system
        }

        used = 0;
    }

    private byte[] Header(string checksum)
    {
        var json = new MemoryStream(HeaderLength);
        json.Write(stackalloc byte[sizeof(ulong)]);
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("__metadata__");
            writer.WriteString(SafetensorsFile.ChecksumKey, checksum);
            writer.WriteEndObject();
            writer.WriteStartObject(Tensor);
            writer.WriteString("dtype", SafetensorsFile.TypeName(type));
            writer.WriteStartArray("shape");
            writer.WriteNumberValue(rows);
            writer.WriteNumberValue(width);
            writer.WriteEndArray();
            writer.WriteStartArray("data_offsets");
            writer.WriteNumberValue(0);
            writer.WriteNumberValue(rows * width * type.Size());
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        byte[] header = new byte[HeaderLength];
        header.AsSpan().Fill((byte)' ');
        json.ToArray().CopyTo(header, 0);
        BinaryPrimitives.WriteInt64LittleEndian(header, HeaderLength - sizeof(ulong));
        return header;
    }

    private static int Column(ReadOnlySpan<float> row, Predicate<float> wrong)
    {
        int column = 0;
        while (!wrong(row[column])) column++;
        return column;
    }

    private InputException Failed(Exception e) =>
        new($"{path}: cannot be written: {e.Message.TrimEnd('.')}. The shards before it are whole: free space or mend the cause, and "
            + "resume the harvest.", e);
}
