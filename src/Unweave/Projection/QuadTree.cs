using System.Numerics;
using System.Runtime.InteropServices;

namespace Unweave.Projection;

/// <summary>
/// Points in squares of squares, as one array in the order of a walk: a node's children follow it, and it knows where the walk goes on
/// without them. Points are sorted along the Z curve (Morton 1966), so that each node is a range of them; nodes of one child are left out.
/// </summary>
internal sealed class QuadTree(int count)
{
    private const double Cells = 4294967295; // along an axis: 32 levels

    private readonly ulong[] codes = new ulong[count];
    private readonly int[] order = new int[count];
    private readonly Node[] nodes = new Node[Math.Max(1, 2 * count)];
    private double[] places = [];
    private double size;
    private int used;

    /// <summary>A square with points in it; without width where they are in one place.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Node
    {
        public double X, Y, Mass, SquaredWidth;
        public int Next;
    }

    /// <summary>The points' numbers, near ones near each other.</summary>
    public ReadOnlySpan<int> Order => order;

    /// <summary>Makes the tree anew.</summary>
    /// <param name="points">x and y in turn.</param>
    public void Build(double[] points)
    {
        places = points;
        double left = double.PositiveInfinity, top = left, right = double.NegativeInfinity, bottom = right;
        for (int i = 0; i < points.Length; i += 2)
        {
            (left, right) = (Math.Min(left, points[i]), Math.Max(right, points[i]));
            (top, bottom) = (Math.Min(top, points[i + 1]), Math.Max(bottom, points[i + 1]));
        }

        size = Math.Max(right - left, bottom - top);
        double scale = size > 0 ? Cells / size : 0;
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
            codes[i] = Spread((uint)((points[2 * i] - left) * scale)) | (Spread((uint)((points[(2 * i) + 1] - top) * scale)) << 1);
        }

        Array.Sort(codes, order);
        used = 0;
        if (order.Length > 0) Add(0, order.Length);
    }

    /// <summary>Sums of q and of q² (y − node) over all points, the asking one too: q = 1 / (1 + d²).</summary>
    public double Sum(double x, double y, double theta, out double forceX, out double forceY)
    {
        double sum = 0, squared = theta * theta, sumX = 0, sumY = 0;
        ReadOnlySpan<Node> all = nodes.AsSpan(0, used);
        for (int at = 0; at < all.Length;)
        {
            ref readonly Node node = ref all[at];
            double dx = x - node.X, dy = y - node.Y, distance = (dx * dx) + (dy * dy);
            if (node.SquaredWidth <= squared * distance)
            {
                double q = 1 / (1 + distance), many = node.Mass * q, push = many * q;
                sum += many;
                sumX += push * dx;
                sumY += push * dy;
                at = node.Next;
            }
            else
            {
                at++;
            }
        }

        (forceX, forceY) = (sumX, sumY);
        return sum;
    }

    // A range of equal codes is a leaf; others are cut where the first pair of bits differs.
    private int Add(int from, int to)
    {
        int self = used++;
        double x = 0, y = 0;
        ulong differ = codes[from] ^ codes[to - 1];
        if (differ == 0)
        {
            for (int i = from; i < to; i++) (x, y) = (x + places[2 * order[i]], y + places[(2 * order[i]) + 1]);
            nodes[self].SquaredWidth = 0;
        }
        else
        {
            int level = BitOperations.LeadingZeroCount(differ) / 2, shift = 62 - (2 * level);
            for (int start = from; start < to;)
            {
                int end = End(start, to, codes[start] >> shift, shift), child = Add(start, end);
                (x, y) = (x + (nodes[child].X * nodes[child].Mass), y + (nodes[child].Y * nodes[child].Mass));
                start = end;
            }

            double width = Math.ScaleB(size, -level);
            nodes[self].SquaredWidth = width * width;
        }

        ref Node node = ref nodes[self];
        (node.X, node.Y, node.Mass, node.Next) = (x / (to - from), y / (to - from), to - from, used);
        return self;
    }

    // First place after those whose codes begin alike.
    private int End(int start, int to, ulong prefix, int shift)
    {
        int low = start + 1, high = to;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (codes[middle] >> shift == prefix) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    // A zero between any two bits.
    private static ulong Spread(uint cell)
    {
        ulong bits = cell;
        bits = (bits | (bits << 16)) & 0x0000FFFF0000FFFF;
        bits = (bits | (bits << 8)) & 0x00FF00FF00FF00FF;
        bits = (bits | (bits << 4)) & 0x0F0F0F0F0F0F0F0F;
        bits = (bits | (bits << 2)) & 0x3333333333333333;
        return (bits | (bits << 1)) & 0x5555555555555555;
    }
}
