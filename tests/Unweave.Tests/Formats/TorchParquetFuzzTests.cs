using System.Buffers.Binary;
using Parquet;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Formats;

/// <summary>
/// Feeds damaged files to the readers of torch and Parquet: each ends in an <see cref="InputException"/> of one line that names the
/// file, or is read whole; nothing else. <c>UNWEAVE_FUZZ</c> sets how many, and <c>UNWEAVE_FUZZ_SEED</c> which.
/// </summary>
public sealed class TorchParquetFuzzTests(ITestOutputHelper output) : IDisposable
{
    private const int Chunk = 1 << 12;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("types.pt")]
    [InlineData("nested.pt")]
    [InlineData("protocol4.pt")]
    [InlineData("module.pt")]
    [InlineData("legacy.pt")]
    public void Damaged_torch_checkpoints(string golden) =>
        Fuzz(File.ReadAllBytes(TestFiles.Golden(golden)), path => new TorchFile(path), 3500);

    [Theory]
    [InlineData(CompressionMethod.None)]
    [InlineData(CompressionMethod.Snappy)]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    public void Damaged_Parquet_files(CompressionMethod compression) =>
        Fuzz(ParquetFileTests.Sample(compression), path => new ParquetFile(path), 2000);

    [Theory]
    [InlineData("duckdb-zstd.parquet")]
    [InlineData("duckdb-v2.parquet")]
    public void Damaged_Parquet_files_of_another_writer(string golden) =>
        Fuzz(File.ReadAllBytes(TestFiles.Golden(golden)), path => new ParquetFile(path), 1000);

    private void Fuzz(byte[] whole, Func<string, TensorFile> open, int files)
    {
        string path = folder["damaged"];
        File.WriteAllBytes(path, whole);
        Assert.Null(ReadAll(path, open)); // undamaged, it is read
        if (int.TryParse(Environment.GetEnvironmentVariable("UNWEAVE_FUZZ"), out int asked)) files = asked;
        ulong seed = ulong.TryParse(Environment.GetEnvironmentVariable("UNWEAVE_FUZZ_SEED"), out ulong given) ? given : 1;
        int refused = 0;
        for (int i = 0; i < files; i++)
        {
            var rng = new Rng(seed, (ulong)i);
            byte[] damaged = Damage(whole, rng);
            File.WriteAllBytes(path, damaged);
            try
            {
                if (ReadAll(path, open) is not { } message) continue;
                refused++;
                Assert.StartsWith(path, message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', message);
            }
            catch (Exception e) when (e is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"Damage {i} of seed {seed} ended in {e.GetType()}: {e}");
            }
        }

        output.WriteLine($"{files} files, {refused} refused");
        Assert.InRange(refused, files / 10, files); // the damage does reach the reader
    }

    /// <summary>Reads everything a file offers (of a very large tensor its two ends); null, or why it was refused.</summary>
    private static string? ReadAll(string path, Func<string, TensorFile> open)
    {
        try
        {
            using TensorFile file = open(path);
            float[] values = new float[Chunk];
            foreach (TensorInfo tensor in file.Tensors)
            {
                int count = (int)Math.Min(tensor.Count, Chunk);
                file.Read(tensor, 0, values.AsSpan(0, count));
                file.Read(tensor, tensor.Count - count, values.AsSpan(0, count));
                byte[] bytes = new byte[count * tensor.Type.Size()];
                file.ReadBytes(tensor, 0, bytes);
            }

            if (file is ParquetFile parquet)
                foreach (string column in parquet.TextColumns) Assert.Equal(parquet.Rows, parquet.ReadTexts(column).Count);
            return null;
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }

    /// <summary>One to three damages: bits, bytes and numbers changed; pieces cut, doubled or moved; the end missing.</summary>
    private static byte[] Damage(byte[] whole, Rng rng)
    {
        byte[] bytes = [.. whole];
        for (int times = 1 + Below(3); times > 0 && bytes.Length > 16; times--)
        {
            int at = Below(bytes.Length - 8), length = 1 + Below(Math.Min(32, bytes.Length - at - 1));
            switch (Below(8))
            {
                case 0: bytes[at] ^= (byte)(1 << Below(8)); break;
                case 1: bytes[at] = (byte)Below(256); break;
                case 2: bytes[at] = (byte)(Below(2) * 255); break;
                case 3: BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), Extreme()); break;
                case 4: BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), (long)Extreme() << Below(33)); break;
                case 5: bytes = [.. bytes[..at], .. bytes[(at + length)..]]; break;
                case 6: bytes = [.. bytes[..(at + length)], .. bytes[at..]]; break;
                default: bytes.AsSpan(at, length).CopyTo(bytes.AsSpan(Below(bytes.Length - length))); break;
            }
        }

        return Below(20) == 0 ? bytes[..Below(bytes.Length)] : bytes;

        int Below(int limit) => (int)rng.NextBelow(limit);
        int Extreme() => ((int[])[0, 1, -1, int.MaxValue, int.MinValue, 1 << 20, 255, -2])[Below(8)];
    }
}
