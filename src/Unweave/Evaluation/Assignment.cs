using System.Runtime.InteropServices;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>The one-to-one matching of rows to columns of greatest total score.</summary>
/// <remarks>
/// Jonker and Volgenant's method (1987) for rectangles: rows bid for columns, which settles most of them, and shortest augmenting paths
/// (in the form of Crouse 2016) match the rest. Both keep the prices of rows and columns feasible, so that the matching is optimal.
/// </remarks>
internal sealed class Assignment
{
    // Bids, as a multiple of the rows: rivals for the same column can raise its price by little each time.
    private const int BidsPerRow = 8;

    private readonly Matrix score;
    private readonly int rows, columns;
    private readonly int[] columnOf, rowOf;
    private readonly double[] columnPrice;

    private Assignment(Matrix score)
    {
        (this.score, rows, columns) = (score, score.Rows, score.Columns);
        (columnOf, rowOf, columnPrice) = (new int[rows], new int[columns], new double[columns]);
        Array.Fill(columnOf, -1);
        Array.Fill(rowOf, -1);
    }

    /// <summary>Solves the rectangular assignment problem.</summary>
    /// <param name="score">Score of each pair, <c>[rows, columns]</c>, finite.</param>
    /// <returns>The column of each row, −1 for rows left over when there are more rows than columns.</returns>
    public static int[] Maximize(Matrix score)
    {
        ArgumentNullException.ThrowIfNull(score);
        if (score.Rows <= score.Columns) return new Assignment(score).Solve();
        using var flipped = new Matrix(score.Columns, score.Rows);
        for (int r = 0; r < score.Rows; r++)
        {
            ReadOnlySpan<float> row = score.Row(r);
            for (int c = 0; c < row.Length; c++) flipped[c, r] = row[c];
        }

        int[] rowOfColumn = new Assignment(flipped).Solve(), result = new int[score.Rows];
        Array.Fill(result, -1);
        for (int c = 0; c < rowOfColumn.Length; c++) result[rowOfColumn[c]] = c;
        return result;
    }

    /// <summary>The same for an array of doubles, whose scores count in single precision.</summary>
    public static int[] Maximize(double[,] score)
    {
        ArgumentNullException.ThrowIfNull(score);
        using var matrix = new Matrix(score.GetLength(0), score.GetLength(1));
        for (int r = 0; r < matrix.Rows; r++)
        {
            Span<float> row = matrix.Row(r);
            for (int c = 0; c < row.Length; c++) row[c] = (float)score[r, c];
        }

        return Maximize(matrix);
    }

    private int[] Solve()
    {
        Queue<int> free = Bid();
        var search = new Search(columns);
        double[] rowPrice = new double[rows];
        for (int r = 0; r < rows; r++)
            if (columnOf[r] >= 0) rowPrice[r] = -score[r, columnOf[r]] - columnPrice[columnOf[r]];
        while (free.TryDequeue(out int start)) Augment(start, rowPrice, search);
        return columnOf;
    }

    // A row takes the column that is best for it at the present prices, and lowers the column's appeal to that of its second best. Who had
    // the column is free again. Columns that nobody has keep the price 0.
    private Queue<int> Bid()
    {
        var free = new Queue<int>(Enumerable.Range(0, rows));
        if (columns < 2) return free;
        var waiting = new Queue<int>();
        for (long bids = (long)BidsPerRow * rows; bids > 0 && free.TryDequeue(out int row); bids--)
        {
            ReadOnlySpan<float> scores = score.Row(row);
            (int best, int second) = (-1, -1);
            (double most, double next) = (double.NegativeInfinity, double.NegativeInfinity);
            for (int c = 0; c < scores.Length; c++)
            {
                double value = scores[c] + columnPrice[c];
                if (!(value > next)) continue;
                if (value > most) (second, next, best, most) = (best, most, c, value);
                else (second, next) = (c, value);
            }

            if (most == next && rowOf[best] >= 0) best = second;
            columnPrice[best] -= most - next;
            if (rowOf[best] is >= 0 and int rival)
            {
                columnOf[rival] = -1;
                (most > next ? free : waiting).Enqueue(rival); // a tie would be fought over for ever
            }

            (rowOf[best], columnOf[row]) = (row, best);
        }

        while (waiting.TryDequeue(out int row)) free.Enqueue(row);
        return free;
    }

    // Dijkstra over reduced costs (of −score) from a free row to the nearest free column, then an exchange along the path.
    private void Augment(int start, double[] rowPrice, Search search)
    {
        Span<int> left = search.Left;
        Span<double> distance = search.Distance;
        Span<int> path = search.Path;
        for (int c = 0; c < columns; c++) left[c] = c;
        distance.Fill(double.PositiveInfinity);
        int count = columns, row = start, sink = -1;
        double reached = 0;
        search.Rows.Clear();
        while (sink < 0)
        {
            search.Rows.Add(row);
            ReadOnlySpan<float> scores = score.Row(row);
            double from = reached - rowPrice[row], least = double.PositiveInfinity;
            int nearest = -1;
            for (int i = 0; i < count; i++)
            {
                int c = left[i];
                double length = from - scores[c] - columnPrice[c];
                if (length < distance[c]) (distance[c], path[c]) = (length, row);
                if (distance[c] < least || (distance[c] == least && rowOf[c] < 0)) (nearest, least) = (i, distance[c]);
            }

            reached = least;
            int column = left[nearest];
            (left[nearest], left[count - 1]) = (left[count - 1], column); // done
            count--;
            if (rowOf[column] < 0) sink = column;
            else row = rowOf[column];
        }

        foreach (int r in CollectionsMarshal.AsSpan(search.Rows))
            rowPrice[r] += r == start ? reached : reached - distance[columnOf[r]];
        foreach (int c in left[count..columns]) columnPrice[c] -= reached - distance[c];
        for (int c = sink; ;)
        {
            int r = path[c];
            rowOf[c] = r;
            (columnOf[r], c) = (c, columnOf[r]);
            if (r == start) break;
        }
    }

    /// <summary>What one search after another uses.</summary>
    private sealed class Search(int columns)
    {
        public int[] Left { get; } = new int[columns];

        public int[] Path { get; } = new int[columns];

        public double[] Distance { get; } = new double[columns];

        public List<int> Rows { get; } = [];
    }
}
