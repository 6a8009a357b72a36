using System.IO.Compression;
using System.Text;
using Unweave.Formats;

namespace Unweave.Tests.Formats;

// The files under golden/ were written by torch 1.13:
//
//   import collections, torch
//   W = torch.arange(12, dtype=torch.float32).reshape(3, 4)
//   torch.save(collections.OrderedDict(
//       W=W, Wt=W.t(), row=W[1], col=W[:, 2], corner=W[1:, 1:3], step=W[::2, ::3], wide=W[:, :1].expand(3, 5),
//       scalar=torch.tensor(2.5), empty=torch.zeros(0, 4), par=torch.nn.Parameter(torch.tensor([1.0, -1.0])),
//       f64=torch.tensor([0.1, -1e300], dtype=torch.float64), f16=torch.tensor([0.5, -65504.0], dtype=torch.float16),
// bf16=torch.tensor([1.5, -3.0], dtype=torch.bfloat16), i64=torch.tensor([-(2**40), 3]), i32=torch.tensor([-7, 8], dtype=torch.int32),
// i16=torch.tensor([-300, 4], dtype=torch.int16), i8=torch.tensor([-100, 5], dtype=torch.int8), u8=torch.tensor([250, 6],
// dtype=torch.uint8), flag=torch.tensor([True, False, True])), 'types.pt') lin = torch.nn.Sequential(torch.nn.Linear(3, 2),
// torch.nn.ReLU()) with torch.no_grad(): for p in lin.parameters(): p.copy_(torch.arange(p.numel(), dtype=torch.float32).reshape(p.shape) -
// 1) opt = torch.optim.Adam(lin.parameters(), lr=3e-4) lin(torch.ones(1, 3)).sum().backward(); opt.step() torch.save({'model':
// lin.state_dict(), 'optimizer': opt.state_dict(), 'step': 12345, 'big': 2**80, 'name': 'sae ✓', 'done': False, 'none': None, 'cfg': {'lr':
// 0.1, 'layers': [1, 2], 'pair': (3, 'x')}, 7: torch.tensor([7.0])}, 'nested.pt') torch.save(torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
// 'bare.pt') torch.save({'a': torch.tensor([1.0, 2.0]), 'n': 3}, 'protocol4.pt', pickle_protocol=4) torch.save(torch.nn.Linear(2, 2),
// 'module.pt') torch.save({'a': torch.tensor([1.0])}, 'legacy.pt', _use_new_zipfile_serialization=False)
public sealed class TorchFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_type_and_every_view_has_torchs_values()
    {
        (string Tensor, float[] Values)[] expected =
        [
            ("W Float32 [3, 4]", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
            ("Wt Float32 [4, 3]", [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]),
            ("row Float32 [4]", [4, 5, 6, 7]),
            ("col Float32 [3]", [2, 6, 10]),
            ("corner Float32 [2, 2]", [5, 6, 9, 10]),
            ("step Float32 [2, 2]", [0, 3, 8, 11]),
            ("wide Float32 [3, 5]", [0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 8, 8, 8, 8, 8]),
            ("scalar Float32 []", [2.5f]),
            ("empty Float32 [0, 4]", []),
            ("par Float32 [2]", [1, -1]),
            ("f64 Float64 [2]", [0.1f, float.NegativeInfinity]),
            ("f16 Float16 [2]", [0.5f, -65504]),
            ("bf16 BFloat16 [2]", [1.5f, -3]),
            ("i64 Int64 [2]", [-1099511627776f, 3]),
            ("i32 Int32 [2]", [-7, 8]),
            ("i16 Int16 [2]", [-300, 4]),
            ("i8 Int8 [2]", [-100, 5]),
            ("u8 UInt8 [2]", [250, 6]),
            ("flag Bool [3]", [1, 0, 1]),
        ];
        using var file = new TorchFile(TestFiles.Golden("types.pt"));
        Assert.Equal("torch", file.Format);
        Assert.Empty(file.Metadata);
        Assert.Equal(expected.Select(entry => entry.Tensor), file.Tensors.Select(tensor => tensor.ToString()), StringComparer.Ordinal);
        foreach ((TensorInfo tensor, (_, float[] values)) in file.Tensors.Zip(expected))
        {
            for (int first = 0; first <= values.Length; first++)
                for (int count = 0; count <= values.Length - first; count++)
                    Assert.Equal(values[first..(first + count)], Read(file, tensor, first, count));
            Assert.Throws<ArgumentOutOfRangeException>(() => Read(file, tensor, 0, values.Length + 1));
        }

        byte[] raw = new byte[16];
        file.ReadBytes(file["f64"], 0, raw);
        Assert.Equal([0.1, -1e300], [BitConverter.ToDouble(raw), BitConverter.ToDouble(raw, 8)]);
        file.ReadBytes(file["Wt"], 1, raw);
        Assert.Equal([4f, 8f, 1f, 5f], Enumerable.Range(0, 4).Select(i => BitConverter.ToSingle(raw, 4 * i)));
    }

    [Fact]
    public void Nested_entries_are_joined_by_dots_and_what_is_no_tensor_is_metadata()
    {
        using var file = new TorchFile(TestFiles.Golden("nested.pt"));
        Assert.Equal(
            ["model.0.weight", "model.0.bias", "optimizer.state.0.step", "optimizer.state.0.exp_avg", "optimizer.state.0.exp_avg_sq",
                "optimizer.state.1.step", "optimizer.state.1.exp_avg", "optimizer.state.1.exp_avg_sq", "7"],
            file.Tensors.Select(tensor => tensor.Name), StringComparer.Ordinal);
        Assert.Equal([-1, 0, 1, 1.9997f, 2.9997f, 3.9997f], Read(file, file["model.0.weight"], 0, 6));
        Assert.Equal([0, 0, 0, 0.1f, 0.1f, 0.1f],
            Read(file, file["optimizer.state.0.exp_avg"], 0, 6).Select(value => MathF.Round(value, 6)));
        Assert.Equal([7f], Read(file, file["7"], 0, 1));
        (string Key, string Value)[] expected =
        [
            ("step", "12345"), ("big", "1208925819614629174706176"), ("name", "sae ✓"), ("done", "false"), ("none", "null"),
            ("cfg.lr", "0.1"), ("cfg.layers.0", "1"), ("cfg.layers.1", "2"),
            ("cfg.pair.0", "3"), ("cfg.pair.1", "x"), ("optimizer.param_groups.0.lr", "0.0003"),
            ("optimizer.param_groups.0.betas.1", "0.999"), ("optimizer.param_groups.0.params.1", "1"),
        ];
        foreach ((string key, string value) in expected) Assert.Equal(value, file.Metadata[key]);
    }

    [Fact]
    public void A_tensor_alone_has_no_name_and_protocol_4_reads_like_2()
    {
        using var bare = new TorchFile(TestFiles.Golden("bare.pt"));
        Assert.Equal([1, 2, 3, 4], Read(bare, bare[""], 0, 4));
        using var protocol4 = new TorchFile(TestFiles.Golden("protocol4.pt"));
        Assert.Equal([1, 2], Read(protocol4, protocol4["a"], 0, 2));
        Assert.Equal("3", protocol4.Metadata["n"]);
    }

    [Fact]
    public void Anything_that_a_pickle_would_call_is_refused_by_name()
    {
        Assert.Contains("asks for 'posix.system'", Refused(Pickle("cposix\nsystem\n(X\x04\0\0\0calltR.")), StringComparison.Ordinal);
        Assert.Contains("asks for 'builtins.eval'", Refused(Pickle("\x8c\bbuiltins\x8c\u0004eval\x93\x8c\x03" + "1+1\x85R.")),
            StringComparison.Ordinal);
        Assert.Contains("asks for 'torch._utils._rebuild_tensor'", Refused(Pickle("ctorch._utils\n_rebuild_tensor\n)R.")),
            StringComparison.Ordinal);
        Assert.Contains("asks for 'torch.nn.functional.relu'", Refused(Pickle("ctorch.nn.functional\nrelu\n)R.")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_of_torch_is_a_bag_of_its_attributes()
    {
        using var file = new TorchFile(TestFiles.Golden("module.pt"));
        Assert.Equal(["_parameters.weight Float32 [2, 2]", "_parameters.bias Float32 [2]"],
            file.Tensors.Select(tensor => tensor.ToString()), StringComparer.Ordinal);
        Assert.Equal("torch.nn.modules.linear.Linear", file.Metadata["__class__"]);
        Assert.Equal(("true", "2"), (file.Metadata["training"], file.Metadata["in_features"]));
        file.RefuseForeign();
    }

    [Fact]
    public void A_stream_of_torch_before_1_6_reads_like_an_archive_and_a_cut_one_is_refused()
    {
        using (TensorFile file = TensorFile.Open(TestFiles.Golden("legacy.pt")))
        {
            Assert.Equal("torch", file.Format);
            Assert.Equal([1], file.Floats("a"));
        }

        byte[] whole = File.ReadAllBytes(TestFiles.Golden("legacy.pt"));
        string path = folder["cut.pt"];
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.StartsWith(path, Refused(path), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("cposix\nsystem\nX\x02\0\0\0id\x85R", "posix.system")]
    [InlineData("cos\nsystem\nX\x02\0\0\0id\x85R", "os.system")]
    [InlineData("cbuiltins\neval\nX\x03\0\0\0" + "1+1\x85R", "builtins.eval")]
    [InlineData("cbuiltins\ngetattr\ncbuiltins\n__import__\nX\x02\0\0\0os\x85RX\x06\0\0\0system\x86RX\x02\0\0\0id\x85R",
        "builtins.getattr")]
    [InlineData("ctorch.nn.modules.linear\nLinear\n)R", "torch.nn.modules.linear.Linear")] // called, not made
    [InlineData("cnumpy.core.multiarray\nscalar\n", "numpy.core.multiarray.scalar")] // named alone
    [InlineData("ccopyreg\n_reconstructor\ncos\nPathLike\n\x85R", "copyreg._reconstructor")]
    public void A_checkpoint_beside_whose_tensors_something_would_run_is_refused_by_its_name(string hostile, string name)
    {
        // In an entry of its own, and where it leaves no trace among the entries.
        foreach (string program in (string[])[$"}}(X\x01\0\0\0w{Tensor("")}X\x01\0\0\0x{hostile}u.", $"{hostile}0{Tensor("")}."])
        {
            using var file = new TorchFile(Pickle(program));
            Assert.Equal([1, 2, 3], Read(file, Assert.Single(file.Tensors), 0, 3)); // parsed: nothing ran
            Assert.Contains($"asks for '{name}'", Assert.Throws<InputException>(file.RefuseForeign).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("ctorch\ndevice\nX\x03\0\0\0cpu\x85R")]
    [InlineData("ctorch\nfloat32\n")]
    [InlineData("c__builtin__\nset\n]\x85R")]
    [InlineData("ctorch.nn.modules.activation\nReLU\n)\x81}X\x08\0\0\0training\x89sb")]
    [InlineData("covercomplete.sae.dictionary\nnormalize_l2\n")]
    public void Types_that_only_say_something_are_no_reason_to_refuse(string harmless)
    {
        using var file = new TorchFile(Pickle($"}}(X\x01\0\0\0w{Tensor("")}X\x01\0\0\0x{harmless}u."));
        file.RefuseForeign();
        Assert.Equal([1, 2, 3], Read(file, Assert.Single(file.Tensors), 0, 3));
    }

    // The entries that torch 2 adds to an archive.
    [Fact]
    public void Entries_that_a_later_torch_adds_are_passed_over()
    {
        foreach (string entry in (string[])[".format_version", ".storage_alignment", "byteorder", ".data/serialization_id", "version"])
        {
            using var file = new TorchFile(Pickle($"{Tensor("")}.", extra: ($"archive/{entry}", "little"u8.ToArray())));
            Assert.Equal([1, 2, 3], Read(file, Assert.Single(file.Tensors), 0, 3));
        }
    }

    [Theory]
    [InlineData("ctorch\ndevice\nX\x03\0\0\0cpu\x85R", "torch.device")]
    [InlineData("ctorch\nfloat32\n", "torch.float32")]
    [InlineData("ctorch\nSize\nK\x02\x85\x85R", "torch.Size")]
    [InlineData("cargparse\nNamespace\n)\x81}X\x02\0\0\0lrK\x01sb", "argparse.Namespace")]
    [InlineData("cmy\nList\n)\x81(K\u0001K\u0002e", "my.List")]
    [InlineData("cmy\nMap\n)\x81X\x01\0\0\0aK\x01s", "my.Map")]
    public void What_is_no_tensor_is_named_beside_those_that_are(string other, string name)
    {
        using var file = new TorchFile(Pickle($"}}(X\x04\0\0\0acts{Tensor("")}X\x05\0\0\0other{other}u."));
        Assert.Equal([1, 2, 3], Read(file, Assert.Single(file.Tensors), 0, 3));
        Assert.Equal($"not read: {name}", file.Metadata["other"]);
        Assert.Contains($"asks for '{name}'", Assert.Throws<InputException>(() => file["other"]).Message, StringComparison.Ordinal);
    }

    // torch.save of x.conj() or torch._neg_view(x) keeps the elements of x and says so in the tensor's metadata.
    [Theory]
    [InlineData("neg")]
    [InlineData("conj")]
    public void A_view_that_torch_negates_when_it_is_read_is_not_taken_for_its_base(string flag)
    {
        string lazily = Tensor($"}}X{(char)flag.Length}\0\0\0{flag}\x88s");
        Assert.Contains($"save tensor.resolve_{flag}()", Refused(Pickle($"{lazily}.")), StringComparison.Ordinal);
        using var file = new TorchFile(Pickle($"{Tensor($"}}X{(char)flag.Length}\0\0\0{flag}\x89s")}."));
        Assert.Equal([1, 2, 3], Read(file, file[""], 0, 3));
    }

    private static string Tensor(string metadata) =>
        "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"
            + "0X\x03\0\0\0cpuK\x03tQK\0K\x03\x85K\x01\x85\x89"
        + "ccollections\nOrderedDict\n)R" + metadata + "tR";

    [Theory]
    [InlineData(".", "it ends with 0 values instead of one")]
    [InlineData("N", "it is cut off")]
    [InlineData("NN.", "it ends with 2 values instead of one")]
    [InlineData("]a.", "it runs out of values")]
    [InlineData("(N.", "it ends inside a mark")]
    [InlineData("t.", "a mark that is not there")]
    [InlineData("]N(0e.", "it runs out of values")] // pops past a mark
    [InlineData("NNs.", "it runs out of values")]
    [InlineData("NNNs.", "not a dictionary")]
    [InlineData("NNa.", "not a list")]
    [InlineData("h\x05.", "entry 5, which was never stored")]
    [InlineData("X\xff\xff\xff\xffx.", "it is cut off")]
    [InlineData("X\x02\0\0\0\xff\xfe.", "not UTF-8")]
    [InlineData("\x8b\xff\xff\xff\xff.", "an integer of 4294967295 bytes")]
    [InlineData("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "it is cut off")]
    [InlineData("\x81.", "it runs out of values")]
    [InlineData("N)\x81.", "it makes an object before byte 5 in a way that is not read")]
    [InlineData("\x82.", "operation 0x82")]
    [InlineData("NQ.", "a storage is named in a way that is not read")]
    [InlineData("]q\0h\0a.", "nested more than 64 deep")] // a list in itself
    [InlineData("}q\0X\x01\0\0\0ah\0s.", "nested more than 64 deep")]
    [InlineData("}(K\x01NK\x01Nu.", "two entries named '1'")]
    [InlineData("}(NNu.", "neither text nor an integer")]
    [InlineData("ccollections\nOrderedDict\n.", "a type or a storage")]
    [InlineData("ccollections\nOrderedDict\n)R}b.", "")]
    public void A_damaged_pickle_is_refused(string program, string expected)
    {
        string path = Pickle(program);
        if (expected.Length == 0)
        {
            using var file = new TorchFile(path);
            Assert.Empty(file.Tensors);
            return;
        }

        Assert.Contains(expected, Refused(path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_walk_that_would_double_at_every_level_is_cut_short()
    {
        string doubled = string.Concat(Enumerable.Repeat("0](h\0h\0eq\0", 60)); // a list that holds the one before twice
        // 2^60 leaves in 600 bytes
        Assert.Contains("more than 1048576 entries", Refused(Pickle("]q\0" + doubled + ".")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, new long[] { 3 }, new long[] { 1 }, 2, "reaches element 2 of the 2")]
    [InlineData(1, new long[] { 2 }, new long[] { 1 }, 2, "reaches element 2 of the 2")]
    [InlineData(0, new long[] { 2, 2 }, new long[] { 2, 1 }, 3, "reaches element 3 of the 3")]
    [InlineData(0, new long[] { 2 }, new long[] { long.MaxValue }, 3, "reaches element 9223372036854775807 of the 3")]
    [InlineData(0, new long[] { long.MaxValue, long.MaxValue, long.MaxValue }, new long[] { 0, 0, 0 }, 3, "claims")]
    [InlineData(0, new long[] { 0, long.MaxValue, 9 }, new long[] { 0, 0, 0 }, 3, "has shape [0, 9223372036854775807, 9]")]
    [InlineData(0, new long[] { -1 }, new long[] { 1 }, 3, "has shape [-1]")]
    [InlineData(0, new long[] { 2 }, new long[] { -1 }, 3, "strides [-1]")]
    [InlineData(-1, new long[] { 2 }, new long[] { 1 }, 3, "offset -1")]
    [InlineData(0, new long[] { 2 }, new long[] { 1, 1 }, 3, "strides [1, 1]")]
    [InlineData(0, new long[] { 2 }, new long[] { 1 }, 4, "have 12 bytes where 4 of type Float32 are due")]
    [InlineData(0, new long[] { 2 }, new long[] { 1 }, -1, "a storage is named")]
    [InlineData(0, new long[] { 3, 1 }, new long[] { 1, 77 }, 3, "")]
    public void A_tensor_that_leaves_its_storage_is_refused(long offset, long[] shape, long[] strides, long count, string expected)
    {
        string Tuple(long[] values) => "(" + string.Concat(values.Select(Integer)) + "t";
        string program = "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0" + "0X\x03\0\0\0cpu"
            + Integer(count) + "tQ" + Integer(offset) + Tuple(shape) + Tuple(strides) + "\x89NtR.";
        string path = Pickle(program);
        if (expected.Length > 0)
        {
            Assert.Contains(expected, Refused(path), StringComparison.Ordinal);
            return;
        }

        using var file = new TorchFile(path);
        Assert.Equal([1, 2, 3], Read(file, file[""], 0, 3));

        static string Integer(long value) => "\x8a\x08" + Encoding.Latin1.GetString(BitConverter.GetBytes(value));
    }

    [Fact]
    public void A_cut_archive_is_refused_and_a_compressed_one_is_read()
    {
        byte[] whole = File.ReadAllBytes(TestFiles.Golden("bare.pt"));
        string path = folder["cut.pt"];
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.StartsWith(path, Refused(path), StringComparison.Ordinal);
        }

        using (var compressed = new TorchFile(Pickle("N.", level: CompressionLevel.SmallestSize, padding: 1000)))
            Assert.Empty(compressed.Tensors);
        Assert.Contains("big-endian", Refused(Pickle("N.", extra: ("archive/byteorder", "big"u8.ToArray()))), StringComparison.Ordinal);
        Assert.Contains("no entry data.pkl", Refused(Pickle("N.", root: "a/b")), StringComparison.Ordinal);
    }

    /// <summary>An archive with a pickle (letters are bytes; the protocol is put before) and a storage 0 of the floats 1, 2, 3.</summary>
    private string Pickle(string program, CompressionLevel level = CompressionLevel.NoCompression, int padding = 0,
        (string Name, byte[] Content)? extra = null, string root = "archive")
    {
        string path = folder["made.pt"];
        using FileStream stream = File.Create(path);
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create);
        Put($"{root}/data.pkl", [.. Encoding.Latin1.GetBytes("\x80\x02" + program), .. new byte[padding]]);
        Put($"{root}/data/0", [.. BitConverter.GetBytes(1f), .. BitConverter.GetBytes(2f), .. BitConverter.GetBytes(3f)]);
        if (extra is var (name, content)) Put(name, content);
        return path;

        void Put(string entry, byte[] bytes)
        {
            using Stream target = zip.CreateEntry(entry, level).Open();
            target.Write(bytes);
        }
    }

    private static string Refused(string path)
    {
        string message = Assert.Throws<InputException>(() => new TorchFile(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private static float[] Read(TorchFile file, TensorInfo tensor, long first, int count)
    {
        float[] values = new float[count];
        file.Read(tensor, first, values);
        return values;
    }
}
