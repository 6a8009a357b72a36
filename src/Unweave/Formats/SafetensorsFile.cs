using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace Unweave.Formats;

/// <summary>A safetensors file, mapped into memory. Every offset and shape is checked when it is opened.</summary>
public sealed class SafetensorsFile : TensorFile
{
    private const long LongestHeader = 100_000_000; // the format's own limit

    private readonly MappedFile file;
    private readonly List<TensorInfo> tensors = [];
    private readonly Dictionary<string, long> offsets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);
    private readonly long dataStart;

    /// <summary>Opens a file.</summary>
    /// <exception cref="InputException">It is not whole, or not safetensors.</exception>
    public SafetensorsFile(string path)
        : base(path)
    {
        file = new MappedFile(path);
        try
        {
            dataStart = ReadHeader();
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Format => "safetensors";

    /// <inheritdoc/>
    public override IReadOnlyList<TensorInfo> Tensors => tensors;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>True when the file carries a checksum of its data.</summary>
    public bool HasChecksum => metadata.ContainsKey(SafetensorsWriter.ChecksumKey);

    /// <summary>Compares the data with the checksum, where there is one.</summary>
    /// <exception cref="InputException">They differ: the file is torn or was changed.</exception>
    public void Verify()
    {
        if (!metadata.TryGetValue(SafetensorsWriter.ChecksumKey, out string? expected)) return;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        const int Piece = 1 << 26;
        for (long at = dataStart; at < file.Length; at += Piece) hash.AppendData(file.Slice(at, (int)Math.Min(Piece, file.Length - at)));
        string found = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (!string.Equals(found, expected, StringComparison.OrdinalIgnoreCase))
            throw new InputException($"{Path}: the checksum of its data differs from the one in its header: the file is torn or was changed. Use another copy, or write it again.");
    }

    /// <inheritdoc/>
    public override void Read(TensorInfo tensor, long first, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ElementConversion.ToSingle(Elements(tensor, first, destination.Length), tensor.Type, destination);
    }

    /// <inheritdoc/>
    public override void ReadBytes(TensorInfo tensor, long first, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        Elements(tensor, first, destination.Length / tensor.Type.Size).CopyTo(destination);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => file.Dispose();

    private ReadOnlySpan<byte> Elements(TensorInfo tensor, long first, int count)
    {
        if (!offsets.TryGetValue(tensor.Name, out long offset)) throw new ArgumentException($"{Path} has no tensor '{tensor.Name}'.", nameof(tensor));
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, tensor.Count - count);
        return file.Slice(dataStart + offset + (first * tensor.Type.Size), checked(count * tensor.Type.Size));
    }

    private long ReadHeader()
    {
        if (file.Length < sizeof(ulong)) throw Torn($"it has {file.Length} bytes, fewer than the 8 of the header's length");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(0, sizeof(ulong)));
        if (length > LongestHeader || (long)length > file.Length - sizeof(ulong)) throw Torn($"its header claims {length} bytes");
        try
        {
            using JsonDocument header = JsonDocument.Parse(file.Slice(sizeof(ulong), (int)length).ToArray(), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (header.RootElement.ValueKind != JsonValueKind.Object) throw Torn("its header is not a JSON object");
            foreach (JsonProperty entry in header.RootElement.EnumerateObject())
            {
                if (string.Equals(entry.Name, Safetensors.MetadataKey, StringComparison.Ordinal)) ReadMetadata(entry.Value);
                else ReadTensor(entry.Name, entry.Value, file.Length - sizeof(ulong) - (long)length);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or OverflowException or KeyNotFoundException)
        {
            throw new InputException($"{Path} is not a readable safetensors file: {e.Message} Use another copy.", e);
        }

        CheckContiguous(file.Length - sizeof(ulong) - (long)length);
        return sizeof(ulong) + (long)length;
    }

    private void ReadMetadata(JsonElement element)
    {
        foreach (JsonProperty entry in element.EnumerateObject())
            metadata[entry.Name] = entry.Value.GetString() ?? throw Torn($"metadata '{entry.Name}' is not a string");
    }

    private void ReadTensor(string name, JsonElement element, long dataLength)
    {
        string dtype = element.GetProperty("dtype").GetString() ?? throw Torn($"tensor '{name}' has no dtype");
        ElementType type = Safetensors.Type(dtype) ?? throw new InputException($"{Path}: tensor '{name}' has type {dtype}, which Unweave does not read; convert it to F32, F16 or BF16.");
        long[] shape = [.. element.GetProperty("shape").EnumerateArray().Select(axis => axis.GetInt64())];
        long[] ends = [.. element.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
        if (shape.Any(axis => axis < 0)) throw Torn($"tensor '{name}' has shape [{string.Join(", ", shape)}]");
        var info = new TensorInfo(name, type, shape);
        if (ends is not [var from, var to] || from < 0 || to < from || to > dataLength) throw Torn($"tensor '{name}' lies at [{string.Join(", ", ends)}] of {dataLength} bytes of data");
        if (to - from != checked(info.Count * type.Size)) throw Torn($"tensor '{name}' of shape [{string.Join(", ", shape)}] and type {dtype} has {to - from} bytes");
        tensors.Add(info);
        offsets.Add(name, from);
    }

    // The format allows neither holes nor overlaps.
    private void CheckContiguous(long dataLength)
    {
        long end = 0;
        foreach (TensorInfo tensor in tensors.OrderBy(tensor => offsets[tensor.Name]).ThenBy(tensor => tensor.Count))
        {
            if (offsets[tensor.Name] != end) throw Torn($"tensor '{tensor.Name}' starts at {offsets[tensor.Name]}, but the one before ends at {end}");
            end += tensor.Count * tensor.Type.Size;
        }

        if (end != dataLength) throw Torn($"its tensors take {end} bytes, but {dataLength} are there");
    }

    private InputException Torn(string what) => new($"{Path} is not a whole safetensors file: {what}. It may be truncated or of another format; use another copy.");
}
