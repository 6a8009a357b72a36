namespace Unweave.Evaluation;

/// <summary>The one-to-one matching of rows to columns of greatest total score.</summary>
internal static class Assignment
{
    /// <summary>
    /// Solves the rectangular assignment problem by shortest augmenting paths (Jonker and Volgenant 1987, in the form of Crouse 2016),
    /// in O(rows² · columns).
    /// </summary>
    /// <param name="score">Score of each pair, <c>[rows, columns]</c>, finite.</param>
    /// <returns>The column of each row, −1 for rows left over when there are more rows than columns.</returns>
    public static int[] Maximize(double[,] score)
    {
        ArgumentNullException.ThrowIfNull(score);
        (int rows, int columns) = (score.GetLength(0), score.GetLength(1));
        if (rows > columns)
        {
            double[,] flipped = new double[columns, rows];
            for (int r = 0; r < rows; r++)
                for (int c = 0; c < columns; c++) flipped[c, r] = score[r, c];
            int[] rowOfColumn = Maximize(flipped), result = new int[rows];
            Array.Fill(result, -1);
            for (int c = 0; c < columns; c++) result[rowOfColumn[c]] = c;
            return result;
        }

        int[] columnOf = new int[rows], rowOf = new int[columns], path = new int[columns];
        double[] rowPrice = new double[rows], columnPrice = new double[columns], distance = new double[columns];
        bool[] done = new bool[columns];
        Array.Fill(columnOf, -1);
        Array.Fill(rowOf, -1);
        for (int start = 0; start < rows; start++)
        {
            // Dijkstra over reduced costs (of −score) from the new row to the nearest free column.
            Array.Fill(distance, double.PositiveInfinity);
            Array.Clear(done);
            (int row, int sink, double reached) = (start, -1, 0);
            var seen = new List<int>();
            while (sink < 0)
            {
                seen.Add(row);
                (int nearest, double least) = (-1, double.PositiveInfinity);
                for (int c = 0; c < columns; c++)
                {
                    if (done[c]) continue;
                    double length = reached - score[row, c] - rowPrice[row] - columnPrice[c];
                    if (length < distance[c]) (distance[c], path[c]) = (length, row);
                    if (distance[c] < least || (distance[c] == least && rowOf[c] < 0)) (nearest, least) = (c, distance[c]);
                }

                reached = least;
                done[nearest] = true;
                if (rowOf[nearest] < 0) sink = nearest;
                else row = rowOf[nearest];
            }

            foreach (int r in seen) rowPrice[r] += r == start ? reached : reached - distance[columnOf[r]];
            for (int c = 0; c < columns; c++)
                if (done[c]) columnPrice[c] -= reached - distance[c];
            for (int c = sink; ;)
            {
                int r = path[c];
                rowOf[c] = r;
                (columnOf[r], c) = (c, columnOf[r]);
                if (r == start) break;
            }
        }

        return columnOf;
    }
}
