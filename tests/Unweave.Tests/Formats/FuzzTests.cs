using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.ExceptionServices;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Formats;

/// <summary>
/// Feeds each reader files that were damaged at random, from a seed: each ends in one clear line, or in tensors that can be read
/// whole and twice alike, within memory in proportion to the file. The environment variables <c>UNWEAVE_FUZZ</c> and
/// <c>UNWEAVE_FUZZ_SEED</c> set the number of files for each reader, and which.
/// </summary>
public sealed class FuzzTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private volatile int current;

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Safetensors()
    {
        string written = folder["written"];
        SafetensorsWriter.Write(
            written,
            [TensorToWrite.From("w", [1f, 2, 3, 4, 5, 6], [2, 3]), TensorToWrite.From("steps", new long[] { 7, 8 })],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["note"] = "text" });
        Feed(10_000, path => new SafetensorsFile(path), Plain(TestFiles.Golden("hand.safetensors")), Plain(written));
    }

    [Fact]
    public void Npy() =>
        Feed(10_000, path => new NpyFile(path), Plain(TestFiles.Golden("c.npy")), Plain(TestFiles.Golden("fortran3.npy")),
            Plain(TestFiles.Golden("v3.npy")), Plain(TestFiles.Golden("scalar.npy")));

    [Fact]
    public void Npz() =>
        Feed(10_000, path => new NpzFile(path), Plain(TestFiles.Golden("stored.npz")), Plain(TestFiles.Golden("deflated.npz")),
            Inside(TestFiles.Golden("stored.npz"), "f8.npy"), Inside(TestFiles.Golden("deflated.npz"), "i4.npy"));

    [Fact]
    public void Torch() =>
        Feed(10_000, path => new TorchFile(path), Plain(TestFiles.Golden("mixed.pt")), Plain(TestFiles.Golden("linear.pt")),
            Inside(TestFiles.Golden("mixed.pt"), "mixed/data.pkl"), Inside(TestFiles.Golden("linear.pt"), "linear/data.pkl"));

    // A file, damaged as a whole.
    private static Func<Rng, byte[]> Plain(string path)
    {
        byte[] original = File.ReadAllBytes(path);
        return rng => Damage(original, rng);
    }

    // An archive with one entry damaged and its checksum right, so that the damage reaches the parser inside.
    private static Func<Rng, byte[]> Inside(string path, string entry)
    {
        List<(string Name, byte[] Content)> entries = ZipFiles.Unpack(path);
        int at = entries.FindIndex(candidate => string.Equals(candidate.Name, entry, StringComparison.Ordinal));
        Assert.True(at >= 0, $"{path} has no {entry}");
        return rng =>
        {
            List<(string Name, byte[] Content)> changed = [.. entries];
            changed[at] = (entry, Damage(entries[at].Content, rng));
            return ZipFiles.Pack(changed, rng.NextBelow(2) == 0 ? CompressionLevel.NoCompression : CompressionLevel.Fastest);
        };
    }

    // On a thread of its own, so that a reader that never ends fails the test with the number of the file.
    private void Feed(int quick, Func<string, TensorFile> open, params Func<Rng, byte[]>[] sources)
    {
        Exception? failure = null;
        var feeder = new Thread(() =>
        {
            try
            {
                FeedAll(quick, open, sources);
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        feeder.IsBackground = true;
        feeder.Start();
        int seen = -1;
        while (!feeder.Join(TimeSpan.FromMinutes(1)))
        {
            Assert.True(seen != current, $"Damaged file {current} has been read for a minute.");
            seen = current;
        }

        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
    }

    private void FeedAll(int quick, Func<string, TensorFile> open, Func<Rng, byte[]>[] sources)
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable("UNWEAVE_FUZZ"), out int full) ? full : quick;
        ulong seed = ulong.TryParse(Environment.GetEnvironmentVariable("UNWEAVE_FUZZ_SEED"), out ulong given) ? given : 20;
        string path = folder["damaged"];
        int refused = 0, read = 0;
        long most = 0;
        for (int i = 0; i < count; i++)
        {
            current = i;
            var rng = new Rng(seed, (ulong)i);
            byte[] bytes = sources[i % sources.Length](rng);
            File.WriteAllBytes(path, bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                if (Read(path, i % 3 == 0 ? TensorFile.Open : open)) read++;
                else refused++;
            }
            catch (Exception e)
            {
                // The file itself, which says more than the list of what was done to it: base64, for files of a few KB.
                Assert.Fail($"Damaged file {i} of seed {seed}: {e}\n{Convert.ToBase64String(bytes)}");
            }

            most = Math.Max(most, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{count} damaged files: {refused} refused, {read} read; most memory set aside for one: {most / 1024} KiB");
        Assert.True(refused > count / 10 && read > 0,
            $"{refused} refused and {read} read: the damage is too slight or too great to show anything.");

        // Files of a few KB: whatever they claim, nothing out of proportion is set aside for them.
        Assert.InRange(most, 0, 64L << 20);
    }

    // True when all tensors were read, false when the file was refused as the user must see it.
    private static bool Read(string path, Func<string, TensorFile> open)
    {
        try
        {
            using TensorFile file = open(path);
            ReadWhole(file);
            return true;
        }
        catch (InputException e)
        {
            Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', e.Message);
            return false;
        }
    }

    // Whole, in blocks of either kind that must agree.
    private static void ReadWhole(TensorFile file)
    {
        if (file is SafetensorsFile safetensors) safetensors.Verify();
        float[] floats = new float[4096], again = new float[4096];
        byte[] bytes = new byte[4096 * 8];
        foreach (TensorInfo tensor in file.Tensors)
        {
            Assert.Equal(tensor.Shape.Aggregate(1L, (product, length) => checked(product * length)), tensor.Count);
            int size = tensor.Type.Size();
            for (long first = 0; first < tensor.Count; first += floats.Length)
            {
                int count = (int)Math.Min(floats.Length, tensor.Count - first);
                file.Read(tensor, first, floats.AsSpan(0, count));
                file.ReadBytes(tensor, first, bytes.AsSpan(0, count * size));
                ElementConversion.ToSingle(tensor.Type, bytes.AsSpan(0, count * size), again.AsSpan(0, count));
                Assert.Equal(floats.AsSpan(0, count), again.AsSpan(0, count));
            }
        }
    }

    /// <summary>One to three damages: bits, bytes, digits and lengths changed; pieces cut, doubled or moved; the end missing.</summary>
    internal static byte[] Damage(byte[] original, Rng rng)
    {
        List<byte> bytes = [.. original];
        for (long times = 1 + rng.NextBelow(3); times > 0 && bytes.Count > 0; times--)
        {
            int at = (int)rng.NextBelow(bytes.Count), length = (int)Math.Min(1 + rng.NextBelow(32), bytes.Count - at);
            switch (rng.NextBelow(9))
            {
                case 0: bytes[at] ^= (byte)(1 << (int)rng.NextBelow(8)); break;
                case 1: bytes[at] = (byte)rng.NextBelow(256); break;
                case 2: bytes.RemoveRange(at, bytes.Count - at); break;
                case 3: bytes.RemoveRange(at, length); break;
                case 4: bytes.InsertRange(at, Enumerable.Range(0, length).Select(_ => (byte)rng.NextBelow(256))); break;
                case 5: bytes.InsertRange((int)rng.NextBelow(bytes.Count), bytes.GetRange(at, length)); break;
                case 6:
                    List<byte> moved = bytes.GetRange(at, length);
                    int to = (int)rng.NextBelow(bytes.Count - length + 1);
                    for (int i = 0; i < length; i++) bytes[to + i] = moved[i];
                    break;
                case 7: // a digit of a shape, an offset or a count in text
                    int digit = bytes.FindIndex(at, b => char.IsAsciiDigit((char)b));
                    if (digit >= 0) bytes[digit] = (byte)('0' + rng.NextBelow(10));
                    break;
                default: SpliceLength(bytes, at, rng); break;
            }
        }

        return [.. bytes];
    }

    // What hurts most in a length field: nothing, one too many, the sign, the greatest.
    private static void SpliceLength(List<byte> bytes, int at, Rng rng)
    {
        byte[] field = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(field, rng.NextBelow(8) switch
        {
            0 => 0,
            1 => 1,
            2 => -1,
            3 => int.MaxValue,
            4 => int.MinValue,
            5 => long.MaxValue,
            6 => bytes.Count + rng.NextBelow(3) - 1,
            _ => 1L << (int)rng.NextBelow(63),
        });
        int width = 1 << (int)rng.NextBelow(4);
        for (int i = 0; i < width && at + i < bytes.Count; i++) bytes[at + i] = field[i];
    }
}
