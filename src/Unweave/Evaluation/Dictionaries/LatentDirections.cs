using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// What latents add to a reconstruction, read off the decoder as a function: a code with one more entry less a code without it. So it
/// holds for any coder, whatever its weights, scales and normalizations are.
/// </summary>
internal static class LatentDirections
{
    private const int Block = 512;

    /// <summary>What each latent adds at an activation of 1, <c>[latents, output width]</c>.</summary>
    /// <param name="coder">The coder.</param>
    /// <param name="typical">A row of the data, d values, for coders whose scale depends on the row.</param>
    public static Matrix All(IRowCoder coder, ReadOnlySpan<float> typical)
    {
        var directions = new Matrix(coder.Latents, coder.OutputWidth);
        float[] origin = Origin(coder, typical);
        for (int first = 0; first < coder.Latents; first += Block)
        {
            int count = Math.Min(Block, coder.Latents - first);
            var codes = new SparseCodes(coder.Latents, [.. Enumerable.Range(0, count + 1).Select(i => (long)i)],
                [.. Enumerable.Range(first, count)], [.. Enumerable.Repeat(1f, count)]);
            using Matrix input = Repeat(typical, count), decoded = new(count, coder.OutputWidth);
            coder.Decode(codes, input, decoded);
            for (int r = 0; r < count; r++)
            {
                Span<float> row = directions.Row(first + r);
                for (int c = 0; c < row.Length; c++) row[c] = decoded[r, c] - origin[c];
            }
        }

        return directions;
    }

    /// <summary>The reconstruction of a row without any latent.</summary>
    public static float[] Origin(IRowCoder coder, ReadOnlySpan<float> typical)
    {
        using Matrix input = Repeat(typical, 1), decoded = new(1, coder.OutputWidth);
        coder.Decode(new SparseCodes(coder.Latents, [0, 0], [], []), input, decoded);
        return decoded.Row(0).ToArray();
    }

    /// <summary>What each active latent of a row adds to its reconstruction, <c>[active latents, output width]</c>.</summary>
    /// <param name="coder">The coder.</param>
    /// <param name="codes">The codes.</param>
    /// <param name="row">The row of the codes.</param>
    /// <param name="input">What the row is a code of, d values.</param>
    public static Matrix Contributions(IRowCoder coder, SparseCodes codes, int row, ReadOnlySpan<float> input)
    {
        ReadOnlySpan<int> latents = codes.Latents(row);
        var contributions = new Matrix(latents.Length, coder.OutputWidth);
        float[] origin = Origin(coder, input);
        for (int first = 0; first < latents.Length; first += Block)
        {
            int count = Math.Min(Block, latents.Length - first);
            var alone = new SparseCodes(coder.Latents, [.. Enumerable.Range(0, count + 1).Select(i => (long)i)],
                latents.Slice(first, count), codes.Values(row).Slice(first, count));
            using Matrix inputs = Repeat(input, count), decoded = new(count, coder.OutputWidth);
            coder.Decode(alone, inputs, decoded);
            for (int r = 0; r < count; r++)
                for (int c = 0; c < origin.Length; c++) contributions[first + r, c] = decoded[r, c] - origin[c];
        }

        return contributions;
    }

    /// <summary>Brings rows to unit length; those of length 0 stay.</summary>
    public static void Normalize(Matrix rows)
    {
        for (int r = 0; r < rows.Rows; r++)
        {
            Span<float> row = rows.Row(r);
            double length = Norms.L2(row);
            if (length == 0) continue;
            for (int c = 0; c < row.Length; c++) row[c] = (float)(row[c] / length);
        }
    }

    private static Matrix Repeat(ReadOnlySpan<float> row, int count)
    {
        var rows = new Matrix(count, row.Length);
        for (int r = 0; r < count; r++) row.CopyTo(rows.Row(r));
        return rows;
    }
}
