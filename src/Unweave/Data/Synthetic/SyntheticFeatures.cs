using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>How often each feature is active.</summary>
public enum FeatureFrequency
{
    /// <summary>All equally often.</summary>
    Uniform,

    /// <summary>Feature i in proportion to 1/(i+1): a few are common and most are rare, as in real activations.</summary>
    Zipf,
}

/// <summary>How strong an active feature is.</summary>
public enum FeatureMagnitude
{
    /// <summary>Uniform in [0.5, 1.5).</summary>
    Uniform,

    /// <summary>The magnitude of a standard normal number.</summary>
    HalfNormal,
}

/// <summary>Settings of <see cref="SyntheticFeatures"/>.</summary>
public sealed record SyntheticFeatureOptions
{
    /// <summary>Width d of the vectors. Default 64.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Number of features n; more than <see cref="Width"/> puts them in superposition. Default 256.</summary>
    public int Features { get; init; } = 256;

    /// <summary>Number of rows. Default 100,000.</summary>
    public long Rows { get; init; } = 100_000;

    /// <summary>Active features a row, on average. Default 4.</summary>
    public double ActivePerRow { get; init; } = 4;

    /// <summary>How often each feature is active. Default Zipf.</summary>
    public FeatureFrequency Frequency { get; init; } = FeatureFrequency.Zipf;

    /// <summary>How strong an active feature is. Default uniform.</summary>
    public FeatureMagnitude Magnitude { get; init; } = FeatureMagnitude.Uniform;

    /// <summary>Standard deviation of the Gaussian noise added to each element. Default 0.</summary>
    public double Noise { get; init; }

    /// <summary>Seed of the directions and of every row. Default 0.</summary>
    public ulong Seed { get; init; }

    /// <summary>Refuses settings that make no data.</summary>
    /// <exception cref="InputException">Names the setting and the fix.</exception>
    public void Validate()
    {
        if (Width < 1) throw new InputException($"width is {Width}; a vector needs at least one element.");
        if (Features < 1) throw new InputException($"features is {Features}; there must be at least one.");
        if (Rows < 1) throw new InputException($"rows is {Rows}; there must be at least one.");
        if (!(ActivePerRow > 0 && ActivePerRow <= Features))
            throw new InputException($"activePerRow is {ActivePerRow} but features is {Features}; it must be above 0 and at most that.");
        if (!(Noise >= 0 && double.IsFinite(Noise))) throw new InputException($"noise is {Noise}; it must be 0 or more.");
    }
}

/// <summary>
/// Made-up activations whose true features are known, the test bed of Sharkey et al. 2022: n random unit directions in d dimensions,
/// each active in a row independently of the others, x = Σ_i z_i·direction_i + noise. A row is made when it is read, and depends on
/// the seed and its position alone.
/// </summary>
public sealed class SyntheticFeatures : IActivationSource
{
    private readonly double[] probabilities;

    /// <summary>Draws the directions.</summary>
    /// <exception cref="InputException">A setting makes no data.</exception>
    public SyntheticFeatures(SyntheticFeatureOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        probabilities = ChooseProbabilities(options);
        Directions = new Matrix(options.Features, options.Width);
        var rng = new Rng(options.Seed);
        for (int feature = 0; feature < options.Features; feature++)
        {
            Span<float> direction = Directions.Row(feature);
            double norm;
            do
            {
                rng.FillNormal(direction);
                norm = Norms.L2(direction);
            }
            while (norm == 0);
            TensorPrimitives.Multiply(direction, (float)(1 / norm), direction);
        }
    }

    /// <summary>The settings.</summary>
    public SyntheticFeatureOptions Options { get; }

    /// <summary>The true features, <c>[n, d]</c>: a unit direction a row.</summary>
    public Matrix Directions { get; }

    /// <summary>Probability that each feature is active in a row; their sum is the average number of active features.</summary>
    public ReadOnlySpan<double> Probabilities => probabilities;

    /// <inheritdoc/>
    public int Width => Options.Width;

    /// <inheritdoc/>
    public long Rows => Options.Rows;

    /// <inheritdoc/>
    public string Name => $"{Options.Features} synthetic features in {Options.Width} dimensions";

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<long> rows, Matrix destination)
    {
        RowChecks.Request(this, rows, destination);
        for (int i = 0; i < rows.Length; i++)
        {
            Span<float> x = destination.Row(i);
            x.Clear();
            var rng = new Rng(Options.Seed, stream: (ulong)rows[i] + 1);
            for (int feature = 0; feature < probabilities.Length; feature++)
            {
                float magnitude = Draw(rng, feature);
                if (magnitude != 0) TensorPrimitives.MultiplyAdd(Directions.Row(feature), magnitude, x, x);
            }

            if (Options.Noise == 0) continue;
            foreach (ref float element in x) element += (float)(rng.NextNormal() * Options.Noise);
        }
    }

    /// <summary>The true codes z of rows: which features are active in each, and how strongly.</summary>
    /// <param name="rows">Positions, each in [0, <see cref="Rows"/>).</param>
    public SparseCodes Codes(ReadOnlySpan<long> rows)
    {
        var starts = new List<long> { 0 };
        var features = new List<int>();
        var magnitudes = new List<float>();
        foreach (long row in rows)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)row, (ulong)Rows, nameof(rows));
            var rng = new Rng(Options.Seed, stream: (ulong)row + 1);
            for (int feature = 0; feature < probabilities.Length; feature++)
            {
                float magnitude = Draw(rng, feature);
                if (magnitude == 0) continue;
                features.Add(feature);
                magnitudes.Add(magnitude);
            }

            starts.Add(features.Count);
        }

        return new SparseCodes(Options.Features, [.. starts], [.. features], [.. magnitudes]);
    }

    /// <inheritdoc/>
    public void Dispose() => Directions.Dispose();

    /// <summary>Draws a feature's magnitude in the row that the generator belongs to: 0 when it is not active.</summary>
    private float Draw(Rng rng, int feature)
    {
        if (rng.NextDouble() >= probabilities[feature]) return 0;
        return Options.Magnitude == FeatureMagnitude.Uniform ? (float)(0.5 + rng.NextDouble()) : (float)Math.Abs(rng.NextNormal());
    }

    /// <summary>
    /// p_i = min(1, c·w_i) with c such that Σp_i is the number wanted: what is cut off at 1 goes to the features after it.
    /// </summary>
    private static double[] ChooseProbabilities(SyntheticFeatureOptions options)
    {
        double[] p = new double[options.Features];
        for (int i = 0; i < p.Length; i++) p[i] = options.Frequency == FeatureFrequency.Zipf ? 1.0 / (i + 1) : 1;
        double wanted = options.ActivePerRow;
        for (int first = 0; first < p.Length; first++)
        {
            // Weights never rise, so the features that are always active come first.
            double factor = wanted / TensorPrimitives.Sum<double>(p.AsSpan(first));
            if (p[first] * factor <= 1)
            {
                TensorPrimitives.Multiply(p.AsSpan(first), factor, p.AsSpan(first));
                break;
            }

            p[first] = 1;
            wanted--;
        }

        return p;
    }
}
