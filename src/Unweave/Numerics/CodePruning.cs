using Unweave.Numerics.Kernels;

namespace Unweave.Numerics;

/// <summary>
/// Leave-one-out pruning: an active latent is kept where the row would miss it. With r = x − bias − Σ a_j·d_j, the value that latent i
/// should have beside the others is (r·d_i + a_i‖d_i‖²)/‖d_i‖²; it is dropped where that is at most a threshold.
/// </summary>
internal static unsafe class CodePruning
{
    /// <summary>Drops latents that others of their row make needless; the values of those that stay are kept.</summary>
    /// <param name="codes">The rows' codes.</param>
    /// <param name="decoder">W_dec in the scale of <paramref name="x"/>, <c>[n, d]</c>.</param>
    /// <param name="bias">b_dec in the same scale, d values.</param>
    /// <param name="x">The vectors, <c>[rows, d]</c>.</param>
    /// <param name="threshold">τ: a latent stays where its value beside the others is above it; 0 or more.</param>
    /// <param name="workers">Who computes.</param>
    public static SparseCodes Prune(
        SparseCodes codes, Matrix decoder, ReadOnlySpan<float> bias, Matrix x, float threshold, Workers workers)
    {
        KernelSet kernels = KernelSet.Current;
        int width = decoder.Columns, rows = codes.Rows;
        float[] offset = bias.ToArray();
        bool[] stays = new bool[codes.Count];
        int[] counts = new int[rows];
        const int PartRows = 64;
        workers.Run((rows + PartRows - 1) / PartRows, part =>
        {
            float[] residual = new float[width], products = new float[16];
            fixed (float* rest = residual)
            {
                for (int row = part * PartRows; row < Math.Min(rows, (part + 1) * PartRows); row++)
                {
                    int k = codes.RowCount(row), first = (int)codes.Starts[row];
                    if (products.Length < k) products = new float[2 * k];
                    for (int c = 0; c < width; c++) rest[c] = offset[c] - x[row, c];
                    fixed (int* latents = codes.Latents(row))
                    fixed (float* values = codes.Values(row), dots = products)
                    {
                        kernels.WeightedSum(rest, decoder.Pointer, width, latents, values, k);
                        kernels.Dots(rest, decoder.Pointer, width, latents, dots, k);
                        for (int i = 0; i < k; i++)
                        {
                            float* direction = decoder.Pointer + ((nint)latents[i] * width);
                            float square = kernels.Dot(direction, direction, width);
                            stays[first + i] = (values[i] * square) - dots[i] > threshold * square;
                            if (stays[first + i]) counts[row]++;
                        }
                    }
                }
            }
        });

        var pruned = new SparseCodes(codes.DictionarySize);
        pruned.Layout(counts);
        for (int j = 0, at = 0; j < stays.Length; j++)
        {
            if (!stays[j]) continue;
            (pruned.LatentsForWriting[at], pruned.ValuesForWriting[at]) = (codes.AllLatents[j], codes.AllValues[j]);
            at++;
        }

        return pruned;
    }
}
