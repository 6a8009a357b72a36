using System.Numerics.Tensors;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Learn.Training;

/// <summary>
/// A run of the library's training with the reader's settings, step by step, and what there is to see of it. Not for several threads at
/// once.
/// </summary>
internal sealed class Experiment : IDisposable
{
    /// <summary>Rows that can be looked at.</summary>
    public const int Looked = 24;

    private const int SampleRows = 2000, LongestHistory = 240, ShownParts = 5, Bins = 24;

    private readonly LiveSettings settings;
    private readonly SyntheticFeatures? features;
    private readonly IActivationSource data;
    private readonly TrainingRun run;
    private readonly Matrix sample;
    private readonly SparseCodes codes, truth;
    private readonly long[] looked;
    private readonly List<LossPoint> losses = [];
    private StepReport? report;
    private int stride = 1;

    /// <summary>Prepares a run.</summary>
    /// <exception cref="InputException">The settings contradict each other.</exception>
    public Experiment(LiveSettings settings)
    {
        this.settings = settings;
        features = settings.Data == DataKind.Features ? settings.MakeFeatures() : null;
        data = features ?? Patches.All;
        run = TrainingRun.Start(settings.Run, data);
        sample = data.Rows(0, SampleRows);
        codes = new SparseCodes(settings.Latents);
        looked = Choose(features);
        truth = features?.Codes(looked) ?? new SparseCodes(0);
    }

    /// <summary>Whether all steps are done.</summary>
    public bool Finished => run.Finished;

    private SparseAutoencoder Model => (SparseAutoencoder)run.Autoencoder;

    /// <summary>What there is to see before the first step: the dictionary as it starts.</summary>
    /// <exception cref="InputException">The settings contradict each other.</exception>
    public static Snapshot Before(LiveSettings settings)
    {
        // The stream of random numbers that a run takes its first weights from.
        using var model = (SparseAutoencoder)settings.Autoencoder.Build(settings.Width, new Rng(settings.Run.Seed, stream: 1));
        using SyntheticFeatures? known = settings.Data == DataKind.Features ? settings.MakeFeatures() : null;
        return new Snapshot
        {
            Settings = settings,
            Tiles = known is null ? GrayTiles.Tiles(model.Decoder) : [],
            Known = known is null ? null : Match(model.Decoder, known.Directions),
        };
    }

    /// <summary>Does a step.</summary>
    /// <exception cref="InputException">The loss is no longer finite.</exception>
    public void Step()
    {
        report = run.Next();
        if (report.Step % stride != 0 && !report.Last) return;
        losses.Add(new LossPoint(report.Step, report.Loss.Reconstruction, report.Loss.Sparsity));
        if (losses.Count <= LongestHistory) return;
        stride *= 2;
        losses.RemoveAll(point => point.Step % stride != 0);
    }

    /// <summary>The run as it stands.</summary>
    public Snapshot Capture()
    {
        Model.Encode(sample, codes);
        double[] means = new double[settings.Latents], fires = new double[settings.Latents];
        ReadOnlySpan<int> latents = codes.AllLatents;
        ReadOnlySpan<float> values = codes.AllValues;
        for (int i = 0; i < latents.Length; i++)
        {
            means[latents[i]] += values[i];
            if (values[i] > Model.FiringThreshold) fires[latents[i]]++;
        }

        TensorPrimitives.Divide(means, (double)SampleRows, means);
        TensorPrimitives.Divide(fires, (double)SampleRows, fires);
        return new Snapshot
        {
            Settings = settings,
            Report = report,
            Losses = [.. losses],
            Tiles = features is null ? GrayTiles.Tiles(Model.Decoder) : [],
            Means = means,
            Densities = fires,
            Activations = Histogram(values),
            KlSum = settings.Sparsity == SparsityKind.Kl
                ? means.Sum(mean => Divergence.Kl(new Bernoulli(settings.Rho), new Bernoulli(Math.Clamp(mean, 0, 1)))) : null,
            Known = features is null ? null : Match(Model.Decoder, features.Directions),
            Examples = Examples(),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        run.Dispose();
        sample.Dispose();
        features?.Dispose();
    }

    // The first rows; of made-up ones, the first in which at least two features are added up.
    private static long[] Choose(SyntheticFeatures? features)
    {
        long[] first = [.. Enumerable.Range(0, 10 * Looked).Select(row => (long)row)];
        if (features is null) return first[..Looked];
        SparseCodes sums = features.Codes(first);
        return [.. first.Where(row => sums.RowCount((int)row) >= 2).Take(Looked)];
    }

    private ActivationBins Histogram(ReadOnlySpan<float> values)
    {
        float largest = values.IsEmpty ? 1 : Math.Max(TensorPrimitives.Max(values), 1e-6f);
        int[] counts = new int[Bins];
        int zeros = SampleRows * settings.Latents;
        foreach (float value in values)
        {
            if (value <= 0) continue;
            zeros--;
            counts[Math.Min(Bins - 1, (int)(Bins * value / largest))]++;
        }

        return new ActivationBins((double)zeros / SampleRows / settings.Latents, largest / Model.InputScale, counts);
    }

    private static KnownFeatures Match(Matrix decoder, Matrix directions)
    {
        double[,] cosines = FeatureRecovery.Cosines(directions, decoder);
        int[] latents = Assignment.Maximize(cosines);
        int[] columns = [.. latents.Where(latent => latent >= 0), .. Enumerable.Range(0, decoder.Rows).Except(latents)];
        byte[] matrix = new byte[directions.Rows * decoder.Rows];
        for (int feature = 0; feature < directions.Rows; feature++)
            for (int column = 0; column < columns.Length; column++)
                matrix[(feature * columns.Length) + column] = (byte)(255 * Math.Clamp(cosines[feature, columns[column]], 0, 1));
        return new KnownFeatures(FeatureRecovery.Measure(decoder, directions), latents,
            [.. latents.Select((latent, feature) => latent < 0 ? 0 : cosines[feature, latent])], matrix);
    }

    private List<DecomposedRow> Examples()
    {
        using Matrix x = data.Rows(looked), reconstruction = new(Looked, settings.Width), rest = new(Looked, settings.Width);
        SparseCodes active = Model.Encode(x);
        Model.Decode(active, x, reconstruction);
        var examples = new List<DecomposedRow>(Looked);
        for (int row = 0; row < looked.Length; row++)
        {
            LatentPart[] all = Sorted(active, row, 1 / Model.InputScale);
            LatentPart[] parts = [.. all.Take(ShownParts)];
            Span<float> left = rest.Row(row);
            reconstruction.Row(row).CopyTo(left);
            foreach (LatentPart part in parts)
                TensorPrimitives.MultiplyAdd(Model.Decoder.Row(part.Latent), (float)-part.Weight, left, left);
            float[] error = new float[settings.Width];
            TensorPrimitives.Subtract(x.Row(row), reconstruction.Row(row), error);
            examples.Add(new DecomposedRow(
                x.Row(row).ToArray(),
                reconstruction.Row(row).ToArray(),
                left.ToArray(),
                parts,
                all.Length - parts.Length,
                TensorPrimitives.SumOfSquares<float>(error) / Math.Max(TensorPrimitives.SumOfSquares<float>(x.Row(row)), 1e-12f),
                features is null ? [] : Sorted(truth, row, 1)));
        }

        return examples;
    }

    private static LatentPart[] Sorted(SparseCodes codes, int row, float scale)
    {
        int[] latents = codes.Latents(row).ToArray();
        float[] values = codes.Values(row).ToArray();
        return [.. latents.Zip(values, (latent, value) => new LatentPart(latent, value * scale)).Where(part => part.Weight > 0)
            .OrderByDescending(part => part.Weight)];
    }
}
