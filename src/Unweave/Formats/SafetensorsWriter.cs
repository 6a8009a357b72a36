using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace Unweave.Formats;

/// <summary>
/// Writes safetensors: 8 bytes of header length, a JSON header padded with spaces so that data start at a multiple of 64, and the
/// tensors one after another in the order given. The same content gives the same bytes.
/// </summary>
public static class SafetensorsWriter
{
    /// <summary>Metadata key of the checksum over the data section.</summary>
    internal const string ChecksumKey = "sha256";

    private const int Alignment = 64;

    /// <summary>Writes a file, whole or not at all, with a SHA-256 checksum of its data in its metadata.</summary>
    /// <param name="path">The target.</param>
    /// <param name="tensors">The tensors, of distinct names.</param>
    /// <param name="metadata">Further metadata.</param>
    public static void Write(string path, IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        byte[] header = Header(tensors, metadata ?? new Dictionary<string, string>(StringComparer.Ordinal), Checksum(tensors));
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (TensorToWrite tensor in tensors) tensor.WriteTo(stream);
        });
    }

    private static string Checksum(IReadOnlyList<TensorToWrite> tensors)
    {
        using var sha = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
            foreach (TensorToWrite tensor in tensors) tensor.WriteTo(stream);
        return Convert.ToHexStringLower(sha.Hash!);
    }

    private static byte[] Header(IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string> metadata, string checksum)
    {
        var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject(Safetensors.MetadataKey);
            foreach ((string key, string value) in metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal)) json.WriteString(key, value);
            json.WriteString(ChecksumKey, checksum);
            json.WriteEndObject();
            long offset = 0;
            foreach (TensorToWrite tensor in tensors)
            {
                json.WriteStartObject(tensor.Info.Name);
                json.WriteString("dtype", Safetensors.Name(tensor.Info.Type));
                json.WriteStartArray("shape");
                foreach (long length in tensor.Info.Shape) json.WriteNumberValue(length);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset += tensor.Info.Count * tensor.Info.Type.Size;
                json.WriteNumberValue(offset);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        int padding = (int)(-(buffer.Length + sizeof(ulong)) & (Alignment - 1));
        return [.. buffer.ToArray(), .. Enumerable.Repeat((byte)' ', padding)];
    }
}
