using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Formats;

public sealed class SafetensorsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // import json, struct, numpy as np
    // a = np.arange(12).reshape(3, 4)
    // data, header = b'', {'__metadata__': {'made': 'by hand'}}
    // bf16 = (np.array([1, 3.140625, -2], '<f4').view('<u4') >> 16).astype('<u2')
    // for name, dtype, array in [('f32', 'F32', a.astype(' f4')), ('f16', 'F16', a.astype(' f2')), ('f64', 'F64', a / 3), ('i64', 'I64', a
    // - 6), ('bool', 'BOOL', a % 2 == 0), ('scalar', 'I32', np.array(7, ' i4')), ('empty', 'U8', np.zeros((0, 3), 'u1')), ('bf16', 'BF16',
    // bf16)]: header[name] = {'dtype': dtype, 'shape': list(array.shape), 'data_offsets': [len(data), len(data) + array.nbytes]} data +=
    // array.tobytes() text = json.dumps(header).encode() open('hand.safetensors', 'wb').write(struct.pack(' Q', len(text)) + text + data)
    [Fact]
    public void A_file_made_by_hand_is_read()
    {
        using var file = new SafetensorsFile(TestFiles.Golden("hand.safetensors"));
        Assert.Equal<IEnumerable<string>>(["f32", "f16", "f64", "i64", "bool", "scalar", "empty", "bf16"],
            file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal("by hand", file.Metadata["made"]);
        Assert.False(file.HasChecksum);
        file.Verify();
        float[] count = [.. Enumerable.Range(0, 12)];
        Assert.Equal(count, file.Floats("f32"));
        Assert.Equal(count, file.Floats("f16"));
        Assert.Equal(count.Select(i => (float)(i / 3.0)), file.Floats("f64"));
        Assert.Equal(count.Select(i => i - 6), file.Floats("i64"));
        Assert.Equal(count.Select(i => i % 2 == 0 ? 1f : 0f), file.Floats("bool"));
        Assert.Equal([7f], file.Floats("scalar"));
        Assert.Empty(file["scalar"].Shape);
        Assert.Empty(file.Floats("empty"));
        Assert.Equal([0L, 3L], file["empty"].Shape);
        Assert.Equal([1f, 3.140625f, -2f], file.Floats("bf16"));
    }

    // Each type's name, and the little-endian bytes of two numbers of it: one, and the least (or the greatest, where none is negative).
    [Theory]
    [InlineData("F64", ElementType.Float64, "000000000000F03F000000000000E0C1", 1f, -2147483648f)]
    [InlineData("F32", ElementType.Float32, "0000803F000000CF", 1f, -2147483648f)]
    [InlineData("F16", ElementType.Float16, "003CFFFB", 1f, -65504f)]
    [InlineData("BF16", ElementType.BFloat16, "803F00CF", 1f, -2147483648f)]
    [InlineData("I64", ElementType.Int64, "01000000000000000000000000000080", 1f, -9223372036854775808f)]
    [InlineData("I32", ElementType.Int32, "0100000000000080", 1f, -2147483648f)]
    [InlineData("I16", ElementType.Int16, "01000080", 1f, -32768f)]
    [InlineData("I8", ElementType.Int8, "0180", 1f, -128f)]
    [InlineData("U64", ElementType.UInt64, "0100000000000000FFFFFFFFFFFFFFFF", 1f, 18446744073709551616f)]
    [InlineData("U32", ElementType.UInt32, "01000000FFFFFFFF", 1f, 4294967296f)]
    [InlineData("U16", ElementType.UInt16, "0100FFFF", 1f, 65535f)]
    [InlineData("U8", ElementType.UInt8, "01FF", 1f, 255f)]
    [InlineData("BOOL", ElementType.Bool, "0100", 1f, 0f)]
    public void Every_element_type_is_read(string name, ElementType type, string hex, float first, float second)
    {
        byte[] data = Convert.FromHexString(hex),
            header = Encoding.UTF8.GetBytes($$$"""{"a":{"dtype":"{{{name}}}","shape":[2],"data_offsets":[0,{{{data.Length}}}]}}""");
        string path = folder["types.safetensors"];
        File.WriteAllBytes(path, [(byte)header.Length, .. new byte[7], .. header, .. data]);
        using var file = new SafetensorsFile(path);
        Assert.Equal(type, file["a"].Type);
        Assert.Equal([first, second], file.Floats("a"));
        Assert.Equal(data, file.RawBytes("a"));
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        Gen<float[]> values = Gen.Int.Select(BitConverter.Int32BitsToSingle).Array[0, 60];
        Gen.Select(values, Gen.Long.Array[0, 20], Gen.Int.Array[0, 20], Gen.String[Gen.Char.AlphaNumeric, 0, 10])
            .Sample((floats, longs, ints, text) =>
        {
            string path = folder["round.safetensors"];
            SafetensorsWriter.Write(
                path,
                [TensorToWrite.From("é \"floats\"", floats), TensorToWrite.From("longs", longs, [1, longs.Length]),
                    TensorToWrite.From("ints", ints), TensorToWrite.From("scalar", [4.5f], [])],
                new Dictionary<string, string>(StringComparer.Ordinal) { ["text"] = text });
            using var file = new SafetensorsFile(path);
            file.Verify();
            Assert.Equal(floats.Select(BitConverter.SingleToUInt32Bits),
                file.Floats("é \"floats\"").Select(BitConverter.SingleToUInt32Bits));
            Assert.Equal(longs.Select(value => (float)value), file.Floats("longs"));
            Assert.Equal([1L, longs.Length], file["longs"].Shape);
            Assert.Equal(ints.Select(value => (float)value), file.Floats("ints"));
            Assert.Equal([4.5f], file.Floats("scalar"));
            Assert.Equal(text, file.Metadata["text"]);
        }, iter: 50, threads: 1);
    }

    [Fact]
    public void Matrices_are_stored_whole_or_in_halves_and_under_a_shape_of_choice()
    {
        using var matrix = new Matrix(3, 2, [1, -2, 0.1f, 4, 5, 6]);
        string path = folder["m.safetensors"];
        SafetensorsWriter.Write(path,
            [TensorToWrite.From("w", matrix), TensorToWrite.From("flat", matrix, [6]), TensorToWrite.Float16("half", matrix)]);
        using var file = new SafetensorsFile(path);
        Assert.Equal([3L, 2L], file["w"].Shape);
        Assert.Equal(matrix.AsSpan().ToArray(), file.Floats("w"));
        Assert.Equal([6L], file["flat"].Shape);
        Assert.Equal(ElementType.Float16, file["half"].Type);
        Assert.Equal(matrix.AsSpan().ToArray().Select(value => (float)(Half)value), file.Floats("half"));
        float[] middle = new float[3];
        file.Read(file["w"], 2, middle);
        Assert.Equal([0.1f, 4, 5], middle);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(file["w"], 4, middle));
        Assert.Contains("'flat'", Assert.Throws<InputException>(() => file["no"]).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => TensorToWrite.From("w", matrix, [5]));
    }

    [Fact]
    public void A_value_past_the_halves_is_refused_by_row()
    {
        using var matrix = new Matrix(2, 1, [1, 70_000]);
        Assert.Contains("row 1",
            Assert.Throws<InputException>(() => SafetensorsWriter.Write(folder["h"], [TensorToWrite.Float16("w", matrix)])).Message,
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void The_same_tensors_give_the_same_bytes_aligned_and_with_their_checksum()
    {
        float[] values = [.. Enumerable.Range(0, 1000).Select(i => i * 0.25f)];
        string[] paths = [folder["a"], folder["b"]];
        SafetensorsWriter.Write(paths[0], [TensorToWrite.From("w", values)],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["x"] = "1", ["y"] = "2" });
        SafetensorsWriter.Write(paths[1], [TensorToWrite.From("w", values)],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["y"] = "2", ["x"] = "1" });
        byte[] bytes = File.ReadAllBytes(paths[0]);
        Assert.Equal(bytes, File.ReadAllBytes(paths[1]));
        int data = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, data % 64);
        using var file = new SafetensorsFile(paths[0]);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(data))), file.Metadata["sha256"]);
    }

    [Fact]
    public void A_changed_file_is_told_by_its_checksum()
    {
        string path = folder["a.safetensors"];
        SafetensorsWriter.Write(path, [TensorToWrite.From("w", new float[100])]);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^7] ^= 4;
        File.WriteAllBytes(path, bytes);
        using var file = new SafetensorsFile(path);
        Assert.True(file.HasChecksum);
        Assert.Contains("checksum differs", TestFiles.Refused(path, file.Verify), StringComparison.Ordinal);
    }

    [Fact]
    public void A_closed_file_is_not_read()
    {
        var file = new SafetensorsFile(TestFiles.Golden("hand.safetensors"));
        TensorInfo tensor = file["f32"];
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Read(tensor, 0, new float[1]));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}""", "F8_E4M3")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}""",
        "two entries named 'a'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "overlap")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "gap")]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", "past its last tensor")]
    [InlineData("""{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}""", "cut short")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "takes 8 bytes")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4]}}""", "impossible shape")]
    [InlineData("""{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}""", "whole numbers from 0")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}""", "place is from 4 to 0")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1e9],"data_offsets":[0,4]}}""", "whole numbers from 0")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4]}}""", "two data_offsets")]
    [InlineData("""{"__metadata__":{"a":1}}""", "Number where String was due")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", "two metadata entries")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}} x""", "not well-formed JSON")]
    [InlineData("""[]""", "StartArray where StartObject was due")]
    [InlineData("""{"a\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "cannot be read")]
    public void A_header_that_does_not_add_up_is_refused(string json, string says)
    {
        string path = folder["bad.safetensors"];
        byte[] header = Encoding.UTF8.GetBytes(json), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        File.WriteAllBytes(path, [.. length, .. header, 1, 2, 3, 4]);
        Assert.Contains(says, TestFiles.Refused(path, () => new SafetensorsFile(path).Dispose()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"__metadata__":null,"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"comment":{"of":["someone"]},"data_offsets":[0,4],"more":1}}""")]
    public void A_header_is_read_that_the_reference_reads(string json)
    {
        string path = folder["odd.safetensors"];
        byte[] header = Encoding.UTF8.GetBytes(json), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        File.WriteAllBytes(path, [.. length, .. header, 1, 2, 3, 4]);
        using var file = new SafetensorsFile(path);
        float[] values = new float[4];
        file.Read(file["a"], 0, values);
        Assert.Equal([1, 2, 3, 4], values);
    }

    [Fact]
    public void Beside_a_tensor_of_an_unknown_type_the_others_are_read()
    {
        byte[] header = Encoding.UTF8.GetBytes(
            """{"a":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}""");
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        File.WriteAllBytes(folder["f8.safetensors"], [.. length, .. header, 1, 2, 3, 4]);
        using var file = new SafetensorsFile(folder["f8.safetensors"]);
        Assert.Equal("b", Assert.Single(file.Tensors).Name);
        Assert.Equal([4f], file.Floats("b"));
        Assert.Contains("'a' has elements of type F8_E4M3", Assert.Throws<InputException>(() => file["a"]).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_length_past_the_file_or_the_limit_is_refused()
    {
        string path = folder["bad.safetensors"];
        File.WriteAllBytes(path, [200, 0, 0, 0, 0, 0, 0, 0, (byte)'{']);
        Assert.Contains("ends after 1", TestFiles.Refused(path, () => new SafetensorsFile(path).Dispose()), StringComparison.Ordinal);
        File.WriteAllBytes(path, [255, 255, 255, 255, 255, 255, 255, 255, (byte)'{']);
        Assert.Contains("past the limit", TestFiles.Refused(path, () => new SafetensorsFile(path).Dispose()), StringComparison.Ordinal);
        File.WriteAllBytes(path, [1, 2]);
        Assert.Contains("too short", TestFiles.Refused(path, () => new SafetensorsFile(path).Dispose()), StringComparison.Ordinal);
    }
}
