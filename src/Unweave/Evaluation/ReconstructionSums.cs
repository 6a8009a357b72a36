using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// The sums that reconstruction metrics are functions of, accumulated block by block in double precision. The spread about the
/// mean is merged as Chan, Golub and LeVeque (1983) do, so that a mean far from 0 does not drown it.
/// </summary>
/// <param name="width">Width d of the vectors.</param>
internal sealed class ReconstructionSums(int width)
{
    private const int MostNamed = 10_000;

    /// <summary>A row this many times as long as half of the first block's is an outlier.</summary>
    internal const double OutlierTimes = 10;

    private readonly SpreadSum all = new(width);
    private SpreadSum? ordinary; // as all, until there is an outlier
    private double errors, ordinaryErrors, cosines, ratios, squares, products;
    private double? limit;
    private long outliers, cosineRows, ratioRows;
    private readonly List<(long Row, double Times)> named = [];

    /// <summary>Adds a block of rows and their reconstructions.</summary>
    public void Add(Matrix x, Matrix reconstruction)
    {
        double[] lengths = new double[x.Rows], rowErrors = new double[x.Rows]; // squared
        for (int r = 0; r < x.Rows; r++)
        {
            ReadOnlySpan<float> a = x.Row(r), b = reconstruction.Row(r);
            double aa = 0, bb = 0, ab = 0, error = 0;
            for (int c = 0; c < a.Length; c++)
            {
                double u = a[c], v = b[c];
                aa += u * u;
                bb += v * v;
                ab += u * v;
                error += (u - v) * (u - v);
            }

            (lengths[r], rowErrors[r]) = (aa, error);
            errors += error;
            squares += bb;
            products += ab;
            if (aa > 0)
            {
                ratios += Math.Sqrt(bb / aa);
                ratioRows++;
            }

            if (aa > 0 && bb > 0)
            {
                cosines += ab / Math.Sqrt(aa * bb);
                cosineRows++;
            }
        }

        AddSpread(x, lengths, rowErrors);
    }

    private void AddSpread(Matrix x, double[] lengths, double[] rowErrors)
    {
        if (x.Rows == 0) return;
        double most = limit ??= Limit(lengths);
        int here = lengths.Count(length => length > most);
        if (here > 0) ordinary ??= all.Copy();
        outliers += here;
        for (int r = 0; r < x.Rows; r++)
        {
            if (lengths[r] <= most) ordinaryErrors += rowErrors[r];
            else if (named.Count < MostNamed) named.Add((all.Rows + r, OutlierTimes * Math.Sqrt(lengths[r] / most)));
        }

        ordinary?.Add(x, r => lengths[r] > most);
        all.Add(x);
    }

    /// <summary>The metrics of all rows added so far.</summary>
    public EvaluationReport Report(string name) => new()
    {
        Name = name,
        Rows = all.Rows,
        Fvu = errors / all.Spread,
        OutlierRows = outliers > 0 ? outliers : null,
        OrdinaryFvu = ordinaryErrors / ordinary?.Spread,
        Outliers = named,
        Mse = errors / all.Rows,
        Cosine = cosines / cosineRows,
        L2Ratio = ratios / ratioRows,
        RelativeReconstructionBias = squares / products,
    };

    // A row is an outlier by its length beside the median of the first block's: sinks and start tokens are hundreds of times as long.
    private static double Limit(double[] squares)
    {
        double[] sorted = [.. squares.Order()];
        double median = sorted[sorted.Length / 2];
        return median > 0 ? median * OutlierTimes * OutlierTimes : double.PositiveInfinity; // of rows of zeros nothing is a multiple
    }

    /// <summary>Rows, their mean and their spread about it, without those that are left out.</summary>
    private sealed class SpreadSum(int width)
    {
        private readonly double[] mean = new double[width], blockMean = new double[width], row = new double[width];

        public double Spread { get; private set; }

        public long Rows { get; private set; }

        public SpreadSum Copy()
        {
            var copy = new SpreadSum(width) { Spread = Spread, Rows = Rows };
            mean.CopyTo(copy.mean, 0);
            return copy;
        }

        public void Add(Matrix x, Func<int, bool>? leftOut = null)
        {
            int count = 0;
            Array.Clear(blockMean);
            for (int r = 0; r < x.Rows; r++)
            {
                if (leftOut?.Invoke(r) is true) continue;
                count++;
                ReadOnlySpan<float> values = x.Row(r);
                for (int c = 0; c < values.Length; c++) blockMean[c] += values[c];
            }

            if (count == 0) return;
            TensorPrimitives.Divide(blockMean, count, blockMean);
            for (int r = 0; r < x.Rows; r++)
            {
                if (leftOut?.Invoke(r) is true) continue;
                TensorPrimitives.ConvertTruncating<float, double>(x.Row(r), row);
                TensorPrimitives.Subtract(row, blockMean, row);
                Spread += TensorPrimitives.SumOfSquares<double>(row);
            }

            long total = Rows + count;
            for (int c = 0; c < mean.Length; c++)
            {
                double difference = blockMean[c] - mean[c];
                Spread += difference * difference * Rows * count / total;
                mean[c] += difference * count / total;
            }

            Rows = total;
        }
    }
}
