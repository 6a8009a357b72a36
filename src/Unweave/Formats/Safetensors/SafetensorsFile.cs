using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace Unweave.Formats;

/// <summary>
/// A safetensors file: the length of a JSON header (8 bytes, little-endian), the header, and the tensors' bytes without gaps. Tensors of
/// element types that are not read, such as F8, are left out; a file of nothing else is refused.
/// </summary>
internal sealed class SafetensorsFile : MappedTensorFile
{
    /// <summary>The key of the checksum that <see cref="SafetensorsWriter"/> adds to the metadata.</summary>
    internal const string ChecksumKey = "sha256";

    private const long LongestHeader = 100_000_000;
    private const string MetadataKey = "__metadata__";
    private const int MostAxes = 64;

    private readonly FileBytes bytes;
    private readonly long dataStart;
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> unreadable = new(StringComparer.Ordinal); // why, by tensor
    private readonly Dictionary<string, long> starts = new(StringComparer.Ordinal); // of tensors, in the file

    /// <summary>Opens a file and checks its header: every tensor's place matches its shape, and the places leave no gap.</summary>
    /// <exception cref="InputException">The file is missing, or not a whole and well-formed safetensors file.</exception>
    public SafetensorsFile(string path)
        : this(path, FileBytes.Map(path))
    {
    }

    /// <summary>Opens a file that is in memory already, and owns its bytes from then on.</summary>
    /// <param name="path">What messages call it.</param>
    /// <param name="content">The whole file.</param>
    internal SafetensorsFile(string path, FileBytes content)
        : base(path)
    {
        bytes = content;
        try
        {
            dataStart = ReadHeader();
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Format => "safetensors";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>SHA-256 of the header, which has the checksum of the tensors and says what they are.</summary>
    internal string HeaderHash
    {
        get
        {
            using FileBytes.View view = bytes.Hold();
            return Convert.ToHexStringLower(SHA256.HashData(view.Span(0, (int)dataStart)));
        }
    }

    /// <summary>Whether the file carries a checksum of its tensors, as those written by <see cref="SafetensorsWriter"/> do.</summary>
    public bool HasChecksum => metadata.ContainsKey(ChecksumKey);

    /// <summary>Reads all tensors' bytes and compares them with the checksum; without one, does nothing.</summary>
    /// <exception cref="InputException">They differ.</exception>
    public void Verify()
    {
        if (!metadata.TryGetValue(ChecksumKey, out string? expected)) return;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (FileBytes.View view = bytes.Hold())
        {
            for (long at = dataStart; at < bytes.Length;)
            {
                int count = (int)Math.Min(bytes.Length - at, 1 << 24);
                hash.AppendData(view.Span(at, count));
                at += count;
            }
        }

        string actual = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (!string.Equals(actual, expected, StringComparison.OrdinalIgnoreCase))
            throw new InputException(
                $"{Path}: checksum differs: the file is torn or was changed (its data has SHA-256 {actual[..16]}…, its header says "
                + $"{OneLine(expected)}); copy or write it again.");
    }

    /// <summary>The bytes of a tensor as they lie in the file, valid while the file is open.</summary>
    internal FileBytes Raw(TensorInfo tensor) => bytes.Slice(starts[tensor.Name], tensor.Count * tensor.Type.Size());

    /// <summary>Whether a file begins like this format: a plausible length, then a JSON object.</summary>
    internal static bool Begins(ReadOnlySpan<byte> head) =>
        head.Length > 8 && head[8] == (byte)'{' && BinaryPrimitives.ReadUInt64LittleEndian(head) <= LongestHeader;

    /// <inheritdoc/>
    private protected override string? WhyUnreadable(string name) => unreadable.GetValueOrDefault(name);

    /// <summary>Gives back the memory that reading has filled; reading goes on as before.</summary>
    internal override void Forget() => bytes.Forget();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) bytes.Dispose();
    }

    private long ReadHeader()
    {
        using FileBytes.View view = bytes.Hold();
        if (bytes.Length < 8) throw Bad($"is {bytes.Length} bytes long, too short for a safetensors file");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(view.Span(0, 8));
        if (length > LongestHeader)
            throw Bad($"has a header of {length} bytes, past the limit of {LongestHeader}: not a safetensors file, or a corrupt one");
        if ((long)length > bytes.Length - 8) throw Bad($"has a header of {length} bytes but ends after {bytes.Length - 8}");
        long start = 8 + (long)length;
        var places = new List<(string Name, TensorInfo? Info, long Begin, long End)>();
        try
        {
            ParseHeader(view.Span(8, (int)length), places);
        }
        catch (JsonException e)
        {
            throw Bad($"has a header that is not well-formed JSON (at byte {8 + (e.BytePositionInLine ?? 0)})", e);
        }
        catch (InvalidOperationException e)
        {
            // What the JSON reader throws for a string that is not UTF-8, or for a value of another kind than the format's.
            throw Bad("has a header with a string or number that cannot be read", e);
        }

        CheckPlaces(places, bytes.Length - start);
        foreach ((_, TensorInfo? info, long begin, _) in places)
        {
            if (info is null) continue;
            starts.Add(info.Name, start + begin);
            Add(new StridedElements(info, () => bytes, start + begin));
        }

        if (Tensors.Count == 0 && unreadable.Count > 0) throw new InputException(unreadable.Values.First());
        return start;
    }

    private static void CheckPlace(string path, TensorInfo info, long begin, long end)
    {
        long count = StridedElements.Count([.. info.Shape], info.Type.Size());
        if (count < 0)
            throw new InputException(
                $"{path}: tensor '{OneLine(info.Name)}' has an impossible shape [{string.Join(", ", info.Shape)}]; the file is corrupt.");
        if (end - begin != count * info.Type.Size())
            throw new InputException(
                $"{path}: tensor '{OneLine(info.Name)}' of {info.Type} [{string.Join(", ", info.Shape)}] takes {count * info.Type.Size()} "
                + $"bytes, but its place is from {begin} to {end}; the file is corrupt.");
    }

    private void CheckPlaces(List<(string Name, TensorInfo? Info, long Begin, long End)> places, long dataLength)
    {
        long reached = 0;
        foreach ((string name, _, long begin, long end) in places.OrderBy(place => place.Begin).ThenBy(place => place.End))
        {
            if (begin != reached)
                throw Bad(
                    $"has tensor '{OneLine(name)}' at byte {begin} of its data where {reached} was due: tensors overlap or leave a gap");
            reached = end;
        }

        if (reached > dataLength) throw Bad($"is cut short: its tensors take {reached} bytes and {dataLength} are there");
        if (reached < dataLength) throw Bad($"has {dataLength - reached} bytes past its last tensor");
    }

    private void ParseHeader(ReadOnlySpan<byte> json, List<(string Name, TensorInfo? Info, long Begin, long End)> places)
    {
        var reader = new Utf8JsonReader(json);
        var names = new HashSet<string>(StringComparer.Ordinal);
        reader.Read();
        Expect(ref reader, JsonTokenType.StartObject, "the header");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            if (!names.Add(name)) throw Bad($"has two entries named '{OneLine(name)}'");
            reader.Read();
            bool isMetadata = string.Equals(name, MetadataKey, StringComparison.Ordinal);
            if (isMetadata && reader.TokenType == JsonTokenType.Null) continue; // as the reference reader does
            Expect(ref reader, JsonTokenType.StartObject, name);
            if (isMetadata) ParseMetadata(ref reader);
            else places.Add(ParseTensor(ref reader, name));
        }

        while (reader.Read())
        {
            // Reads on to the end, so that anything after the object is an error.
        }
    }

    private void ParseMetadata(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            Expect(ref reader, JsonTokenType.String, key);
            if (!metadata.TryAdd(key, reader.GetString()!)) throw Bad($"has two metadata entries named '{OneLine(key)}'");
        }
    }

    private (string Name, TensorInfo? Info, long Begin, long End) ParseTensor(ref Utf8JsonReader reader, string name)
    {
        string? type = null;
        long[]? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            bool again = key switch
            {
                "dtype" => type is not null,
                "shape" => shape is not null,
                "data_offsets" => offsets is not null,
                _ => false,
            };
            if (again) throw Bad($"says '{key}' of tensor '{OneLine(name)}' twice");
            switch (key)
            {
                case "dtype":
                    Expect(ref reader, JsonTokenType.String, name);
                    type = reader.GetString()!;
                    break;
                case "shape": shape = ParseNumbers(ref reader, name); break;
                case "data_offsets": offsets = ParseNumbers(ref reader, name); break;
                default: reader.Skip(); break; // as the reference reader does
            }
        }

        if (type is null || shape is null || offsets is not { Length: 2 })
            throw Bad($"does not give tensor '{OneLine(name)}' a dtype, a shape and two data_offsets");
        if (offsets[1] < offsets[0]) throw Bad($"has tensor '{OneLine(name)}' whose place is from {offsets[0]} to {offsets[1]}");
        if (ParseType(type) is not { } known)
        {
            unreadable.Add(name,
                $"{Path}: tensor '{OneLine(name)}' has elements of type {OneLine(type)}, which cannot be read; convert it to F32, F16 or "
                + "BF16.");
            return (name, null, offsets[0], offsets[1]);
        }

        var info = new TensorInfo(name, known, shape);
        CheckPlace(Path, info, offsets[0], offsets[1]);
        return (name, info, offsets[0], offsets[1]);
    }

    private long[] ParseNumbers(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.StartArray, name);
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
                throw Bad($"has something other than whole numbers from 0 in the shape or place of tensor '{OneLine(name)}'");
            numbers.Add(number);
            if (numbers.Count > MostAxes) throw Bad($"gives tensor '{OneLine(name)}' more than {MostAxes} axes");
        }

        return [.. numbers];
    }

    private static ElementType? ParseType(string name) => name switch
    {
        "F64" => ElementType.Float64,
        "F32" => ElementType.Float32,
        "F16" => ElementType.Float16,
        "BF16" => ElementType.BFloat16,
        "I64" => ElementType.Int64,
        "I32" => ElementType.Int32,
        "I16" => ElementType.Int16,
        "I8" => ElementType.Int8,
        "U64" => ElementType.UInt64,
        "U32" => ElementType.UInt32,
        "U16" => ElementType.UInt16,
        "U8" => ElementType.UInt8,
        "BOOL" => ElementType.Bool,
        _ => null,
    };

    private void Expect(ref Utf8JsonReader reader, JsonTokenType kind, string where)
    {
        if (reader.TokenType != kind) throw Bad($"has a header with {reader.TokenType} where {kind} was due, in '{OneLine(where)}'");
    }

    private InputException Bad(string what, Exception? cause = null)
    {
        string message = $"{Path}: {what}; the file is torn or corrupt: copy or write it again.";
        return cause is null ? new InputException(message) : new InputException(message, cause);
    }

    /// <summary>The format's name of an element type.</summary>
    internal static string TypeName(ElementType type) => type switch
    {
        ElementType.Float64 => "F64",
        ElementType.Float32 => "F32",
        ElementType.Float16 => "F16",
        ElementType.BFloat16 => "BF16",
        ElementType.Int64 => "I64",
        ElementType.Int32 => "I32",
        ElementType.Int16 => "I16",
        ElementType.Int8 => "I8",
        ElementType.UInt64 => "U64",
        ElementType.UInt32 => "U32",
        ElementType.UInt16 => "U16",
        ElementType.UInt8 => "U8",
        ElementType.Bool => "BOOL",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not an element type."),
    };
}
