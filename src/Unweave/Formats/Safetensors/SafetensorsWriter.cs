using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace Unweave.Formats;

/// <summary>
/// Writes safetensors files: whole or not at all (<see cref="AtomicFile"/>), the same bytes for the same tensors, data aligned to
/// 64 bytes, and a SHA-256 of the data in the metadata, so that a torn or changed file can be told.
/// </summary>
public static class SafetensorsWriter
{
    private const int Alignment = 64;

    /// <summary>Writes tensors, one after the other in the given order.</summary>
    /// <param name="path">The target; its folder exists.</param>
    /// <param name="tensors">The tensors, each with a name of its own.</param>
    /// <param name="metadata">Text to keep with them; the key <c>sha256</c> is the writer's own.</param>
    /// <exception cref="InputException">The disk is full or the target may not be written; an earlier file is unchanged.</exception>
    public static void Write(string path, IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        AtomicFile.Write(path, file => Write(file, tensors, metadata));
    }

    /// <summary>Writes the content of such a file to a stream.</summary>
    internal static void Write(Stream file, IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        file.Write(Header(tensors, metadata));
        foreach (TensorToWrite tensor in tensors) tensor.Emit(file.Write);
    }

    private static byte[] Header(IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach ((string key, string value) in metadata ?? new Dictionary<string, string>(StringComparer.Ordinal)) all.Add(key, value);
        if (!all.TryAdd(SafetensorsFile.ChecksumKey, Checksum(tensors)))
            throw new ArgumentException($"The metadata key '{SafetensorsFile.ChecksumKey}' is the writer's own.", nameof(metadata));

        var json = new ArrayBufferWriter<byte>();
        json.Write(stackalloc byte[sizeof(ulong)]);
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("__metadata__");
            foreach ((string key, string value) in all) writer.WriteString(key, value);
            writer.WriteEndObject();
            WriteTensors(writer, tensors);
            writer.WriteEndObject();
        }

        int padding = -json.WrittenCount & (Alignment - 1);
        json.GetSpan(padding)[..padding].Fill((byte)' ');
        json.Advance(padding);
        byte[] header = json.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - sizeof(ulong));
        return header;
    }

    private static void WriteTensors(Utf8JsonWriter writer, IReadOnlyList<TensorToWrite> tensors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        long offset = 0;
        foreach (TensorToWrite tensor in tensors)
        {
            if (!names.Add(tensor.Info.Name)) throw new ArgumentException($"Two tensors are named '{tensor.Info.Name}'.", nameof(tensors));
            writer.WriteStartObject(tensor.Info.Name);
            writer.WriteString("dtype", SafetensorsFile.TypeName(tensor.Info.Type));
            writer.WriteStartArray("shape");
            foreach (long length in tensor.Info.Shape) writer.WriteNumberValue(length);
            writer.WriteEndArray();
            writer.WriteStartArray("data_offsets");
            writer.WriteNumberValue(offset);
            writer.WriteNumberValue(offset += tensor.Length);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
    }

    private static string Checksum(IReadOnlyList<TensorToWrite> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TensorToWrite tensor in tensors) tensor.Emit(hash.AppendData);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
