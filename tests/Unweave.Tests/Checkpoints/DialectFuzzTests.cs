using System.IO.Compression;
using Unweave.Autoencoders;
using Unweave.Checkpoints.Dialects;
using Unweave.Numerics;
using Unweave.Tests.Formats;

namespace Unweave.Tests.Checkpoints;

/// <summary>
/// Feeds damaged checkpoints of every dialect to its reader: each ends in an <see cref="InputException"/> of one line, or in an autoencoder
/// that encodes and decodes; nothing else. <c>UNWEAVE_FUZZ</c> sets how many of each dialect, and <c>UNWEAVE_FUZZ_SEED</c> which.
/// </summary>
public sealed class DialectFuzzTests(ITestOutputHelper output) : IDisposable
{
    private const int Quick = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Kinds => [.. DialectFolders.All
        .Select(name => name.Split('/')[0]).Distinct(StringComparer.Ordinal)];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Damaged_checkpoints(string kind)
    {
        string[] variants =
            [.. DialectFolders.All.Where(name => name.StartsWith(kind + "/", StringComparison.Ordinal))];
        GoldenCheckpoint[] goldens = [.. variants.Select(name => new GoldenCheckpoint(name))];
        int count = int.TryParse(Environment.GetEnvironmentVariable("UNWEAVE_FUZZ"), out int full) ? full : Quick;
        ulong seed = ulong.TryParse(Environment.GetEnvironmentVariable("UNWEAVE_FUZZ_SEED"), out ulong given) ? given : 16;
        int refused = 0;
        for (int i = 0; i < count; i++)
        {
            var rng = new Rng(seed, (ulong)i);
            GoldenCheckpoint golden = goldens[(int)rng.NextBelow(goldens.Length)];
            string target = folder[$"{i}"], damaged = Damage(golden, target, rng);
            try
            {
                // On a thread of its own, so that one that never ends is named.
                var use = Task.Run(() => ReadAndUse(target, golden.Given), TestContext.Current.CancellationToken);
                if (await Task.WhenAny(use, Task.Delay(Patience, TestContext.Current.CancellationToken)) != use)
                    Assert.Fail($"Damage {i} of seed {seed} to {golden.Path}, {damaged}, is read or used for a minute; it is in {target}.");
                await use;
            }
            catch (InputException e)
            {
                if (e.Message.Contains('\n', StringComparison.Ordinal)) Assert.Fail($"Damage {i} of seed {seed}: {e}");
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"Damage {i} of seed {seed} to {golden.Path}, {damaged}, ended in {e}");
            }

            Directory.Delete(target, recursive: true);
        }

        output.WriteLine($"{kind}: {count} damaged checkpoints, {refused} refused");
        Assert.InRange(refused, count / 10, count);
    }

    private static string Damage(GoldenCheckpoint golden, string target, Rng rng)
    {
        string[] files = [.. Directory.EnumerateFiles(golden.Path, "*", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(path) is not "golden.safetensors" and not "notes.md").Order(StringComparer.Ordinal)];
        string damaged = files[(int)rng.NextBelow(files.Length)];
        foreach (string file in files)
        {
            string copy = Path.Combine(target, Path.GetRelativePath(golden.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.WriteAllBytes(copy, string.Equals(file, damaged, StringComparison.Ordinal) ? Damaged(file, rng) : File.ReadAllBytes(file));
        }

        return Path.GetFileName(damaged);
    }

    // Of an archive, half the time one entry whose checksum is made right again, so that the damage reaches what reads it.
    private static byte[] Damaged(string file, Rng rng)
    {
        byte[] whole = File.ReadAllBytes(file);
        if (!whole.AsSpan().StartsWith("PK"u8) || rng.NextBelow(2) == 0) return FuzzTests.Damage(whole, rng);
        List<(string Name, byte[] Content)> entries = ZipFiles.Unpack(file);
        int pickle = entries.FindIndex(entry => entry.Name.EndsWith("data.pkl", StringComparison.Ordinal));
        int at = pickle >= 0 && rng.NextBelow(4) > 0 ? pickle : (int)rng.NextBelow(entries.Count);
        entries[at] = (entries[at].Name, FuzzTests.Damage(entries[at].Content, rng));
        return ZipFiles.Pack(entries, CompressionLevel.NoCompression);
    }

    private static void ReadAndUse(string target, IReadOnlyDictionary<string, string> given)
    {
        using SparseAutoencoder autoencoder = Dialect.Read(target, given);
        using var x = new Matrix(3, autoencoder.InputWidth);
        for (int i = 0; i < x.AsSpan().Length; i++) x.AsSpan()[i] = MathF.Sin(i);
        using var reconstruction = new Matrix(3, autoencoder.OutputWidth);
        SparseCodes codes = autoencoder.Encode(x);
        Assert.Equal(3, codes.Rows);
        autoencoder.Decode(codes, x, reconstruction);
    }
}
