using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Numerics;

namespace Unweave.Tests.Evaluation;

public sealed class BaselineTests
{
    // Integers in a fixed pattern, the same in C# and in Python.
    private static double[,] Grid(int rows, int columns)
    {
        double[,] grid = new double[rows, columns];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) grid[i, j] = ((i * 37) + (j * 61) + (i * j * 13)) % 101 / 100.0;
        return grid;
    }

    // import numpy as np; from sklearn.decomposition import PCA
    // grid = lambda r, c: np.array([[((i*37+j*61+i*j*13)%101)/100 for j in range(c)] for i in range(r)])
    // x = grid(30,5)*np.array([3,2,1,.5,.25])+np.array([0,1,2,3,4]); p = PCA(2).fit(x); xh = p.inverse_transform(p.transform(x))
    // ((x-xh)**2).sum()/((x-x.mean(0))**2).sum(), ((x-xh)**2).sum()/30, np.linalg.eigvalsh(np.cov(x.T,bias=True))[::-1]
    // np.mean((x*xh).sum(1)/np.linalg.norm(x,axis=1)/np.linalg.norm(xh,axis=1)),
    // np.mean(np.linalg.norm(xh,axis=1)/np.linalg.norm(x,axis=1))
    [Fact]
    public void Pca_matches_scikit_learn()
    {
        double[] scale = [3, 2, 1, 0.5, 0.25];
        double[,] grid = Grid(30, 5);
        using var x = new Matrix(30, 5);
        for (int r = 0; r < 30; r++)
            for (int c = 0; c < 5; c++) x[r, c] = (float)((grid[r, c] * scale[c]) + c);
        using var source = new MatrixSource(x);
        using PcaBaseline pca = PcaBaseline.Fit(source, 2), all = PcaBaseline.Fit(source, 5);
        EvaluationReport report = pca.Run(source);
        Assert.Equal(0.06437680607543174, report.Fvu, 1e-5);
        Assert.Equal(0.0820813397509282, report.Mse, 1e-5);
        Assert.Equal(0.9992347359375002, report.Cosine, 1e-5);
        Assert.Equal(0.999763181228948, report.L2Ratio, 1e-5);
        double[] variances = [0.7866451488, 0.4062876781, 0.0591843803, 0.0183449259, 0.0045520335];
        for (int i = 0; i < 5; i++) Assert.Equal(variances[i], all.Variances[i], 1e-5);
        Assert.Equal(2, pca.Variances.Count);
        Assert.Equal(all.Variances.Skip(2).Sum(), report.Mse, 1e-5); // the error is what the discarded axes held
    }

    [Theory]
    [InlineData(1e20f)]  // squares overflow single precision
    [InlineData(1e-24f)] // and here they vanish
    public void Pca_is_the_same_at_any_scale(float scale)
    {
        using Matrix x = new(200, 6), scaled = new(200, 6);
        new Rng(7).FillNormal(x.AsSpan());
        for (int r = 0; r < 200; r++)
        {
            x[r, 1] *= 3; // axes of distinct variance
            for (int c = 0; c < 6; c++) scaled[r, c] = x[r, c] * scale;
        }

        using var source = new MatrixSource(x);
        using var scaledSource = new MatrixSource(scaled);
        using PcaBaseline pca = PcaBaseline.Fit(source, 2), scaledPca = PcaBaseline.Fit(scaledSource, 2);
        Assert.Equal(pca.Run(source).Fvu, scaledPca.Run(scaledSource).Fvu, 1e-5);
        for (int i = 0; i < 2; i++) Assert.Equal(1, scaledPca.Variances[i] / scale / scale / pca.Variances[i], 1e-5);
    }

    [Fact]
    public void Pca_refuses_more_components_than_dimensions_and_other_widths()
    {
        using var source = new MatrixSource(new Matrix(10, 4));
        using var other = new MatrixSource(new Matrix(10, 5));
        Assert.Contains("1 to 4", Assert.Throws<InputException>(() => PcaBaseline.Fit(source, 5)).Message, StringComparison.Ordinal);
        using PcaBaseline pca = PcaBaseline.Fit(source, 2);
        Assert.Contains("is 5", Assert.Throws<InputException>(() => pca.Run(other)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_random_dictionary_refits_its_rows_by_least_squares()
    {
        var rng = new Rng(3);
        using var x = new Matrix(500, 8);
        rng.FillNormal(x.AsSpan());
        using var source = new MatrixSource(x);
        double[] center = InputStatistics.Mean(x);
        EvaluationReport some = RandomDictionaryBaseline.Run(source, center, 64, 3),
            more = RandomDictionaryBaseline.Run(source, center, 64, 6);
        EvaluationReport again = RandomDictionaryBaseline.Run(source, center, 64, 3);
        Assert.Equal(some.Fvu, again.Fvu);
        Assert.Equal(3, some.L0!.Value, 1e-9);

        Assert.True(more.Fvu < some.Fvu);
        Assert.Equal(ProjectionFvu(x, center, 64, 3), some.Fvu, 1e-5);
        Assert.Equal(ProjectionFvu(x, center, 64, 6), more.Fvu, 1e-5);

        // With as many independent rows as dimensions nothing is left over.
        EvaluationReport all = RandomDictionaryBaseline.Run(source, center, 4000, 60);
        Assert.True(all.Fvu < 1e-3, $"{all.Fvu}");
    }

    // from scipy.optimize import linear_sum_assignment as lsa; g = grid(r, c); a, b = lsa(g, maximize=True); g[a, b].sum(), b
    [Theory]
    [InlineData(5, 5, 3.44, new[] { 3, 2, 0, 1, 4 })]
    [InlineData(4, 7, 2.67, new[] { 3, 2, 6, 0 })]
    [InlineData(7, 4, 3.24, new[] { 1, -1, -1, -1, 3, 0, 2 })]
    [InlineData(1, 3, 0.61, new[] { 1 })]
    [InlineData(12, 12, 9.66, new[] { 1, 9, 6, 11, 4, 0, 2, 8, 3, 10, 7, 5 })]
    public void Assignment_matches_scipy(int rows, int columns, double total, int[] expected)
    {
        double[,] grid = Grid(rows, columns);
        int[] match = Assignment.Maximize(grid);
        Assert.Equal(total, Enumerable.Range(0, rows).Where(r => match[r] >= 0).Sum(r => grid[r, match[r]]), 1e-12);
        Assert.Equal(expected, match);
    }

    [Fact]
    public void Assignment_is_never_worse_than_any_permutation()
    {
        var rng = new Rng(5);
        for (int trial = 0; trial < 200; trial++)
        {
            int rows = 1 + (int)rng.NextBelow(5), columns = 1 + (int)rng.NextBelow(6);
            double[,] score = new double[rows, columns];
            for (int r = 0; r < rows; r++)
                for (int c = 0; c < columns; c++) score[r, c] = rng.NextBelow(10) - 5;
            int[] match = Assignment.Maximize(score);
            Assert.Equal(Math.Min(rows, columns), match.Where(c => c >= 0).Distinct().Count());
            double found = Enumerable.Range(0, rows).Where(r => match[r] >= 0).Sum(r => score[r, match[r]]);
            Assert.Equal(Best(score, 0, []), found, 1e-12);
        }
    }

    [Fact]
    public void Recovery_of_known_features()
    {
        using var known = new Matrix(3, 3, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
        using var learned = new Matrix(4, 3, [0, 2, 0, 1, 0, 0, 1, 0.1f, 0, 0, 0, -1]);
        FeatureRecovery recovery = FeatureRecovery.Measure(learned, known);
        double second = 1 / Math.Sqrt(1.01);
        Assert.Equal((1 + 1 + second + 0) / 4, recovery.Mmcs, 1e-6);
        Assert.Equal((1 + 1 + 0) / 3.0, recovery.Mcc, 1e-6); // the third feature is left with (1, 0.1, 0), at cosine 0
        Assert.Equal(2 / 3.0, recovery.Recovered, 1e-9);
        double[,] cosines = FeatureRecovery.Cosines(learned, known);
        Assert.Equal(1, cosines[0, 1], 1e-6);
        Assert.Equal(second, cosines[2, 0], 1e-6);
        Assert.Equal(0.1 * second, cosines[2, 1], 1e-6);
        Assert.Equal(-1, cosines[3, 2], 1e-6);
    }

    // A least-squares fit is a projection: here onto the span of the rows that a full sort chooses, by Gram-Schmidt in double precision.
    private static double ProjectionFvu(Matrix x, double[] center, int latents, int k)
    {
        var rng = new Rng(0);
        double[][] dictionary = new double[latents][];
        for (int i = 0; i < latents; i++)
        {
            float[] row = new float[x.Columns];
            rng.FillNormal(row);
            double norm = Math.Sqrt(row.Sum(value => (double)value * value));
            dictionary[i] = [.. row.Select(value => value / norm)];
        }

        double errors = 0, spread = 0;
        for (int r = 0; r < x.Rows; r++)
        {
            double[] left = [.. x.Row(r).ToArray().Select((value, c) => value - center[c])];
            spread += Dot(left, left);
            var basis = new List<double[]>();
            foreach (double[] row in dictionary.OrderByDescending(row => Dot(row, left)).Take(k).ToArray())
            {
                double[] axis = [.. row];
                foreach (double[] other in basis) Subtract(axis, other, Dot(axis, other));
                double norm = Math.Sqrt(Dot(axis, axis));
                basis.Add([.. axis.Select(value => value / norm)]);
            }

            foreach (double[] axis in basis) Subtract(left, axis, Dot(left, axis));
            errors += Dot(left, left);
        }

        return errors / spread;
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (u, v) => u * v).Sum();

    private static void Subtract(double[] a, double[] b, double factor)
    {
        for (int c = 0; c < a.Length; c++) a[c] -= factor * b[c];
    }

    private static double Best(double[,] score, int row, HashSet<int> taken)
    {
        (int rows, int columns) = (score.GetLength(0), score.GetLength(1));
        if (row == rows) return 0;
        int left = rows - row, free = columns - taken.Count;
        double best = left > free ? Best(score, row + 1, taken) : double.NegativeInfinity; // only rows in excess may stay alone
        for (int c = 0; c < columns; c++)
        {
            if (!taken.Add(c)) continue;
            best = Math.Max(best, score[row, c] + Best(score, row + 1, taken));
            taken.Remove(c);
        }

        return best;
    }
}
