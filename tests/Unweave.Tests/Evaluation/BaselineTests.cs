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
        using PcaBaseline pca = PcaBaseline.Fit(source, 2, 2), all = PcaBaseline.Fit(source, 5, 5);
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
        using PcaBaseline pca = PcaBaseline.Fit(source, 2, 2), scaledPca = PcaBaseline.Fit(scaledSource, 2, 2);
        Assert.Equal(pca.Run(source).Fvu, scaledPca.Run(scaledSource).Fvu, 1e-5);
        for (int i = 0; i < 2; i++) Assert.Equal(1, scaledPca.Variances[i] / scale / scale / pca.Variances[i], 1e-5);
    }

    [Fact]
    public void Pca_refuses_more_components_than_dimensions_and_other_widths()
    {
        using var source = new MatrixSource(new Matrix(10, 4));
        using var other = new MatrixSource(new Matrix(10, 5));
        foreach (BaselineKind kind in Enum.GetValues<BaselineKind>())
        {
            string said = Assert.Throws<InputException>(() => Baseline.Fit(kind, source, 5, 4)).Message;
            Assert.Contains("1 to 4", said, StringComparison.Ordinal);
        }

        using Baseline pca = Baseline.Fit(BaselineKind.Pca, source, 2, 8);
        Assert.Contains("is 5", Assert.Throws<InputException>(() => pca.Run(other)).Message, StringComparison.Ordinal);
        using var codes = new Matrix(1, 5);
        string refused = Assert.Throws<InputException>(() => pca.Encode(codes, new SparseCodes(2))).Message;
        Assert.Contains("is 5", refused, StringComparison.Ordinal);
    }

    [Fact]
    public void A_random_dictionary_refits_its_rows_by_least_squares()
    {
        var rng = new Rng(3);
        using var x = new Matrix(500, 8);
        rng.FillNormal(x.AsSpan());
        using var source = new MatrixSource(x);
        double[] center = InputStatistics.Mean(x);
        EvaluationReport some = Random(source, 64, 3), more = Random(source, 64, 6), again = Random(source, 64, 3);
        Assert.Equal(some.Fvu, again.Fvu);
        Assert.Equal(3, some.L0!.Value, 1e-9);

        Assert.True(more.Fvu < some.Fvu);
        Assert.Equal(ProjectionFvu(x, center, 64, 3), some.Fvu, 1e-5);
        Assert.Equal(ProjectionFvu(x, center, 64, 6), more.Fvu, 1e-5);

        // With as many independent rows as dimensions nothing is left over.
        EvaluationReport all = Random(source, 4000, 60);
        Assert.True(all.Fvu < 1e-3, $"{all.Fvu}");
    }

    // All principal components are an orthonormal basis, so that what is kept of a row is the sum of its largest squares.
    [Fact]
    public void Components_by_row_and_elements_keep_the_largest_of_each_row()
    {
        using var x = new Matrix(300, 6);
        var rng = new Rng(11);
        rng.FillNormal(x.AsSpan());
        for (int r = 0; r < 300; r++)
            for (int c = 0; c < 6; c++) x[r, c] = (x[r, c] * (c + 1)) + 3;
        using var source = new MatrixSource(x);
        double[] center = InputStatistics.Mean(x);
        using PcaBaseline all = PcaBaseline.Fit(source, 6, 6);
        foreach ((BaselineKind kind, Func<double[], IEnumerable<double>> coordinates) in
            new (BaselineKind, Func<double[], IEnumerable<double>>)[]
            {
                (BaselineKind.Identity, row => row),
                (BaselineKind.PcaByRow, row => Enumerable.Range(0, 6).Select(i => Dot(row, [.. all.Directions.Row(i).ToArray()
                    .Select(value => (double)value)]))),
            })
        {
            double left = 0, spread = 0;
            for (int r = 0; r < 300; r++)
            {
                double[] row = [.. x.Row(r).ToArray().Select((value, c) => value - center[c])];
                left += coordinates(row).Select(value => value * value).Order().Take(4).Sum();
                spread += Dot(row, row);
            }

            using Baseline baseline = Baseline.Fit(kind, source, 2, 0);
            EvaluationReport report = baseline.Run(source);
            Assert.Equal(left / spread, report.Fvu, 1e-5);
            Assert.Equal(2, report.L0!.Value, 1e-9);
        }
    }

    // import numpy as np; from sklearn.decomposition import FastICA
    // S = np.array([[((i*37)%101)/50-1, ((i*61+17)%103)/51-1, (((i*i*13)%107)/53-1)**3] for i in range(400)])
    // M = np.array([[1,.5,.2,0],[0,1,-.5,.3],[.4,0,1,-1]]); Y = S@M; m = Y.mean(0)
    // ica = FastICA(3, whiten='unit-variance', fun='logcosh', random_state=0, tol=1e-10, max_iter=1000).fit(Y); s = ica.transform(Y)
    // A = ica.mixing_.T; L = np.linalg.norm(A, axis=1); U = A/L[:,None]; e = 0
    // for i in range(400):
    //     k = np.argsort(-abs(s[i]*L))[:2]; c = np.linalg.lstsq(U[k].T, Y[i]-m, rcond=None)[0]; e += ((Y[i]-m-c@U[k])**2).sum()
    // U, e/((Y-m)**2).sum()
    [Fact]
    public void Ica_matches_scikit_learn()
    {
        double[,] mixing = { { 1, 0.5, 0.2, 0 }, { 0, 1, -0.5, 0.3 }, { 0.4, 0, 1, -1 } };
        using var y = new Matrix(400, 4);
        for (int i = 0; i < 400; i++)
        {
            double[] sources = [(i * 37 % 101 / 50.0) - 1, (((i * 61) + 17) % 103 / 51.0) - 1, Math.Pow((i * i * 13 % 107 / 53.0) - 1, 3)];
            for (int c = 0; c < 4; c++) y[i, c] = (float)Enumerable.Range(0, 3).Sum(j => sources[j] * mixing[j, c]);
        }

        double[][] expected =
        [
            [0.88069289, 0.44490809, 0.16189282, 0.0150844],
            [-0.00574664, 0.86556809, -0.43079682, 0.25528996],
            [-0.31171885, 0.00803121, -0.68015042, 0.66344726],
        ];
        using var source = new MatrixSource(y);
        using Baseline ica = Baseline.Fit(BaselineKind.Ica, source, 2, 0);
        Assert.Equal(3, ica.Latents); // the fourth dimension has no variance of its own
        foreach (double[] direction in expected)
        {
            double closest = Enumerable.Range(0, 3).Max(i => Math.Abs(Dot(direction, [.. ica.Directions.Row(i).ToArray().Select(value =>
                (double)value)])));
            Assert.Equal(1, closest, 1e-4);
        }

        Assert.Equal(0.033418528240784964, ica.Run(source).Fvu, 1e-3);
    }

    // from scipy.optimize import nnls; F = grid(7,8)-.5; F /= np.linalg.norm(F, axis=1, keepdims=True); nnls(F.T, grid(9,8)[8]-.4)[0]
    [Fact]
    public void Nonnegative_least_squares_matches_scipy()
    {
        double[,] grid = Grid(7, 8), target = Grid(9, 8), gram = new double[7, 7];
        double[][] rows = [.. Enumerable.Range(0, 7).Select(i =>
        {
            double[] row = [.. Enumerable.Range(0, 8).Select(c => grid[i, c] - 0.5)];
            double norm = Math.Sqrt(Dot(row, row));
            return row.Select(value => value / norm).ToArray();
        })];
        double[] x = [.. Enumerable.Range(0, 8).Select(c => target[8, c] - 0.4)];
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 7; j++) gram[i, j] = Dot(rows[i], rows[j]);
        double[] code = SemiNonnegativeBaseline.Nonnegative(gram, [.. rows.Select(row => Dot(row, x))], 7);
        double[] expected = [0.03764958, 0, 0.43681168, 0, 0.21853853, 0.18288562, 0];
        for (int i = 0; i < 7; i++) Assert.Equal(expected[i], code[i], 1e-6);
    }

    // At the minimum the slope is 0 along what is above 0, and nowhere up along what is 0 (Karush, Kuhn and Tucker).
    [Fact]
    public void Nonnegative_least_squares_reach_the_minimum_among_opposite_directions()
    {
        var rng = new Rng(4);
        for (int trial = 0; trial < 50; trial++)
        {
            using var rows = new Matrix(20, 12);
            rng.FillNormal(rows.AsSpan());
            for (int i = 1; i < 20; i += 2)
                for (int c = 0; c < 12; c++) rows[i, c] = -rows[i - 1, c] + (0.1f * rows[i, c]);
            double[,] gram = new double[20, 20];
            double[] x = [.. Enumerable.Range(0, 12).Select(_ => rng.NextNormal())];
            double[][] directions =
                [.. Enumerable.Range(0, 20).Select(i => rows.Row(i).ToArray().Select(value => (double)value).ToArray())];
            for (int i = 0; i < 20; i++)
                for (int j = 0; j < 20; j++) gram[i, j] = Dot(directions[i], directions[j]);
            double[] products = [.. directions.Select(row => Dot(row, x))];
            double[] code = SemiNonnegativeBaseline.Nonnegative(gram, products, 20);
            for (int i = 0; i < 20; i++)
            {
                double slope = products[i] - Enumerable.Range(0, 20).Sum(j => code[j] * gram[i, j]);
                if (code[i] > 0) Assert.Equal(0, slope, 1e-6);
                else Assert.True(slope < 1e-6 && code[i] == 0, $"trial {trial}: {slope}, {code[i]}");
            }
        }
    }

    // X = grid(30,5)-.5; X -= X.mean(0); G = grid(30,3)+.1; p = lambda m: np.maximum(m,0); n = lambda m: np.maximum(-m,0)
    // for t in range(51):
    //     F = np.linalg.solve(G.T@G, G.T@X); print(t, ((X-G@F)**2).sum()); A = X@F.T; B = F@F.T
    //     G = G*np.sqrt((p(A)+G@n(B))/(n(A)+G@p(B)))
    [Fact]
    public void Semi_nonnegative_factors_match_numpy_and_never_get_worse()
    {
        double[,] grid = Grid(30, 5), start = Grid(30, 3);
        using var x = new Matrix(30, 5);
        for (int c = 0; c < 5; c++)
        {
            double mean = Enumerable.Range(0, 30).Average(r => grid[r, c]);
            for (int r = 0; r < 30; r++) x[r, c] = (float)(grid[r, c] - mean);
        }

        double before = double.PositiveInfinity;
        foreach ((int rounds, double error) in (ReadOnlySpan<(int, double)>)[(0, 6.40498887), (1, 6.23624938), (10, 5.70141013),
            (50, 5.21248231)])
        {
            using var weights = new Matrix(30, 3);
            for (int r = 0; r < 30; r++)
                for (int c = 0; c < 3; c++) weights[r, c] = (float)(start[r, c] + 0.1);
            using Matrix basis = SemiNonnegativeBaseline.Factor(x, weights, rounds, default);
            double squares = 0;
            for (int r = 0; r < 30; r++)
                for (int c = 0; c < 5; c++)
                    squares += Math.Pow(x[r, c] - Enumerable.Range(0, 3).Sum(i => (double)weights[r, i] * basis[i, c]), 2);
            Assert.Equal(error, squares, 1e-3);
            Assert.True(squares < before);
            before = squares;
        }
    }

    // from sklearn.linear_model import orthogonal_mp; D = grid(12,6)-.5; D /= np.linalg.norm(D, axis=1, keepdims=True)
    // orthogonal_mp(D.T, grid(20,6)[17]-.4, n_nonzero_coefs=3)
    [Fact]
    public void Orthogonal_matching_pursuit_matches_scikit_learn()
    {
        double[,] grid = Grid(12, 6), target = Grid(20, 6);
        using Matrix dictionary = new(12, 6), x = new(1, 6);
        for (int i = 0; i < 12; i++)
        {
            double norm = Math.Sqrt(Enumerable.Range(0, 6).Sum(c => Math.Pow(grid[i, c] - 0.5, 2)));
            for (int c = 0; c < 6; c++) dictionary[i, c] = (float)((grid[i, c] - 0.5) / norm);
        }

        for (int c = 0; c < 6; c++) x[0, c] = (float)(target[17, c] - 0.4);
        using var pursuit = new OrthogonalMatchingPursuit(dictionary);
        List<(int Latent, float Value)> code = pursuit.Code(x, 3)[0];
        Assert.Equal([2, 3, 9], code.Select(entry => entry.Latent));
        Assert.Equal(-0.12915487, code[0].Value, 1e-5);
        Assert.Equal(-0.20337938, code[1].Value, 1e-5);
        Assert.Equal(0.72470684, code[2].Value, 1e-5);
    }

    // The experiment of Aharon et al.: rows of three of 50 atoms in 20 dimensions; nearly all atoms are found again.
    [Fact]
    public void K_svd_finds_the_atoms_that_rows_are_made_of()
    {
        var rng = new Rng(2);
        using Matrix known = RandomDictionaryBaseline.UnitRows(50, 20, rng), rows = new(1500, 20);
        for (int r = 0; r < 1500; r++)
        {
            for (int j = 0; j < 3; j++)
            {
                int atom = (int)rng.NextBelow(50);
                float value = (float)rng.NextNormal();
                for (int c = 0; c < 20; c++) rows[r, c] += value * known[atom, c];
            }
        }

        var errors = new List<(double Codes, double Atoms)>();
        using Matrix found = KSvdBaseline.Learn(rows, 50, 3, 25, new Rng(1), default, (codes, atoms) => errors.Add((codes, atoms)));
        Assert.All(errors, error => Assert.True(error.Atoms <= error.Codes * (1 + 1e-6))); // an atom's step never makes it worse
        double[,] cosines = FeatureRecovery.Cosines(known, found);
        int recovered = Enumerable.Range(0, 50).Count(i => Enumerable.Range(0, 50).Any(j => Math.Abs(cosines[i, j]) > 0.99));
        Assert.True(recovered >= 42, $"{recovered} of 50"); // the paper: about 46
    }

    [Fact]
    public void Baselines_order_themselves_as_they_must_and_give_the_same_again()
    {
        var rng = new Rng(8);
        using Matrix dictionary = RandomDictionaryBaseline.UnitRows(24, 12, rng), rows = new(1200, 12);
        for (int r = 0; r < 1200; r++)
        {
            for (int j = 0; j < 2; j++)
            {
                int atom = (int)rng.NextBelow(24);
                float value = (float)(1 + rng.NextDouble());
                for (int c = 0; c < 12; c++) rows[r, c] += value * dictionary[atom, c];
            }
        }

        using var source = new MatrixSource(rows);
        var fvu = Enum.GetValues<BaselineKind>().ToDictionary(kind => kind, kind =>
        {
            using Baseline baseline = Baseline.Fit(kind, source, 2, 24), again = Baseline.Fit(kind, source, 2, 24);
            EvaluationReport report = baseline.Run(source);
            Assert.Equal(report.Fvu, again.Run(source).Fvu);
            Assert.True(report.L0 <= 2, $"{kind}: {report.L0}");
            return report.Fvu;
        });
        Assert.True(fvu[BaselineKind.PcaByRow] < fvu[BaselineKind.Pca]); // more to choose from
        Assert.True(fvu[BaselineKind.KSvd] < 0.1, $"{fvu[BaselineKind.KSvd]}"); // the only one that can find the atoms
        Assert.All(fvu, entry => Assert.InRange(entry.Value, 0, 1));
        Assert.Equal(fvu[BaselineKind.KSvd], fvu.Values.Min());
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

    private static EvaluationReport Random(MatrixSource source, int latents, int k)
    {
        using Baseline baseline = Baseline.Fit(BaselineKind.RandomDictionary, source, k, latents);
        return baseline.Run(source);
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
