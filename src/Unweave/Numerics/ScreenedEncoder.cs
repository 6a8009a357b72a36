using System.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Numerics;

/// <summary>
/// The selection of <see cref="FusedEncoder"/> for single rows: the same bytes, without packing all of W. Products in 8 bits, whose error
/// is bounded, leave out the latents that cannot be among those sought; the few that are left are multiplied as the fused encoder does
/// it.
/// </summary>
/// <remarks>For one thread at a time; it runs on the calling thread alone, because waking others takes as long as the work.</remarks>
internal sealed unsafe class ScreenedEncoder(KernelSet? kernelSet = null) : IDisposable
{
    // Groups of latents of which the largest is taken, for each value sought: enough that the k-th largest of them is near the k-th of all.
    private const int GroupsOfValue = 8;
    private readonly KernelSet kernels = kernelSet ?? KernelSet.Current;
    private readonly NativeBuffer<float> panelOfW = new();
    private float[] lower = [], upper = [], scratch = [], values = [];
    private int[] candidates = [], latents = [];
    private int count; // of values and latents kept so far, row after row

    /// <summary>How many pre-activations the last selection computed as floats, of all rows together.</summary>
    public long Multiplied { get; private set; }

    /// <summary>Keeps each row's k largest positive pre-activations.</summary>
    /// <param name="screen">W_enc in 8 bits.</param>
    /// <param name="weights">W_enc, <c>[n, d]</c>.</param>
    /// <param name="bias">b_enc, n values.</param>
    /// <param name="k">Values kept, 1 or more.</param>
    /// <param name="x">The rows, centered and scaled, <c>[batch, d]</c>.</param>
    /// <param name="codes">Overwritten.</param>
    /// <returns>False where numbers are too large, or not numbers, for bounds to hold: nothing was selected.</returns>
    public bool TryTopK(Int8Matrix screen, Matrix weights, ReadOnlySpan<float> bias, int k, Matrix x, SparseCodes codes)
    {
        Span<int> lengths = x.Rows <= 64 ? stackalloc int[x.Rows] : new int[x.Rows];
        (count, Multiplied) = (0, 0);
        for (int r = 0; r < x.Rows; r++)
        {
            if (!TryBound(screen, bias, x.Row(r))) return false;
            int before = count;
            Multiply(weights, bias, x.Row(r), CandidatesOfTop(weights.Rows, k), 0);
            fixed (float* v = &values[before])
            fixed (int* l = &latents[before]) lengths[r] = Selection.KeepLargest(v, l, count - before, k, out _);
            count = before + lengths[r];
        }

        Give(lengths, codes);
        return true;
    }

    /// <summary>Keeps each row's pre-activations above a threshold, all of them.</summary>
    /// <param name="screen">W_enc in 8 bits.</param>
    /// <param name="weights">W_enc, <c>[n, d]</c>.</param>
    /// <param name="bias">b_enc, n values.</param>
    /// <param name="threshold">Strict lower bound, 0 or more.</param>
    /// <param name="x">The rows, centered and scaled, <c>[batch, d]</c>.</param>
    /// <param name="codes">Overwritten.</param>
    /// <returns>False as above.</returns>
    public bool TryAbove(Int8Matrix screen, Matrix weights, ReadOnlySpan<float> bias, float threshold, Matrix x, SparseCodes codes)
    {
        Span<int> lengths = x.Rows <= 64 ? stackalloc int[x.Rows] : new int[x.Rows];
        (count, Multiplied) = (0, 0);
        for (int r = 0; r < x.Rows; r++)
        {
            if (!TryBound(screen, bias, x.Row(r))) return false;
            int before = count;
            Multiply(weights, bias, x.Row(r), Candidates(weights.Rows, threshold), threshold);
            lengths[r] = count - before;
        }

        Give(lengths, codes);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => panelOfW.Dispose();

    private void Give(ReadOnlySpan<int> lengths, SparseCodes codes)
    {
        codes.Layout(lengths);
        values.AsSpan(0, count).CopyTo(codes.ValuesForWriting);
        latents.AsSpan(0, count).CopyTo(codes.LatentsForWriting);
    }

    private bool TryBound(Int8Matrix screen, ReadOnlySpan<float> bias, ReadOnlySpan<float> x)
    {
        int n = screen.Rows;
        if (lower.Length < n) (lower, upper, scratch, candidates) = (new float[n], new float[n], new float[n], new int[n]);
        return screen.TryBound(x, bias, lower.AsSpan(0, n), upper.AsSpan(0, n));
    }

    private int CandidatesOfTop(int n, int k)
    {
        int found = Candidates(n, MathF.Max(LeastOfTop(n, k), float.Epsilon));
        if (found <= k) return found;

        // Of these the k-th largest lower bound is the k-th of all; that of the groups may have been less.
        for (int i = 0; i < found; i++) scratch[i] = lower[candidates[i]];
        float least = Selection.KthLargest(scratch.AsSpan(0, found), k);
        int left = 0;
        for (int i = 0; i < found; i++)
            if (upper[candidates[i]] >= least) candidates[left++] = candidates[i];
        return left;
    }

    // A number that at least k lower bounds reach: the k-th largest of the largest of groups, or of all where groups are few.
    private float LeastOfTop(int n, int k)
    {
        if (k >= n) return float.NegativeInfinity;
        int width = Vector<float>.Count, deep = n / (width * ((GroupsOfValue * k / width) + 1)), groups = 0;
        if (deep < 2)
        {
            lower.AsSpan(0, n).CopyTo(scratch);
            return Selection.KthLargest(scratch.AsSpan(0, n), k);
        }

        for (int first = 0; first + (deep * width) <= n; first += deep * width)
        {
            var most = new Vector<float>(lower, first);
            for (int i = 1; i < deep; i++) most = Vector.Max(most, new Vector<float>(lower, first + (i * width)));
            most.CopyTo(scratch, groups);
            groups += width;
        }

        return Selection.KthLargest(scratch.AsSpan(0, groups), k);
    }

    // The latents whose upper bound reaches a number, ascending.
    private int Candidates(int n, float least)
    {
        int found = 0, i = 0;
        var bound = new Vector<float>(least);
        for (; i + Vector<float>.Count <= n; i += Vector<float>.Count)
        {
            if (!Vector.GreaterThanOrEqualAny(new Vector<float>(upper, i), bound)) continue;
            for (int j = i; j < i + Vector<float>.Count; j++)
                if (upper[j] >= least) candidates[found++] = j;
        }

        for (; i < n; i++)
            if (upper[i] >= least) candidates[found++] = i;
        return found;
    }

    private void Multiply(Matrix weights, ReadOnlySpan<float> bias, ReadOnlySpan<float> x, int found, float threshold)
    {
        int tileColumns = kernels.TileColumns, d = weights.Columns;
        float* panel = panelOfW.Ensure(((long)d + 1) * tileColumns), biases = panel + ((nint)d * tileColumns);
        float* sums = stackalloc float[tileColumns];
        int* names = stackalloc int[tileColumns];
        float** rows = stackalloc float*[tileColumns];
        if (values.Length < count + found + tileColumns)
        {
            Array.Resize(ref values, 2 * (count + found + tileColumns));
            Array.Resize(ref latents, values.Length);
        }

        Multiplied += found;
        for (int first = 0; first < found; first += tileColumns)
        {
            int here = Math.Min(tileColumns, found - first);
            for (int c = 0; c < tileColumns; c++)
            {
                names[c] = c < here ? candidates[first + c] : -1;
                biases[c] = c < here ? bias[names[c]] : float.NegativeInfinity;
                rows[c] = c < here ? weights.Pointer + ((nint)names[c] * d) : null;
            }

            Panels.FromRows(rows, here, tileColumns, d, panel);
            fixed (float* row = x) kernels.MultiplyRow(row, panel, d, sums);
            fixed (float* v = &values[count])
            fixed (int* l = &latents[count]) count += kernels.AppendAbove(sums, biases, threshold, names, v, l);
        }
    }
}
