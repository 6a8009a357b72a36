using System.Diagnostics;
using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// What is counted in rows of a synthetic model, beside what its definition says: that its rows are what they should be is seen before
/// anything is scored on them.
/// </summary>
internal sealed record SyntheticStatistics
{
    private const int Block = 4096, PairFeatures = 64, CosineFeatures = 1024;

    /// <summary>Number of rows counted.</summary>
    public required long Rows { get; init; }

    /// <summary>Mean number of active features of a row.</summary>
    public required double L0 { get; init; }

    /// <summary>What the definition says of <see cref="L0"/>.</summary>
    public required double ExpectedL0 { get; init; }

    /// <summary>Mean number of active features of a row among the first quarter of them, the most frequent ones.</summary>
    public required double FirstQuarterL0 { get; init; }

    /// <summary>What the definition says of <see cref="FirstQuarterL0"/>.</summary>
    public required double ExpectedFirstQuarterL0 { get; init; }

    /// <summary>Mean number of active features by Zipf's law alone, without trees.</summary>
    public required double LawL0 { get; init; }

    /// <summary>Active features whose parent is not active, over all rows; there must be none.</summary>
    public required long Orphans { get; init; }

    /// <summary>Active features with an active sibling, over all rows; there must be none.</summary>
    public required long Siblings { get; init; }

    /// <summary>
    /// Mean over features of z², z the distance of how often a feature is active from what the definition says, in standard errors: about
    /// 1.
    /// </summary>
    public required double FiringChiSquare { get; init; }

    /// <summary>Features that <see cref="FiringChiSquare"/> is of: those expected in at least 10 rows.</summary>
    public required int FiringFeatures { get; init; }

    /// <summary>The largest |z|.</summary>
    public required double LargestDeviation { get; init; }

    /// <summary>
    /// Slope of how much more often pairs of features are active together than they would be if independent, against what the copula says:
    /// 1 where correlations are as they should be; NaN without two features that have no parent.
    /// </summary>
    public required double CorrelationSlope { get; init; }

    /// <summary>Standard error of <see cref="CorrelationSlope"/>.</summary>
    public required double CorrelationError { get; init; }

    /// <summary>Mean length of a row.</summary>
    public required double MeanNorm { get; init; }

    /// <summary>Root mean square cosine of pairs of directions, from a sample of them.</summary>
    public required double RmsCosine { get; init; }

    /// <summary>The least that is possible of so many directions, by Welch's bound.</summary>
    public required double LeastRmsCosine { get; init; }

    /// <summary>Mean over a sample of directions of the largest absolute cosine to another.</summary>
    public required double MeanLargestCosine { get; init; }

    /// <summary>Microseconds from row to row while rows were made, by all threads.</summary>
    public required double MicrosecondsPerRow { get; init; }

    /// <summary>Counts in the first rows of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="progress">Told how many rows are done.</param>
    /// <param name="cancellationToken">Ends the counting.</param>
    public static SyntheticStatistics Measure(
        SyntheticModel model, long rows, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        var counts = new Counts(model);
        var codes = new SparseCodes(model.Directions.Rows);
        using var x = new Matrix((int)Math.Min(Block, rows), model.Width);
        TimeSpan making = default;
        for (long first = 0; first < rows; first += Block)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long[] positions = new long[(int)Math.Min(Block, rows - first)];
            for (int r = 0; r < positions.Length; r++) positions[r] = first + r;
            long started = Stopwatch.GetTimestamp();
            model.Read(positions, x);
            making += Stopwatch.GetElapsedTime(started);
            model.Read(positions, x, codes);
            counts.Add(codes, x);
            progress?.Report(first + positions.Length);
        }

        return counts.Report(rows, making);
    }

    private sealed class Counts(SyntheticModel model)
    {
        private readonly long[] active = new long[model.Directions.Rows];
        private readonly long[,] together = new long[PairFeatures, PairFeatures];
        private readonly int[] lastRow = new int[model.Directions.Rows], lastOfParent = new int[model.Directions.Rows];
        private long orphans, siblings;
        private double norms;
        private int row;

        // Those without a parent, of which the copula says how often pairs are active together.
        private readonly int[] pairs =
            [.. Enumerable.Range(0, model.Directions.Rows).Where(feature => model.Parent(feature) < 0).Take(PairFeatures)];

        public void Add(SparseCodes codes, Matrix x)
        {
            int[] place = new int[active.Length];
            for (int i = 0; i < pairs.Length; i++) place[pairs[i]] = i + 1;
            for (int r = 0; r < codes.Rows; r++)
            {
                row++;
                var here = new List<int>();
                foreach (int feature in codes.Latents(r))
                {
                    active[feature]++;
                    lastRow[feature] = row;
                    if (place[feature] > 0) here.Add(place[feature] - 1);
                    int parent = model.Parent(feature);
                    if (parent < 0) continue;
                    if (lastRow[parent] != row) orphans++;
                    if (lastOfParent[parent] == row) siblings++;
                    lastOfParent[parent] = row;
                }

                for (int i = 0; i < here.Count; i++)
                    for (int j = 0; j < i; j++) together[here[j], here[i]]++;
                norms += Norms.L2(x.Row(r));
            }
        }

        public SyntheticStatistics Report(long rows, TimeSpan making)
        {
            (double[] expected, double[] errors) = SyntheticExpectation.Firing(model);
            int quarter = active.Length / 4, tested = 0;
            double chi = 0, largest = 0;
            for (int i = 0; i < active.Length; i++)
            {
                if (expected[i] * rows < 10) continue;
                double variance = (expected[i] * (1 - expected[i]) / rows) + (errors[i] * errors[i]);
                double z = (((double)active[i] / rows) - expected[i]) / Math.Sqrt(variance);
                chi += z * z;
                largest = Math.Max(largest, Math.Abs(z));
                tested++;
            }

            (double slope, double slopeError) = Correlation(rows);
            (double rms, double most) = Cosines();
            return new SyntheticStatistics
            {
                Rows = rows,
                L0 = (double)active.Sum() / rows,
                ExpectedL0 = expected.Sum(),
                FirstQuarterL0 = (double)active[..quarter].Sum() / rows,
                ExpectedFirstQuarterL0 = expected[..quarter].Sum(),
                LawL0 = TensorPrimitives.Sum(model.Probabilities),
                Orphans = orphans,
                Siblings = siblings,
                FiringChiSquare = chi / tested,
                FiringFeatures = tested,
                LargestDeviation = largest,
                CorrelationSlope = slope,
                CorrelationError = slopeError,
                MeanNorm = norms / rows,
                RmsCosine = rms,
                LeastRmsCosine = Math.Sqrt((((double)active.Length / model.Width) - 1) / (active.Length - 1)),
                MeanLargestCosine = most,
                MicrosecondsPerRow = making.TotalMicroseconds / rows,
            };
        }

        // Least squares through 0, each pair weighted by the variance of its count.
        private (double Slope, double Error) Correlation(long rows)
        {
            double top = 0, bottom = 0;
            for (int i = 0; i < pairs.Length; i++)
            {
                for (int j = i + 1; j < pairs.Length; j++)
                {
                    double a = SyntheticExpectation.Alone(model, pairs[i]), b = SyntheticExpectation.Alone(model, pairs[j]);
                    double both = SyntheticExpectation.Together(model, pairs[i], pairs[j]), excess = both - (a * b);
                    double weight = rows / (both * (1 - both));
                    top += weight * excess * (((double)together[i, j] / rows) - (a * b));
                    bottom += weight * excess * excess;
                }
            }

            return (top / bottom, 1 / Math.Sqrt(bottom));
        }

        private (double Rms, double MeanLargest) Cosines()
        {
            Matrix all = model.Directions;
            int count = Math.Min(CosineFeatures, all.Rows), step = all.Rows / count;
            using var sample = new Matrix(count, all.Columns);
            for (int i = 0; i < count; i++) all.Row(i * step).CopyTo(sample.Row(i));
            using var product = new DenseProduct(Workers.Shared);
            using var cosines = new Matrix(count, all.Rows);
            product.PackRight(all, transposed: true);
            product.Multiply(sample, transposed: false, cosines);
            double squares = 0, largest = 0;
            for (int i = 0; i < count; i++)
            {
                Span<float> own = cosines.Row(i);
                own[i * step] = 0;
                squares += TensorPrimitives.SumOfSquares<float>(own);
                largest += TensorPrimitives.MaxMagnitude<float>(own) is var most ? Math.Abs(most) : 0;
            }

            return (Math.Sqrt(squares / count / (all.Rows - 1)), largest / count);
        }
    }
}
