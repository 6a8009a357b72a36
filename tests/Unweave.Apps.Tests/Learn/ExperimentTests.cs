using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Training;
using Unweave.Learn.Training;

namespace Unweave.Apps.Tests.Learn;

/// <summary>
/// What the chapter on sparse autoencoders promises of its runs, trained as the page trains them and with the settings it opens with.
/// </summary>
public sealed class ExperimentTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void KlOnPatchesBringsNineInTenMeanActivationsNearTheTarget(int seed)
    {
        Snapshot end = Train(LiveSettings.Default(DataKind.Patches, SparsityKind.Kl) with { Seed = seed });
        double rho = end.Settings.Rho;
        int near = end.Means.Count(mean => mean >= 0.5 * rho && mean <= 1.5 * rho);
        Assert.Equal(near, end.InBand);
        Assert.InRange(near, 0.9 * end.Settings.Latents, end.Settings.Latents);

        // Near it by being mostly off and sometimes on, not by always being a little on.
        Assert.InRange(end.Report!.Firing, 1, 10);
        Assert.InRange(end.Report.Fvu, 0, 0.5);
    }

    [Theory]
    [InlineData(SparsityKind.L1, 1)]
    [InlineData(SparsityKind.L1, 2)]
    [InlineData(SparsityKind.L1, 3)]
    [InlineData(SparsityKind.TopK, 1)]
    [InlineData(SparsityKind.TopK, 2)]
    [InlineData(SparsityKind.TopK, 3)]
    internal void L1AndTopKRecoverNineInTenKnownFeatures(SparsityKind sparsity, int seed)
    {
        Snapshot end = Train(LiveSettings.Default(DataKind.Features, sparsity) with { Seed = seed });
        KnownFeatures known = end.Known!;
        Assert.Equal(64, known.Cosines.Count);
        Assert.InRange(known.Score.Recovered, 0.9, 1);
        Assert.InRange(known.Cosines.Count(cosine => cosine > 0.9), 58, 64);
        Assert.Equal(64, known.Latents.Distinct().Count());
        Assert.Equal(LiveSettings.Steps, end.Step);

        // The rows to look at are sums of at least two features, and a feature's latent says how strongly it is there; L1 shrinks them (to
        // about a half, as the page says).
        Assert.Equal(Experiment.Looked, end.Examples.Count);
        Assert.All(end.Examples, example => Assert.InRange(example.Truth.Count, 2, 64));
        double[] differences = [.. from example in end.Examples
            from truth in example.Truth
            from part in example.Parts
            where part.Latent == known.Latents[truth.Latent]
            select truth.Weight - part.Weight];
        Assert.InRange(differences.Length, 48, 24 * 64);
        (double least, double most) = sparsity == SparsityKind.L1 ? (0.35, 0.6) : (-0.1, 0.15);
        Assert.InRange(differences.Average(), least, most);
    }

    [Theory]
    [InlineData(SparsityKind.L1)]
    [InlineData(SparsityKind.Kl)]
    [InlineData(SparsityKind.TopK)]
    internal void ARunIsTheLibrarysWhateverTheThreads(SparsityKind sparsity)
    {
        LiveSettings settings = LiveSettings.Default(DataKind.Patches, sparsity) with { Latents = 48, Seed = 5 };
        using var experiment = new Experiment(settings);
        using TrainingRun run = TrainingRun.Start(settings.Run with { Threads = 3 }, Patches.All);
        StepReport report = run.Next();
        experiment.Step();
        for (int step = 1; step < 40; step++)
        {
            report = run.Next();
            experiment.Step();
        }

        Snapshot seen = experiment.Capture();
        Assert.Equal(report.Loss, seen.Report!.Loss);
        var model = (SparseAutoencoder)run.Autoencoder;
        Assert.Equal(GrayTiles.Tiles(model.Decoder), seen.Tiles);

        for (int latent = 0; latent < model.Latents; latent++) Assert.Equal(1, Norms.L2(model.Decoder.Row(latent)), 1e-4);

        // Each row is its parts and the rest: Σ weight · decoder row + rest = reconstruction, counted here one by one.
        using Matrix x = Rows(Experiment.Looked), expected = new(Experiment.Looked, Patches.Pixels);
        model.Reconstruct(x, expected);
        Assert.Equal(Experiment.Looked, seen.Examples.Count);
        for (int row = 0; row < seen.Examples.Count; row++)
        {
            DecomposedRow example = seen.Examples[row];
            Assert.Equal(x.Row(row).ToArray(), example.Input);
            double error = 0, size = 0;
            for (int pixel = 0; pixel < Patches.Pixels; pixel++)
            {
                Assert.Equal(expected[row, pixel], example.Reconstruction[pixel], 1e-4);
                Assert.Equal(example.Reconstruction[pixel], example.Rest[pixel]
                    + example.Parts.Sum(part => part.Weight * model.Decoder[part.Latent, pixel]), 1e-4);
                error += Math.Pow(x[row, pixel] - expected[row, pixel], 2);
                size += Math.Pow(x[row, pixel], 2);
            }

            Assert.Equal(error / size, example.Unexplained, 1e-3);
            Assert.Equal(example.Parts.OrderByDescending(part => part.Weight), example.Parts);
        }
    }

    [Fact]
    public void BeforeTheFirstStepTheDictionaryIsTheOneThatTheRunStartsWith()
    {
        LiveSettings settings = LiveSettings.Default(DataKind.Patches, SparsityKind.TopK);
        using TrainingRun run = TrainingRun.Start(settings.Run, Patches.All);
        Assert.Equal(GrayTiles.Tiles(((SparseAutoencoder)run.Autoencoder).Decoder), Experiment.Before(settings).Tiles);
    }

    [Fact]
    public void FiguresOfTheSampleAddUp()
    {
        using var experiment = new Experiment(LiveSettings.Default(DataKind.Patches, SparsityKind.Kl) with { Latents = 32 });
        for (int step = 0; step < 30; step++) experiment.Step();
        Snapshot seen = experiment.Capture();
        double rho = seen.Settings.Rho;
        double kl = seen.Means.Sum(mean => (rho * Math.Log(rho / mean)) + ((1 - rho) * Math.Log((1 - rho) / (1 - mean))));
        Assert.Equal(kl, seen.KlSum!.Value, 1e-9);
        Assert.Equal(2000 * 32, seen.Activations!.Counts.Sum() + Math.Round(seen.Activations.Zero * 2000 * 32));
    }

    [Fact]
    public void ALongRunKeepsAShortHistory()
    {
        Snapshot end = Train(LiveSettings.Default(DataKind.Features, SparsityKind.TopK) with { Latents = 16 });
        Assert.InRange(end.Losses.Count, 100, 241);
        Assert.Equal(end.Losses.Select(point => point.Step).Order(), end.Losses.Select(point => point.Step));
        Assert.Equal(LiveSettings.Steps, end.Losses[^1].Step);
    }

    [Fact]
    public void PatchesAreCenteredWhitenedAndNotFlat()
    {
        using Matrix rows = Rows(Patches.Count);
        double[] mean = new double[Patches.Pixels];
        double sum = 0;
        for (int row = 0; row < rows.Rows; row++)
        {
            double own = 0;
            for (int pixel = 0; pixel < Patches.Pixels; pixel++)
            {
                mean[pixel] += rows[row, pixel] / rows.Rows;
                own += rows[row, pixel];
                sum += Math.Pow(rows[row, pixel], 2);
            }

            Assert.InRange(Math.Abs(own) / Patches.Pixels, 0, 0.05);
        }

        Assert.All(mean, value => Assert.InRange(Math.Abs(value), 0, 1e-3));
        Assert.InRange(Math.Sqrt(sum / rows.Count), 0.3, 0.5);

        // Neighbors are as good as unrelated after whitening: raw pixels of clothes correlate at about 0.8.
        double together = 0;
        for (int row = 0; row < rows.Rows; row++) together += rows[row, 27] * (double)rows[row, 28];
        Assert.InRange(together / sum * Patches.Pixels, -0.3, 0.3);
    }

    private static Snapshot Train(LiveSettings settings)
    {
        using var experiment = new Experiment(settings);
        while (!experiment.Finished) experiment.Step();
        return experiment.Capture();
    }

    private static Matrix Rows(int count)
    {
        var rows = new Matrix(count, Patches.Pixels);
        Patches.All.Read([.. Enumerable.Range(0, count).Select(row => (long)row)], rows);
        return rows;
    }
}
