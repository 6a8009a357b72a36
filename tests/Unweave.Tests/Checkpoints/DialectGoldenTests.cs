using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Tests.Checkpoints;

/// <summary>
/// Every checkpoint of <see cref="DialectFolders"/> has the codes and reconstructions that the library computes which wrote it: the same
/// latents, and values within 2·10⁻⁵ of the largest.
/// </summary>
public sealed class DialectGoldenTests
{
    /// <summary>What else the goldens hold: what the libraries compute in other modes than their files say.</summary>
    private static readonly string[] OtherModes =
    [
        "latents_batch_topk", // over the batch, where the file has a threshold
        "latents_k3", // with another k
        "latents_normalized_decoder", "reconstruction_normalized_decoder", // rows of the decoder brought to length 1
        "latents_scaled", "latents_use_threshold",
        "reconstruction_normalised", // before the scale of the output is undone
        "reconstruction_saelens", // by a skip connection that is transposed by mistake
        "latents_predicted", "running_threshold", "target",
    ];

    private static readonly string[] Checked =
    [
        "x", "latents", "reconstruction", "reconstruction_scaled", "decode_novel_only", "dictionary",
        "reconstruction_groups_1", "reconstruction_groups_2", "reconstruction_groups_3",
    ];

    public static TheoryData<string> Folders => [.. DialectFolders.All];

    [Fact]
    public void There_are_170_of_15_dialects_and_none_is_passed_over()
    {
        IEnumerable<string> dialects = DialectFolders.All.Select(folder => folder.Split('/')[0]).Distinct(StringComparer.Ordinal);
        Assert.Equal((170, 15), (DialectFolders.All.Count, dialects.Count()));
        foreach (string folder in DialectFolders.All)
            Assert.Subset(new HashSet<string>([.. Checked, .. OtherModes], StringComparer.Ordinal),
                new HashSet<string>(new GoldenCheckpoint(folder).Views, StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Codes_and_reconstructions_are_the_librarys(string folder)
    {
        var golden = new GoldenCheckpoint(folder);
        using SparseAutoencoder autoencoder = golden.Read();
        golden.Check(autoencoder, "read");
        Assert.NotNull(autoencoder.Origin);
        Assert.NotEmpty(autoencoder.Origin.Conventions);
        Assert.All([.. autoencoder.Origin.Conventions, .. autoencoder.Origin.Folded], line => Assert.DoesNotContain('\n', line));
        CheckDictionary(golden, autoencoder);
        CheckGroups(golden, autoencoder);
    }

    private static void CheckDictionary(GoldenCheckpoint golden, SparseAutoencoder autoencoder)
    {
        if (golden.Views.Contains("dictionary", StringComparer.Ordinal))
            golden.Same(golden["dictionary"], autoencoder.Decoder.AsSpan(), "dictionary");
    }

    // A Matryoshka dictionary reconstructs from the first latents alone.
    private static void CheckGroups(GoldenCheckpoint golden, SparseAutoencoder autoencoder)
    {
        if (!golden.Views.Contains("reconstruction_groups_1", StringComparer.Ordinal)) return;
        IReadOnlyList<int> groups = Assert.IsType<PretrainedOptions>(autoencoder.Options).Groups;
        Assert.NotEmpty(groups);
        using Matrix x = Assert.Single(golden.Inputs(autoencoder));
        SparseCodes codes = autoencoder.Encode(x);
        for (int group = 1, end = 0; group <= groups.Count; group++)
        {
            end += groups[group - 1];
            int limit = end;
            int[][] entries = [.. Enumerable.Range(0, codes.Rows)
                .Select(row => Enumerable.Range(0, codes.RowCount(row)).Where(entry => codes.Latents(row)[entry] < limit).ToArray())];
            var first = new SparseCodes(
                codes.DictionarySize,
                [.. entries.Aggregate(new List<long> { 0 }, (starts, row) => [.. starts, starts[^1] + row.Length])],
                [.. entries.SelectMany((row, r) => row.Select(entry => codes.Latents(r)[entry]))],
                [.. entries.SelectMany((row, r) => row.Select(entry => codes.Values(r)[entry]))]);
            using var reconstruction = new Matrix(x.Rows, autoencoder.OutputWidth);
            autoencoder.Decode(first, x, reconstruction);
            golden.Same(golden[$"reconstruction_groups_{group}"], reconstruction.AsSpan(), $"the first {group} groups");
        }
    }
}
