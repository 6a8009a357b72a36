using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>An activation inside an example: where in its window, and how strong.</summary>
internal readonly record struct PieceActivation(int At, float Value);

/// <summary>A window on which a latent fires, as it is kept until the text is needed.</summary>
/// <param name="Place">The window's place in the spool.</param>
/// <param name="Row">Row of the peak.</param>
/// <param name="Peak">The peak in the window.</param>
/// <param name="Position">Position of the peak in the model's window.</param>
/// <param name="Activation">The activation at the peak.</param>
/// <param name="Pieces">The activations in the whole window.</param>
internal readonly record struct KeptExample(long Place, long Row, int Peak, int Position, float Activation, PieceActivation[] Pieces);

/// <summary>What is counted of one latent, in memory that does not grow with the rows.</summary>
internal sealed class LatentStatistics(int latent, int tokenCapacity, FeatureStatisticsOptions options)
{
    private const int HistogramBins = 32;

    private readonly KeptExample[] strongest = new KeptExample[options.Top];
    private readonly StrengthBands bands = new(options.Drawn, options.Seed + Rng.Mix((ulong)latent));
    private readonly long[] bins = new long[HistogramBins];
    private readonly long[] positionCounts = new long[PositionRanges.Count];
    private readonly double[] positionSums = new double[PositionRanges.Count];
    private double binWidth;
    private int strongestKept, weakest;

    /// <summary>Rows on which it fired.</summary>
    public long Fired { get; private set; }

    /// <summary>Windows in which it fired.</summary>
    public long Windows { get; private set; }

    /// <summary>Sum of its activations.</summary>
    public double Sum { get; private set; }

    /// <summary>Its strongest activation.</summary>
    public float Max { get; private set; }

    /// <summary>How often it fired how strongly.</summary>
    public ActivationHistogram Histogram => new(binWidth, [.. bins]);

    /// <summary>Rows on which it fired, by range of positions.</summary>
    public ReadOnlySpan<long> PositionCounts => positionCounts;

    /// <summary>Sums of its activations, by range of positions.</summary>
    public ReadOnlySpan<double> PositionSums => positionSums;

    /// <summary>The strongest examples, strongest first.</summary>
    public IReadOnlyList<KeptExample> Strongest() =>
        [.. strongest.Take(strongestKept).OrderByDescending(example => example.Activation).ThenBy(example => example.Row)];

    /// <summary>The examples drawn at random, by bands of strength.</summary>
    public StrengthBands Bands => bands;

    /// <summary>How often and how strongly it fires on each token.</summary>
    public TokenSums Tokens { get; } = new(tokenCapacity);

    /// <summary>Adds the firings of one window, in order.</summary>
    /// <param name="window">The window.</param>
    /// <param name="place">Its place in the spool.</param>
    /// <param name="rows">Rows of the block on which it fired.</param>
    /// <param name="values">Its activations there.</param>
    /// <param name="block">The block.</param>
    public void Add(RowWindow window, long place, ReadOnlySpan<int> rows, ReadOnlySpan<float> values, WindowBlock block)
    {
        int peak = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            float value = values[i];
            if (value > values[peak]) peak = i;
            Sum += value;
            Bin(value);
            if (block.Tokens.Length == 0) continue;
            Tokens.Add(block.Tokens[rows[i]], value);
            int range = PositionRanges.IndexOf(block.Positions[rows[i]]);
            positionCounts[range]++;
            positionSums[range] += value;
        }

        Fired += rows.Length;
        float strength = values[peak];
        Max = Math.Max(Max, strength);

        Windows++;
        (int Band, int Slot) drawn = bands.Offer(strength);
        bool strong = strongestKept < strongest.Length || strength > strongest[weakest].Activation;
        if (drawn.Slot < 0 && !strong) return;
        KeptExample example = Example(window, place, rows, values, peak, block);
        if (drawn.Slot >= 0) bands.Keep(drawn, example);
        if (!strong) return;
        if (strongestKept < strongest.Length) strongest[strongestKept++] = example;
        else strongest[weakest] = example;
        if (strongestKept < strongest.Length) return;
        weakest = 0;
        for (int i = 1; i < strongest.Length; i++)
        {
            (float own, float least) = (strongest[i].Activation, strongest[weakest].Activation);
            if (own < least || (own == least && strongest[i].Row > strongest[weakest].Row)) weakest = i;
        }
    }

    private static KeptExample Example(
        RowWindow window, long place, ReadOnlySpan<int> rows, ReadOnlySpan<float> values, int peak, WindowBlock block)
    {
        int at = rows[peak] - window.First;
        var pieces = new PieceActivation[rows.Length];
        for (int i = 0; i < pieces.Length; i++) pieces[i] = new PieceActivation(rows[i] - window.First, values[i]);
        int position = block.Positions.Length == 0 ? 0 : block.Positions[rows[peak]];
        return new KeptExample(place, window.Row + at, at, position, values[peak], pieces);
    }

    // Bins of equal width from 0; when a value lies beyond the last, pairs are joined and the width doubles.
    private void Bin(float value)
    {
        if (binWidth == 0) binWidth = Math.ScaleB(1, Math.ILogB(value) - 3);
        while (value > binWidth * HistogramBins)
        {
            for (int i = 0; i < HistogramBins / 2; i++) bins[i] = bins[2 * i] + bins[(2 * i) + 1];
            Array.Clear(bins, HistogramBins / 2, HistogramBins / 2);
            binWidth *= 2;
        }

        bins[Math.Min(HistogramBins - 1, (int)Math.Ceiling(value / binWidth) - 1)]++;
    }
}
