using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

public sealed class HarvestTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_was_appended_is_read_back_over_all_shards()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        Made.Documents documents = new(manifest, [4, 5, 3, 0, 7, 31, 2, 1], first: 100, step: 3);
        documents.Write(HarvestWriter.Create(folder.Path, manifest));
        using var harvest = Harvest.Open(folder.Path);
        Assert.Equal((true, 53, 7), (harvest.Complete, harvest.Rows, harvest.Documents));
        harvest.Verify();
        for (int hook = 0; hook < 2; hook++)
        {
            using HarvestSource source = harvest.Source(manifest.Hooks[hook].Name);
            Assert.Equal((manifest.Hooks[hook].Width, 53, $"{folder.Path}#{manifest.Hooks[hook].Name}"),
                (source.Width, source.Rows, source.Name));
            using Matrix all = source.Rows(0, 53), some = source.Rows([52, 0, 17, 17]);
            Assert.Equal(documents.Rows.SelectMany(row => row.Activations[hook]), all.AsSpan().ToArray());
            Assert.Equal(documents.Rows[17].Activations[hook], some.Row(3).ToArray());
        }

        int[] tokens = new int[53], positions = new int[53];
        long[] owners = new long[53];
        harvest.ReadTokens(0, tokens);
        harvest.ReadPositions(0, positions);
        harvest.ReadDocuments(0, owners);
        Assert.Equal(documents.Rows.Select(row => (row.Token, row.Document, row.Position)),
            Enumerable.Range(0, 53).Select(i => (tokens[i], owners[i], positions[i])));
        Assert.Equal(documents.Rows.Select(row => (row.Token, row.Document, row.Position)),
            Enumerable.Range(0, 53).Select(i => harvest.Row(i)));
        foreach (long document in owners.Distinct()) Assert.Equal($"document {document}.txt", harvest.DocumentId(document));
        foreach (long none in new long[] { -1, 99, 101, 109, 122, long.MaxValue })
            Assert.Throws<ArgumentOutOfRangeException>(() => harvest.DocumentId(none));
        Assert.Throws<ArgumentOutOfRangeException>(() => harvest.Row(53));
        Assert.Throws<ArgumentOutOfRangeException>(() => harvest.ReadTokens(50, tokens.AsSpan(0, 4)));
    }

    // Documents of 4, 5, 3, 7, 31 and 2 rows in shards of 10: 4+5; 3+7; 10; 10; 10; the last 1 of the long one, and 2.
    [Fact]
    public void Documents_are_cut_only_where_one_is_longer_than_a_shard()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        new Made.Documents(manifest, [4, 5, 3, 7, 31, 2]).Write(HarvestWriter.Create(folder.Path, manifest));
        Assert.Equal([9, 10, 10, 10, 10, 3], Manifest()["shards"]!.AsArray().Select(shard => (int)shard!["rows"]!));
        Assert.Equal([false, false, true, true, true, false], Manifest()["shards"]!.AsArray().Select(shard => (bool)shard!["cut"]!));
        Assert.Equal(
            ["""{"document":4,"id":"document 4.txt","rows":1}""", """{"document":5,"id":"document 5.txt","rows":2}""", ""],
            File.ReadAllText(folder["documents/00005.jsonl"]).Split('\n'));
    }

    // In pieces it is not known how long a document gets: it is cut when its own rows fill a shard.
    [Fact]
    public void A_document_in_pieces_stays_in_its_shard_until_it_alone_fills_one()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        new Made.Documents(manifest, [6, 12, 5]).Write(HarvestWriter.Create(folder.Path, manifest), piece: 4);
        Assert.Equal([16, 7], Manifest()["shards"]!.AsArray().Select(shard => (int)shard!["rows"]!));
        using var harvest = Harvest.Open(folder.Path);
        harvest.Verify();
        Assert.Equal(["document 0.txt", "document 1.txt", "document 2.txt"], Enumerable.Range(0, 3).Select(i => harvest.DocumentId(i)),
            StringComparer.Ordinal);
    }

    // The format by hand: length, JSON, data at byte 256; the tensors' names and types as documented.
    [Fact]
    public void The_files_are_plain_safetensors()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10) with { ElementType = ElementType.BFloat16 };
        new Made.Documents(manifest, [3]).Write(HarvestWriter.Create(folder.Path, manifest));
        byte[] bytes = File.ReadAllBytes(folder["blocks.2/00000.safetensors"]);
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        JsonNode header = JsonNode.Parse(bytes.AsSpan(8, length))!;
        Assert.Equal("""{"dtype":"BF16","shape":[3,3],"data_offsets":[0,18]}""", header["activations"]!.ToJsonString());
        Assert.Equal((248, 256 + 18), (length, bytes.Length));
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes[256..])),
            (string)header["__metadata__"]!["sha256"]!);
        using var rows = new SafetensorsFile(folder["rows/00000.safetensors"]);
        Assert.Equal(["document Int64 [3]", "token Int32 [3]", "position Int32 [3]"], rows.Tensors.Select(tensor => tensor.ToString()),
            StringComparer.Ordinal);
        Assert.Equal(["blocks.2", "documents", "layer_5_out", "manifest.json", "rows"],
            Directory.GetFileSystemEntries(folder.Path).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal),
            StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(ElementType.Float16)]
    [InlineData(ElementType.BFloat16)]
    public void Narrow_types_round_to_nearest_and_ties_to_even(ElementType type)
    {
        const int width = 4096;
        var manifest = Made.Manifest(100) with { Hooks = [new("x", width)], ElementType = type };
        using var x = new Matrix(2, width);
        var rng = new Rng(1);
        // Random bits within ±2 and, in every other row, exact halves between two neighbors.
        int kept = type == ElementType.Float16 ? 10 : 7;
        for (int i = 0; i < width; i++)
        {
            float value = BitConverter.UInt32BitsToSingle((uint)(rng.NextBits() & 0x807FFFFF) | 0x3F800000);
            x[0, i] = value;
            x[1, i] = BitConverter.UInt32BitsToSingle(
                (BitConverter.SingleToUInt32Bits(value) & ~((1u << (23 - kept)) - 1)) | (1u << (22 - kept)));
        }

        using (HarvestWriter writer = HarvestWriter.Create(folder.Path, manifest))
        {
            writer.Append(0, "a", [1, 2], [0, 1], [x]);
            writer.Complete();
        }

        using var harvest = Harvest.Open(folder.Path);
        using Matrix read = harvest.Source().Rows(0, 2);
        for (int i = 0; i < x.Count; i++) Assert.Equal(Rounded(x.AsSpan()[i], kept), read.AsSpan()[i]);

        // In whole numbers of the last place kept: Math.Round takes ties to even.
        static double Rounded(double value, int bits) => Math.Round(value * (1 << bits), MidpointRounding.ToEven) / (1 << bits);
    }

    [Theory]
    [InlineData(ElementType.Float16, 65505f,
        "hook 'layer/5:out', document 7 ('seven'), row 1: 65505 at column 4, past ±65504, the largest half-precision float; keep the "
        + "activations as BFloat16 or Float32.")]
    [InlineData(ElementType.Float16, -1e9f, "row 1: -1E+09 at column 4, past ±65504")]
    [InlineData(ElementType.BFloat16, 3.4e38f, "past ±3.3895314E+38, the largest bfloat16; keep the activations as Float32.")]
    [InlineData(ElementType.Float32, float.NaN, "row 1: NaN at column 4; the model overflows there")]
    [InlineData(ElementType.Float32, float.NegativeInfinity, "row 1: an infinity at column 4;")]
    public void A_value_that_cannot_be_kept_is_named_and_leaves_nothing_behind(ElementType type, float value, string expected)
    {
        HarvestManifest manifest = Made.Manifest(10) with { ElementType = type };
        var documents = new Made.Documents(manifest, [3, 2, 4]);
        documents.Write(HarvestWriter.Create(folder["clean"], manifest));
        documents.Write(HarvestWriter.Create(folder["tried"], manifest), before: writer =>
        {
            using Matrix first = new(2, 3), second = new(2, 5);
            second[1, 4] = value;
            if (writer.Rows == 3)
                Assert.Contains(expected,
                    Assert.Throws<InputException>(() => writer.Append(7, "seven", [1, 2], [0, 1], [first, second])).Message,
                    StringComparison.Ordinal);
        });
        Assert.Equal(Made.Tree(folder["clean"]), Made.Tree(folder["tried"]));
    }

    [Theory]
    [InlineData(ElementType.Float16, 65504f)]
    [InlineData(ElementType.BFloat16, 3.3895314e38f)]
    [InlineData(ElementType.Float32, float.MaxValue)]
    public void The_largest_value_of_a_type_is_kept(ElementType type, float value)
    {
        using var x = new Matrix(1, 2, [value, -value]);
        using (HarvestWriter writer = HarvestWriter.Create(folder.Path, Made.Manifest(10) with
        {
            Hooks = [new("x", 2)],
            ElementType = type,
        }))
        {
            writer.Append(0, "a", [1], [0], [x]);
            writer.Complete();
        }

        using var harvest = Harvest.Open(folder.Path);
        using Matrix read = harvest.Source().Rows(0, 1);
        Assert.Equal(x.AsSpan(), read.AsSpan());
    }

    [Fact]
    public void Rows_go_to_the_disk_while_their_shard_is_open()
    {
        using HarvestWriter writer = HarvestWriter.Create(folder.Path, Made.Manifest(100_000) with
        {
            Hooks = [new("x", 1024)],
            ElementType = ElementType.Float32,
        });
        using var block = new Matrix(1024, 1024);
        int[] numbers = new int[1024];
        for (int document = 0; document < 4; document++) writer.Append(document, "d", numbers, numbers, [block]);
        Assert.InRange(new FileInfo(folder["x/00000.safetensors.partial"]).Length, 15 << 20, (16 << 20) + 256);
    }

    [Fact]
    public void Hooks_of_any_name_have_a_folder_of_their_own_inside_the_harvest()
    {
        string[] names =
        [
            "../../evil", "rows", "Rows", "/model/out", "_model_out", "..", ".", "documents", "manifest", "a b", new string('x', 300),
            new string('x', 301), "ä",
        ];
        HarvestManifest manifest = Made.Manifest(10) with { Hooks = [.. names.Select((name, i) => new HarvestHook(name, i + 1))] };
        new Made.Documents(manifest, [3, 9]).Write(HarvestWriter.Create(folder["in/side"], manifest));
        Assert.Equal([folder["in"]], Directory.GetFileSystemEntries(folder.Path), StringComparer.Ordinal);
        Assert.Equal([folder["in/side"]], Directory.GetFileSystemEntries(folder["in"]), StringComparer.Ordinal);
        Assert.Equal(
            ["_.._evil", "rows-2", "Rows-3", "_model_out", "_model_out-2", "hook", "hook-2", "documents-2", "manifest", "a_b",
                new string('x', 100), $"{new string('x', 100)}-2", "_"],
            JsonNode.Parse(File.ReadAllBytes(folder["in/side/manifest.json"]))!["folders"]!.AsArray().Select(name => (string)name!),
            StringComparer.Ordinal);
        using var harvest = Harvest.Open(folder["in/side"]);
        harvest.Verify();
        foreach ((string name, int i) in names.Select((name, i) => (name, i))) Assert.Equal(i + 1, harvest.Source(name).Width);
    }

    [Fact]
    public void A_harvest_opens_where_files_of_vectors_do()
    {
        HarvestManifest one = Made.Manifest(10) with { Hooks = [new("x", 5)] }, two = Made.Manifest(10);
        new Made.Documents(one, [3, 9]).Write(HarvestWriter.Create(folder["one"], one));
        new Made.Documents(two, [3, 9]).Write(HarvestWriter.Create(folder["two"], two));
        using var file = new Matrix(2, 5);
        NpyWriter.Write(folder["a#b.npy"], file);
        using (var all = ActivationFiles.Open(
            [folder["one"], folder["a#b.npy"], $"{folder["two"]}#layer/5:out", folder["one"] + "/", folder["one"] + "#x"]))
        {
            Assert.Equal((26, 5), (all.Rows, all.Width));
            Assert.Equal([folder["one"], folder["a#b.npy"], $"{folder["two"]}#layer/5:out"], all.Paths, StringComparer.Ordinal);
            using var harvest = Harvest.Open(folder["two"]);
            using Matrix read = all.Rows([25, 3]), due = harvest.Source("layer/5:out").Rows([11]);
            Assert.Equal(due.Row(0), read.Row(0));
        }

        using (var joined = ActivationFiles.Open([$"{folder["two"]}#layer/5:out+blocks.2"], targets: [$"{folder["two"]}#blocks.2"]))
        {
            using var harvest = Harvest.Open(folder["two"]);
            using Matrix read = joined.Rows([7]), first = harvest.Source("layer/5:out").Rows([7]);
            using Matrix second = harvest.Source("blocks.2").Rows([7]), target = joined.Target!.Rows([7]);
            Assert.Equal([.. first.Row(0), .. second.Row(0)], read.Row(0).ToArray());
            Assert.Equal(second.Row(0), target.Row(0));
        }

        Assert.Contains("aligned row by row", Assert.Throws<InputException>(() => ActivationFiles.Open(
            [folder["one"]], targets: [folder["a#b.npy"]])).Message, StringComparison.Ordinal);
        using (var named = ActivationFiles.Open([folder["two"]], "blocks.2")) Assert.Equal(3, named.Width);
        Refused($"{folder["two"]}: the harvest has 2 hooks, 'blocks.2', 'layer/5:out'; choose one by its name after '#', as in "
            + $"{folder["two"]}#blocks.2.", folder["two"]);
        Refused($"{folder["two"]}: the harvest has no hook 'blocks.3'; it has 'blocks.2', 'layer/5:out'.", $"{folder["two"]}#blocks.3");
        Refused($"{folder["two"]}#blocks.2 has vectors of width 3, but {folder["one"]} of width 5", $"{folder["two"]}#blocks.2",
            folder["one"]);
        Directory.CreateDirectory(folder["none"]);
        Refused("is a folder; name its files", folder["none"]);
        Refused("there is no such file", folder["none#x"]);
        Assert.Contains("is a harvest, not one file", Assert.Throws<InputException>(() => ActivationFile.Open(folder["one"])).Message,
            StringComparison.Ordinal);

        static void Refused(string expected, params string[] paths) =>
            Assert.Contains(expected, Assert.Throws<InputException>(() => ActivationFiles.Open(paths)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unfinished_harvest_opens_with_its_whole_shards()
    {
        HarvestManifest manifest = Made.Manifest(10);
        var documents = new Made.Documents(manifest, [6, 6, 6]);
        using HarvestWriter writer = HarvestWriter.Create(folder.Path, manifest);
        using (var none = Harvest.Open(folder.Path))
        {
            Assert.Equal((false, 0, 0), (none.Complete, none.Rows, none.Shards));
            Assert.Contains("has no whole shard yet", Assert.Throws<InputException>(() => none.Source("blocks.2")).Message,
                StringComparison.Ordinal);
            Assert.Throws<ArgumentOutOfRangeException>(() => none.DocumentId(0));
        }

        documents.Append(writer, 0, 2);
        Assert.Equal((12, 2), (writer.Rows, writer.Documents));
        using var harvest = Harvest.Open(folder.Path);
        Assert.Equal((false, 6, 1), (harvest.Complete, harvest.Rows, harvest.Documents));
        harvest.Verify();
    }

    [Fact]
    public void Rows_are_read_by_several_threads()
    {
        HarvestManifest manifest = Made.Manifest(10);
        var documents = new Made.Documents(manifest, [.. Enumerable.Range(0, 40).Select(i => i % 9)]);
        documents.Write(HarvestWriter.Create(folder.Path, manifest));
        using var harvest = Harvest.Open(folder.Path);
        Parallel.For(0, 8, thread =>
        {
            var rng = new Rng(2, (ulong)thread);
            using HarvestSource source = harvest.Source("blocks.2");
            for (int round = 0; round < 200; round++)
            {
                int row = (int)rng.NextBelow(harvest.Rows);
                using Matrix read = source.Rows([row]);
                Assert.True(read.Row(0).SequenceEqual(documents.Rows[row].Activations[0]));
                (int token, long document, _) = harvest.Row(row);
                Assert.Equal((documents.Rows[row].Token, $"document {document}.txt"),
                    (token, harvest.DocumentId(documents.Rows[row].Document)));
            }
        });
    }

    [Fact]
    public void A_torn_shard_is_named()
    {
        HarvestManifest manifest = Made.Manifest(10);
        new Made.Documents(manifest, [6, 6, 6]).Write(HarvestWriter.Create(folder["whole"], manifest));
        foreach (string name in new[]
        {
            "blocks.2/00001.safetensors", "layer_5_out/00001.safetensors", "rows/00001.safetensors", "documents/00001.jsonl",
        })
        {
            Made.Copy(folder["whole"], folder["torn"]);
            string path = folder[$"torn/{name}"];
            byte[] bytes = File.ReadAllBytes(path);
            File.WriteAllBytes(path, bytes[..^1]);
            Assert.Contains($"has {bytes.Length - 1} bytes where the manifest lists {bytes.Length}: shard 1 is torn",
                Formats.TestFiles.Refused(path, () => Harvest.Open(folder["torn"])), StringComparison.Ordinal);
            File.Delete(path);
            Assert.Contains("is missing: the manifest lists it in shard 1",
                Formats.TestFiles.Refused(path, () => Harvest.Open(folder["torn"])), StringComparison.Ordinal);
            bytes[^3] ^= 1;
            File.WriteAllBytes(path, bytes);
            using var harvest = Harvest.Open(folder["torn"]);
            string message = Formats.TestFiles.Refused(folder["torn"], () => harvest.Verify());
            Assert.StartsWith($"{folder["torn"]}: shard 1 is not whole: {path}: ", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_shard_of_another_harvest_is_refused_when_it_is_read()
    {
        HarvestManifest manifest = Made.Manifest(10);
        new Made.Documents(manifest, [6, 6]).Write(HarvestWriter.Create(folder["a"], manifest));
        new Made.Documents(manifest, [6, 6], first: 5).Write(HarvestWriter.Create(folder["b"], manifest));
        foreach (string name in new[] { "blocks.2/00001.safetensors", "rows/00001.safetensors" })
            File.Copy(folder[$"b/{name}"], folder[$"a/{name}"], overwrite: true);
        using var harvest = Harvest.Open(folder["a"]);
        Assert.Contains("its checksum is not the one in the manifest",
            Formats.TestFiles.Refused(folder["a/blocks.2/00001.safetensors"], () => harvest.Source("blocks.2").Rows(0, 12).Dispose()),
            StringComparison.Ordinal);
        Assert.Contains("its checksum is not the one in the manifest",
            Formats.TestFiles.Refused(folder["a/rows/00001.safetensors"], () => harvest.Row(6)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"version\": 1", "\"version\": 2", "was written by a newer Unweave (harvest version 2, this one reads 1)")]
    [InlineData("\"version\": 1", "\"version\": 0", "says no version that there is")]
    [InlineData("unweave-harvest", "unweave-run", "is not the manifest of a harvest")]
    [InlineData("\"rows\": 18,", "\"rows\": 19,", "it says 19 rows of 3 documents, but its shards have 18 of 3")]
    [InlineData("\"rows\": 6,", "\"rows\": 7,", "rows of its last document")]
    [InlineData("\"lastDocumentRows\": 6,", "\"lastDocumentRows\": 5,", "shard 0 says 5 rows of its last document")]
    [InlineData("\"rows\": 6,", "\"rows\": 0,", "shard 0 says 0 rows")]
    [InlineData("\"rows\": 6,", "\"rows\": 9223372036854775807,", "shard 0 says 9223372036854775807 rows")]
    [InlineData("\"rows\": 6,", "\"rows\": -6,", "shard 0 says -6 rows")]
    [InlineData("\"firstDocument\": 2", "\"firstDocument\": 0",
        "shard 2 begins with document 0, but the shard before ends with document 1")]
    [InlineData("\"lastDocument\": 0", "\"lastDocument\": -1", "shard 0 says documents 0 to -1")]
    [InlineData("\"cut\": false", "\"cut\": true", "shard 1 begins with document 1, but the shard before is cut in document 0")]
    [InlineData("\"rowsPerShard\": 10", "\"rowsPerShard\": 0", "rows per shard is 0")]
    [InlineData("\"rowsPerShard\": 10", "\"rowsPerShard\": 2", "shard 0 says 6 rows")]
    [InlineData("\"width\": 3", "\"width\": 4", "is said to have 328 bytes, but 6 rows of width 4 in Float32 take 352")]
    [InlineData("\"width\": 3", "\"width\": 0", "has width 0")]
    [InlineData("\"Float32\"", "\"Float16\"", "is said to have 328 bytes")]
    [InlineData("\"Float32\"", "\"Int32\"", "activations cannot be kept as Int32")]
    [InlineData("\"Float32\"", "\"Float33\"", "is not a well-formed manifest (at $.harvest.elementType)")]
    [InlineData("\"path\": \"blocks.2/00000.safetensors\"", "\"path\": \"../../etc/passwd\"",
        "the files of shard 0 are '../../etc/passwd', ")]
    [InlineData("\"folders\": [\n    \"blocks.2\"", "\"folders\": [\n    \"../blocks.2\"",
        "the folders of the hooks are '../blocks.2', 'layer_5_out' where 'blocks.2', 'layer_5_out' is due")]
    [InlineData("\"name\": \"blocks.2\"", "\"name\": \"../evil\"", "the folders of the hooks are")]
    [InlineData("\"name\": \"blocks.2\"", "\"name\": \"\"", "a hook of the harvest has no name")]
    [InlineData("\"name\": \"blocks.2\"", "\"name\": \"layer/5:out\"", "has the hook 'layer/5:out' twice")]
    [InlineData("\"contextLength\": 64,", "", "is not a well-formed manifest")]
    [InlineData("\"contextLength\": 64,", "\"contextLength\": 64, \"contextLength\": 64,", "is not a well-formed manifest")]
    [InlineData("\"contextLength\": 64,", "\"contextLength\": 64, \"more\": 1,", "is not a well-formed manifest")]
    [InlineData("\"shards\": [", "\"shards\": [ null,", "shard 0 is null")]
    [InlineData("\"files\": [", "\"files\": [ null,", "the files of shard 0 are 'null'")]
    [InlineData("\"hooks\": [", "\"hooks\": [ null,", "a hook of the harvest has no name")]
    [InlineData("\"model\": {", "\"model\": null, \"was\": {", "is not a well-formed manifest")]
    [InlineData("{", "[", "is not a well-formed manifest")]
    public void A_manifest_that_contradicts_itself_or_its_files_is_refused(string was, string now, string expected)
    {
        HarvestManifest manifest = Made.Manifest(10);
        new Made.Documents(manifest, [6, 6, 6]).Write(HarvestWriter.Create(folder.Path, manifest));
        string text = File.ReadAllText(folder["manifest.json"]);
        int at = text.IndexOf(was, StringComparison.Ordinal);
        Assert.True(at >= 0, text);
        File.WriteAllText(folder["manifest.json"], string.Concat(text.AsSpan(0, at), now, text.AsSpan(at + was.Length)));
        Assert.Contains(expected, Formats.TestFiles.Refused(folder["manifest.json"], () => Harvest.Open(folder.Path)),
            StringComparison.Ordinal);
        Assert.Throws<InputException>(() => HarvestWriter.Resume(folder.Path, manifest));
    }

    [Fact]
    public void A_changed_checksum_is_refused()
    {
        HarvestManifest manifest = Made.Manifest(10);
        new Made.Documents(manifest, [6]).Write(HarvestWriter.Create(folder.Path, manifest));
        JsonNode json = Manifest();
        json["shards"]![0]!["files"]![0]!["sha256"] = new string('0', 64);
        File.WriteAllText(folder["manifest.json"], json.ToJsonString());
        Assert.Contains("the checksum of shard 0 is not that of its files'",
            Formats.TestFiles.Refused(folder["manifest.json"], () => Harvest.Open(folder.Path)), StringComparison.Ordinal);
    }

    // Any byte of the manifest changed, or its end cut off: it opens, or one line says why not.
    [Fact]
    public void Any_damage_to_the_manifest_is_one_line()
    {
        HarvestManifest manifest = Made.Manifest(10);
        new Made.Documents(manifest, [6, 25, 3]).Write(HarvestWriter.Create(folder.Path, manifest));
        byte[] whole = File.ReadAllBytes(folder["manifest.json"]);
        var rng = new Rng(3);
        int refused = 0;
        for (int round = 0; round < 3000; round++)
        {
            byte[] bytes = [.. whole];
            for (int i = (int)rng.NextBelow(3); i >= 0; i--)
                bytes[rng.NextBelow(bytes.Length)] = (byte)(rng.NextBelow(2) == 0 ? rng.NextBits() : whole[rng.NextBelow(whole.Length)]);
            if (rng.NextBelow(4) == 0) bytes = bytes[..(int)rng.NextBelow(bytes.Length)];
            File.WriteAllBytes(folder["manifest.json"], bytes);
            try
            {
                using var harvest = Harvest.Open(folder.Path);
                using Matrix all = harvest.Source(harvest.Manifest.Hooks[0].Name).Rows(0, (int)harvest.Rows);
            }
            catch (InputException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }

        Assert.InRange(refused, 2000, 3000);
    }

    [Fact]
    public void A_folder_without_a_harvest_is_named()
    {
        Assert.Contains("is not a harvest: there is no manifest.json",
            Assert.Throws<InputException>(() => Harvest.Open(folder.Path)).Message, StringComparison.Ordinal);
        Assert.False(Harvest.Exists(folder["none"]));
    }

    private JsonNode Manifest() => JsonNode.Parse(File.ReadAllText(folder["manifest.json"], Encoding.UTF8))!;
}
