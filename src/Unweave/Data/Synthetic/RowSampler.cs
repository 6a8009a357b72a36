using System.Runtime.Intrinsics;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Data;

/// <summary>
/// Draws which features are active in rows, and how strongly, for one thread at a time.
/// </summary>
/// <remarks>
/// A number for each of n features would take most of the time, as few fire. Given the factors, features fire independently with
/// probabilities Φ(w). The w of all features without a parent are one product of low rank. Among 16 neighbors with largest w the sampler
/// leaps from candidate to candidate, each of which comes with probability Φ(largest w), by exponential numbers, and keeps a candidate
/// with probability Φ(w)/Φ(largest w): thinning, which is exact. Features with a parent are looked at only where it is active.
/// </remarks>
internal sealed unsafe class RowSampler : IDisposable
{
    private const int Chunk = 16, Strip = 48; // a strip is a whole number of tiles of every set of kernels, and of chunks

    private readonly SyntheticModel model;
    private readonly KernelSet kernels;
    private readonly int depth, panels;
    private readonly Panel roots, others;
    private readonly NativeBuffer<float> packed = new(), scores = new(), factors = new();
    private readonly RowCode[] codes;
    private int[] children = [];
    private float[] childScores = [];

    /// <summary>Prepares for up to so many rows at once.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">Most rows of a call.</param>
    /// <param name="kernelSet">The kernels; those in use when null.</param>
    public RowSampler(SyntheticModel model, int rows, KernelSet? kernelSet = null)
    {
        this.model = model;
        kernels = kernelSet ?? KernelSet.Current;
        depth = model.Firing.Rank + 1;
        panels = (rows + kernels.TileRows - 1) / kernels.TileRows;
        int trees = model.Options.TreeFeatures;
        roots = new Panel(model.Firing, kernels, 0, model.Options.Roots);
        others = new Panel(model.Firing, kernels, trees, model.Options.Features - trees);
        codes = [.. Enumerable.Range(0, rows).Select(_ => new RowCode())];
        packed.Ensure((long)panels * kernels.TileRows * depth);
        scores.Ensure(((long)panels * kernels.TileRows * Strip) + Strip);
        factors.Ensure((long)rows * model.Firing.Loadings.Columns);
    }

    /// <summary>Active features of a row of the last call, ascending.</summary>
    public ReadOnlySpan<int> Features(int row) => codes[row].Features;

    /// <summary>Their magnitudes.</summary>
    public ReadOnlySpan<float> Values(int row) => codes[row].Values;

    /// <summary>Draws rows.</summary>
    /// <param name="positions">Their positions, at most as many as prepared for.</param>
    public void Draw(ReadOnlySpan<long> positions)
    {
        int stride = model.Firing.Loadings.Columns;
        new Span<float>(factors.Pointer, positions.Length * stride).Clear();
        for (int r = 0; r < positions.Length; r++)
        {
            RowCode code = codes[r];
            code.Start(new Rng(model.Options.Seed, (ulong)positions[r] + 1));
            float* u = factors.Pointer + (r * stride);
            for (int k = 0; k < depth - 1; k++) u[k] = (float)code.NextNormal();
            u[depth - 1] = 1;
        }

        Pack(positions.Length, stride);
        Thin(roots, positions.Length);
        for (int r = 0; r < positions.Length; r++)
        {
            Grow(codes[r], 0);
            Descend(codes[r], factors.Pointer + (r * stride));
        }

        int[] own = [.. codes.Take(positions.Length).Select(code => code.Count)];
        Thin(others, positions.Length);
        for (int r = 0; r < positions.Length; r++) Grow(codes[r], own[r]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        packed.Dispose();
        scores.Dispose();
        factors.Dispose();
        roots.Dispose();
        others.Dispose();
    }

    private void Pack(int rows, int stride)
    {
        float** from = stackalloc float*[kernels.TileRows];
        for (int panel = 0; panel < panels; panel++)
        {
            int first = panel * kernels.TileRows, here = Math.Clamp(rows - first, 0, kernels.TileRows);
            for (int r = 0; r < here; r++) from[r] = factors.Pointer + ((first + r) * stride);
            Panels.FromRows(from, here, kernels.TileRows, depth, packed.Pointer + ((nint)first * depth));
        }
    }

    // Which of the features of a panel fire, a strip of them at a time for all rows.
    private void Thin(Panel panel, int rows)
    {
        for (int r = 0; r < rows; r++) codes[r].Gap = codes[r].NextExponential();
        int tileRows = kernels.TileRows, tileColumns = kernels.TileColumns, tiles = Strip / tileColumns;
        float* w = scores.Pointer, gathered = w + (panels * tileRows * Strip);
        for (int strip = 0; strip < panel.Strips; strip++)
        {
            for (int first = 0; first < rows; first += tileRows)
            {
                // tile after tile: [tile][row][column]
                for (int tile = 0; tile < tiles; tile++)
                {
                    float* columns = panel.Pointer + ((((nint)strip * Strip) + (tile * tileColumns)) * depth);
                    kernels.Multiply(packed.Pointer + ((nint)first * depth), columns, depth, w + (tile * tileRows * tileColumns));
                }

                int here = Math.Min(tileRows, rows - first);
                for (int r = 0; r < here; r++)
                {
                    float* lanes = w + (r * tileColumns);
                    if (tiles > 1)
                    {
                        for (int tile = 0; tile < tiles; tile++)
                        {
                            float* from = w + (((tile * tileRows) + r) * tileColumns);
                            new ReadOnlySpan<float>(from, tileColumns).CopyTo(new Span<float>(gathered + (tile * tileColumns), tileColumns));
                        }

                        lanes = gathered;
                    }

                    Leap(codes[first + r], lanes, panel.First + (strip * Strip));
                }
            }
        }
    }

    // From candidate to candidate in a strip; most often there is none, and what is left of the gap says so.
    private static void Leap(RowCode code, float* w, int firstFeature)
    {
        Vector128<int> cells = FiringTable.Cells(Largest(w));
        int first = cells.GetElement(0), second = cells.GetElement(1), third = cells.GetElement(2);
        double left = code.Gap - (Chunk * FiringTable.Rate(first));
        left -= Chunk * FiringTable.Rate(second);
        left -= Chunk * FiringTable.Rate(third);
        if (left >= 0)
        {
            code.Gap = left;
            return;
        }

        Leap(code, w, first, firstFeature);
        Leap(code, w + Chunk, second, firstFeature + Chunk);
        Leap(code, w + (2 * Chunk), third, firstFeature + (2 * Chunk));
    }

    // The largest of each of a strip's three chunks.
    private static Vector128<float> Largest(float* w)
    {
        Vector128<float> a = LargestOfFours(w), b = LargestOfFours(w + Chunk), c = LargestOfFours(w + (2 * Chunk));
        Vector128<int> halves = Vector128.Create(2, 3, 0, 1);
        a = Vector128.Max(a, Vector128.Shuffle(a, halves));
        b = Vector128.Max(b, Vector128.Shuffle(b, halves));
        c = Vector128.Max(c, Vector128.Shuffle(c, halves));
        return Vector128.Max(
            Vector128.Create(a.GetElement(0), b.GetElement(0), c.GetElement(0), 0),
            Vector128.Create(a.GetElement(1), b.GetElement(1), c.GetElement(1), 0));

        static Vector128<float> LargestOfFours(float* w) => Vector128.Max(
            Vector128.Max(Vector128.Load(w), Vector128.Load(w + 4)), Vector128.Max(Vector128.Load(w + 8), Vector128.Load(w + 12)));
    }

    private static void Leap(RowCode code, float* w, int cell, int firstFeature)
    {
        double rate = FiringTable.Rate(cell), most = FiringTable.Bound(cell), gap = code.Gap;
        int lane = 0;
        while (true)
        {
            double leap = gap / rate;
            if (leap >= Chunk - lane)
            {
                code.Gap = gap - ((Chunk - lane) * rate);
                return;
            }

            lane += (int)leap;
            if (FiringTable.Fires(w[lane], code.NextUniform() * most)) code.Add(firstFeature + lane);
            gap = code.NextExponential();
            if (++lane == Chunk)
            {
                code.Gap = gap;
                return;
            }
        }
    }

    // Magnitudes of features without a parent; one of 0 is not active.
    private void Grow(RowCode code, int from)
    {
        int kept = from;
        for (int i = from; i < code.Count; i++)
        {
            float magnitude = Magnitude(code, code.AllFeatures[i]);
            if (magnitude > 0) code.Set(kept++, code.AllFeatures[i], magnitude);
        }

        code.Count = kept;
    }

    private float Magnitude(RowCode code, int feature) =>
        (float)(model.Means[feature] + (model.Deviations[feature] * code.NextNormal()));

    private void Descend(RowCode code, float* factor)
    {
        SyntheticModelOptions options = model.Options;
        int branching = options.Branching, level = 0;
        for (int below = 0; below < options.Depth; below++)
        {
            int end = code.Count, count = (end - level) * branching;
            if (count == 0) return;
            if (children.Length < count) (children, childScores) = (new int[count * 2], new float[count * 2]);
            for (int i = level, c = 0; i < end; i++)
                for (int b = 0; b < branching; b++) children[c++] = options.Roots + (code.AllFeatures[i] * branching) + b;
            fixed (int* ids = children)
            fixed (float* w = childScores)
                kernels.Dots(factor, model.Firing.Loadings.Pointer, model.Firing.Loadings.Columns, ids, w, count);
            for (int i = level; i < end; i++)
            {
                (int winner, float strength, int contenders) = (-1, 0, 0);
                for (int b = 0; b < branching; b++)
                {
                    int c = ((i - level) * branching) + b;
                    if (!FiringTable.Fires(childScores[c], code.NextUniform())) continue;
                    float magnitude = Magnitude(code, children[c]);
                    if (magnitude <= 0) continue;
                    contenders++;
                    // the last of k stays with probability 1/k, so that all are equally likely
                    if (contenders == 1 || code.NextUniform() * contenders < 1) (winner, strength) = (children[c], magnitude);
                }

                if (winner < 0) continue;
                int parent = code.AllFeatures[i];
                if (options.ScaledByParent) strength *= code.AllValues[i] / model.Means[parent];
                if (strength > 0) code.Append(winner, strength);
            }

            level = end;
        }
    }

    /// <summary>Loadings of consecutive features, packed for products; strips are filled up with features that never fire.</summary>
    private sealed class Panel : IDisposable
    {
        private readonly NativeBuffer<float> memory = new();

        public Panel(FiringScores firing, KernelSet kernels, int first, int count)
        {
            First = first;
            Strips = (count + Strip - 1) / Strip;
            int depth = firing.Rank + 1, width = kernels.TileColumns;
            memory.Ensure(Math.Max(1, (long)Strips * Strip * depth));
            float** rows = stackalloc float*[width];
            for (int column = 0; column < Strips * Strip; column += width)
            {
                int here = Math.Clamp(count - column, 0, width);
                for (int r = 0; r < here; r++)
                    rows[r] = firing.Loadings.Pointer + ((nint)(first + column + r) * firing.Loadings.Columns);
                float* panel = memory.Pointer + ((nint)column * depth);
                Panels.FromRows(rows, here, width, depth, panel);
                for (int r = here; r < width; r++) panel[((depth - 1) * width) + r] = float.NegativeInfinity;
            }
        }

        public int First { get; }

        public int Strips { get; }

        public float* Pointer => memory.Pointer;

        public void Dispose() => memory.Dispose();
    }

    /// <summary>A row in the making, with its own random numbers.</summary>
    private sealed class RowCode
    {
        private Rng rng = new(0);
        private int[] features = new int[64];
        private float[] values = new float[64];
        private double spare = double.NaN;

        /// <summary>Exponential number that is left until the next candidate.</summary>
        public double Gap { get; set; }

        public int Count { get; set; }

        public ReadOnlySpan<int> Features => features.AsSpan(0, Count);

        public ReadOnlySpan<float> Values => values.AsSpan(0, Count);

        public int[] AllFeatures => features;

        public float[] AllValues => values;

        public void Start(Rng numbers)
        {
            rng = numbers;
            Count = 0;
            spare = double.NaN;
        }

        public double NextUniform() => rng.NextDouble();

        public double NextExponential() => -Math.Log(1 - rng.NextDouble());

        /// <summary>A standard normal number, by Marsaglia's polar method, which gives two at a time.</summary>
        public double NextNormal()
        {
            if (!double.IsNaN(spare))
            {
                double kept = spare;
                spare = double.NaN;
                return kept;
            }

            while (true)
            {
                double u = (2 * rng.NextDouble()) - 1, v = (2 * rng.NextDouble()) - 1, s = (u * u) + (v * v);
                if (s is not (> 0 and < 1)) continue;
                double factor = Math.Sqrt(-2 * Math.Log(s) / s);
                spare = v * factor;
                return u * factor;
            }
        }

        public void Add(int feature) => Append(feature, 0);

        public void Append(int feature, float value)
        {
            if (Count == features.Length)
            {
                Array.Resize(ref features, Count * 2);
                Array.Resize(ref values, Count * 2);
            }

            Set(Count++, feature, value);
        }

        public void Set(int index, int feature, float value) => (features[index], values[index]) = (feature, value);
    }
}
