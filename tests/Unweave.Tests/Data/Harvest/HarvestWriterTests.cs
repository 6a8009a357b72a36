using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

public sealed class HarvestWriterTests : IDisposable
{
    private static readonly int[] Lengths = [4, 5, 3, 0, 7, 31, 2, 10, 1, 20];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // The folder is copied before every append and before the end, which is what a kill at that moment leaves, and each copy resumed.
    [Theory]
    [InlineData(int.MaxValue, false)]
    [InlineData(int.MaxValue, true)]
    [InlineData(4, false)]
    [InlineData(4, true)]
    [InlineData(1, false)]
    public void A_harvest_killed_at_any_append_and_resumed_has_the_bytes_of_one_that_was_not(int piece, bool fromKept)
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        var documents = new Made.Documents(manifest, Lengths, first: 2, step: 2);
        int kills = 0, inside = 0;
        documents.Write(HarvestWriter.Create(folder["whole"], manifest), piece,
            _ => Made.Copy(folder["whole"], folder[$"killed-{kills++}"]));
        SortedDictionary<string, string> whole = Made.Tree(folder["whole"]);
        for (int kill = 0; kill < kills; kill++)
        {
            HarvestWriter writer = HarvestWriter.Resume(folder[$"killed-{kill}"], manifest);
            if (writer.NextDocumentRows > 0) inside++;
            documents.Write(writer, piece, fromKept: fromKept);
            Assert.Equal(whole, Made.Tree(folder[$"killed-{kill}"]));
        }

        Assert.True(inside > 0); // a document that was cut was gone on with
    }

    // Between the renames of a shard's end any of its files may have its name, or be torn under a partial one, while the manifest is the
    // old one.
    [Fact]
    public void A_harvest_killed_while_a_shard_closes_is_resumed_to_the_same_bytes()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        var documents = new Made.Documents(manifest, Lengths);
        var states = new List<string>();
        documents.Write(HarvestWriter.Create(folder["whole"], manifest), before: _ =>
        {
            string name = folder[$"state-{states.Count}"];
            Made.Copy(folder["whole"], name);
            states.Add(name);
        });
        SortedDictionary<string, string> whole = Made.Tree(folder["whole"]);
        var rng = new Rng(5);
        foreach (string state in states)
        {
            foreach (string name in whole.Keys.Where(name => !File.Exists(Path.Combine(state, name))))
            {
                byte[] bytes = Convert.FromHexString(whole[name]);
                string target = Path.Combine(state, name);
                switch (rng.NextBelow(4))
                {
                    case 0: File.WriteAllBytes(target, bytes); break;
                    case 1: File.WriteAllBytes($"{target}.partial", bytes[..(int)rng.NextBelow(bytes.Length)]); break;
                    case 2: File.WriteAllBytes($"{target}.partial-4711-1", bytes[..(int)rng.NextBelow(bytes.Length)]); break;
                    default: break;
                }
            }

            File.WriteAllText(Path.Combine(state, "manifest.json.partial-4711-2"), "{");
            documents.Write(HarvestWriter.Resume(state, manifest));
            Assert.Equal(whole, Made.Tree(state));
        }
    }

    [Fact]
    public void A_writer_disposed_early_leaves_only_whole_shards()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        var documents = new Made.Documents(manifest, [6, 6, 6]);
        using (HarvestWriter writer = HarvestWriter.Create(folder.Path, manifest)) documents.Append(writer, 0, 2);
        Assert.Equal(["blocks.2/00000.safetensors", "documents/00000.jsonl", "layer_5_out/00000.safetensors", "manifest.json",
            "rows/00000.safetensors"], Made.Tree(folder.Path).Keys, StringComparer.Ordinal);
        using HarvestWriter resumed = HarvestWriter.Resume(folder.Path, manifest);
        Assert.Equal((1, 0, false, 6, 1),
            (resumed.NextDocument, resumed.NextDocumentRows, resumed.Finished, resumed.Rows, resumed.Documents));
    }

    [Fact]
    public void A_resume_touches_nothing_that_is_not_its_own()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        var documents = new Made.Documents(manifest, [6, 6, 6]);
        using (HarvestWriter writer = HarvestWriter.Create(folder.Path, manifest)) documents.Append(writer, 0, 2);
        string[] own =
        [
            "notes.txt", "rows/notes.txt", "rows/00001.txt", "blocks.2/0.safetensors", "blocks.2/x00001.safetensors",
            "documents/00001.jsonl.bak", "other/00001.safetensors",
        ];
        Directory.CreateDirectory(folder["other"]);
        foreach (string name in own) File.WriteAllText(folder[name], "mine");
        HarvestWriter.Resume(folder.Path, manifest).Dispose();
        Assert.All(own, name => Assert.Equal("mine", File.ReadAllText(folder[name])));
    }

    [Fact]
    public void A_finished_harvest_says_so_and_takes_no_more()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        var documents = new Made.Documents(manifest, [6, 6, 6]);
        documents.Write(HarvestWriter.Resume(folder.Path, manifest)); // starts, as there is none
        SortedDictionary<string, string> whole = Made.Tree(folder.Path);
        using (HarvestWriter writer = HarvestWriter.Resume(folder.Path, manifest))
        {
            Assert.Equal((true, 3, 18, 3), (writer.Finished, writer.NextDocument, writer.Rows, writer.Documents));
            Assert.Throws<InvalidOperationException>(() => documents.Append(writer, 2, 3));
            Assert.Throws<InvalidOperationException>(writer.Complete);
        }

        Assert.Equal(whole, Made.Tree(folder.Path));
        Assert.Contains("there is a harvest already",
            Assert.Throws<InputException>(() => HarvestWriter.Create(folder.Path, manifest)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Differences => new()
    {
        { "model", "the model was model.onnx (SHA-256 11), now model.onnx (SHA-256 12)" },
        { "tokenizer", "the tokenizer was tokenizer.json (SHA-256 22), now other.json (SHA-256 22)" },
        { "corpus", "the corpus was corpus/ (SHA-256 33), now corpus/ (SHA-256 34)" },
        { "hooks", "the list of hooks was 'blocks.2' of width 3, 'layer/5:out' of width 5, now 'blocks.2' of width 3" },
        { "type", "the element type was Float32, now BFloat16" },
        { "context", "the context length was 64, now 128" },
        { "start", "keeping the start token was False, now True" },
        { "rows", "the rows per shard was 10, now 11" },
        { "setting", "the setting 'batch' was 8, now 16" },
        { "missing", "the setting 'batch' was 8, now not set" },
    };

    [Theory]
    [MemberData(nameof(Differences))]
    public void A_resume_with_anything_else_is_refused_by_its_name(string what, string expected)
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        using (HarvestWriter writer = HarvestWriter.Create(folder.Path, manifest))
            new Made.Documents(manifest, [6, 6]).Append(writer, 0, 2);
        SortedDictionary<string, string> before = Made.Tree(folder.Path);
        HarvestManifest other = what switch
        {
            "model" => manifest with { Model = manifest.Model with { Sha256 = "12" } },
            "tokenizer" => manifest with { Tokenizer = manifest.Tokenizer with { Name = "other.json" } },
            "corpus" => manifest with { Corpus = manifest.Corpus with { Sha256 = "34" } },
            "hooks" => manifest with { Hooks = [manifest.Hooks[0]] },
            "type" => manifest with { ElementType = ElementType.BFloat16 },
            "context" => manifest with { ContextLength = 128 },
            "start" => manifest with { KeepsStart = true },
            "rows" => manifest with { RowsPerShard = 11 },
            "setting" =>
                manifest with
                {
                    Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["batch"] = "16", ["precision"] = "float32" },
                },
            _ => manifest with { Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["precision"] = "float32" } },
        };
        string message = Formats.TestFiles.Refused(folder.Path, () => HarvestWriter.Resume(folder.Path, other));
        Assert.Contains($"is another harvest: {expected};", message, StringComparison.Ordinal);
        Assert.Equal(before, Made.Tree(folder.Path));
        HarvestWriter.Resume(folder.Path, manifest).Dispose(); // the folder was let go
    }

    [Fact]
    public void Two_writers_of_one_harvest_are_refused()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        using (HarvestWriter.Create(folder.Path, manifest))
            Assert.Contains("another process is writing this harvest",
                Formats.TestFiles.Refused(folder.Path, () => HarvestWriter.Resume(folder.Path, manifest)), StringComparison.Ordinal);
        HarvestWriter.Resume(folder.Path, manifest).Dispose();
    }

    [Fact]
    public void Documents_ascend_and_pieces_follow_each_other()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        using HarvestWriter writer = HarvestWriter.Create(folder.Path, manifest);
        using Matrix a = new(2, 3), b = new(2, 5), wide = new(2, 4);
        int[] two = [1, 2];
        writer.Append(5, "five", two, two, [a, b]);
        writer.Append(5, "five", two, two, [a, b], firstRow: 2);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Append(4, "four", two, two, [a, b]));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Append(5, "five", two, two, [a, b]));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Append(5, "five", two, two, [a, b], firstRow: 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Append(6, "six", two, two, [a, b], firstRow: 1));
        Assert.Throws<ArgumentException>(() => writer.Append(6, "six", two, [1], [a, b]));
        Assert.Throws<ArgumentException>(() => writer.Append(6, "six", two, two, [a]));
        Assert.Throws<ArgumentException>(() => writer.Append(6, "six", two, two, [wide, b]));
        Assert.Equal((4, 1), (writer.Rows, writer.Documents));
        writer.Complete();
        using var harvest = Harvest.Open(folder.Path);
        harvest.Verify();
    }

    // The text of a cut document has become shorter since: what is there is not what would be harvested now.
    [Fact]
    public void A_cut_document_must_go_on()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        using (HarvestWriter writer = HarvestWriter.Create(folder.Path, manifest)) new Made.Documents(manifest, [15]).Append(writer, 0, 1);
        using HarvestWriter resumed = HarvestWriter.Resume(folder.Path, manifest);
        Assert.Equal((0, 10), (resumed.NextDocument, resumed.NextDocumentRows));
        new Made.Documents(manifest, [9]).Append(resumed, 0, 1); // all there already
        var later = new Made.Documents(manifest, [3], first: 1);
        Assert.Contains("document 0 had more than the 10 rows", Assert.Throws<InputException>(() => later.Append(resumed, 0, 1)).Message,
            StringComparison.Ordinal);
        Assert.Throws<InputException>(resumed.Complete);
    }

    [Fact]
    public void Nothing_at_all_is_no_harvest()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        using HarvestWriter writer = HarvestWriter.Create(folder.Path, manifest);
        new Made.Documents(manifest, [0, 0]).Append(writer, 0, 2);
        Assert.Contains("nothing was harvested", Assert.Throws<InputException>(writer.Complete).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_cannot_take_a_harvest_is_refused()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        Directory.CreateDirectory(folder["a/rows"]);
        File.WriteAllText(folder["a/rows/mine.txt"], "");
        Formats.TestFiles.Refused(folder["a/rows"], () => HarvestWriter.Create(folder["a"], manifest));
        File.WriteAllText(folder["file"], "");
        Formats.TestFiles.Refused(folder["file"], () => HarvestWriter.Create(folder["file"], manifest));
        Assert.Contains("has no hooks",
            Formats.TestFiles.Refused(folder["b"], () => HarvestWriter.Create(folder["b"], manifest with { Hooks = [] })),
            StringComparison.Ordinal);
        Assert.Contains("must lie in [1, 1048576]",
            Formats.TestFiles.Refused(folder["b"], () => HarvestWriter.Create(folder["b"], manifest with { RowsPerShard = 1 << 21 })),
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["b"]));
    }

    // A folder that is taken away under the writer stands in for a disk that fails.
    [Fact]
    public void A_writer_that_failed_writes_no_more_and_the_harvest_is_resumed()
    {
        HarvestManifest manifest = Made.Manifest(rowsPerShard: 10);
        var documents = new Made.Documents(manifest, [6, 6, 6]);
        documents.Write(HarvestWriter.Create(folder["whole"], manifest));
        using (HarvestWriter writer = HarvestWriter.Create(folder["failed"], manifest))
        {
            documents.Append(writer, 0, 1);
            Directory.Move(folder["failed/rows"], folder["away"]);
            Assert.StartsWith(folder["failed/rows"], Assert.Throws<InputException>(() => documents.Append(writer, 1, 2)).Message,
                StringComparison.Ordinal);
            Directory.Move(folder["away"], folder["failed/rows"]);
            Assert.Throws<InvalidOperationException>(() => documents.Append(writer, 1, 2));
            Assert.Throws<InvalidOperationException>(writer.Complete);
        }

        documents.Write(HarvestWriter.Resume(folder["failed"], manifest));
        Assert.Equal(Made.Tree(folder["whole"]), Made.Tree(folder["failed"]));
    }
}
