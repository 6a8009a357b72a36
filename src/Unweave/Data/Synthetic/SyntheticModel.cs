using System.Collections.Concurrent;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Data;

/// <summary>
/// Made-up activations whose true features are known, of the kind of SynthSAEBench (Chanin and Garriga-Alonso 2026, arXiv 2602.14687):
/// x = b + Σᵢ zᵢ·vᵢ, with more features than dimensions, of which few are common and most rare, some fire together and some never, and
/// a part of them are trees, where a child fires only with its parent and never with a sibling.
/// </summary>
/// <remarks>
/// <para>
/// A row has R standard normal factors u. Feature i has loadings aᵢ and fires where aᵢ·u + sᵢ·ηᵢ > tᵢ, with η standard normal,
/// sᵢ² = 1 − ‖aᵢ‖² and tᵢ such that this has the feature's probability (a Gaussian copula of low rank). Its magnitude is
/// max(0, mᵢ + σᵢ·ε). From the roots down, a feature of a tree is set to 0 where its parent is, and of siblings that would fire
/// together one, drawn at random, stays. In version 2 of the benchmark a child's magnitude is multiplied by its parent's over mᵢ of the
/// parent.
/// </para>
/// <para>
/// Probabilities follow Zipf's law. In trees they are raised, p / p(parent) · (1 + Σ of the siblings' p / p(parent)) and 1 at most, so that
/// features fire nearly as often as the law says.
/// </para>
/// <para>
/// Nothing is stored: a row is made when it is read and follows from the seed and its position alone, so that rows can be read in any
/// order, by any number of threads.
/// </para>
/// </remarks>
internal sealed unsafe class SyntheticModel : IRowSource
{
    /// <summary>Rows of a source without end: more than any run sees.</summary>
    public const long AllRows = 1L << 40;

    /// <summary>Position of the first row that is drawn for scores alone: beyond those of the source, so that no run sees it.</summary>
    public const long FirstScoredRow = AllRows;

    // Streams of random numbers of the model's own; those of rows are their positions, from 1 on.
    private const ulong DirectionStream = ulong.MaxValue, BiasStream = DirectionStream - 1, LoadingStream = DirectionStream - 2,
        DeviationStream = DirectionStream - 3;

    private const int RowsOfPart = RowSampler.MostRows;

    private readonly float[] bias;
    private readonly double[] law, drawn;
    private readonly float[] means, deviations;
    private readonly ConcurrentBag<RowSampler> samplers = [];

    /// <summary>Makes the model: its directions, its trees and what decides when features fire.</summary>
    /// <param name="options">The settings.</param>
    /// <exception cref="InputException">The settings make no model.</exception>
    public SyntheticModel(SyntheticModelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        (int n, int d) = (options.Features, options.Width);
        (law, drawn) = FiringProbabilities(options);
        (means, deviations) = (new float[n], new float[n]);
        var rng = new Rng(options.Seed, DeviationStream);
        for (int i = 0; i < n; i++)
        {
            means[i] = (float)(options.FirstMean + ((options.LastMean - options.FirstMean) * i / (n - 1)));
            deviations[i] = (float)Math.Abs(options.Deviation * (1 + rng.NextNormal()));
        }

        bias = new float[d];
        new Rng(options.Seed, BiasStream).FillNormal(bias);
        double norm = Norms.L2(bias);
        for (int i = 0; i < d; i++) bias[i] = (float)(bias[i] * options.BiasNorm / norm);
        Firing = new FiringScores(drawn, options.Rank, options.Correlation, new Rng(options.Seed, LoadingStream));
        Directions = TightFrame.Create(n, d, new Rng(options.Seed, DirectionStream));
    }

    /// <summary>The settings.</summary>
    public SyntheticModelOptions Options { get; }

    /// <summary>The true features v, <c>[n, d]</c>: a unit direction a row.</summary>
    public Matrix Directions { get; }

    /// <summary>The constant part b of every row.</summary>
    public ReadOnlySpan<float> Bias => bias;

    /// <summary>Probability of each feature by Zipf's law; features of trees fire about as often.</summary>
    public ReadOnlySpan<double> Probabilities => law;

    /// <summary>Probability that each feature is drawn, before trees take away what lacks a parent or has a sibling.</summary>
    public ReadOnlySpan<double> DrawnProbabilities => drawn;

    /// <summary>Mean magnitude m of each feature.</summary>
    public ReadOnlySpan<float> Means => means;

    /// <summary>Standard deviation σ of each feature's magnitude.</summary>
    public ReadOnlySpan<float> Deviations => deviations;

    /// <summary>When features fire, given a row's factors.</summary>
    public FiringScores Firing { get; }

    /// <inheritdoc/>
    public int Width => Options.Width;

    /// <inheritdoc/>
    public long Rows => Options.Rows ?? AllRows;

    /// <inheritdoc/>
    public string Name => SyntheticModelOptions.Scheme + Options.FullName;

    /// <summary>The feature above another in its tree; −1 of roots and of features outside trees.</summary>
    public int Parent(int feature) =>
        feature < Options.Roots || feature >= Options.TreeFeatures ? -1 : (feature - Options.Roots) / Options.Branching;

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<long> rows, Matrix destination)
    {
        RowChecks.Request(this, rows, destination);
        Draw(rows, destination, null);
    }

    /// <inheritdoc/>
    public void ReadRow(long row, Span<float> destination)
    {
        using var one = new Matrix(1, Width);
        Draw([row], one, null);
        one.Row(0).CopyTo(destination);
    }

    /// <summary>Reads rows with their true codes z.</summary>
    /// <param name="rows">Positions, in the source or from <see cref="FirstScoredRow"/> on.</param>
    /// <param name="destination">Its first rows.Length rows are written.</param>
    /// <param name="codes">Overwritten: which features are active in each row, ascending, and how strongly.</param>
    public void Read(ReadOnlySpan<long> rows, Matrix destination, SparseCodes codes)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(codes);
        if (destination.Columns != Width || destination.Rows < rows.Length)
            throw new ArgumentException($"Reading {rows.Length} rows of width {Width} into a [{destination.Rows}, {destination.Columns}] "
                + "matrix.", nameof(destination));
        var drawnCodes = new (int[] Features, float[] Values)[rows.Length];
        Draw(rows, destination, drawnCodes);
        int[] lengths = [.. drawnCodes.Select(one => one.Features.Length)];
        codes.Layout(lengths);
        int at = 0;
        foreach ((int[] features, float[] values) in drawnCodes)
        {
            features.CopyTo(codes.LatentsForWriting[at..]);
            values.CopyTo(codes.ValuesForWriting[at..]);
            at += features.Length;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Directions.Dispose();
        Firing.Dispose();
        foreach (RowSampler sampler in samplers) sampler.Dispose();
    }

    private void Draw(ReadOnlySpan<long> rows, Matrix destination, (int[] Features, float[] Values)[]? codes)
    {
        int count = rows.Length, parts = (count + RowsOfPart - 1) / RowsOfPart;
        nint width = Width;
        float* target = destination.Pointer, directions = Directions.Pointer;
        long[] positions = rows.ToArray();
        KernelSet kernels = KernelSet.Current;
        Workers.Shared.Run(parts, part =>
        {
            if (!samplers.TryTake(out RowSampler? sampler)) sampler = new RowSampler(this);
            int first = part * RowsOfPart, here = Math.Min(RowsOfPart, count - first);
            sampler.Draw(positions.AsSpan(first, here));
            for (int r = 0; r < here; r++)
            {
                ReadOnlySpan<int> features = sampler.Features(r);
                ReadOnlySpan<float> values = sampler.Values(r);
                float* row = target + ((first + r) * width);
                bias.CopyTo(new Span<float>(row, (int)width));
                fixed (int* ids = features)
                fixed (float* weights = values) kernels.WeightedSum(row, directions, width, ids, weights, features.Length);
                if (codes is not null) codes[first + r] = (features.ToArray(), values.ToArray());
            }

            samplers.Add(sampler);
        });
    }

    /// <summary>Probabilities by Zipf's law, and those of being drawn, before trees take some away.</summary>
    internal static (double[] Law, double[] Drawn) FiringProbabilities(SyntheticModelOptions options)
    {
        double[] zipf = ZipfLaw(options);
        return (zipf, Compensate(options, zipf));
    }

    // From the first probability to the last in proportion to rank^−e, shifted and stretched to meet both.
    private static double[] ZipfLaw(SyntheticModelOptions options)
    {
        double[] p = new double[options.Features];
        double last = Math.Pow(p.Length, -options.Exponent);
        for (int i = 0; i < p.Length; i++)
        {
            double share = (Math.Pow(i + 1, -options.Exponent) - last) / (1 - last);
            p[i] = options.LeastProbable + ((options.MostProbable - options.LeastProbable) * share);
        }

        return p;
    }

    private static double[] Compensate(SyntheticModelOptions options, double[] zipf)
    {
        double[] raised = [.. zipf];
        for (int first = options.Roots; first < options.TreeFeatures; first += options.Branching)
        {
            double parent = zipf[(first - options.Roots) / options.Branching], siblings = 0;
            for (int c = first; c < first + options.Branching; c++) siblings += zipf[c] / parent;
            for (int c = first; c < first + options.Branching; c++)
            {
                double alone = zipf[c] / parent;
                raised[c] = Math.Min(1, alone * (options.Branching > 1 ? 1 + siblings - alone : 1));
            }
        }

        return raised;
    }
}
