using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Checkpoints;

public sealed class AutoencoderFileTests : IDisposable
{
    private const int Width = 6;

    private readonly string folder = Directory.CreateTempSubdirectory("unweave-").FullName;

    public static TheoryData<string> Kinds =>
    [
        """{ "architecture": "topk", "latents": 20, "k": 3, "auxK": 2, "multiK": 7 }""",
        """{ "architecture": "relu", "latents": 20, "l1Coefficient": 0.25, "unitDecoder": true }""",
        """{ "architecture": "kl", "latents": 20, "meanEstimate": "running" }""",
        """{ "architecture": "undercomplete", "bottleneck": 1, "hidden": [5, 3], "activation": "relu" }""",
        """{ "architecture": "variational", "bottleneck": 1, "hidden": [5, 3], "likelihood": "bernoulli" }""",
    ];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_is_loaded_is_what_was_saved(string options)
    {
        using Autoencoder saved = Build(options);
        saved.InputScale = 0.1f;
        saved.Save(folder);
        using Autoencoder loaded = Autoencoder.Load(folder);
        using Autoencoder byFile = Autoencoder.Load(Path.Combine(folder, "autoencoder.safetensors"));

        Assert.Equal(AutoencoderJson.Write(saved.Options), AutoencoderJson.Write(loaded.Options));
        Assert.Equal((saved.InputWidth, 0.1f), (loaded.InputWidth, loaded.InputScale));
        Assert.Equal(saved.GetType(), byFile.GetType());
        for (int i = 0; i < saved.Parameters.Count; i++)
            Assert.Equal(saved.Parameters[i].Value.AsSpan(), loaded.Parameters[i].Value.AsSpan());

        using Matrix x = new(9, Width), before = new(9, Width), after = new(9, Width);
        new Rng(3).FillNormal(x.AsSpan());
        saved.Reconstruct(x, before);
        loaded.Reconstruct(x, after);
        Assert.Equal(before.AsSpan(), after.AsSpan());
    }

    [Fact]
    public void Saving_twice_gives_the_same_bytes()
    {
        using Autoencoder autoencoder = Build(Kinds.First().Data);
        string a = Path.Combine(folder, "a.safetensors"), b = Path.Combine(folder, "new", "folder");
        autoencoder.Save(a);
        autoencoder.Save(b);
        Assert.Equal(File.ReadAllBytes(a), File.ReadAllBytes(Path.Combine(b, "autoencoder.safetensors")));
        Assert.Single(Directory.GetFiles(b));
    }

    [Fact]
    public void The_file_is_plain_safetensors_that_names_its_parts()
    {
        using Autoencoder autoencoder = Build(Kinds.First().Data);
        autoencoder.InputScale = 1 / 3f;
        autoencoder.Save(folder);
        (JsonObject header, byte[] data) = Split(File.ReadAllBytes(TheFile));
        JsonObject metadata = header["__metadata__"]!.AsObject();
        Assert.Equal("unweave", (string?)metadata["format"]);
        Assert.Equal("1", (string?)metadata["version"]);
        Assert.Equal("6", (string?)metadata["input_width"]);
        Assert.Equal("0.33333334", (string?)metadata["input_scale"]);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(data)), (string?)metadata["sha256"]);
        Assert.Equal("topk", (string?)JsonNode.Parse((string)metadata["options"]!)!["architecture"]);
        Assert.Equal("[20]", header["b_enc"]!["shape"]!.ToJsonString());
        Assert.Equal("[20,6]", header["W_dec"]!["shape"]!.ToJsonString());
        Assert.Equal("F32", (string?)header["W_dec"]!["dtype"]);
    }

    [Fact]
    public void A_sparse_autoencoder_is_loaded_as_one_and_another_is_refused()
    {
        using (Autoencoder sparse = Build(Kinds.First().Data)) sparse.Save(folder);
        using (SparseAutoencoder loaded = SparseAutoencoder.Load(folder)) Assert.Equal(20, loaded.Latents);
        using (Autoencoder narrow = Build("""{ "architecture": "undercomplete", "bottleneck": 2 }""")) narrow.Save(folder);
        Assert.Contains("has no sparse latents", Assert.Throws<InputException>(() => SparseAutoencoder.Load(folder)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_are_not_numbers_are_neither_saved_nor_loaded()
    {
        using Autoencoder autoencoder = Build(Kinds.First().Data);
        autoencoder.Parameters[2].Value[13, 4] = float.NaN;
        Assert.Contains("'W_dec' have NaN or an infinity in row 13", Assert.Throws<InputException>(() => autoencoder.Save(folder)).Message,
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder));

        autoencoder.Parameters[2].Value[13, 4] = 0;
        autoencoder.Save(folder);
        Rewrite((header, data) =>
        {
            long start = (long)header["W_dec"]!["data_offsets"]![0]!;
            BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan((int)start + (13 * Width * 4)), float.PositiveInfinity);
        });
        Assert.Contains("'W_dec' have NaN or an infinity in row 13", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_damaged_byte_of_the_data_and_every_lost_one_is_found()
    {
        using Autoencoder autoencoder = Build("""{ "architecture": "topk", "latents": 3, "k": 1 }""");
        autoencoder.Save(folder);
        byte[] whole = File.ReadAllBytes(TheFile);
        int dataStart = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(whole);
        for (int i = dataStart; i < whole.Length; i++)
        {
            byte[] damaged = [.. whole];
            damaged[i] ^= 0x10;
            File.WriteAllBytes(TheFile, damaged);
            Refused();
        }

        for (int length = 0; length < whole.Length; length += 7)
        {
            File.WriteAllBytes(TheFile, whole[..length]);
            Refused();
        }
    }

    [Fact]
    public void A_header_mutated_at_random_is_refused_or_gives_the_same_autoencoder()
    {
        using Autoencoder autoencoder = Build("""{ "architecture": "topk", "latents": 3, "k": 1 }""");
        autoencoder.Save(folder);
        byte[] whole = File.ReadAllBytes(TheFile);
        int dataStart = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(whole);
        var rng = new Rng(1);
        for (int trial = 0; trial < 2000; trial++)
        {
            byte[] mutated = [.. whole];
            for (int edit = 0; edit <= rng.NextBelow(2); edit++)
                mutated[rng.NextBelow(dataStart)] = (byte)(trial % 2 == 0 ? rng.NextBelow(256) : '0' + rng.NextBelow(10));
            File.WriteAllBytes(TheFile, mutated);
            try
            {
                using Autoencoder loaded = Autoencoder.Load(folder);
                Assert.Equal((autoencoder.Options, Width, 1f), (loaded.Options, loaded.InputWidth, loaded.InputScale));
                for (int i = 0; i < 4; i++) Assert.Equal(autoencoder.Parameters[i].Value.AsSpan(), loaded.Parameters[i].Value.AsSpan());
            }
            catch (InputException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
        }
    }

    [Fact]
    public void Tensors_that_do_not_fit_are_all_named()
    {
        using Autoencoder autoencoder = Build(Kinds.First().Data);
        autoencoder.Save(folder);
        Rewrite((header, _) =>
        {
            header["W_encoder"] = header["W_enc"]!.DeepClone();
            header.Remove("W_enc");
            header["b_enc"]!["shape"] = JsonNode.Parse("[4, 5]");
        });
        string message = Refused();
        Assert.Contains("'W_enc' [20, 6] is missing", message, StringComparison.Ordinal);
        Assert.Contains("'b_enc' is [4, 5] where [20] is expected", message, StringComparison.Ordinal);
        Assert.Contains("'W_encoder' is not expected", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("version", "2", "written by a newer Unweave (format version 2; this one reads up to 1)")]
    [InlineData("version", "0", "version is 0")]
    [InlineData("version", "one", "version is 'one' in its metadata, which is no number")]
    [InlineData("version", null, "version is missing from its metadata")]
    [InlineData("format", "pt", "not an autoencoder that Unweave wrote")]
    [InlineData("format", null, "not an autoencoder that Unweave wrote")]
    [InlineData("sha256", null, "sha256 is missing from its metadata")]
    [InlineData("sha256", "00", "")]
    [InlineData("settings_sha256", null, "settings_sha256 is missing from its metadata")]
    [InlineData("settings_sha256", "00", "the checksum of its settings does not match them")]
    [InlineData("input_scale", "NaN", "input_scale is NaN")]
    [InlineData("input_scale", "-1", "input_scale is -1")]
    [InlineData("input_width", "0", "width 0")]
    [InlineData("input_width", "7", "'W_enc' is [20, 6] where [20, 7] is expected")]
    [InlineData("input_width", "2000000000", "describe a model of 8.2E+10 weights, but it holds")]
    [InlineData("options", "{}", "architecture is missing")]
    [InlineData("options", "{\"architecture\":\"topk\",\"latents\":20,\"k\":21}", "k is 21 but latents is 20")]
    [InlineData("options", "{\"architecture\":\"topk\",\"latents\":2000000000}", "describe a model of 2.6E+10 weights")]
    [InlineData("options", "{\"architecture\":\"undercomplete\",\"bottleneck\":2,\"hidden\":[1000000000,1000000000]}",
        "describe a model of")]
    public void Metadata_that_cannot_be_is_named(string key, string? value, string said)
    {
        using Autoencoder autoencoder = Build(Kinds.First().Data);
        autoencoder.Save(folder);
        Rewrite(
            (header, _) =>
            {
                JsonObject metadata = header["__metadata__"]!.AsObject();
                metadata.Remove(key);
                if (value is not null) metadata[key] = value;
            },
            fixChecksums: key is not ("sha256" or "settings_sha256"));
        Assert.Contains(said, Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_autoencoder_is_refused()
    {
        Assert.Contains("autoencoder.safetensors", Refused(), StringComparison.Ordinal);
        using var vectors = new Matrix(2, 3);
        SafetensorsWriter.Write(TheFile, [TensorToWrite.From("x", vectors)]);
        Assert.Contains("this is a safetensors file, but not an autoencoder that Unweave wrote", Refused(), StringComparison.Ordinal);
        string file = Path.Combine(folder, "file");
        File.WriteAllText(file, "");
        using Autoencoder autoencoder = Build(Kinds.First().Data);
        Assert.Contains("its folder cannot be made",
            Assert.Throws<InputException>(() => autoencoder.Save(Path.Combine(file, "sae"))).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string TheFile => Path.Combine(folder, "autoencoder.safetensors");

    private static Autoencoder Build(string options) =>
        AutoencoderJson.Read(options, "test").Build(Width, new Rng(1));

    private static (JsonObject Header, byte[] Data) Split(byte[] file)
    {
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        return (JsonNode.Parse(Encoding.UTF8.GetString(file, 8, length))!.AsObject(), file[(8 + length)..]);
    }

    /// <summary>Changes the file's header or data, and puts it together again by the safetensors specification.</summary>
    private void Rewrite(Action<JsonObject, byte[]> change, bool fixChecksums = true)
    {
        (JsonObject header, byte[] data) = Split(File.ReadAllBytes(TheFile));
        change(header, data);
        if (fixChecksums)
        {
            JsonNode metadata = header["__metadata__"]!;
            metadata["sha256"] = Convert.ToHexStringLower(SHA256.HashData(data));
            metadata["settings_sha256"] = Convert.ToHexStringLower(
                SHA256.HashData(
                    Encoding.UTF8.GetBytes(
                        $"{metadata["version"]}\n{metadata["options"]}\n{metadata["input_width"]}\n{metadata["input_scale"]}")));
        }

        byte[] text = Encoding.UTF8.GetBytes(header.ToJsonString());
        byte[] padded = [.. text, .. Enumerable.Repeat((byte)' ', (8 - (text.Length % 8)) % 8)];
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, padded.Length);
        File.WriteAllBytes(TheFile, [.. length, .. padded, .. data]);
    }

    private string Refused()
    {
        string message = Assert.Throws<InputException>(() => Autoencoder.Load(folder)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
