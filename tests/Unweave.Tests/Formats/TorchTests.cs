using Unweave.Formats;

namespace Unweave.Tests.Formats;

/// <summary>
/// Checkpoints of torch 1.13, made by:
/// <code>
/// torch.manual_seed(0)
/// base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
/// torch.save({'state_dict': collections.OrderedDict(
///                 [('encoder.weight', base / 2), ('encoder.bias', torch.tensor([1.5, -2.0], dtype=torch.float16))]),
///             'transposed': base.t(), 'column': base[:, 1], 'part': base[1:, 2:], 'scalar': torch.tensor(7, dtype=torch.int64),
///             'empty': torch.zeros(0, 5), 'bf16': torch.tensor([1.0, 3.140625], dtype=torch.bfloat16),
///             'bools': torch.tensor([True, False]), 'parameter': torch.nn.Parameter(torch.tensor([9.0, 8.0], dtype=torch.float64)),
///             'bytes': torch.tensor([255, 1], dtype=torch.uint8),
///             'ints': [torch.tensor([-1], dtype=torch.int8), torch.tensor([-300], dtype=torch.int16), torch.tensor([70000], dtype=torch.int32)],
///             'k': 32, 'lr': 0.5, 'name': 'top', 'tied': True, 'none': None, 'layers': [1, 2], 'big': -5000000000,
///             'dtype': torch.float32, 'size': base.size(), 'device': torch.device('cpu')}, 'mixed.pt')
/// torch.save(torch.nn.Linear(3, 2).state_dict(), 'linear.pt')
/// class Evil:
///     def __reduce__(self): return (print, ('executed',))
/// torch.save({'w': base, 'cfg': Evil()}, 'evil.pt')
/// torch.save(torch.zeros(1).expand(1000), 'expanded.pt')
/// torch.save({'w': base}, 'legacy.pt', _use_new_zipfile_serialization=False)
/// </code>
/// </summary>
public sealed class TorchTests
{
    private static readonly float[] Twelve = [.. Enumerable.Range(0, 12)];

    [Fact]
    public void Tensors_of_every_type_are_read_under_names_with_dots()
    {
        using var file = new TorchFile(TestFiles.Golden("mixed.pt"));
        Check("state_dict.encoder.weight", ElementType.Float32, [3, 4], Twelve.Select(i => i / 2));
        Check("state_dict.encoder.bias", ElementType.Float16, [2], [1.5f, -2]);
        Check("scalar", ElementType.Int64, [], [7]);
        Check("empty", ElementType.Float32, [0, 5], []);
        Check("bf16", ElementType.BFloat16, [2], [1, 3.140625f]);
        Check("bools", ElementType.Bool, [2], [1, 0]);
        Check("parameter", ElementType.Float64, [2], [9, 8]);
        Check("bytes", ElementType.UInt8, [2], [255, 1]);
        Check("ints.0", ElementType.Int8, [1], [-1]);
        Check("ints.1", ElementType.Int16, [1], [-300]);
        Check("ints.2", ElementType.Int32, [1], [70_000]);

        void Check(string name, ElementType type, long[] shape, IEnumerable<float> values)
        {
            Assert.Equal(type, file[name].Type);
            Assert.Equal(shape, file[name].Shape);
            Assert.Equal(values, file.Floats(name));
        }
    }

    [Fact]
    public void Views_are_read_in_their_own_order()
    {
        using var file = new TorchFile(TestFiles.Golden("mixed.pt"));
        Assert.Equal([4L, 3L], file["transposed"].Shape);
        Assert.Equal([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11], file.Floats("transposed"));
        Assert.Equal([1, 5, 9], file.Floats("column"));
        Assert.Equal([6, 7, 10, 11], file.Floats("part"));
        float[] middle = new float[4];
        file.Read(file["transposed"], 5, middle);
        Assert.Equal([9, 2, 6, 10], middle);
    }

    [Fact]
    public void What_lies_beside_the_tensors_is_metadata()
    {
        using var file = new TorchFile(TestFiles.Golden("mixed.pt"));
        var expected = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["k"] = "32",
            ["lr"] = "0.5",
            ["name"] = "top",
            ["tied"] = "True",
            ["none"] = "None",
            ["layers"] = "[1, 2]",
            ["big"] = "-5000000000",
            ["dtype"] = "torch.float32",
            ["size"] = "[3, 4]",
            ["device"] = "cpu",
        };
        Assert.Equal(expected.OrderBy(pair => pair.Key, StringComparer.Ordinal), file.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    // {k: v.tolist() for k, v in torch.load('linear.pt').items()}
    [Fact]
    public void A_state_dict_of_a_module_is_read()
    {
        using var file = new TorchFile(TestFiles.Golden("linear.pt"));
        Assert.Equal<IEnumerable<string>>(["weight", "bias"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([-0.004322517663240433f, 0.3097158372402191f, -0.4751853346824646f, -0.4248946011066437f, -0.2223689705133438f, 0.15482072532176971f], file.Floats("weight"));
        Assert.Equal([-0.011439144611358643f, 0.45777493715286255f], file.Floats("bias"));
    }

    [Fact]
    public void A_pickle_that_would_run_something_is_refused_by_its_name()
    {
        string message = TestFiles.RefusedOpen(TestFiles.Golden("evil.pt"));
        Assert.Contains("builtins.print", message.Replace("__builtin__", "builtins", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("never executed", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Checkpoints_that_cannot_be_read_are_refused_with_the_fix()
    {
        Assert.Contains("clone()", TestFiles.RefusedOpen(TestFiles.Golden("expanded.pt")), StringComparison.Ordinal);
        Assert.Contains("before torch 1.6", TestFiles.RefusedOpen(TestFiles.Golden("legacy.pt")), StringComparison.Ordinal);
    }

    public static TheoryData<string, byte[], string> Pickles => new()
    {
        { "no end", [0x80, 2, (byte)'}'], "ends within an instruction" },
        { "empty", [], "ends within an instruction" },
        { "nothing to give", [0x80, 2, (byte)'.'], "where there is none" },
        { "protocol", [0x80, 9, (byte)'}', (byte)'.'], "protocol 9" },
        { "unknown instruction", [0x80, 2, 0x81, (byte)'.'], "0x81" },
        { "recall before memo", [(byte)'h', 7, (byte)'.'], "before it is made" },
        { "mark without one", [(byte)'e'], "mark where there is none" },
        { "below the mark", [(byte)'N', (byte)'(', 0x85, (byte)'.'], "where there is none" },
        { "dict key", [(byte)'}', (byte)']', (byte)'N', (byte)'s', (byte)'.'], "neither a text nor a number" },
        { "dict key twice", [(byte)'}', (byte)'(', (byte)'K', 1, (byte)'N', (byte)'K', 1, (byte)'N', (byte)'u', (byte)'.'], "twice" },
        { "list in itself", [(byte)']', (byte)'q', 0, (byte)'h', 0, (byte)'a', (byte)'.'], "nests deeper" },
        { "text past the end", [(byte)'X', 255, 255, 255, 255, (byte)'.'], "ends within" },
        { "long text past the end", [0x8D, 255, 255, 255, 255, 255, 255, 255, 255, (byte)'.'], "ends within" },
        { "large number", [0x8A, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, (byte)'.'], "9 bytes" },
        { "storage id", [(byte)'N', (byte)'Q', (byte)'.'], "storage id" },
        { "call of a text", [(byte)'U', 1, (byte)'a', (byte)')', (byte)'R', (byte)'.'], "cannot be called" },
        { "os.system", [(byte)'c', .. "os\nsystem\n"u8, (byte)'U', 2, .. "ls"u8, 0x85, (byte)'R', (byte)'.'], "os.system" },
        { "stacked os.system", [0x8C, 2, .. "os"u8, 0x8C, 6, .. "system"u8, 0x93, (byte)'.'], "os.system" },
        { "rebuild of nothing", [(byte)'c', .. "torch._utils\n_rebuild_tensor_v2\n"u8, (byte)')', (byte)'R', (byte)'.'], "wrong kind" },
    };

    [Theory]
    [MemberData(nameof(Pickles))]
    public void A_malformed_or_hostile_pickle_is_one_clear_line(string name, byte[] pickle, string says)
    {
        Assert.NotEmpty(name);
        using var folder = new TestFolder();
        ZipFiles.Write(folder["a.pt"], [("a/data.pkl", pickle)]);
        Assert.Contains(says, TestFiles.RefusedOpen(folder["a.pt"]), StringComparison.Ordinal);
    }

    // Twenty lists, each of ten times the one before: 10^20 values in 300 bytes of pickle.
    [Fact]
    public void Values_named_over_and_over_do_not_fill_the_memory()
    {
        using var folder = new TestFolder();
        List<byte> pickle = [0x80, 2, (byte)']', (byte)'K', 1, (byte)'a', (byte)'q', 0];
        for (byte level = 0; level < 20; level++)
        {
            pickle.AddRange([(byte)']', (byte)'(']);
            for (int i = 0; i < 10; i++) pickle.AddRange([(byte)'h', level]);
            pickle.AddRange([(byte)'e', (byte)'q', (byte)(level + 1)]);
        }

        pickle.Add((byte)'.');
        ZipFiles.Write(folder["a.pt"], [("a/data.pkl", [.. pickle])]);
        Assert.Contains("out of all proportion", TestFiles.RefusedOpen(folder["a.pt"]), StringComparison.Ordinal);
    }
}
