namespace Unweave.Formats;

/// <summary>What the values of a stored tensor are like. Minimum, maximum, mean, deviation and norms are over its finite values.</summary>
internal sealed record TensorStatistics
{
    private const int BlockElements = 1 << 18;

    /// <summary>Number of elements.</summary>
    public required long Count { get; init; }

    /// <summary>Number of NaNs.</summary>
    public required long NaNs { get; init; }

    /// <summary>Number of infinities of either sign.</summary>
    public required long Infinities { get; init; }

    /// <summary>Row-major position of the first NaN or infinity; null when every value is finite.</summary>
    public required long? FirstNonFinite { get; init; }

    /// <summary>Number of zeros.</summary>
    public required long Zeros { get; init; }

    /// <summary>Smallest finite value; NaN when there is none.</summary>
    public required double Minimum { get; init; }

    /// <summary>Largest finite value; NaN when there is none.</summary>
    public required double Maximum { get; init; }

    /// <summary>Mean; NaN when no value is finite.</summary>
    public required double Mean { get; init; }

    /// <summary>Standard deviation of the values themselves (divided by their number); NaN when no value is finite.</summary>
    public required double StandardDeviation { get; init; }

    /// <summary>Mean L2 norm of the rows, for a tensor of rank 2; otherwise null.</summary>
    public required double? MeanRowNorm { get; init; }

    /// <summary>Number of finite values.</summary>
    public long Finite => Count - NaNs - Infinities;

    /// <summary>Reads a tensor once, block by block, so that it may be larger than memory.</summary>
    /// <param name="file">The file.</param>
    /// <param name="tensor">One of its tensors.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static TensorStatistics Measure(TensorFile file, TensorInfo tensor, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(tensor);
        long count = tensor.Count, nans = 0, infinities = 0, zeros = 0, finite = 0, rows = 0;
        long? firstNonFinite = null;
        double minimum = double.PositiveInfinity, maximum = double.NegativeInfinity, mean = 0, squares = 0, rowSquares = 0, rowNorms = 0;
        long width = tensor.Shape.Count == 2 ? tensor.Shape[1] : 0;
        float[] buffer = new float[(int)Math.Min(count, BlockElements)];
        for (long start = 0; start < count; start += buffer.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Span<float> block = buffer.AsSpan(0, (int)Math.Min(buffer.Length, count - start));
            file.Read(tensor, start, block);
            double sum = 0;
            long finiteHere = 0;
            for (int i = 0; i < block.Length; i++)
            {
                double value = block[i];
                if (double.IsFinite(value))
                {
                    finiteHere++;
                    sum += value;
                    if (value == 0) zeros++;
                    minimum = Math.Min(minimum, value);
                    maximum = Math.Max(maximum, value);
                    rowSquares += value * value;
                }
                else
                {
                    if (double.IsNaN(value)) nans++;
                    else infinities++;
                    firstNonFinite ??= start + i;
                }

                if (width > 0 && (start + i + 1) % width == 0)
                {
                    rowNorms += Math.Sqrt(rowSquares);
                    rowSquares = 0;
                    rows++;
                }
            }

            if (finiteHere == 0) continue;

            // Two passes over the block, then Chan's merge of means and squared deviations: exact where a sum of squares would cancel.
            double blockMean = sum / finiteHere, blockSquares = 0;
            foreach (float value in block)
            {
                if (float.IsFinite(value)) blockSquares += (value - blockMean) * (value - blockMean);
            }

            double delta = blockMean - mean;
            squares += blockSquares + (delta * delta * finite * finiteHere / (finite + finiteHere));
            mean += delta * finiteHere / (finite + finiteHere);
            finite += finiteHere;
        }

        return new TensorStatistics
        {
            Count = count,
            NaNs = nans,
            Infinities = infinities,
            FirstNonFinite = firstNonFinite,
            Zeros = zeros,
            Minimum = finite > 0 ? minimum : double.NaN,
            Maximum = finite > 0 ? maximum : double.NaN,
            Mean = finite > 0 ? mean : double.NaN,
            StandardDeviation = finite > 0 ? Math.Sqrt(squares / finite) : double.NaN,
            MeanRowNorm = rows > 0 ? rowNorms / rows : null,
        };
    }
}
