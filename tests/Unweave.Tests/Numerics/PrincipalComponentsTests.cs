using Unweave.Numerics;

namespace Unweave.Tests.Numerics;

public sealed class PrincipalComponentsTests
{
    // The second difference −1, 2, −1 of n points has eigenvalues 2 − 2cos(πj/(n+1)) and eigenvectors sin(πij/(n+1)).
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(31)]
    public void Eigenvalues_of_the_second_difference_are_known(int n)
    {
        double[][] matrix = [.. Enumerable.Range(0, n).Select(_ => new double[n])];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) matrix[i][j] = i == j ? 2 : Math.Abs(i - j) == 1 ? -1 : 0;
        (double[] values, double[][] vectors) = JacobiEigen.Solve(matrix);
        for (int place = 0; place < n; place++)
        {
            double angle = Math.PI * (n - place) / (n + 1), sign = Math.Sign(vectors[place][0]), norm = Math.Sqrt(2.0 / (n + 1));
            Assert.Equal(2 - (2 * Math.Cos(angle)), values[place], 1e-13);
            for (int i = 0; i < n; i++) Assert.Equal(norm * Math.Sin((i + 1) * angle), sign * vectors[place][i], 1e-12);
        }
    }

    [Fact]
    public void A_singular_matrix_has_orthonormal_eigenvectors()
    {
        // Ones everywhere: eigenvalue n once, 0 otherwise.
        double[][] matrix = [.. Enumerable.Range(0, 9).Select(_ => Enumerable.Repeat(1.0, 9).ToArray())];
        (double[] values, double[][] vectors) = JacobiEigen.Solve(matrix);
        Assert.Equal(9, values[0], 1e-12);
        Assert.All(values[1..], value => Assert.Equal(0, value, 1e-12));
        AssertOrthonormal(vectors, 1e-12);
    }

    public static TheoryData<string, int, int, int> Spectra => new()
    {
        { "flat", 3_000, 200, 10 },
        { "flat", 3_000, 200, 32 },
        { "two steps", 3_000, 200, 5 },     // 40 equal leading variances: more than the block holds
        { "outlier", 3_000, 200, 10 },      // one variance of 10,000 beside a flat rest
        { "power law", 3_000, 200, 10 },
        { "low rank", 1_000, 200, 10 },     // 4 dimensions only
        { "flat", 40, 500, 3 },             // fewer rows than columns: without a covariance
        { "power law", 100, 900, 2 },
        { "power law", 500, 60, 20 },       // the block is the whole space
    };

    [Theory]
    [MemberData(nameof(Spectra))]
    public void Leading_components_leave_the_error_of_an_exact_decomposition(string spectrum, int rows, int width, int k)
    {
        using Matrix x = Rows(spectrum, rows, width);
        (double[][] axes, double[] variances) = PrincipalComponents.Compute(x, k, 0, Workers.Shared);
        AssertOrthonormal(axes, 1e-9);

        // XᵀX/n has the eigenvalues of XXᵀ/n, and zeros.
        bool byRows = rows < width;
        int n = Math.Min(rows, width);
        double[][] gram = [.. Enumerable.Range(0, n).Select(_ => new double[n])];
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++)
            {
                double sum = 0;
                for (int t = 0; t < (byRows ? width : rows); t++) sum += byRows ? (double)x[i, t] * x[j, t] : (double)x[t, i] * x[t, j];
                gram[i][j] = gram[j][i] = sum / rows;
            }

        double[] exact = JacobiEigen.Solve(gram).Values;
        double least = exact[k..].Sum(), total = exact.Sum(), error = 0;
        for (int r = 0; r < rows; r++)
        {
            double[] row = [.. x.Row(r).ToArray().Select(value => (double)value)];
            double[] left = [.. row];
            foreach (double[] axis in axes) DoubleRows.AddScaled(left, axis, -DoubleRows.Dot(row, axis));
            error += DoubleRows.Dot(left, left) / rows;
        }

        Assert.InRange(error, least - (1e-9 * total), (least * (1 + 1e-4)) + (1e-9 * total));
        Assert.Equal(error, total - variances.Sum(), 1e-6 * total);
        Assert.Equal(variances.OrderDescending(), variances);
    }

    [Fact]
    public void Components_are_the_same_bytes_for_any_number_of_threads()
    {
        using Workers one = new(1), three = new(3);
        foreach ((int rows, int width) in new[] { (2_000, 200), (40, 500) })
        {
            using Matrix x = Rows("flat", rows, width);
            (double[][] axes, double[] variances) = PrincipalComponents.Compute(x, 4, 1, one);
            (double[][] again, double[] variancesAgain) = PrincipalComponents.Compute(x, 4, 1, three);
            Assert.Equal(variances, variancesAgain);
            Assert.Equal(axes, again);
        }
    }

    private static Matrix Rows(string spectrum, int rows, int width)
    {
        var rng = new Rng(11);
        var x = new Matrix(rows, width);
        rng.FillNormal(x.AsSpan());
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < width; c++)
            {
                x[r, c] *= spectrum switch
                {
                    "two steps" => c < 40 ? 2 : 1,
                    "outlier" => c == 7 ? 100 : 1,
                    "power law" => 1 / MathF.Sqrt(c + 1),
                    "low rank" => c < 4 ? 1 : 0,
                    _ => 1,
                };
            }

        // One reflection I − 2uuᵀ, so that no axis is a column.
        float[] u = new float[width];
        for (int c = 0; c < width; c++) u[c] = 1 / MathF.Sqrt(width);
        for (int r = 0; r < rows; r++)
        {
            float along = 0;
            for (int c = 0; c < width; c++) along += x[r, c] * u[c];
            for (int c = 0; c < width; c++) x[r, c] -= 2 * along * u[c];
        }

        return x;
    }

    private static void AssertOrthonormal(double[][] rows, double tolerance)
    {
        for (int i = 0; i < rows.Length; i++)
            for (int j = 0; j <= i; j++) Assert.Equal(i == j ? 1 : 0, DoubleRows.Dot(rows[i], rows[j]), tolerance);
    }
}
