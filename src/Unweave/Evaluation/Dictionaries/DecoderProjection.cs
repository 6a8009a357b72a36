using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// Is the L0 too low or too high? At a wrong L0 latents mix features that occur together, so that rows project more on latents that they
/// have nothing to do with: s_n, the n-th largest projection of a row on the decoder, is least at the right L0 (Chanin and Garriga-Alonso
/// 2025, arXiv 2508.16560). One value says little; of autoencoders that differ in L0 alone, the one with the least is nearest.
/// </summary>
/// <param name="Coder">The coder.</param>
/// <param name="Values">
/// s_n for n as a share of the latents, by that share, over the mean distance of rows from b_dec, so that data of any scale compare.
/// </param>
/// <param name="PairCosine">Mean |cosine| of two different decoder rows, the paper's other figure, which moves alike.</param>
internal sealed record DecoderProjection(string Coder, IReadOnlyDictionary<double, double> Values, double PairCosine)
{
    /// <summary>The places n, as shares of the latents: beyond those that fire and before the middle, where the sign changes.</summary>
    public static readonly double[] Shares = [0.05, 0.15, 1 / 3.0];

    /// <summary>Measures.</summary>
    /// <param name="coder">The coder.</param>
    /// <param name="directions">Its directions, unit rows, <c>[latents, d]</c>.</param>
    /// <param name="rows">A sample of rows, <c>[rows, d]</c>: some thousands.</param>
    public static DecoderProjection Measure(IRowCoder coder, Matrix directions, Matrix rows)
    {
        if (coder.OutputWidth != rows.Columns)
        {
            throw new InputException($"{coder.Name}: reconstructions have width {coder.OutputWidth}, rows {rows.Columns}; rows project on "
                + "the decoder only where both are of one space.");
        }

        using Matrix centered = rows.Clone(), projections = new(rows.Rows, directions.Rows);
        double length = 0;
        for (int r = 0; r < rows.Rows; r++)
        {
            float[] origin = LatentDirections.Origin(coder, rows.Row(r));
            Span<float> row = centered.Row(r);
            for (int c = 0; c < row.Length; c++) row[c] -= origin[c];
            length += Norms.L2(row) / rows.Rows;
        }

        using var product = new DenseProduct(Workers.Shared);
        product.PackRight(directions, transposed: true);
        product.Multiply(centered, transposed: false, projections);
        Span<float> all = projections.AsSpan();
        var values = new Dictionary<double, double>();
        foreach (double share in Shares)
        {
            int place = (int)Math.Min(all.Length - 1L, (long)(share * directions.Rows) * rows.Rows);
            values[share] = length > 0 ? Selection.KthLargest(all, place + 1) / length : 0;
        }

        return new DecoderProjection(coder.Name, values, MeanPairCosine(directions, product));
    }

    private static double MeanPairCosine(Matrix directions, DenseProduct product)
    {
        const int block = 256;
        int n = directions.Rows;
        if (n < 2) return 0;
        double sum = 0;
        for (int first = 0; first < n; first += block)
        {
            int count = Math.Min(block, n - first);
            using Matrix some = directions.CopyRows(first, count), cosines = new(count, n);
            product.Multiply(some, transposed: false, cosines);
            for (int r = 0; r < count; r++)
            {
                ReadOnlySpan<float> row = cosines.Row(r);
                for (int c = 0; c < n; c++) sum += c == first + r ? 0 : Math.Abs((double)row[c]);
            }
        }

        return sum / n / (n - 1);
    }
}
