using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Tests.Checkpoints;

/// <summary>What measures, splices and steers sees the input: skips and the scale of each row are in it.</summary>
public sealed class DecodeBesideInputTests
{
    [Theory]
    [InlineData("sparsify/sae_skip")]
    [InlineData("saelens_v6/standard_layer_norm")]
    [InlineData("openai/topk_ln")]
    public void The_error_measured_is_that_of_the_librarys_reconstruction(string name)
    {
        var golden = new GoldenCheckpoint(name);
        using SparseAutoencoder autoencoder = golden.Read();
        using Matrix x = Assert.Single(golden.Inputs(autoencoder)), expected = new(x.Rows, autoencoder.OutputWidth);
        golden["reconstruction"].CopyTo(expected.AsSpan());
        double fvu = Evaluator.Compare(x, expected, "").Fvu;
        using var source = new MatrixSource(x, "x");
        Assert.Equal(fvu, Evaluator.Run(autoencoder, source).Fvu, 1e-4 * Math.Max(1, fvu));
        LoadProbe probe = LoadProbe.Run(autoencoder, source, TestContext.Current.CancellationToken);
        Assert.Equal(fvu, probe.Fvu!.Value, 1e-4 * Math.Max(1, fvu));
        Assert.Equal(fvu >= 1, probe.Concerns.Any(concern => concern.Contains("explains nothing", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("sparsify/sae_skip")]
    [InlineData("saelens_v6/standard_layer_norm")]
    [InlineData("saelens_v6/topk_rescale_inference")]
    public void A_changed_latent_changes_what_its_reconstruction_would(string name)
    {
        var golden = new GoldenCheckpoint(name);
        using SparseAutoencoder autoencoder = golden.Read();
        using Matrix x = Assert.Single(golden.Inputs(autoencoder)), before = new(x.Rows, x.Columns), after = new(x.Rows, x.Columns);
        SparseCodes codes = autoencoder.Encode(x);
        int latent = codes.Latents(0)[0];
        float z = codes.Values(0)[0];
        autoencoder.Decode(codes, x, before);
        float[] without = [.. codes.AllValues];
        without[0] = 0;
        autoencoder.Decode(new SparseCodes(codes.DictionarySize, codes.Starts, codes.AllLatents, without), x, after);
        using Matrix row = x.CopyRows(0, 1);
        using Matrix change = Interventions.Difference(autoencoder, new SparseCodes(codes.DictionarySize, [0, 1], [latent], [-z]), row);
        for (int c = 0; c < x.Columns; c++) Assert.Equal(after[0, c] - before[0, c], change[0, c], 1e-4f);
        Interventions.Apply([new Intervention(latent, InterventionKind.Ablate)], autoencoder, row);
        for (int c = 0; c < x.Columns; c++) Assert.Equal(x[0, c] + after[0, c] - before[0, c], row[0, c], 1e-4f);
    }

    [Fact]
    public void A_map_to_another_width_is_not_steered_where_it_reads()
    {
        using SparseAutoencoder autoencoder = new GoldenCheckpoint("saelens_v6/transcoder").Read();
        Assert.NotEqual(autoencoder.InputWidth, autoencoder.OutputWidth);
        string message = Assert.Throws<InputException>(
            () => Interventions.Check([new Intervention(0, InterventionKind.Ablate)], autoencoder)).Message;
        Assert.Contains("can be read, and not be changed", message, StringComparison.Ordinal);
    }
}
