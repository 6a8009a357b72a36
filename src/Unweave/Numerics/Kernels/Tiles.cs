using System.Runtime.CompilerServices;

namespace Unweave.Numerics.Kernels;

/// <summary>
/// The innermost product: a few rows of X times a few columns of Wᵀ over the full depth, every sum in a register of its own.
/// </summary>
/// <remarks>
/// Written out because a register cannot be indexed. Each sum runs over p = 0 … depth−1 in order, so an element's value does not
/// depend on where in a tile it falls: that is what makes results the same for any division of the work.
/// </remarks>
internal unsafe interface ITile
{
    /// <summary>Rows of X in a tile.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of the product in a tile.</summary>
    static abstract int Columns { get; }

    /// <summary>Writes a tile of the product.</summary>
    /// <param name="x">A panel of X, <c>[depth][Rows]</c>.</param>
    /// <param name="w">A panel of W, <c>[depth][Columns]</c>.</param>
    /// <param name="depth">Length d of the sums.</param>
    /// <param name="tile">Overwritten, <c>[Rows][Columns]</c>.</param>
    static abstract void Multiply(float* x, float* w, nint depth, float* tile);
}

/// <summary>8 rows by 3 registers: 24 accumulators, 3 weights and a broadcast, for 32 registers.</summary>
internal readonly unsafe struct Tile8x3<L, V> : ITile
    where L : ILanes<V>
    where V : struct
{
    public static int Rows => 8;

    public static int Columns => 3 * L.Count;

    public static void Multiply(float* x, float* w, nint depth, float* tile)
    {
        nint lanes = L.Count;
        V c00 = L.Broadcast(0), c01 = c00, c02 = c00;
        V c10 = L.Broadcast(0), c11 = c10, c12 = c10;
        V c20 = L.Broadcast(0), c21 = c20, c22 = c20;
        V c30 = L.Broadcast(0), c31 = c30, c32 = c30;
        V c40 = L.Broadcast(0), c41 = c40, c42 = c40;
        V c50 = L.Broadcast(0), c51 = c50, c52 = c50;
        V c60 = L.Broadcast(0), c61 = c60, c62 = c60;
        V c70 = L.Broadcast(0), c71 = c70, c72 = c70;
        for (nint p = 0; p < depth; p++)
        {
            V w0 = L.Load(w), w1 = L.Load(w + lanes), w2 = L.Load(w + (2 * lanes));
            V a0 = L.Broadcast(x[0]);
            c00 = L.MultiplyAdd(a0, w0, c00);
            c01 = L.MultiplyAdd(a0, w1, c01);
            c02 = L.MultiplyAdd(a0, w2, c02);
            V a1 = L.Broadcast(x[1]);
            c10 = L.MultiplyAdd(a1, w0, c10);
            c11 = L.MultiplyAdd(a1, w1, c11);
            c12 = L.MultiplyAdd(a1, w2, c12);
            V a2 = L.Broadcast(x[2]);
            c20 = L.MultiplyAdd(a2, w0, c20);
            c21 = L.MultiplyAdd(a2, w1, c21);
            c22 = L.MultiplyAdd(a2, w2, c22);
            V a3 = L.Broadcast(x[3]);
            c30 = L.MultiplyAdd(a3, w0, c30);
            c31 = L.MultiplyAdd(a3, w1, c31);
            c32 = L.MultiplyAdd(a3, w2, c32);
            V a4 = L.Broadcast(x[4]);
            c40 = L.MultiplyAdd(a4, w0, c40);
            c41 = L.MultiplyAdd(a4, w1, c41);
            c42 = L.MultiplyAdd(a4, w2, c42);
            V a5 = L.Broadcast(x[5]);
            c50 = L.MultiplyAdd(a5, w0, c50);
            c51 = L.MultiplyAdd(a5, w1, c51);
            c52 = L.MultiplyAdd(a5, w2, c52);
            V a6 = L.Broadcast(x[6]);
            c60 = L.MultiplyAdd(a6, w0, c60);
            c61 = L.MultiplyAdd(a6, w1, c61);
            c62 = L.MultiplyAdd(a6, w2, c62);
            V a7 = L.Broadcast(x[7]);
            c70 = L.MultiplyAdd(a7, w0, c70);
            c71 = L.MultiplyAdd(a7, w1, c71);
            c72 = L.MultiplyAdd(a7, w2, c72);
            x += 8;
            w += 3 * lanes;
        }

        StoreRow(tile + (0 * lanes), c00, c01, c02);
        StoreRow(tile + (3 * lanes), c10, c11, c12);
        StoreRow(tile + (6 * lanes), c20, c21, c22);
        StoreRow(tile + (9 * lanes), c30, c31, c32);
        StoreRow(tile + (12 * lanes), c40, c41, c42);
        StoreRow(tile + (15 * lanes), c50, c51, c52);
        StoreRow(tile + (18 * lanes), c60, c61, c62);
        StoreRow(tile + (21 * lanes), c70, c71, c72);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(float* destination, V v0, V v1, V v2)
    {
        L.Store(destination, v0);
        L.Store(destination + L.Count, v1);
        L.Store(destination + (2 * L.Count), v2);
    }
}

/// <summary>4 rows by 3 registers: 12 accumulators, 3 weights and a broadcast, for 16 registers.</summary>
internal readonly unsafe struct Tile4x3<L, V> : ITile
    where L : ILanes<V>
    where V : struct
{
    public static int Rows => 4;

    public static int Columns => 3 * L.Count;

    public static void Multiply(float* x, float* w, nint depth, float* tile)
    {
        nint lanes = L.Count;
        V c00 = L.Broadcast(0), c01 = c00, c02 = c00;
        V c10 = L.Broadcast(0), c11 = c10, c12 = c10;
        V c20 = L.Broadcast(0), c21 = c20, c22 = c20;
        V c30 = L.Broadcast(0), c31 = c30, c32 = c30;
        for (nint p = 0; p < depth; p++)
        {
            V w0 = L.Load(w), w1 = L.Load(w + lanes), w2 = L.Load(w + (2 * lanes));
            V a0 = L.Broadcast(x[0]);
            c00 = L.MultiplyAdd(a0, w0, c00);
            c01 = L.MultiplyAdd(a0, w1, c01);
            c02 = L.MultiplyAdd(a0, w2, c02);
            V a1 = L.Broadcast(x[1]);
            c10 = L.MultiplyAdd(a1, w0, c10);
            c11 = L.MultiplyAdd(a1, w1, c11);
            c12 = L.MultiplyAdd(a1, w2, c12);
            V a2 = L.Broadcast(x[2]);
            c20 = L.MultiplyAdd(a2, w0, c20);
            c21 = L.MultiplyAdd(a2, w1, c21);
            c22 = L.MultiplyAdd(a2, w2, c22);
            V a3 = L.Broadcast(x[3]);
            c30 = L.MultiplyAdd(a3, w0, c30);
            c31 = L.MultiplyAdd(a3, w1, c31);
            c32 = L.MultiplyAdd(a3, w2, c32);
            x += 4;
            w += 3 * lanes;
        }

        StoreRow(tile + (0 * lanes), c00, c01, c02);
        StoreRow(tile + (3 * lanes), c10, c11, c12);
        StoreRow(tile + (6 * lanes), c20, c21, c22);
        StoreRow(tile + (9 * lanes), c30, c31, c32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(float* destination, V v0, V v1, V v2)
    {
        L.Store(destination, v0);
        L.Store(destination + L.Count, v1);
        L.Store(destination + (2 * L.Count), v2);
    }
}
