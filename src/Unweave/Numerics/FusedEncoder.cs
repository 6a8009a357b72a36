using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Unweave.Numerics.Kernels;

namespace Unweave.Numerics;

/// <summary>
/// The encoder's product and its selection in one: pre = x·Wᵀ + b, of which each row keeps its k largest positive values, or all
/// above a threshold. The <c>[batch, n]</c> pre-activations never exist: each tile of the product is searched while it is in the cache.
/// </summary>
/// <remarks>
/// W is packed a block of panels at a time, small enough for the second-level cache; while the team multiplies one block, the next
/// is packed. A row belongs to one thread within a block, and blocks follow each other, so a row meets its latents in
/// ascending order whatever the number of threads, and of equal values the lower latent wins.
/// <para>
/// Most candidates of a top k would come early, while the threshold is still low. So each row starts at a guess: its norm times the
/// lowest ratio of k-th value to norm that the last batch had. A row that ends with fewer than k above its guess is done again from
/// 0, so the guess changes the time and never the result.
/// </para>
/// </remarks>
internal sealed unsafe class FusedEncoder(Workers workers, KernelSet? kernelSet = null) : IDisposable
{
    private const int BlockBytes = 1200 * 1024; // of packed W: stays in a second-level cache of 2 MB beside a panel of x
    private const int PanelsOfX = 4; // in one part of the work
    private const int PartRows = 32;

    private readonly KernelSet kernels = kernelSet ?? KernelSet.Current;
    private readonly NativeBuffer<float> packedX = new(), packedAgain = new(), packedW = new(), pool = new(), norms = new(), ratios = new();
    private readonly NativeBuffer<int> packedLatents = new(), poolLatents = new();
    private readonly NativeBuffer<Candidates> rows = new(), rowsAgain = new();
    private Matrix? input;
    private int batch, depth;
    private float guess; // of a row's threshold, as a share of its norm

    /// <summary>What a row has kept so far. All of <see cref="Values"/> are above <see cref="Threshold"/>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Candidates
    {
        public float* Values;
        public int* Latents;
        public int Count;
        public int Capacity;
        public float Threshold;
    }

    /// <summary>Packs the input of the following selections.</summary>
    /// <param name="x"><c>[batch, d]</c>, centered and scaled; unchanged until they are done.</param>
    public void Load(Matrix x)
    {
        (input, batch, depth) = (x, x.Rows, x.Columns);
        float* norm = norms.Ensure(batch);
        Pack(batch, static r => r, packedX);
        workers.Run(Parts(batch), part =>
        {
            for (int r = part * PartRows; r < Math.Min(batch, (part + 1) * PartRows); r++)
            {
                float* row = x.Pointer + ((nint)r * depth);
                norm[r] = MathF.Sqrt(kernels.Dot(row, row, depth));
            }
        });
    }

    /// <summary>Keeps each row's k largest positive pre-activations.</summary>
    /// <param name="weights">W_enc, <c>[n, d]</c>.</param>
    /// <param name="bias">b_enc, n values.</param>
    /// <param name="k">Values kept, 1 or more.</param>
    /// <param name="subset">The latents that take part, ascending; empty for all.</param>
    /// <param name="codes">Overwritten.</param>
    /// <param name="scales">Factors on the rows of W_enc, n values; null for none. The bias is taken as it is.</param>
    /// <param name="signed">True keeps the k largest whatever their sign.</param>
    /// <param name="magnitude">True keeps the k of largest magnitude, with their signs.</param>
    public void TopK(Matrix weights, float* bias, int k, ReadOnlySpan<int> subset, SparseCodes codes, float* scales = null,
        bool signed = false, bool magnitude = false)
    {
        int capacity = checked(k + Math.Max(k, 4 * kernels.TileColumns));
        float* values = pool.Ensure((long)batch * capacity), norm = norms.Pointer, ratio = ratios.Ensure(batch);
        int* latents = poolLatents.Ensure((long)batch * capacity);
        Candidates* states = rows.Ensure(batch);
        bool guessing = subset.IsEmpty && guess > 0 && !signed;
        for (int r = 0; r < batch; r++)
        {
            states[r] = new Candidates
            {
                Values = values + ((nint)r * capacity),
                Latents = latents + ((nint)r * capacity),
                Capacity = capacity,
                Threshold = signed ? float.NegativeInfinity : 0,
            };
            if (guessing) states[r].Threshold = guess * norm[r];
        }

        Select(packedX.Pointer, states, batch, weights, bias, scales, k, subset, magnitude);
        if (guessing)
        {
            int[] again = [.. Enumerable.Range(0, batch).Where(r => states[r].Count < k)];
            Candidates* statesAgain = rowsAgain.Ensure(again.Length);
            for (int i = 0; i < again.Length; i++) statesAgain[i] = states[again[i]] with { Count = 0, Threshold = 0 };
            Pack(again.Length, i => again[i], packedAgain);
            Select(packedAgain.Pointer, statesAgain, again.Length, weights, bias, scales, k, subset, magnitude);
            for (int i = 0; i < again.Length; i++) states[again[i]] = statesAgain[i];
        }

        workers.Run(Parts(batch), part =>
        {
            for (int r = part * PartRows; r < Math.Min(batch, (part + 1) * PartRows); r++)
            {
                ref Candidates state = ref states[r];
                Compact(ref state, k);
                float least = state.Count < k ? 0 : float.PositiveInfinity;
                for (int j = 0; j < state.Count; j++) least = MathF.Min(least, state.Values[j]);
                ratio[r] = norm[r] > 0 ? least / norm[r] : 0;
                if (magnitude) RestoreSigns(ref state);
            }
        });
        Collect(codes);
        if (subset.IsEmpty && !signed) guess = Guess(new Span<float>(ratio, batch));
    }

    /// <summary>Keeps each row's pre-activations above a threshold, all of them.</summary>
    /// <param name="weights">W_enc, <c>[n, d]</c>.</param>
    /// <param name="bias">b_enc, n values.</param>
    /// <param name="threshold">Strict lower bound, of any sign.</param>
    /// <param name="codes">Overwritten.</param>
    /// <param name="scales">Factors on the rows of W_enc, n values; null for none. The bias is taken as it is.</param>
    public void Above(Matrix weights, float* bias, float threshold, SparseCodes codes, float* scales = null)
    {
        Candidates* states = rows.Ensure(batch);
        for (int r = 0; r < batch; r++) states[r] = new Candidates { Threshold = threshold };
        try
        {
            Select(packedX.Pointer, states, batch, weights, bias, scales, 0, []);
            Collect(codes);
        }
        finally
        {
            for (int r = 0; r < batch; r++)
            {
                NativeMemory.Free(states[r].Values);
                NativeMemory.Free(states[r].Latents);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (
            IDisposable buffer in (IDisposable[])
            [
                packedX, packedAgain, packedW, pool, norms, ratios, packedLatents, poolLatents, rows, rowsAgain
            ])
            buffer.Dispose();
    }

    // A little below the lowest of the last batch, unless that is an outlier: a row below the guess costs a second search.
    private static float Guess(Span<float> ratios)
    {
        if (ratios.Length < 64) return 0;
        float low = Selection.KthLargest(ratios, (int)(ratios.Length * 0.99)), lowest = low;
        foreach (float ratio in ratios) lowest = MathF.Min(lowest, ratio);
        return MathF.Max(0.95f * lowest, 0.7f * low);
    }

    private void Pack(int count, Func<int, int> rowOf, NativeBuffer<float> buffer)
    {
        int tileRows = kernels.TileRows, panels = (count + tileRows - 1) / tileRows, d = depth;
        float* target = buffer.Ensure((long)panels * tileRows * d), source = input!.Pointer;
        workers.Run((panels + PanelsOfX - 1) / PanelsOfX, part =>
        {
            float** pointers = stackalloc float*[tileRows];
            for (int panel = part * PanelsOfX; panel < Math.Min(panels, (part + 1) * PanelsOfX); panel++)
            {
                int first = panel * tileRows, here = Math.Min(tileRows, count - first);
                for (int r = 0; r < here; r++) pointers[r] = source + ((nint)rowOf(first + r) * d);
                Panels.FromRows(pointers, here, tileRows, d, target + ((nint)panel * tileRows * d));
            }
        });
    }

    // k = 0 keeps everything above the threshold.
    private void Select(
        float* x, Candidates* states, int rowCount, Matrix weights, float* bias, float* scales, int k, ReadOnlySpan<int> subset,
        bool magnitude = false)
    {
        if (rowCount == 0) return;
        int tileRows = kernels.TileRows, tileColumns = kernels.TileColumns, d = depth;
        int n = subset.IsEmpty ? weights.Rows : subset.Length;
        int panels = (n + tileColumns - 1) / tileColumns;
        nint panelFloats = ((nint)d + 2) * tileColumns; // the panel, then its biases, then those of the other sign
        int blockPanels = (int)Math.Clamp(BlockBytes / (panelFloats * sizeof(float)), 1, Math.Max(panels, 1));
        int blocks = (panels + blockPanels - 1) / blockPanels;
        int xPanels = (rowCount + tileRows - 1) / tileRows, parts = (xPanels + PanelsOfX - 1) / PanelsOfX;
        float* w = packedW.Ensure(2 * blockPanels * panelFloats);
        int* ids = packedLatents.Ensure(2 * blockPanels * tileColumns);
        float* source = weights.Pointer;
        fixed (int* chosen = subset)
        {
            int* chosenLatents = chosen; // a fixed local cannot be captured

            void PackBlock(int block, int inBlock)
            {
                int panel = (block * blockPanels) + inBlock, first = panel * tileColumns, count = Math.Min(tileColumns, n - first);
                int slot = ((block & 1) * blockPanels) + inBlock;
                float* target = w + (slot * panelFloats);
                int* names = ids + (slot * tileColumns);
                float** pointers = stackalloc float*[tileColumns];
                float* biases = target + ((nint)d * tileColumns);
                for (int c = 0; c < tileColumns; c++)
                {
                    int latent = c < count ? (chosenLatents == null ? first + c : chosenLatents[first + c]) : -1;
                    names[c] = latent;
                    biases[c] = latent < 0 ? float.NegativeInfinity : bias[latent];
                    biases[tileColumns + c] = latent < 0 ? float.NegativeInfinity : -bias[latent];
                    pointers[c] = latent < 0 ? null : source + ((nint)latent * d);
                }

                Panels.FromRows(pointers, count, tileColumns, d, target);
                if (scales != null) Scale(target, names, scales);
            }

            void Scale(float* panel, int* names, float* factors)
            {
                Span<float> here = stackalloc float[tileColumns];
                for (int c = 0; c < tileColumns; c++) here[c] = names[c] < 0 ? 0 : factors[names[c]];
                for (int p = 0; p < d; p++)
                {
                    var row = new Span<float>(panel + ((nint)p * tileColumns), tileColumns);
                    TensorPrimitives.Multiply(row, here, row);
                }
            }

            void Multiply(int block, int part)
            {
                float* tile = stackalloc float[tileRows * tileColumns];
                float* negated = stackalloc float[tileColumns];
                int* otherNames = stackalloc int[tileColumns];
                int panelsHere = Math.Min(blockPanels, panels - (block * blockPanels));
                for (int xPanel = part * PanelsOfX; xPanel < Math.Min(xPanels, (part + 1) * PanelsOfX); xPanel++)
                {
                    float* rowsOfX = x + ((nint)xPanel * tileRows * d);
                    int first = xPanel * tileRows, count = Math.Min(tileRows, rowCount - first);
                    for (int panel = 0; panel < panelsHere; panel++)
                    {
                        int slot = ((block & 1) * blockPanels) + panel;
                        float* panelOfW = w + (slot * panelFloats);
                        kernels.Multiply(rowsOfX, panelOfW, d, tile);
                        float* biases = panelOfW + ((nint)d * tileColumns);
                        int* names = ids + (slot * tileColumns);
                        for (int c = 0; magnitude && c < tileColumns; c++) otherNames[c] = ~names[c];
                        for (int r = 0; r < count; r++)
                        {
                            ref Candidates state = ref states[first + r];
                            float* sums = tile + (r * tileColumns);
                            if (magnitude) // before biases are added to the sums in place
                                TensorPrimitives.Negate(new ReadOnlySpan<float>(sums, tileColumns), new Span<float>(negated, tileColumns));
                            if (state.Count + tileColumns > state.Capacity) MakeRoom(ref state, k, tileColumns);
                            state.Count += kernels.AppendAbove(
                                sums, biases, state.Threshold, names, state.Values + state.Count, state.Latents + state.Count);
                            if (!magnitude) continue;
                            if (state.Count + tileColumns > state.Capacity) MakeRoom(ref state, k, tileColumns);
                            state.Count += kernels.AppendAbove(
                                negated, biases + tileColumns, state.Threshold, otherNames, state.Values + state.Count,
                                state.Latents + state.Count);
                        }
                    }
                }
            }

            int PanelsOf(int block) => block < blocks ? Math.Min(blockPanels, panels - (block * blockPanels)) : 0;

            workers.Run(PanelsOf(0), panel => PackBlock(0, panel));
            for (int block = 0; block < blocks; block++)
            {
                int current = block, packing = PanelsOf(block + 1);
                workers.Run(packing + parts, part =>
                {
                    if (part < packing) PackBlock(current + 1, part);
                    else Multiply(current, part - packing);
                });
            }
        }
    }

    private static void MakeRoom(ref Candidates state, int k, int room)
    {
        if (k > 0)
        {
            Compact(ref state, k);
            return;
        }

        int capacity = Math.Max(4 * room, 2 * state.Capacity);
        state.Values = (float*)NativeMemory.Realloc(state.Values, (nuint)capacity * sizeof(float));
        state.Latents = (int*)NativeMemory.Realloc(state.Latents, (nuint)capacity * sizeof(int));
        state.Capacity = capacity;
    }

    // Drops all but the k largest and raises the threshold to the k-th: a later equal value has a higher latent and loses.
    private static void Compact(ref Candidates state, int k)
    {
        if (state.Count <= k) return;
        state.Count = Selection.KeepLargest(state.Values, state.Latents, state.Count, k, out state.Threshold);
    }

    // Values below 0 were kept by their magnitude, under the complement of their latent, after those above 0 of the same panel.
    private static void RestoreSigns(ref Candidates state)
    {
        for (int i = 0; i < state.Count; i++)
        {
            (int latent, float value) = (state.Latents[i], state.Values[i]);
            if (latent < 0) (latent, value) = (~latent, -value);
            int at = i;
            for (; at > 0 && state.Latents[at - 1] > latent; at--)
                (state.Latents[at], state.Values[at]) = (state.Latents[at - 1], state.Values[at - 1]);
            (state.Latents[at], state.Values[at]) = (latent, value);
        }
    }

    private void Collect(SparseCodes codes)
    {
        Candidates* states = rows.Pointer;
        int[] lengths = ArrayPool<int>.Shared.Rent(Math.Max(batch, 1));
        for (int r = 0; r < batch; r++) lengths[r] = states[r].Count;
        codes.Layout(lengths.AsSpan(0, batch));
        ArrayPool<int>.Shared.Return(lengths);
        int rowCount = batch;
        workers.Run(Parts(rowCount), part =>
        {
            for (int r = part * PartRows; r < Math.Min(rowCount, (part + 1) * PartRows); r++)
            {
                int start = (int)codes.Starts[r];
                new ReadOnlySpan<float>(states[r].Values, states[r].Count).CopyTo(codes.ValuesForWriting[start..]);
                new ReadOnlySpan<int>(states[r].Latents, states[r].Count).CopyTo(codes.LatentsForWriting[start..]);
            }
        });
    }

    private static int Parts(int rowCount) => (rowCount + PartRows - 1) / PartRows;
}
