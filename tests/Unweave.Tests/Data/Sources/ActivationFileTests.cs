using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

public sealed class ActivationFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("unweave-").FullName;

    [Fact]
    public void The_only_array_of_vectors_is_found_and_read_in_any_order()
    {
        using var source =
            new ActivationFile(new FakeFile(new("ids", ElementType.Int64, [4, 2]), new("bias", ElementType.Float32, [4]),
                new("x", ElementType.Float16, [4, 3])), null);
        Assert.Equal((4, 3, "fake.file"), (source.Rows, source.Width, source.Name));
        using Matrix rows = source.Rows([3, 0, 3]);
        Assert.Equal([9, 10, 11, 0, 1, 2, 9, 10, 11], rows.AsSpan());
    }

    [Fact]
    public void A_tensor_asked_for_by_name_may_hold_whole_numbers()
    {
        using var source = new ActivationFile(new FakeFile(new("a", ElementType.UInt8, [4, 2]), new("b", ElementType.Float32, [4, 2])),
            "a");
        Assert.Equal((4, 2), (source.Rows, source.Width));
    }

    [Fact]
    public void The_leading_axes_of_more_than_two_are_rows_one_after_the_other()
    {
        TensorInfo ids = new("ids", ElementType.Int64, [4, 2]), cube = new("cube", ElementType.Float32, [2, 3, 5]);
        using var only = new ActivationFile(new FakeFile(ids, cube), null);
        Assert.Equal((6, 5), (only.Rows, only.Width));
        Assert.Contains("[2, 3, 5] as 6 rows of 5", only.Name, StringComparison.Ordinal);
        using var flat = new ActivationFile(new FakeFile(new("flat", ElementType.Float32, [4, 2]), cube), null);
        Assert.Equal((4, 2), (flat.Rows, flat.Width));
    }

    [Fact]
    public void What_holds_no_vectors_is_refused_with_what_there_is()
    {
        TensorInfo a = new("a", ElementType.Float32, [4, 2]), b = new("b", ElementType.BFloat16, [5, 2]),
            ids = new("ids", ElementType.Int64, [4, 2]), line = new("line", ElementType.Float32, [4]);
        Assert.Equal("fake.file: several tensors could be the vectors: 'a' Float32 [4, 2], 'b' BFloat16 [5, 2]; choose one by its name.",
            Refused(null, a, ids, b));
        Assert.Equal("fake.file: no tensor is an array of floats with two axes or more, [rows, width]; it has 'ids' Int64 [4, 2], 'line' "
            + "Float32 [4].", Refused(null, ids, line));
        Assert.Equal("fake.file: there are no tensors in it.", Refused(null));
        Assert.Equal("fake.file: tensor 'line' Float32 [4] has 1 axes; vectors need at least two, [rows, width].",
            Refused("line", a, line));
        Assert.Equal("fake.file: no tensor named 'c'; it has 'a', 'b'.", Refused("c", a, b));
        Assert.EndsWith(" and 5 more; choose one by its name.",
            Refused(null, [.. Enumerable.Range(0, 15).Select(i => a with { Name = $"t{i}" })]), StringComparison.Ordinal);
        Assert.Contains("there are no rows", Refused(null, a with { Shape = [0, 2] }), StringComparison.Ordinal);
        Assert.Contains("width 0", Refused(null, a with { Shape = [2, 0] }), StringComparison.Ordinal);
        Assert.Contains("is the array transposed?", Refused(null, a with { Shape = [2, 1L << 40] }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_with_NaN_is_named_when_it_is_read()
    {
        using var source = new ActivationFile(new FakeFile(new TensorInfo("x", ElementType.Float32, [100, 3])) { NaNAt = 61 }, null);
        using Matrix fine = source.Rows([19, 21]);
        Assert.Equal("fake.file: row 20 (counted from 0) has NaN at column 1; remove such rows or mend what wrote them.",
            Assert.Throws<InputException>(() => source.Rows([3, 20])).Message);
    }

    [Theory]
    [InlineData(7, 3)]
    [InlineData(2500, 1000)] // several blocks, the last one short
    public void A_file_that_is_read_front_to_back_is_unpacked_once(int rows, int width)
    {
        var file = new FakeFile(new TensorInfo("x", ElementType.Float32, [rows, width])) { FrontToBack = true };
        using var source = new ActivationFile(file, null);
        int reads = file.Reads;
        using Matrix some = source.Rows([rows - 1, 0, 5]);
        Assert.Equal(((float)(rows - 1) * width, 0f, 5f * width), (some[0, 0], some[1, 0], some[2, 0]));
        Assert.Equal((float)((rows * width) - 1), some[0, width - 1]);
        Assert.Equal(reads, file.Reads);
    }

    [Fact]
    public void Rows_of_a_file_are_read_where_they_lie_by_several_threads_at_once()
    {
        using Matrix x = Random(200, 17, seed: 1);
        SafetensorsWriter.Write(At("x.safetensors"), [TensorToWrite.From("ids", [1L, 2, 3]), TensorToWrite.From("x", x)]);
        using var source = ActivationFile.Open(At("x.safetensors"));
        Assert.Equal((200, 17), (source.Rows, source.Width));
        Parallel.For(0, 8, thread =>
        {
            var rng = new Rng(5, (ulong)thread);
            using var batch = new Matrix(10, 17);
            for (int round = 0; round < 50; round++)
            {
                long[] rows = [.. Enumerable.Range(0, 10).Select(_ => rng.NextBelow(200))];
                source.Read(rows, batch);
                for (int i = 0; i < 10; i++) Assert.True(x.Row((int)rows[i]).SequenceEqual(batch.Row(i)));
            }
        });
    }

    [Fact]
    public void Half_precision_rows_are_converted()
    {
        using Matrix x = Random(5, 33, seed: 2);
        SafetensorsWriter.Write(At("half.safetensors"), [TensorToWrite.Float16("x", x)]);
        using var source = ActivationFile.Open(At("half.safetensors"));
        using Matrix read = source.Rows(0, 5);
        for (int i = 0; i < x.Count; i++) Assert.Equal((float)(Half)x.AsSpan()[i], read.AsSpan()[i]);
    }

    [Fact]
    public void Several_files_are_one_source_in_order()
    {
        using Matrix a = Random(3, 2, seed: 1), b = Random(1, 2, seed: 2), c = Random(4, 2, seed: 3);
        foreach ((string name, Matrix x) in new[] { ("b", b), ("c", c), ("a", a) })
            SafetensorsWriter.Write(At($"{name}.safetensors"), [TensorToWrite.From("x", x)]);
        using var source = ActivationFiles.Open([At("*.safetensors")]);
        Assert.Equal((8, 2), (source.Rows, source.Width));
        Assert.Equal([At("a.safetensors"), At("b.safetensors"), At("c.safetensors")], source.Paths, StringComparer.Ordinal);
        using Matrix all = source.Rows(0, 8), some = source.Rows([7, 3, 0, 4]);
        Assert.Equal([.. a.AsSpan(), .. b.AsSpan(), .. c.AsSpan()], all.AsSpan());
        Assert.Equal([.. c.Row(3), .. b.Row(0), .. a.Row(0), .. c.Row(0)], some.AsSpan());
    }

    [Fact]
    public void Files_of_different_widths_are_refused_with_both_named()
    {
        using Matrix narrow = new(3, 2), wide = new(3, 5);
        SafetensorsWriter.Write(At("1.safetensors"), [TensorToWrite.From("x", narrow)]);
        SafetensorsWriter.Write(At("2.safetensors"), [TensorToWrite.From("x", wide)]);
        string message = Assert.Throws<InputException>(() => ActivationFiles.Open([At("?.safetensors")])).Message;
        Assert.StartsWith($"{At("1.safetensors")} has vectors of width 2, but {At("2.safetensors")} of width 5;", message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_with_NaN_is_named_within_its_own_file()
    {
        using Matrix good = new(3, 2), bad = new(3, 2, [0, 0, 0, 0, 0, float.NaN]);
        SafetensorsWriter.Write(At("1.safetensors"), [TensorToWrite.From("x", good)]);
        SafetensorsWriter.Write(At("2.safetensors"), [TensorToWrite.From("x", bad)]);
        using var source = ActivationFiles.Open([At("1.safetensors"), At("2.safetensors")]);
        using Matrix fine = source.Rows(0, 5);
        Assert.StartsWith($"{At("2.safetensors")}: row 2 (counted from 0) has NaN at column 1",
            Assert.Throws<InputException>(() => source.Rows(0, 6)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_there_is_named()
    {
        Assert.Contains("nowhere.npy", Assert.Throws<InputException>(() => ActivationFile.Open(At("nowhere.npy"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("no file in", Assert.Throws<InputException>(() => ActivationFiles.Open([At("*.npy")])).Message,
            StringComparison.Ordinal);
        Assert.Contains("No data is named", Assert.Throws<InputException>(() => ActivationFiles.Open([])).Message,
            StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(string name) => Path.Combine(folder, name);

    private static Matrix Random(int rows, int columns, ulong seed)
    {
        var matrix = new Matrix(rows, columns);
        new Rng(seed).FillNormal(matrix.AsSpan());
        return matrix;
    }

    private static string Refused(string? name, params TensorInfo[] tensors) =>
        Assert.Throws<InputException>(() => new ActivationFile(new FakeFile(tensors), name)).Message;

    /// <summary>A file of any tensors, in which every element is its own position.</summary>
    private sealed class FakeFile(params TensorInfo[] tensors) : TensorFile("fake.file")
    {
        public long NaNAt { get; init; } = -1;

        public bool FrontToBack { get; init; }

        public int Reads { get; private set; }

        public override string Format => "fake";

        public override IReadOnlyList<TensorInfo> Tensors => tensors;

        public override IReadOnlyDictionary<string, string> Metadata => new Dictionary<string, string>(StringComparer.Ordinal);

        public override bool IsSequential(TensorInfo tensor) => FrontToBack;

        public override void Read(TensorInfo tensor, long first, Span<float> destination)
        {
            Reads++;
            for (int i = 0; i < destination.Length; i++) destination[i] = first + i == NaNAt ? float.NaN : first + i;
        }

        public override void ReadBytes(TensorInfo tensor, long first, Span<byte> destination) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
        }
    }
}
