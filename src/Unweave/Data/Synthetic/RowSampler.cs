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
    /// <summary>Most rows of a call: a whole number of tiles of every set of kernels.</summary>
    public const int MostRows = 48;

    private const int Chunk = 16;

    private readonly SyntheticModel model;
    private readonly KernelSet kernels;
    private readonly int depth;
    private readonly Panel roots, others;
    private readonly NativeBuffer<float> packed = new(), scores = new(), factors = new();
    private readonly double[] gaps = new double[MostRows];
    private readonly RowCode[] codes;
    private int[] children = [];
    private float[] childScores = [];

    /// <summary>Prepares.</summary>
    /// <param name="model">The model.</param>
    /// <param name="kernelSet">The kernels; those in use when null.</param>
    public RowSampler(SyntheticModel model, KernelSet? kernelSet = null)
    {
        this.model = model;
        kernels = kernelSet ?? KernelSet.Current;
        depth = model.Firing.Rank + 1;
        int trees = model.Options.TreeFeatures;
        roots = new Panel(model.Firing, kernels, 0, model.Options.Roots);
        others = new Panel(model.Firing, kernels, trees, model.Options.Features - trees);
        codes = [.. Enumerable.Range(0, MostRows).Select(_ => new RowCode())];
        packed.Ensure((long)MostRows * depth);
        scores.Ensure((long)MostRows * Chunk);
        factors.Ensure((long)MostRows * model.Firing.Loadings.Columns);
    }

    /// <summary>Active features of a row of the last call, ascending.</summary>
    public ReadOnlySpan<int> Features(int row) => codes[row].Features;

    /// <summary>Their magnitudes.</summary>
    public ReadOnlySpan<float> Values(int row) => codes[row].Values;

    /// <summary>Draws rows.</summary>
    /// <param name="positions">Their positions, at most <see cref="MostRows"/>.</param>
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
        int width = kernels.TileColumns;
        float** from = stackalloc float*[width];
        for (int first = 0; first < rows; first += width)
        {
            int here = Math.Min(rows - first, width);
            for (int r = 0; r < here; r++) from[r] = factors.Pointer + ((first + r) * stride);
            Panels.FromRows(from, here, width, depth, packed.Pointer + ((nint)first * depth));
        }
    }

    // Which of the features of a panel fire, a chunk of them at a time. Rows lie side by side: a chunk's largest w of all rows are found
    // at once.
    private void Thin(Panel panel, int rows)
    {
        for (int r = 0; r < rows; r++) gaps[r] = codes[r].NextExponential();
        int width = kernels.TileColumns, height = kernels.TileRows;
        float* w = scores.Pointer; // [tile of rows][feature][row]
        float* largest = stackalloc float[MostRows];
        int* cells = stackalloc int[MostRows];
        for (int chunk = 0; chunk < panel.Chunks; chunk++)
        {
            int feature = chunk * Chunk;
            for (int first = 0; first < rows; first += width)
            {
                float* tile = w + (first * Chunk);
                for (int lane = 0; lane < Chunk; lane += height)
                {
                    kernels.Multiply(panel.Pointer + ((nint)(feature + lane) * depth), packed.Pointer + ((nint)first * depth), depth,
                        tile + (lane * width));
                }

                Largest(tile, width, largest + first);
            }

            for (int r = 0; r < MostRows; r += 4) FiringTable.Cells(Vector128.Load(largest + r)).Store(cells + r);
            for (int r = 0; r < rows; r++)
            {
                // Most often there is no candidate, and what is left of the gap says so.
                double left = gaps[r] - (Chunk * FiringTable.Rate(cells[r]));
                if (left >= 0)
                {
                    gaps[r] = left;
                    continue;
                }

                float* lanes = w + (r / width * width * Chunk) + (r % width);
                gaps[r] = Leap(codes[r], gaps[r], lanes, width, cells[r], panel.First + feature);
            }
        }
    }

    // The largest of each column.
    private static void Largest(float* tile, int width, float* largest)
    {
        int c = 0;
        for (; c + 8 <= width; c += 8)
        {
            Vector256<float> most = Vector256.Load(tile + c);
            for (int lane = 1; lane < Chunk; lane++) most = Vector256.MaxNative(most, Vector256.Load(tile + (lane * width) + c));
            most.Store(largest + c);
        }

        for (; c < width; c++)
        {
            float most = tile[c];
            for (int lane = 1; lane < Chunk; lane++) most = Math.Max(most, tile[(lane * width) + c]);
            largest[c] = most;
        }
    }

    // From candidate to candidate among a chunk's features in one row.
    private static double Leap(RowCode code, double gap, float* w, int stride, int cell, int firstFeature)
    {
        double rate = FiringTable.Rate(cell), most = FiringTable.Bound(cell);
        int lane = 0;
        while (true)
        {
            double leap = gap / rate;
            if (leap >= Chunk - lane) return gap - ((Chunk - lane) * rate);
            lane += (int)leap;
            if (FiringTable.Fires(w[lane * stride], code.NextUniform() * most)) code.Add(firstFeature + lane);
            gap = code.NextExponential();
            if (++lane == Chunk) return gap;
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

    /// <summary>Loadings of consecutive features, packed for products; chunks are filled up with features that never fire.</summary>
    private sealed class Panel : IDisposable
    {
        private readonly NativeBuffer<float> memory = new();

        public Panel(FiringScores firing, KernelSet kernels, int first, int count)
        {
            First = first;
            Chunks = (count + Chunk - 1) / Chunk;
            int depth = firing.Rank + 1, height = kernels.TileRows;
            memory.Ensure(Math.Max(1, (long)Chunks * Chunk * depth));
            float** rows = stackalloc float*[height];
            for (int feature = 0; feature < Chunks * Chunk; feature += height)
            {
                int here = Math.Clamp(count - feature, 0, height);
                for (int r = 0; r < here; r++)
                    rows[r] = firing.Loadings.Pointer + ((nint)(first + feature + r) * firing.Loadings.Columns);
                float* panel = memory.Pointer + ((nint)feature * depth);
                Panels.FromRows(rows, here, height, depth, panel);
                for (int r = here; r < height; r++) panel[((depth - 1) * height) + r] = float.NegativeInfinity;
            }
        }

        public int First { get; }

        public int Chunks { get; }

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
