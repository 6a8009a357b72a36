namespace Unweave.Projection;

/// <summary>Points of the plane in nested squares, each with its centre of mass: what repulsion is summed over (Barnes &amp; Hut 1986).</summary>
internal sealed class QuadTree
{
    private const int Deepest = 48;

    private readonly int[] leafOf;
    private int[] children = new int[4];
    private int[] counts = new int[1];
    private double[] sumX = new double[1], sumY = new double[1], width = new double[1];
    private int cells;

    /// <summary>Makes a tree for a number of points.</summary>
    public QuadTree(int points) => leafOf = new int[points];

    /// <summary>Puts the points in, replacing those of before.</summary>
    /// <param name="y">Points, x and y in turn.</param>
    public void Build(double[] y)
    {
        double minX = double.PositiveInfinity, maxX = double.NegativeInfinity, minY = minX, maxY = maxX;
        for (int i = 0; i < leafOf.Length; i++)
        {
            (minX, maxX) = (Math.Min(minX, y[2 * i]), Math.Max(maxX, y[2 * i]));
            (minY, maxY) = (Math.Min(minY, y[(2 * i) + 1]), Math.Max(maxY, y[(2 * i) + 1]));
        }

        cells = 0;
        double size = Math.Max(Math.Max(maxX - minX, maxY - minY), double.Epsilon);
        int[] order = new int[leafOf.Length];
        for (int i = 0; i < order.Length; i++) order[i] = i;
        Split(y, order, minX, minY, size, 0);
    }

    /// <summary>The repulsion on a point: Σ q̃²(y_i − y_j) and Σ q̃ over the others, q̃ = 1/(1 + ‖y_i − y_j‖²).</summary>
    /// <param name="y">The points that the tree was built of.</param>
    /// <param name="point">The point.</param>
    /// <param name="theta">How wide a cell may be, in its distance, to count as one; 0 is exact.</param>
    public (double X, double Y, double Weight) Repulsion(double[] y, int point, double theta)
    {
        double px = y[2 * point], py = y[(2 * point) + 1], forceX = 0, forceY = 0, weight = 0, limit = theta * theta;
        int own = leafOf[point];
        Span<int> stack = stackalloc int[4 * (Deepest + 2)];
        int top = 0;
        stack[top++] = 0;
        while (top > 0)
        {
            int cell = stack[--top], count = counts[cell];
            bool leaf = children[4 * cell] < 0;
            double x = sumX[cell], yy = sumY[cell];
            if (cell == own)
            {
                if (--count == 0) continue;
                x -= px;
                yy -= py;
            }

            double dx = px - (x / count), dy = py - (yy / count), distance = (dx * dx) + (dy * dy);
            if (leaf || width[cell] * width[cell] < limit * distance)
            {
                double q = 1 / (1 + distance), mass = count * q;
                weight += mass;
                forceX += mass * q * dx;
                forceY += mass * q * dy;
                continue;
            }

            for (int quarter = 3; quarter >= 0; quarter--)
            {
                int child = children[(4 * cell) + quarter];
                if (child > 0) stack[top++] = child;
            }
        }

        return (forceX, forceY, weight);
    }

    private int Split(double[] y, Span<int> members, double left, double bottom, double size, int depth)
    {
        int cell = Add(size);
        double x = 0, yy = 0;
        bool together = true;
        foreach (int i in members)
        {
            x += y[2 * i];
            yy += y[(2 * i) + 1];
            together &= y[2 * i] == y[2 * members[0]] && y[(2 * i) + 1] == y[(2 * members[0]) + 1];
        }

        (counts[cell], sumX[cell], sumY[cell]) = (members.Length, x, yy);
        if (members.Length == 1 || together || depth == Deepest)
        {
            children[4 * cell] = -1;
            foreach (int i in members) leafOf[i] = cell;
            return cell;
        }

        double half = size / 2, middleX = left + half, middleY = bottom + half;
        int below = Partition(members, i => y[(2 * i) + 1] < middleY);
        int lowLeft = Partition(members[..below], i => y[2 * i] < middleX), highLeft = below + Partition(members[below..], i => y[2 * i] < middleX);
        (int From, int To, double X, double Y)[] quarters = [(0, lowLeft, left, bottom), (lowLeft, below, middleX, bottom), (below, highLeft, left, middleY), (highLeft, members.Length, middleX, middleY)];
        for (int quarter = 0; quarter < 4; quarter++)
        {
            (int from, int to, double x0, double y0) = quarters[quarter];
            int child = from == to ? 0 : Split(y, members[from..to], x0, y0, half, depth + 1);
            children[(4 * cell) + quarter] = child;
        }

        return cell;
    }

    // Keeps the order within each half, so that sums are taken in the same order each time.
    private static int Partition(Span<int> members, Func<int, bool> first)
    {
        int[] second = new int[members.Length];
        int kept = 0, moved = 0;
        foreach (int i in members)
        {
            if (first(i)) members[kept++] = i;
            else second[moved++] = i;
        }

        second.AsSpan(0, moved).CopyTo(members[kept..]);
        return kept;
    }

    private int Add(double size)
    {
        if (cells == counts.Length)
        {
            Array.Resize(ref counts, 2 * cells);
            Array.Resize(ref sumX, 2 * cells);
            Array.Resize(ref sumY, 2 * cells);
            Array.Resize(ref width, 2 * cells);
            Array.Resize(ref children, 8 * cells);
        }

        width[cells] = size;
        children.AsSpan(4 * cells, 4).Clear();
        return cells++;
    }
}
