using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Unweave.Benchmarks.Search;

/// <summary>
/// The signs of randomly rotated rows, a bit a coordinate, against queries in 4 bits: sums of signed query coordinates by counting bits
/// (the estimator of RaBitQ, Gao and Long 2024, without its factor for each row). The second setting ranks the best 100 again by 8 bits.
/// </summary>
internal sealed class SignBits(ulong seed) : Rival
{
    private const int Planes = 4, Together = 8, Ranked = 100;

    private readonly Best best = new(), again = new();
    private SearchSet set = null!;
    private Rotation rotation = null!;
    private ByteRows bytes = null!;
    private ulong[] bits = [];   // of eight rows: word 0 of each, word 1 of each …
    private ulong[] planes = []; // of the query: bit 0 of all coordinates, bit 1 …
    private float[] rotated = [];
    private int[] candidates = [];
    private int words;

    public override string Name => "sign bits";

    public override IReadOnlyList<string> Settings { get; } = ["", $"best {Ranked} by int8"];

    public override void Build(SearchSet set)
    {
        this.set = set;
        int width = set.Rows.Columns;
        rotation = Rotation.Random(width, seed);
        words = (width + 63) / 64;
        bits = new ulong[(set.Rows.Rows + Together - 1) / Together * Together * words];
        (planes, rotated) = (new ulong[Planes * words], new float[width]);
        for (int row = 0; row < set.Rows.Rows; row++)
        {
            rotation.Apply(set.Rows.Row(row), rotated);
            for (int i = 0; i < width; i++)
                if (rotated[i] > 0) bits[At(row, i / 64)] |= 1UL << (i % 64);
        }

        bytes = new ByteRows(set.Rows);
    }

    public override int Search(int query, int setting, Span<int> found)
    {
        ReadOnlySpan<float> vector = set.Queries.Row(query);
        int wanted = setting == 0 ? found.Length : Math.Max(Ranked, found.Length);
        if (candidates.Length < wanted) candidates = new int[wanted];
        int count = Scan(vector, candidates.AsSpan(0, wanted));
        if (setting == 0)
        {
            candidates.AsSpan(0, count).CopyTo(found);
            return count;
        }

        bytes.Take(vector);
        again.Clear(found.Length);
        candidates.AsSpan(0, count).Sort();
        foreach (int row in candidates.AsSpan(0, count)) again.Offer(bytes.Dot(row), row);
        return again.Take(found);
    }

    public override double BytesPerRow(int setting) => (words * sizeof(ulong)) + (setting == 0 ? 0 : bytes.BytesPerRow);

    public override void Dispose()
    {
        base.Dispose();
        rotation?.Dispose();
    }

    private int At(int row, int word) => (((row / Together * words) + word) * Together) + (row % Together);

    private int Scan(ReadOnlySpan<float> vector, Span<int> found)
    {
        // A coordinate is low + step · (0 … 15), so that the sum over a row's set bits is low · (how many) + step · (sum of numbers).
        rotation.Apply(vector, rotated);
        float low = rotated.Min(), step = (rotated.Max() - low) / ((1 << Planes) - 1);
        if (step == 0) step = 1;
        planes.AsSpan().Clear();
        for (int i = 0; i < rotated.Length; i++)
        {
            int number = (int)MathF.Round((rotated[i] - low) / step);
            for (int plane = 0; plane < Planes; plane++)
                planes[(plane * words) + (i / 64)] |= (ulong)((number >> plane) & 1) << (i % 64);
        }

        best.Clear(found.Length);
        Span<ulong> sums = stackalloc ulong[Together], counts = stackalloc ulong[Together];
        for (int first = 0; first < set.Rows.Rows; first += Together)
        {
            if (Avx512BW.IsSupported) Count(first * words, sums, counts);
            else CountPlainly(first * words, sums, counts);
            int rows = Math.Min(Together, set.Rows.Rows - first);
            for (int i = 0; i < rows; i++)
            {
                float score = (low * counts[i]) + (step * sums[i]);
                if (score > best.Threshold) best.Offer(score, first + i);
            }
        }

        return best.Take(found);
    }

    // Eight rows at once: a byte of a register never counts above 8 bits for each word, 15 times that for the weighted planes.
    private void Count(int start, Span<ulong> sums, Span<ulong> counts)
    {
        ref ulong at = ref MemoryMarshal.GetArrayDataReference(bits);
        ref ulong query = ref MemoryMarshal.GetArrayDataReference(planes);
        Vector512<long> weighted = default, ones = default;
        for (int word = 0; word < words; word++)
        {
            Vector512<ulong> row = Vector512.LoadUnsafe(ref at, (nuint)(start + (word * Together)));
            Vector512<byte> sum = BitsOf(row & Plane(ref query, word, 0));
            sum += BitsOf(row & Plane(ref query, word, 1)) << 1;
            sum += BitsOf(row & Plane(ref query, word, 2)) << 2;
            sum += BitsOf(row & Plane(ref query, word, 3)) << 3;
            weighted += Avx512BW.SumAbsoluteDifferences(sum, Vector512<byte>.Zero).AsInt64();
            ones += Avx512BW.SumAbsoluteDifferences(BitsOf(row), Vector512<byte>.Zero).AsInt64();
        }

        weighted.AsUInt64().CopyTo(sums);
        ones.AsUInt64().CopyTo(counts);
    }

    private Vector512<ulong> Plane(ref ulong query, int word, int plane) =>
        Vector512.Create(System.Runtime.CompilerServices.Unsafe.Add(ref query, (plane * words) + word));

    // How many bits of each byte are set, from a table of those of four.
    private static Vector512<byte> BitsOf(Vector512<ulong> eight)
    {
        var table = Vector512.Create(Vector256.Create(Vector128.Create((byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4)));
        var low = Vector512.Create((byte)15);
        return Avx512BW.Shuffle(table, eight.AsByte() & low) + Avx512BW.Shuffle(table, (eight >> 4).AsByte() & low);
    }

    private void CountPlainly(int start, Span<ulong> sums, Span<ulong> counts)
    {
        for (int row = 0; row < Together; row++)
        {
            int weighted = 0, ones = 0;
            for (int word = 0; word < words; word++)
            {
                ulong signs = bits[start + (word * Together) + row];
                ones += BitOperations.PopCount(signs);
                for (int plane = 0; plane < Planes; plane++)
                    weighted += BitOperations.PopCount(signs & planes[(plane * words) + word]) << plane;
            }

            (sums[row], counts[row]) = ((ulong)weighted, (ulong)ones);
        }
    }
}
