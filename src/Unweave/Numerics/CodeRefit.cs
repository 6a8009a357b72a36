using System.Buffers;
using Unweave.Numerics.Kernels;

namespace Unweave.Numerics;

/// <summary>
/// Values that reconstruct best: an encoder chooses which latents of a row are active well and their values roughly, so that
/// each row's values are found anew by non-negative least squares over the latents that it has.
/// </summary>
/// <remarks>
/// The active-set method of Lawson and Hanson (1974, chapter 23), started from the given values, on the Gram matrix of a row's latents. A
/// row is whole on one thread, so that the result is the same for any number of threads.
/// </remarks>
internal static unsafe class CodeRefit
{
    // Products of floats are known to about this part of their operands: an optimum is not sought beyond it, and decoder rows that
    // depend on each other are told apart by a pull of this strength towards the given values.
    private const double Precision = 1e-6;
    private const int PartRows = 64;

    /// <summary>
    /// For every row, the non-negative values on its latents that minimize ‖x − bias − Σ v_i·decoder_i‖²; those that end at 0 are left out.
    /// </summary>
    /// <param name="codes">The rows' latents, and the values to start from.</param>
    /// <param name="decoder">W_dec in the scale of <paramref name="x"/>, <c>[n, d]</c>.</param>
    /// <param name="bias">b_dec in the same scale, d values.</param>
    /// <param name="x">The vectors, <c>[rows, d]</c>.</param>
    /// <param name="workers">Who computes.</param>
    /// <param name="norms">The length of each row's reconstruction, bias included.</param>
    /// <exception cref="InputException">A vector has a number that is not finite, or one that is too large.</exception>
    public static SparseCodes Refit(
        SparseCodes codes, Matrix decoder, ReadOnlySpan<float> bias, Matrix x, Workers workers, out float[] norms)
    {
        if (codes.DictionarySize != decoder.Rows || codes.Rows != x.Rows || decoder.Columns != x.Columns || bias.Length != x.Columns)
        {
            throw new ArgumentException($"Codes of {codes.Rows} rows over {codes.DictionarySize} latents do not belong to a "
                + $"[{decoder.Rows}, {decoder.Columns}] decoder with a bias of {bias.Length} and [{x.Rows}, {x.Columns}] vectors.");
        }

        int rows = codes.Rows, most = 0;
        for (int row = 0; row < rows; row++) most = Math.Max(most, codes.RowCount(row));
        float[] values = ArrayPool<float>.Shared.Rent((int)codes.Count), offset = bias.ToArray(), lengths = new float[rows];
        int[] counts = new int[rows];
        workers.Run((rows + PartRows - 1) / PartRows, part =>
        {
            using var problem = new Problem(decoder, offset, most);
            for (int row = part * PartRows; row < Math.Min(rows, (part + 1) * PartRows); row++)
            {
                Span<float> result = values.AsSpan((int)codes.Starts[row], codes.RowCount(row));
                if (!problem.TrySolve(codes.Latents(row), codes.Values(row), x.Row(row), result, out lengths[row]))
                {
                    throw new InputException($"Row {row} of the vectors has a number that is not finite, or one that is too large to "
                        + "square; leave the row out or scale the vectors.");
                }

                foreach (float value in result) counts[row] += value > 0 ? 1 : 0;
            }
        });

        var refitted = new SparseCodes(codes.DictionarySize);
        refitted.Layout(counts);
        for (int row = 0; row < rows; row++)
        {
            int at = (int)refitted.Starts[row], first = (int)codes.Starts[row];
            ReadOnlySpan<int> latents = codes.Latents(row);
            for (int i = 0; i < latents.Length; i++)
            {
                if (values[first + i] <= 0) continue;
                (refitted.LatentsForWriting[at], refitted.ValuesForWriting[at]) = (latents[i], values[first + i]);
                at++;
            }
        }

        ArrayPool<float>.Shared.Return(values);
        norms = lengths;
        return refitted;
    }

    /// <summary>One row after another, with memory for the longest.</summary>
    private sealed class Problem : IDisposable
    {
        private readonly KernelSet kernels = KernelSet.Current;
        private readonly NativeBuffer<float> memory = new();
        private readonly Matrix decoder;
        private readonly float[] bias;
        private readonly float* rest, products; // x − bias, and the products of one decoder row with others
        private readonly double[] gram, factor;
        private readonly double[] target, start, current, solution;
        private readonly int[] free;            // the latents whose value is not held at 0

        public Problem(Matrix decoder, float[] bias, int most)
        {
            (this.decoder, this.bias) = (decoder, bias);
            int width = decoder.Columns;
            int aligned = (width + 15) / 16 * 16;
            rest = memory.Ensure(aligned + most);
            products = rest + aligned;
            (gram, factor) = (new double[most * most], new double[most * most]);
            (target, start, current, solution) = (new double[most], new double[most], new double[most], new double[most]);
            free = new int[most];
        }

        public bool TrySolve(
            ReadOnlySpan<int> latents, ReadOnlySpan<float> given, ReadOnlySpan<float> row, Span<float> result, out float norm)
        {
            int k = latents.Length, width = decoder.Columns;
            for (int c = 0; c < width; c++) rest[c] = row[c] - bias[c];
            double length = Math.Sqrt(kernels.Dot(rest, rest, width));
            norm = float.NaN;
            if (!double.IsFinite(length)) return false;
            fixed (int* ids = latents)
            {
                kernels.Dots(rest, decoder.Pointer, width, ids, products, k);
                for (int i = 0; i < k; i++) target[i] = products[i];
                for (int i = 0; i < k; i++)
                {
                    kernels.Dots(decoder.Pointer + ((nint)ids[i] * width), decoder.Pointer, width, ids, products, i + 1);
                    for (int j = 0; j <= i; j++) gram[(i * k) + j] = gram[(j * k) + i] = products[j];
                }

                Descend(k, given, length);
                for (int i = 0; i < k; i++) result[i] = (float)current[i];
                bias.AsSpan().CopyTo(new Span<float>(rest, width));
                fixed (float* weights = result) kernels.WeightedSum(rest, decoder.Pointer, width, ids, weights, k);
            }

            norm = MathF.Sqrt(kernels.Dot(rest, rest, width));
            return float.IsFinite(norm);
        }

        /// <inheritdoc/>
        public void Dispose() => memory.Dispose();

        // A turn either reaches the optimum of the free values and frees one more, or holds one more at 0; each ends nearer to the
        // optimum than it began, so that whatever turn is the last leaves values that are better than the given ones.
        private void Descend(int k, ReadOnlySpan<float> given, double length)
        {
            int count = 0;
            for (int i = 0; i < k; i++)
            {
                bool usable = given[i] > 0 && float.IsFinite(given[i]) && gram[(i * k) + i] > 0;
                current[i] = start[i] = usable ? given[i] : 0;
                if (usable) free[count++] = i;
            }

            for (int turn = 0; turn < 10 * (k + 1); turn++)
            {
                Minimize(k, count);
                double step = double.PositiveInfinity;
                for (int a = 0; a < count; a++)
                    if (solution[a] <= 0) step = Math.Min(step, Reach(a));
                if (step == 0) return; // the last value freed wants back: what is left to gain is below the precision
                if (double.IsFinite(step))
                {
                    count = Hold(count, step);
                    continue;
                }

                for (int a = 0; a < count; a++) current[free[a]] = solution[a];
                int next = Steepest(k, length);
                if (next < 0) return;
                int at = count++;
                for (; at > 0 && free[at - 1] > next; at--) free[at] = free[at - 1];
                free[at] = next;
            }
        }

        // The part of the way to its optimum after which a value is 0.
        private double Reach(int a) => current[free[a]] / (current[free[a]] - solution[a]);

        // Goes that part of the way; the values that are 0 then stay there.
        private int Hold(int count, double step)
        {
            int kept = 0;
            for (int a = 0; a < count; a++)
            {
                int i = free[a];
                if (solution[a] <= 0 && Reach(a) <= step)
                {
                    current[i] = 0;
                    continue;
                }

                current[i] += step * (solution[a] - current[i]);
                free[kept++] = i;
            }

            return kept;
        }

        // The optimum of the free values with the others at 0, by Cholesky's factors, pulled a little towards the given values.
        private void Minimize(int k, int count)
        {
            for (int a = 0; a < count; a++)
            {
                int i = free[a];
                Span<double> mine = factor.AsSpan(a * k, a + 1);
                double scale = gram[(i * k) + i], pull = Precision * scale, sum = target[i] + (pull * start[i]);
                for (int b = 0; b < a; b++)
                {
                    ReadOnlySpan<double> other = factor.AsSpan(b * k, b + 1);
                    mine[b] = (gram[(i * k) + free[b]] - DoubleRows.Dot(mine[..b], other[..b])) * other[b];
                    sum -= mine[b] * solution[b];
                }

                // The diagonal is kept inverted.
                mine[a] = 1 / Math.Sqrt(Math.Max(scale + pull - DoubleRows.Dot(mine[..a], mine[..a]), pull));
                solution[a] = sum * mine[a];
            }

            for (int a = count - 1; a >= 0; a--)
            {
                solution[a] *= factor[(a * k) + a];
                for (int b = 0; b < a; b++) solution[b] -= factor[(a * k) + b] * solution[a];
            }
        }

        // The value at 0 whose growth lowers the error fastest for the length of its decoder row, or −1.
        private int Steepest(int k, double length)
        {
            int best = -1;
            double most = Precision * length;
            for (int i = 0; i < k; i++)
            {
                double scale = gram[(i * k) + i];
                if (current[i] > 0 || scale <= 0) continue;
                double slope = (target[i] - DoubleRows.Dot(gram.AsSpan(i * k, k), current.AsSpan(0, k))) / Math.Sqrt(scale);
                if (slope > most) (best, most) = (i, slope);
            }

            return best;
        }
    }
}
