using Unweave.Formats;

namespace Unweave.Tests.Formats;

public sealed class TorchWriterTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_is_written_is_read_again_with_its_values_and_the_same_bytes_come_twice()
    {
        string path = folder["made.pt"];
        TorchWriter.Write(path, Sample());
        using (var file = new TorchFile(path))
        {
            file.RefuseForeign();
            Assert.Equal(
                ["W Float32 [2, 3]", "sae.b Float32 [2]", "sae.k Int32 []", "steps Int64 [3]", "empty Float32 [0, 4]"],
                file.Tensors.Select(tensor => tensor.ToString()), StringComparer.Ordinal);
            Assert.Equal([1, 2, 3, 4, 5, 6], file.Floats("W"));
            Assert.Equal([0.5f, -7], file.Floats("sae.b"));
            Assert.Equal([32], file.Floats("sae.k"));
            Assert.Equal([-(1L << 40), 0, 9], file.Floats("steps"));
            (string, string)[] values =
            [
                ("sae.activation", "TopK ✓"), ("sae.tied", "false"), ("sae.rate", "0.1"), ("sae.large", "1099511627776"),
                ("sae.nothing", "null"), ("sizes.0", "-3"), ("sizes.1", "70000"),
            ];
            Assert.Equal(values, file.Metadata.Select(entry => (entry.Key, entry.Value)));
        }

        byte[] first = File.ReadAllBytes(path);
        TorchWriter.Write(path, Sample());
        Assert.Equal(first, File.ReadAllBytes(path));
    }

    private static PickledDictionary Sample() =>
    [
        ("W", TensorToWrite.From("W", [1f, 2, 3, 4, 5, 6], [2, 3])),
        ("sae", new PickledDictionary
        {
            ("b", TensorToWrite.From("b", [0.5f, -7f])),
            ("k", TensorToWrite.From("k", [32], [])),
            ("activation", "TopK ✓"),
            ("tied", false),
            ("rate", 0.1),
            ("large", 1L << 40),
            ("nothing", null),
        }),
        ("steps", TensorToWrite.From("steps", [-(1L << 40), 0L, 9L])),
        ("empty", TensorToWrite.From("empty", Array.Empty<float>(), [0, 4])),
        ("sizes", new List<object?> { -3, 70_000L }),
    ];
}
