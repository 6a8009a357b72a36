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
    private readonly double[] mean = new double[width], blockMean = new double[width], row = new double[width];
    private double spread, errors, cosines, ratios, squares, products;
    private long rows, cosineRows, ratioRows;

    /// <summary>Adds a block of rows and their reconstructions.</summary>
    public void Add(Matrix x, Matrix reconstruction)
    {
        Array.Clear(blockMean);
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
                blockMean[c] += u;
            }

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

        MergeSpread(x);
    }

    /// <summary>The metrics of all rows added so far.</summary>
    public EvaluationReport Report(string name) => new()
    {
        Name = name,
        Rows = rows,
        Fvu = errors / spread,
        Mse = errors / rows,
        Cosine = cosines / cosineRows,
        L2Ratio = ratios / ratioRows,
        RelativeReconstructionBias = squares / products,
    };

    private void MergeSpread(Matrix x)
    {
        TensorPrimitives.Divide(blockMean, x.Rows, blockMean);
        for (int r = 0; r < x.Rows; r++)
        {
            TensorPrimitives.ConvertTruncating<float, double>(x.Row(r), row);
            TensorPrimitives.Subtract(row, blockMean, row);
            spread += TensorPrimitives.SumOfSquares<double>(row);
        }

        long total = rows + x.Rows;
        for (int c = 0; c < mean.Length; c++)
        {
            double difference = blockMean[c] - mean[c];
            spread += difference * difference * rows * x.Rows / total;
            mean[c] += difference * x.Rows / total;
        }

        rows = total;
    }
}
