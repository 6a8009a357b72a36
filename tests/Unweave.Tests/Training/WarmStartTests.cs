using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Checkpoints.Dialects;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Tests.Checkpoints;
using Unweave.Training;

namespace Unweave.Tests.Training;

/// <summary>Training that starts from an autoencoder of any library starts from its function.</summary>
public sealed class WarmStartTests : IDisposable
{
    private const int Width = 12, Latents = 24, Rows = 400;

    private readonly TemporaryFolder folder = new();
    private readonly Matrix rows = new(Rows, Width);

    public WarmStartTests()
    {
        var rng = new Rng(3);
        foreach (ref float value in rows.AsSpan()) value = (float)((2 * rng.NextNormal()) + 0.5);
    }

    public void Dispose()
    {
        rows.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData("native")]
    [InlineData("sparsify")]
    [InlineData("saelens")]
    public void The_first_step_begins_from_the_function_that_was_trained(string form)
    {
        using var trained = (SparseAutoencoder)new TopKOptions { Latents = Latents, K = 5 }.Build(Width, new Rng(8));
        (trained.InputScale, trained.OutputScale) = (0.3f, 0.3f);
        var noise = new Rng(9);
        foreach (Parameter parameter in trained.Parameters.Where(parameter => !parameter.UnitRows))
            foreach (ref float value in parameter.Value.AsSpan()) value += 0.1f * (float)noise.NextNormal();
        Write(trained, form);
        Same(trained, Start(new TopKOptions { Latents = Latents, K = 5 }));
    }

    [Fact]
    public void Thresholds_and_lengths_of_rows_are_taken_over()
    {
        using var relu = (SparseAutoencoder)new ReluOptions { Latents = Latents }.Build(Width, new Rng(8));
        Write(relu, "native");
        Same(relu, Start(new ReluOptions { Latents = Latents }));
        Same(relu, Start(new ReluOptions { Latents = Latents, UnitDecoder = true })); // the codes are others, what they stand for is not

        using var batch = (BatchTopKAutoencoder)new BatchTopKOptions { Latents = Latents, K = 4 }.Build(Width, new Rng(8));
        batch.Threshold = 0.8f;
        Write(batch, "dictionary_learning");
        Same(batch, Start(new BatchTopKOptions { Latents = Latents, K = 4 }));
    }

    // A gate of which no magnitude is below 0 is a threshold, and the other way around.
    [Fact]
    public void Gates_become_thresholds_and_thresholds_gates()
    {
        var options = new JumpReluOptions { Latents = Latents, TargetL0 = 5 };
        using var jump = (JumpReluAutoencoder)options.Build(Width, new Rng(8));
        for (int i = 0; i < Latents; i++) jump.Threshold[0, i] = 0.3f + (0.05f * i);
        Write(jump, "native");
        Same(jump, Start(options));
        Same(jump, Start(new GatedOptions { Latents = Latents }));

        using var gated = (GatedAutoencoder)new GatedOptions { Latents = Latents }.Build(Width, new Rng(8));
        for (int i = 0; i < Latents; i++)
        {
            gated.LogMagnitude[0, i] = 0.02f * i;
            gated.MagnitudeBias[0, i] = 0.1f;
            gated.Weights.EncoderBias[0, i] = -0.2f;
        }

        Write(gated, "native");
        Same(gated, Start(new GatedOptions { Latents = Latents }));
        Same(gated, Start(options));
    }

    [Fact]
    public void Where_nothing_says_which_latents_are_active_thresholds_are_set_from_the_data()
    {
        using var topK = (SparseAutoencoder)new TopKOptions { Latents = Latents, K = 5 }.Build(Width, new Rng(8));
        Write(topK, "native");
        using SparseAutoencoder jump = Start(new JumpReluOptions { Latents = Latents, TargetL0 = 5 });
        Assert.InRange(jump.Encode(rows).Count / (double)Rows, 4.9, 5.1);
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        using var trained = (SparseAutoencoder)new TopKOptions { Latents = Latents, K = 5 }.Build(Width, new Rng(8));
        Write(trained, "native");
        Assert.Contains("set latents to 24", Refused(new TopKOptions { Latents = 32, K = 5 }), StringComparison.Ordinal);
        Assert.Contains("starts from weights of its own", Refused(new KlOptions { Latents = Latents }), StringComparison.Ordinal);
        using var narrow = (SparseAutoencoder)new TopKOptions { Latents = Latents, K = 5 }.Build(8, new Rng(8));
        Write(narrow, "native");
        Assert.Contains("width 8", Refused(new TopKOptions { Latents = Latents, K = 5 }), StringComparison.Ordinal);
        Assert.Contains("skip", Assert.Throws<InputException>(() => Run(new TopKOptions { Latents = 32, K = 4 },
            Path.Combine(DialectFolders.Root, "sparsify", "sae_skip"), width: 8)).Message, StringComparison.Ordinal);
    }

    private void Write(SparseAutoencoder trained, string form)
    {
        if (Directory.Exists(folder["from"])) Directory.Delete(folder["from"], recursive: true);
        string target = Directory.CreateDirectory(folder["from"]).FullName;
        if (form is "native") trained.Save(target);
        else Dialect.Find(form)!.Write(trained, target);
    }

    private SparseAutoencoder Start(AutoencoderOptions options) => (SparseAutoencoder)Run(options, folder["from"], Width);

    private string Refused(AutoencoderOptions options) => Assert.Throws<InputException>(() => Run(options, folder["from"], Width)).Message;

    private Autoencoder Run(AutoencoderOptions options, string from, int width)
    {
        using Matrix data = rows.Columns == width ? rows.Clone() : new Matrix(Rows, width);
        if (rows.Columns != width) rows.AsSpan()[..data.AsSpan().Length].CopyTo(data.AsSpan());
        using var source = new MatrixSource(data, "rows");
        using var run = TrainingRun.Start(new TrainingOptions { Autoencoder = options, From = from, Rows = 100, Batch = 50 }, source);
        return run.Detach();
    }

    private void Same(SparseAutoencoder expected, SparseAutoencoder started)
    {
        using (started)
        using (Matrix one = new(Rows, Width), other = new(Rows, Width))
        {
            Assert.NotEqual(expected.InputScale, started.InputScale);
            SparseCodes before = expected.Encode(rows), after = started.Encode(rows);
            Assert.Equal(before.AllLatents, after.AllLatents);
            expected.Reconstruct(rows, one);
            started.Reconstruct(rows, other);
            for (int i = 0; i < one.AsSpan().Length; i++) Assert.Equal(one.AsSpan()[i], other.AsSpan()[i], 1e-4f);
        }
    }
}
