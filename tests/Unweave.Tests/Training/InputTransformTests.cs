using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Tests.Training;

/// <summary>Inputs that are centered or whitened for training, and weights that take vectors as they are.</summary>
public sealed class InputTransformTests : IDisposable
{
    private const int Width = 16, Rows = 3000;

    private readonly Matrix rows = new(Rows, Width);

    public InputTransformTests()
    {
        // Directions of very different variance, correlated, far from zero.
        var rng = new Rng(3);
        using var features = new SyntheticFeatures(new() { Width = Width, Features = 40, Rows = Rows });
        using Matrix from = features.Rows(0, Rows);
        for (int r = 0; r < Rows; r++)
        {
            for (int c = 0; c < Width; c++)
            {
                double own = from[r, c] * Math.Pow(1.4, c % 8), next = 0.5 * from[r, (c + 1) % Width];
                rows[r, c] = (float)(own + next + 7 + (0.01 * rng.NextNormal()));
            }
        }
    }

    public void Dispose() => rows.Dispose();

    [Fact]
    public void Whitened_rows_have_the_identity_for_a_covariance()
    {
        using var workers = new Workers(2);
        using InputTransform transform = InputTransform.From(InputScaling.Whiten, rows, workers)!;
        using Matrix white = rows.Clone();
        transform.Apply(white);
        for (int i = 0; i < Width; i++)
        {
            Assert.Equal(0, Enumerable.Range(0, Rows).Average(r => (double)white[r, i]), 1e-3);
            for (int j = 0; j < Width; j++)
                Assert.Equal(i == j ? 1 : 0, Enumerable.Range(0, Rows).Average(r => (double)white[r, i] * white[r, j]), 2e-2);
        }
    }

    [Theory]
    [InlineData(InputScaling.Center)]
    [InlineData(InputScaling.Whiten)]
    public void Folded_weights_are_the_same_function_of_vectors_as_they_are(InputScaling scaling)
    {
        using var workers = new Workers(2);
        using InputTransform transform = InputTransform.From(scaling, rows, workers)!;
        foreach (SparseOptions options in (SparseOptions[])
        [
            new TopKOptions { Latents = 50, K = 5, IstaStep = 0.2 },
            new JumpReluOptions { Latents = 50, TargetL0 = 5, InitialThreshold = 0.7 },
            new GatedOptions { Latents = 50 },
        ])
        {
            using var trained = (SparseAutoencoder)options.Build(Width, new Rng(4));
            var noise = new Rng(5);
            noise.FillNormal(trained.Weights.DecoderBias.AsSpan());
            noise.FillNormal(trained.Weights.EncoderBias.AsSpan(), 0.1);
            using SparseAutoencoder folded = transform.Fold(trained);
            using Matrix mapped = rows.Clone(), inside = new(Rows, Width), outside = new(Rows, Width);
            transform.Apply(mapped);
            SparseCodes codes = trained.Encode(mapped), same = folded.Encode(rows);
            Assert.InRange(Enumerable.Range(0, Rows).Count(r => !codes.Latents(r).SequenceEqual(same.Latents(r))), 0, Rows / 200);
            trained.Decode(codes, inside);
            folded.Decode(codes, outside);
            transform.Apply(outside);
            for (int i = 0; i < inside.Count; i++)
                Assert.Equal(inside.AsSpan()[i], outside.AsSpan()[i], 2e-3f * (1 + MathF.Abs(inside.AsSpan()[i])));
        }
    }

    [Fact]
    public void What_a_run_gives_is_validated_and_kept_as_the_autoencoder_of_vectors_as_they_are()
    {
        using var source = new MatrixSource(rows, "rows");
        var options = new TrainingOptions
        {
            Autoencoder = new TopKOptions { Latents = 60, K = 6, ActiveSubspace = 12 },
            Rows = 100 * 400,
            Batch = 100,
            LearningRate = 3e-3,
            InputScaling = InputScaling.Whiten,
        };
        using TrainingRun run = TrainingRun.Start(options, source);
        StepReport? last = null;
        while (!run.Finished) last = run.Next();
        using Autoencoder trained = run.Detach();
        double fvu = Evaluator.Run(trained, source).Fvu;
        Assert.Equal(last!.ValidationFvu!.Value, fvu, 0.05);
        Assert.InRange(fvu, 0, 0.25);
    }

    [Fact]
    public void Directions_start_within_the_subspace()
    {
        using var sae = (TrainedAutoencoder)new TopKOptions { Latents = 30, K = 4, ActiveSubspace = 2 }.Build(Width, new Rng(1));
        using var plane = new Matrix(500, Width);
        var rng = new Rng(2);
        for (int r = 0; r < 500; r++) (plane[r, 3], plane[r, 5]) = ((float)rng.NextNormal(), (float)rng.NextNormal());
        using var workers = new Workers(2);
        sae.InitializeDirections(plane, workers);
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal(1, Math.Pow(sae.Decoder[i, 3], 2) + Math.Pow(sae.Decoder[i, 5], 2), 1e-5);
            Assert.Equal(sae.Decoder.Row(i), sae.Weights.Encoder.Row(i));
        }
    }

    [Fact]
    public void What_it_cannot_be_folded_into_is_refused_by_name()
    {
        var options = new TrainingOptions { Autoencoder = new KlOptions(), InputScaling = InputScaling.Whiten };
        Assert.Contains("inputScaling is whiten", Assert.Throws<InputException>(() => options.Validate(16)).Message,
            StringComparison.Ordinal);
        options = options with { Autoencoder = new CrosscoderOptions { Latents = 64, K = 4 } };
        Assert.Contains("Crosscoder", Assert.Throws<InputException>(() => options.Validate(16)).Message, StringComparison.Ordinal);
    }
}
