using System.Text;
using CsCheck;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Formats;

/// <summary>
/// Arrays of NumPy, alone and in archives. The golden files were made by NumPy 1.24:
/// <code>
/// a = np.arange(12).reshape(3, 4)
/// np.save('c.npy', a.astype('&lt;f4') / 2)
/// np.save('fortran.npy', np.asfortranarray(a.astype('&lt;i2')))
/// np.save('fortran3.npy', np.asfortranarray(np.arange(24, dtype='&lt;f8').reshape(2, 3, 4)))
/// np.save('scalar.npy', np.float64(2.5))
/// np.save('big.npy', a.astype('>f4'))
/// np.save('objects.npy', np.array([[1], None], dtype=object), allow_pickle=True)
/// np.lib.format.write_array(open('v3.npy', 'wb'), a.astype('&lt;f2'), version=(3, 0))
/// arrays = {'f2': a.astype('&lt;f2'), 'f8': a / 3, 'i1': (a - 6).astype('i1'), 'u1': a.astype('u1'), 'i8': a - 6, 'u8': a.astype('u8'),
///           'u4': a.astype('u4'), 'u2': a.astype('u2'), 'i4': (a - 6).astype('i4'), 'b1': a % 2 == 0, 'texts': np.array(['a', 'bc'])}
/// np.savez('stored.npz', **arrays)
/// np.savez_compressed('deflated.npz', zeros=np.zeros((50, 40), '&lt;f4'), **arrays)
/// </code>
/// </summary>
public sealed class NpyTests : IDisposable
{
    private static readonly float[] Twelve = [.. Enumerable.Range(0, 12)];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // np.save of an array of ml_dtypes.bfloat16 writes the type as two bytes.
    [Theory]
    [InlineData("<V2")]
    [InlineData("|V2")]
    public void Two_bytes_without_a_type_are_bfloat16_and_that_is_said(string type)
    {
        string path = folder["bf16.npy"];
        byte[] header = System.Text.Encoding.ASCII.GetBytes(
            $"{{'descr': '{type}', 'fortran_order': False, 'shape': (2,), }}".PadRight(117) + "\n");
        File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header, 0x80, 0x3F, 0x20, 0xC0]);
        using var file = new NpyFile(path);
        float[] values = new float[2];
        file.Read(file[""], 0, values);
        Assert.Equal([1, -2.5f], values);
        Assert.Contains("taken for bfloat16", file.Metadata["elements"], StringComparison.Ordinal);
    }

    [Fact]
    public void Arrays_of_numpy_are_read_in_C_and_Fortran_order()
    {
        Check("c.npy", ElementType.Float32, [3, 4], Twelve.Select(i => i / 2));
        Check("v3.npy", ElementType.Float16, [3, 4], Twelve);
        Check("fortran.npy", ElementType.Int16, [3, 4], Twelve);
        Check("fortran3.npy", ElementType.Float64, [2, 3, 4], Enumerable.Range(0, 24).Select(i => (float)i));
        Check("scalar.npy", ElementType.Float64, [], [2.5f]);

        static void Check(string name, ElementType type, long[] shape, IEnumerable<float> values)
        {
            using var file = new NpyFile(TestFiles.Golden(name));
            Assert.Equal(type, file[""].Type);
            Assert.Equal(shape, file[""].Shape);
            Assert.Equal(values, file.Floats(""));
        }
    }

    [Fact]
    public void Any_range_of_a_Fortran_array_is_in_row_order()
    {
        using var file = new NpyFile(TestFiles.Golden("fortran3.npy"));
        for (int first = 0; first < 24; first++)
        {
            float[] part = new float[24 - first];
            file.Read(file[""], first, part);
            Assert.Equal(Enumerable.Range(first, part.Length).Select(i => (float)i), part);
        }

        Assert.Equal(Enumerable.Range(0, 24).Select(i => (double)i),
            System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(file.RawBytes("")).ToArray());
    }

    [Theory]
    [InlineData("stored.npz")]
    [InlineData("deflated.npz")]
    public void Archives_of_numpy_are_read(string name)
    {
        using var file = new NpzFile(TestFiles.Golden(name));
        foreach (string type in new[] { "f2", "u1", "u8", "u4", "u2" }) Assert.Equal(Twelve, file.Floats(type));
        foreach (string type in new[] { "i1", "i8", "i4" }) Assert.Equal(Twelve.Select(i => i - 6), file.Floats(type));
        Assert.Equal(Twelve.Select(i => (float)(i / 3.0)), file.Floats("f8"));
        Assert.Equal(Twelve.Select(i => i % 2 == 0 ? 1f : 0f), file.Floats("b1"));
        Assert.Equal(ElementType.Int8, file["i1"].Type);
        Assert.Equal(ElementType.Int64, file["i8"].Type);
        Assert.Equal(ElementType.Bool, file["b1"].Type);
        Assert.Contains("'<U2'", file.Metadata["texts"], StringComparison.Ordinal);
        if (file.Tensors.Any(tensor => string.Equals(tensor.Name, "zeros", StringComparison.Ordinal)))
            Assert.Equal(new float[2000], file.Floats("zeros"));
    }

    [Fact]
    public void Big_endian_arrays_and_pickled_objects_are_refused_with_the_fix()
    {
        Assert.Contains("newbyteorder", TestFiles.RefusedOpen(TestFiles.Golden("big.npy")), StringComparison.Ordinal);
        Assert.Contains("never executed", TestFiles.RefusedOpen(TestFiles.Golden("objects.npy")), StringComparison.Ordinal);
    }

    // The bytes that numpy.save writes for np.arange(12).reshape(3, 4).astype('<f4') / 2.
    [Fact]
    public void A_matrix_is_written_as_numpy_writes_it()
    {
        using var matrix = new Matrix(3, 4, [.. Twelve.Select(i => i / 2)]);
        NpyWriter.Write(folder["c.npy"], matrix);
        Assert.Equal(File.ReadAllBytes(TestFiles.Golden("c.npy")), File.ReadAllBytes(folder["c.npy"]));
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        Gen.Select(Gen.Float.Array[0, 50], Gen.Long.Array[0, 50], Gen.Int.Array[0, 50]).Sample((floats, longs, ints) =>
        {
            NpyWriter.Write(folder["f.npy"], floats);
            NpyWriter.Write(folder["l.npy"], longs);
            NpyWriter.Write(folder["i.npy"], ints);
            NpzWriter.Write(folder["a.npz"],
                [TensorToWrite.From("f", floats, [floats.Length, 1]), TensorToWrite.From("l", longs), TensorToWrite.From("i/j", ints)]);
            using var f = new NpyFile(folder["f.npy"]);
            using var l = new NpyFile(folder["l.npy"]);
            using var i = new NpyFile(folder["i.npy"]);
            using var all = new NpzFile(folder["a.npz"]);
            Assert.Equal(floats, f.Floats(""));
            Assert.Equal(longs.Select(value => (float)value), l.Floats(""));
            Assert.Equal(ints.Select(value => (float)value), i.Floats(""));
            Assert.Equal<IEnumerable<string>>(["f", "l", "i/j"], all.Tensors.Select(tensor => tensor.Name));
            Assert.Equal([floats.Length, 1L], all["f"].Shape);
            Assert.Equal(floats, all.Floats("f"));
            Assert.Equal(l.RawBytes(""), all.RawBytes("l"));
            Assert.Equal(i.RawBytes(""), all.RawBytes("i/j"));
        }, iter: 30, threads: 1);
    }

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", null)]
    [InlineData("{'shape': (4,), 'fortran_order': True, 'descr': \"<f4\"}", null)]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (4L,), }", null)]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (4), }", "ends in a comma")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }", "cut short")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "past the end of its array")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-4,), }", "a length was due")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "impossible shape")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "a length was due")]
    [InlineData("{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }", "'<c8'")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }", "structured")]
    [InlineData("{'descr': '<f4', 'fortran_order': exit(), 'shape': (4,), }", "True or False was due")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'more': 1}", "'more'")]
    [InlineData("{'descr': '<f4', 'descr': '<f4', 'shape': (4,), }", "repeated")]
    [InlineData("{'descr': '<f4', 'shape': (4,), }", "without")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), } + 1", "after its header")]
    [InlineData("", "'{' was due")]
    public void A_header_is_parsed_strictly(string header, string? says)
    {
        string path = folder["h.npy"];
        File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.Latin1.GetBytes(header), .. new byte[16]]);
        if (says is not null) Assert.Contains(says, TestFiles.RefusedOpen(path), StringComparison.Ordinal);
        else using (TensorFile file = TensorFile.Open(path)) Assert.Equal(new float[4], file.Floats(""));
    }

    [Theory]
    [InlineData("stored.npz")]
    [InlineData("deflated.npz")]
    public void A_changed_entry_is_told_when_it_is_read(string name)
    {
        byte[] bytes = File.ReadAllBytes(TestFiles.Golden(name));
        int entry = bytes.AsSpan().IndexOf("f8.npy"u8);
        int next = bytes.AsSpan(entry).IndexOf("PK\u0003\u0004"u8);
        bytes[entry + next - 3] ^= 0x10;
        File.WriteAllBytes(folder[name], bytes);
        using var file = new NpzFile(folder[name]);
        Assert.Equal(Twelve, file.Floats("u1"));
        string message = TestFiles.Refused(folder[name], () => file.Floats("f8"));
        Assert.Contains("f8.npy", message, StringComparison.Ordinal);
        Assert.Equal(message, TestFiles.Refused(folder[name], () => file.Floats("f8")));
    }

    // Bytes 24 to 27 of a directory entry hold the size: here of the 8,128 bytes of zeros.
    [Fact]
    public void An_entry_that_says_it_is_larger_than_its_array_is_refused()
    {
        byte[] bytes = File.ReadAllBytes(TestFiles.Golden("deflated.npz"));
        int directory = bytes.AsSpan().IndexOf("PK\u0001\u0002"u8);
        Assert.Equal(8128, BitConverter.ToInt32(bytes, directory + 24));
        BitConverter.TryWriteBytes(bytes.AsSpan(directory + 24), 20_000);
        File.WriteAllBytes(folder["bomb.npz"], bytes);
        Assert.Contains("shorter than the archive says", TestFiles.RefusedOpen(folder["bomb.npz"]), StringComparison.Ordinal);
        BitConverter.TryWriteBytes(bytes.AsSpan(directory + 24), 2_000_000_000);
        File.WriteAllBytes(folder["bomb.npz"], bytes);
        Assert.Contains("more than deflate can pack", TestFiles.RefusedOpen(folder["bomb.npz"]), StringComparison.Ordinal);
    }

    // 4 TB of floats that claim to be packed in 4 GB, as deflate can: consistent in every length, and more than any memory. Of the
    // packed bytes only the first are there, enough for the header (deflate's stored blocks: 0, length, its complement); the rest
    // are a hole in the file, in front of a directory whose extra field 1 holds the length that 32 bits do not.
    [Fact]
    public void An_array_that_inflates_past_memory_is_refused_before_it_is_set_aside()
    {
        const long Count = 1_000_000_000_000;
        const uint Packed = 4_000_000_000;
        byte[] header = NpyWriter.Header(ElementType.Float32, [Count]), head = [.. header, .. new byte[60_000 - header.Length]],
            name = [.. "a.npy"u8];
        string path = folder["huge.npz"];
        using (var file = new BinaryWriter(File.Create(path)))
        {
            Entry(file, 0x04034B50, [20, 0, 0, 0, 8, 0], 0);
            foreach (int _ in new[] { 0, 1 })
            {
                file.Write((byte)0);
                file.Write((ushort)head.Length);
                file.Write((ushort)~head.Length);
                file.Write(head);
            }

            uint directory = 30 + (uint)name.Length + Packed;
            file.BaseStream.Position = directory;
            Entry(file, 0x02014B50, [20, 0, 20, 0, 0, 0, 8, 0], 12);
            file.Write(0x06054B50);
            file.Write(new byte[] { 0, 0, 0, 0, 1, 0, 1, 0 });
            file.Write((uint)(file.BaseStream.Position - 12 - directory));
            file.Write(directory);
            file.Write((ushort)0);
        }

        using TensorFile npz = TensorFile.Open(path);
        Assert.Equal(Count, npz["a"].Count);
        Assert.Contains($"takes {(4 * Count) + header.Length} bytes when inflated",
            TestFiles.Refused(path, () => npz.Read(npz["a"], 0, new float[1])), StringComparison.Ordinal);

        // Local and directory entry alike: flags and method, time, checksum, both lengths, the name's length, and the directory's own
        // fields.
        void Entry(BinaryWriter file, uint signature, byte[] method, int extra)
        {
            file.Write(signature);
            file.Write(method);
            file.Write(new byte[8]);
            file.Write(Packed);
            file.Write(uint.MaxValue);
            file.Write((ushort)name.Length);
            file.Write((ushort)extra);
            if (extra > 0) file.Write(new byte[14]);
            file.Write(name);
            if (extra == 0) return;
            file.Write((ushort)1);
            file.Write((ushort)8);
            file.Write((4 * Count) + header.Length);
        }
    }
}
