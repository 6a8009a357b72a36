using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Formats;

public sealed class SparseCodesFileTests
{
    // Three blocks, with a row of no entries and a block of one row.
    private static readonly SparseCodes[] Blocks =
    [
        new(9, [0, 2, 2], [1, 8], [0.5f, 1.25f]),
        new(9, [0, 1], [4], [1e-7f]),
        new(9, [0, 0, 3], [0, 2, 7], [3, 0.1f, 1e20f]),
    ];

    private static readonly long[] Starts = [0, 2, 2, 3, 3, 6];
    private static readonly int[] Latents = [1, 8, 4, 0, 2, 7];
    private static readonly float[] Values = [0.5f, 1.25f, 1e-7f, 3, 0.1f, 1e20f];

    [Fact]
    public void Npz_holds_compressed_rows_and_equal_codes_give_equal_bytes()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(6, SparseCodesFile.Write(folder["codes.npz"], 9, Blocks));
        SparseCodesFile.Write(folder["again.npz"], 9, Blocks);
        Assert.Equal(File.ReadAllBytes(folder["codes.npz"]), File.ReadAllBytes(folder["again.npz"]));
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);

        using var file = TensorFile.Open(folder["codes.npz"]);
        Assert.Equal("npz", file.Format);
        Assert.Equal([ElementType.Int64, ElementType.Int32, ElementType.Float32, ElementType.Int64],
            file.Tensors.Select(tensor => tensor.Type));
        Assert.Equal(Starts, Read<long>(file, "indptr"));
        Assert.Equal(Latents, Read<int>(file, "indices"));
        Assert.Equal(Values, Read<float>(file, "data"));
        Assert.Equal([5L, 9L], Read<long>(file, "shape"));

        // The text that scipy.sparse.load_npz looks for; the reader of numbers passes over it.
        Assert.True(file.Metadata.ContainsKey("format"));
        using ZipArchive archive = ZipFile.OpenRead(folder["codes.npz"]);
        using var format = new StreamReader(archive.GetEntry("format.npy")!.Open(), Encoding.Latin1);
        string text = format.ReadToEnd();
        Assert.Contains("{'descr': '|S3', 'fortran_order': False, 'shape': (), }", text, StringComparison.Ordinal);
        Assert.EndsWith("\ncsr", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_lines_hold_a_row_each_and_floats_that_read_back_the_same()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(6, SparseCodesFile.Write(folder["codes.jsonl"], 9, Blocks));
        string[] lines = File.ReadAllLines(folder["codes.jsonl"]);
        Assert.Equal("""{"row":0,"latents":[1,8],"values":[0.5,1.25]}""", lines[0]);
        Assert.Equal("""{"row":1,"latents":[],"values":[]}""", lines[1]);
        JsonNode[] rows = [.. lines.Select(line => JsonNode.Parse(line)!)];
        Assert.Equal([0, 1, 2, 3, 4], rows.Select(row => (int)row["row"]!));
        Assert.Equal(Latents, rows.SelectMany(row => row["latents"]!.AsArray()).Select(latent => (int)latent!));
        Assert.Equal(Values, rows.SelectMany(row => row["values"]!.AsArray()).Select(value => (float)value!));
    }

    [Fact]
    public void Another_ending_is_refused_and_a_failing_producer_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("give the file one of these endings",
            Assert.Throws<InputException>(() => SparseCodesFile.Write(folder["codes.csv"], 9, Blocks)).Message, StringComparison.Ordinal);
        static IEnumerable<SparseCodes> Failing()
        {
            yield return Blocks[0];
            throw new InputException("row 3 is NaN");
        }

        foreach (string name in (string[])["codes.npz", "codes.jsonl"])
            Assert.Throws<InputException>(() => SparseCodesFile.Write(folder[name], 9, Failing()));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static T[] Read<T>(TensorFile file, string name)
        where T : unmanaged
    {
        TensorInfo tensor = file[name];
        T[] values = new T[tensor.Count];
        file.ReadBytes(tensor, 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
