using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Unweave.Numerics.Kernels;

/// <summary>
/// Products of rows of bytes with one vector of bytes, for one instruction set. Integers are summed exactly, so that every set gives the
/// same sums; <see cref="Current"/> is the fastest that <c>UNWEAVE_KERNELS</c> allows.
/// </summary>
/// <remarks>
/// Rows come in panels of <see cref="PanelRows"/>, <c>[depth / 4][PanelRows][4]</c>, each byte raised by <see cref="Raise"/> to be above 0:
/// the instructions take one operand without a sign.
/// </remarks>
internal abstract unsafe class ByteKernels
{
    /// <summary>Rows of a panel.</summary>
    public const int PanelRows = 16;

    /// <summary>What is added to each byte of a row.</summary>
    public const int Raise = 128;

    /// <summary>What is added to each number of 4 bits.</summary>
    public const int NibbleRaise = 8;

    /// <summary>Every set that this processor can run, fastest first.</summary>
    public static IReadOnlyList<ByteKernels> Available { get; } = FindAvailable();

    /// <summary>The set in use.</summary>
    public static ByteKernels Current { get; } = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("UNWEAVE_KERNELS"))
        ? Available[0]
        : Available.First(set => string.Equals(set.Name, KernelSet.Current.Name, StringComparison.Ordinal));

    /// <summary>Name of the set: avxvnni, or as those of <see cref="KernelSet"/>.</summary>
    public abstract string Name { get; }

    /// <summary>Writes the product of each row and the vector.</summary>
    /// <param name="panels">The rows.</param>
    /// <param name="count">How many panels.</param>
    /// <param name="quads">depth / 4.</param>
    /// <param name="vector">The vector, −127 to 127, <c>[4 · quads]</c>.</param>
    /// <param name="sums">Overwritten, <c>[PanelRows · count]</c>.</param>
    public abstract void Multiply(byte* panels, nint count, nint quads, sbyte* vector, int* sums);

    /// <summary>
    /// The same of rows of 4 bits, two numbers a byte: panels are <c>[depth / 8][PanelRows][4]</c>, the low halves the first four of eight
    /// numbers of a row, the high halves the others, each raised by <see cref="NibbleRaise"/>.
    /// </summary>
    /// <param name="panels">The rows.</param>
    /// <param name="count">How many panels.</param>
    /// <param name="eights">depth / 8.</param>
    /// <param name="vector">The vector, −127 to 127, <c>[8 · eights]</c>.</param>
    /// <param name="sums">Overwritten, <c>[PanelRows · count]</c>.</param>
    public virtual void MultiplyNibbles(byte* panels, nint count, nint eights, sbyte* vector, int* sums)
    {
        const int Most = 16; // of eight numbers at a time
        byte* bytes = stackalloc byte[2 * 64 * Most];
        int* part = stackalloc int[PanelRows];
        new Span<int>(sums, (int)count * PanelRows).Clear();
        for (nint panel = 0; panel < count; panel++)
        {
            for (nint first = 0; first < eights; first += Most)
            {
                nint here = Math.Min(Most, eights - first);
                byte* packed = panels + (64 * ((eights * panel) + first));
                for (nint i = 0; i < 64 * here; i++)
                {
                    byte* target = bytes + (128 * (i / 64)) + (i % 64);
                    target[0] = (byte)((packed[i] & 15) + Raise - NibbleRaise);
                    target[64] = (byte)((packed[i] >> 4) + Raise - NibbleRaise);
                }

                Multiply(bytes, 1, 2 * here, vector + (8 * first), part);
                for (int row = 0; row < PanelRows; row++) sums[(PanelRows * panel) + row] += part[row];
            }
        }
    }

    private static List<ByteKernels> FindAvailable()
    {
        var sets = new List<ByteKernels>();
        if (AvxVnni.IsSupported) sets.Add(new Vnni());
        if (Avx512BW.IsSupported && Vector512.IsHardwareAccelerated) sets.Add(new Bytes512());
        if (Avx2.IsSupported && Fma.IsSupported) sets.Add(new Bytes256());
        if (Vector.IsHardwareAccelerated) sets.Add(new BytesPortable());
        sets.Add(new BytesScalar());
        return sets;
    }

    // The sum that every product of raised bytes has too much, negative: where the sums start.
    private static int Start(sbyte* vector, nint quads, int raise = Raise)
    {
        int sum = 0;
        for (nint i = 0; i < 4 * quads; i++) sum += vector[i];
        return -raise * sum;
    }

    // The same, with the vector in words of 16 bits, four in one number to broadcast.
    private static int Start(sbyte* vector, nint quads, long* words)
    {
        for (nint i = 0; i < 4 * quads; i++) ((short*)words)[i] = vector[i];
        return Start(vector, quads);
    }

    /// <summary>AVX-VNNI: four products and their sum in one instruction. Four panels at a time: enough sums under way for its
    /// latency.</summary>
    private sealed class Vnni : ByteKernels
    {
        public override string Name => "avxvnni";

        public override void Multiply(byte* panels, nint count, nint quads, sbyte* vector, int* sums)
        {
            nint size = 64 * quads, done = 0;
            Vector256<int> start = Vector256.Create(Start(vector, quads));
            for (; done + 4 <= count; done += 4)
            {
                byte* p0 = panels + (done * size), p1 = p0 + size, p2 = p1 + size, p3 = p2 + size;
                Vector256<int> a0 = start, a1 = start, b0 = start, b1 = start, c0 = start, c1 = start, d0 = start, d1 = start;
                for (nint q = 0; q < quads; q++)
                {
                    Vector256<sbyte> four = Vector256.Create(((int*)vector)[q]).AsSByte();
                    nint at = 64 * q;
                    a0 = AvxVnni.MultiplyWideningAndAdd(a0, Vector256.Load(p0 + at), four);
                    a1 = AvxVnni.MultiplyWideningAndAdd(a1, Vector256.Load(p0 + at + 32), four);
                    b0 = AvxVnni.MultiplyWideningAndAdd(b0, Vector256.Load(p1 + at), four);
                    b1 = AvxVnni.MultiplyWideningAndAdd(b1, Vector256.Load(p1 + at + 32), four);
                    c0 = AvxVnni.MultiplyWideningAndAdd(c0, Vector256.Load(p2 + at), four);
                    c1 = AvxVnni.MultiplyWideningAndAdd(c1, Vector256.Load(p2 + at + 32), four);
                    d0 = AvxVnni.MultiplyWideningAndAdd(d0, Vector256.Load(p3 + at), four);
                    d1 = AvxVnni.MultiplyWideningAndAdd(d1, Vector256.Load(p3 + at + 32), four);
                }

                int* target = sums + (PanelRows * done);
                a0.Store(target);
                a1.Store(target + 8);
                b0.Store(target + 16);
                b1.Store(target + 24);
                c0.Store(target + 32);
                c1.Store(target + 40);
                d0.Store(target + 48);
                d1.Store(target + 56);
            }

            for (; done < count; done++)
            {
                byte* panel = panels + (done * size);
                Vector256<int> low = start, high = start;
                for (nint q = 0; q < quads; q++)
                {
                    Vector256<sbyte> four = Vector256.Create(((int*)vector)[q]).AsSByte();
                    low = AvxVnni.MultiplyWideningAndAdd(low, Vector256.Load(panel + (64 * q)), four);
                    high = AvxVnni.MultiplyWideningAndAdd(high, Vector256.Load(panel + (64 * q) + 32), four);
                }

                low.Store(sums + (PanelRows * done));
                high.Store(sums + (PanelRows * done) + 8);
            }
        }

        // One panel after the other, so that the memory is read in its order; two times eight numbers at a time for the sums under way.
        public override void MultiplyNibbles(byte* panels, nint count, nint eights, sbyte* vector, int* sums)
        {
            int* fours = (int*)vector;
            Vector256<int> start = Vector256.Create(Start(vector, 2 * eights, NibbleRaise));
            Vector256<byte> half = Vector256.Create((byte)15), high = Vector256.Create((byte)0xF0);
            for (nint panel = 0; panel < count; panel++)
            {
                byte* at = panels + (64 * eights * panel);
                Vector256<int> a0 = start, a1 = start, b0 = default, b1 = default;
                Vector256<int> c0 = default, c1 = default, d0 = default, d1 = default;
                nint q = 0;
                for (; q + 2 <= eights; q += 2, at += 128)
                {
                    Vector256<byte> v0 = Vector256.Load(at), v1 = Vector256.Load(at + 32);
                    Vector256<byte> v2 = Vector256.Load(at + 64), v3 = Vector256.Load(at + 96);
                    Vector256<sbyte> x0 = Vector256.Create(fours[2 * q]).AsSByte(), x1 = Vector256.Create(fours[(2 * q) + 1]).AsSByte();
                    Vector256<sbyte> x2 = Vector256.Create(fours[(2 * q) + 2]).AsSByte();
                    Vector256<sbyte> x3 = Vector256.Create(fours[(2 * q) + 3]).AsSByte();
                    a0 = AvxVnni.MultiplyWideningAndAdd(a0, v0 & half, x0);
                    a1 = AvxVnni.MultiplyWideningAndAdd(a1, v1 & half, x0);
                    b0 = AvxVnni.MultiplyWideningAndAdd(b0, v0 & high, x1);
                    b1 = AvxVnni.MultiplyWideningAndAdd(b1, v1 & high, x1);
                    c0 = AvxVnni.MultiplyWideningAndAdd(c0, v2 & half, x2);
                    c1 = AvxVnni.MultiplyWideningAndAdd(c1, v3 & half, x2);
                    d0 = AvxVnni.MultiplyWideningAndAdd(d0, v2 & high, x3);
                    d1 = AvxVnni.MultiplyWideningAndAdd(d1, v3 & high, x3);
                }

                if (q < eights)
                {
                    Vector256<byte> v0 = Vector256.Load(at), v1 = Vector256.Load(at + 32);
                    Vector256<sbyte> x0 = Vector256.Create(fours[2 * q]).AsSByte(), x1 = Vector256.Create(fours[(2 * q) + 1]).AsSByte();
                    a0 = AvxVnni.MultiplyWideningAndAdd(a0, v0 & half, x0);
                    a1 = AvxVnni.MultiplyWideningAndAdd(a1, v1 & half, x0);
                    b0 = AvxVnni.MultiplyWideningAndAdd(b0, v0 & high, x1);
                    b1 = AvxVnni.MultiplyWideningAndAdd(b1, v1 & high, x1);
                }

                // The high halves were multiplied where they are: 16 times too large.
                (a0 + c0 + ((b0 + d0) >> 4)).Store(sums + (PanelRows * panel));
                (a1 + c1 + ((b1 + d1) >> 4)).Store(sums + (PanelRows * panel) + 8);
            }
        }
    }

    /// <summary>AVX-512: bytes widened to 16 bits, pairs of products summed.</summary>
    private sealed class Bytes512 : ByteKernels
    {
        public override string Name => "avx512";

        public override void Multiply(byte* panels, nint count, nint quads, sbyte* vector, int* sums)
        {
            long* words = stackalloc long[(int)quads];
            int start = Start(vector, quads, words);
            int* pairs = stackalloc int[2 * PanelRows];
            for (nint panel = 0; panel < count; panel++)
            {
                Vector512<int> low = default, high = default;
                byte* row = panels + (64 * quads * panel);
                for (nint q = 0; q < quads; q++)
                {
                    Vector512<short> four = Vector512.Create(words[q]).AsInt16();
                    low += Avx512BW.MultiplyAddAdjacent(Avx512BW.ConvertToVector512Int16(Vector256.Load(row + (64 * q))), four);
                    high += Avx512BW.MultiplyAddAdjacent(Avx512BW.ConvertToVector512Int16(Vector256.Load(row + (64 * q) + 32)), four);
                }

                low.Store(pairs);
                high.Store(pairs + 16);
                AddPairs(pairs, start, sums + (PanelRows * panel));
            }
        }
    }

    /// <summary>AVX2: the same in 8 lanes.</summary>
    private sealed class Bytes256 : ByteKernels
    {
        public override string Name => "avx2";

        public override void Multiply(byte* panels, nint count, nint quads, sbyte* vector, int* sums)
        {
            long* words = stackalloc long[(int)quads];
            int start = Start(vector, quads, words);
            int* pairs = stackalloc int[2 * PanelRows];
            for (nint panel = 0; panel < count; panel++)
            {
                Vector256<int> s0 = default, s1 = default, s2 = default, s3 = default;
                byte* row = panels + (64 * quads * panel);
                for (nint q = 0; q < quads; q++)
                {
                    Vector256<short> four = Vector256.Create(words[q]).AsInt16();
                    byte* at = row + (64 * q);
                    s0 += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(at), four);
                    s1 += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(at + 16), four);
                    s2 += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(at + 32), four);
                    s3 += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(at + 48), four);
                }

                s0.Store(pairs);
                s1.Store(pairs + 8);
                s2.Store(pairs + 16);
                s3.Store(pairs + 24);
                AddPairs(pairs, start, sums + (PanelRows * panel));
            }
        }
    }

    /// <summary>Registers of 128 bits, which all processors with vector instructions have. A raised byte's product fits 16 bits.</summary>
    private sealed class BytesPortable : ByteKernels
    {
        public override string Name => "portable";

        public override void Multiply(byte* panels, nint count, nint quads, sbyte* vector, int* sums)
        {
            long* words = stackalloc long[(int)quads];
            int start = Start(vector, quads, words);
            for (nint four = 0; four < 4 * count; four++)
            {
                byte* rows = panels + (64 * quads * (four / 4)) + (16 * (four % 4));
                Vector128<int> s0 = default, s1 = default, s2 = default, s3 = default;
                for (nint q = 0; q < quads; q++)
                {
                    Vector128<short> both = Vector128.Create(words[q]).AsInt16();
                    (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(Vector128.Load(rows + (64 * q)));
                    (Vector128<int> p0, Vector128<int> p1) = Vector128.Widen(low.AsInt16() * both);
                    (Vector128<int> p2, Vector128<int> p3) = Vector128.Widen(high.AsInt16() * both);
                    s0 += p0;
                    s1 += p1;
                    s2 += p2;
                    s3 += p3;
                }

                int* target = sums + (4 * four);
                target[0] = start + Vector128.Sum(s0);
                target[1] = start + Vector128.Sum(s1);
                target[2] = start + Vector128.Sum(s2);
                target[3] = start + Vector128.Sum(s3);
            }
        }
    }

    /// <summary>Plain loops.</summary>
    private sealed class BytesScalar : ByteKernels
    {
        public override string Name => "scalar";

        public override void Multiply(byte* panels, nint count, nint quads, sbyte* vector, int* sums)
        {
            for (nint row = 0; row < PanelRows * count; row++)
            {
                byte* bytes = panels + (64 * quads * (row / PanelRows)) + (4 * (row % PanelRows));
                int sum = 0;
                for (nint q = 0; q < quads; q++)
                    for (nint i = 0; i < 4; i++) sum += (bytes[(64 * q) + i] - Raise) * vector[(4 * q) + i];
                sums[row] = sum;
            }
        }
    }

    private static void AddPairs(int* pairs, int start, int* sums)
    {
        for (int row = 0; row < PanelRows; row++) sums[row] = start + pairs[2 * row] + pairs[(2 * row) + 1];
    }
}
