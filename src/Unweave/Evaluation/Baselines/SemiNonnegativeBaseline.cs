using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// Semi-nonnegative matrix factorization, X ≈ G·F with G ≥ 0 and F of any sign (Ding, Li and Jordan 2010). It has 2k directions, and starts
/// from k principal components, each cut into the part above 0 and the part below: about half of a row's numbers are 0, as nothing may
/// be taken away. Rows are written by non-negative least squares of at most k numbers.
/// </summary>
internal sealed class SemiNonnegativeBaseline : Baseline
{
    private const int SampleRows = 20_000, Rounds = 100;

    private readonly double[,] gram;

    private SemiNonnegativeBaseline(int k, Matrix directions, float[] center)
        : base($"semi-NMF, {k} of {directions.Rows}", k, directions, center) => gram = GramOf(directions);

    /// <summary>Fits to rows of a source: all of them, or 20,000 drawn at random when there are more.</summary>
    public static SemiNonnegativeBaseline Fit(IActivationSource source, int k, ulong seed, CancellationToken cancellationToken)
    {
        using var sample = BaselineSample.Draw(source, SampleRows, seed);
        (double[][] axes, _) = PrincipalComponents.Compute(sample.Rows, k, seed, Workers.Shared);
        using Matrix components = PcaBaseline.ToMatrix(axes), scores = new(sample.Rows.Rows, k);
        using (var product = new DenseProduct(Workers.Shared))
        {
            product.PackRight(components, transposed: true);
            product.Multiply(sample.Rows, transposed: false, scores);
        }

        using var weights = new Matrix(scores.Rows, 2 * k);
        double mean = 0;
        foreach (float score in scores.AsSpan()) mean += Math.Abs((double)score) / scores.Count;
        float least = (float)(0.2 * mean); // what is 0 would stay 0: Ding et al. add 0.2 to what they start from
        for (int r = 0; r < scores.Rows; r++)
        {
            for (int i = 0; i < k; i++)
            {
                weights[r, 2 * i] = Math.Max(scores[r, i], 0) + least;
                weights[r, (2 * i) + 1] = Math.Max(-scores[r, i], 0) + least;
            }
        }

        Matrix directions = Factor(sample.Rows, weights, Rounds, cancellationToken);
        for (int i = 0; i < directions.Rows; i++)
        {
            Span<float> row = directions.Row(i);
            double norm = Norms.L2(row);
            if (norm > 0) TensorPrimitives.Divide(row, (float)norm, row);
        }

        return new SemiNonnegativeBaseline(k, directions, sample.Center);
    }

    /// <summary>
    /// Ding et al.'s updates: F = (GᵀG)⁻¹GᵀX, then G ← G·√((A⁺ + G·B⁻)/(A⁻ + G·B⁺)) with A = XFᵀ and B = FFᵀ, where ⁺ and ⁻ are the parts
    /// above and below 0. Neither raises ‖X − GF‖.
    /// </summary>
    /// <param name="x">X, <c>[rows, d]</c>.</param>
    /// <param name="weights">G, <c>[rows, n]</c>, where it starts; overwritten.</param>
    /// <param name="rounds">How often.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>F, <c>[n, d]</c>: the best for the weights that there are then.</returns>
    internal static Matrix Factor(Matrix x, Matrix weights, int rounds, CancellationToken cancellationToken)
    {
        (int n, int rows) = (weights.Columns, x.Rows);
        var basis = new Matrix(n, x.Columns);
        using Matrix fits = new(rows, n), up = new(n, n), down = new(n, n), raised = new(rows, n), lowered = new(rows, n);
        using var product = new DenseProduct(Workers.Shared);
        for (int round = 0; ; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Basis(x, weights, basis, product);
            if (round == rounds) return basis;
            product.PackRight(basis, transposed: true);
            product.Multiply(x, transposed: false, fits);
            product.Multiply(basis, transposed: false, up);
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < n; j++)
                {
                    float value = up[i, j];
                    (up[i, j], down[i, j]) = (Math.Max(value, 0), Math.Max(-value, 0));
                }
            }

            product.PackRight(down, transposed: false);
            product.Multiply(weights, transposed: false, raised);
            product.PackRight(up, transposed: false);
            product.Multiply(weights, transposed: false, lowered);
            Workers.Shared.Run(rows, r =>
            {
                for (int i = 0; i < n; i++)
                {
                    double fit = fits[r, i], above = Math.Max(fit, 0) + raised[r, i], below = Math.Max(-fit, 0) + lowered[r, i];
                    if (below > 0) weights[r, i] *= (float)Math.Sqrt(above / below);
                }
            });
        }
    }

    /// <summary>
    /// Non-negative least squares, min ‖x − Σ z_i·f_i‖ with z ≥ 0, by the active-set method of Lawson and Hanson (1974): the coordinate of
    /// steepest slope comes in, those above 0 are solved for, those that reach 0 go. With fewer coordinates than there are it is their
    /// greedy choice: the largest of the whole solution would be bad ones, as directions nearly opposite to each other cancel there.
    /// </summary>
    /// <param name="gram">F·Fᵀ, <c>[n, n]</c>.</param>
    /// <param name="products">F·x, n values.</param>
    /// <param name="most">Coordinates above 0, at most.</param>
    /// <returns>z, n values.</returns>
    internal static double[] Nonnegative(double[,] gram, ReadOnlySpan<double> products, int most)
    {
        double[] code = new double[products.Length];
        double scale = 0;
        foreach (double value in products) scale = Math.Max(scale, Math.Abs(value));
        for (int round = 0; round < 3 * code.Length && code.Count(value => value > 0) < most; round++)
        {
            (int best, double steepest) = (-1, 1e-6 * scale); // products come in single precision
            for (int i = 0; i < code.Length; i++)
            {
                if (code[i] > 0) continue;
                double left = products[i];
                for (int j = 0; j < code.Length; j++)
                    if (code[j] > 0) left -= code[j] * gram[i, j];
                if (left > steepest) (best, steepest) = (i, left);
            }

            if (best < 0) break;
            code[best] = steepest * 1e-6; // above 0, so that it takes part in the solution
            ToMinimum(gram, products, code);
        }

        return code;
    }

    // Towards the least squares of the coordinates above 0, as far as all stay there; those that reach 0 leave, and again.
    private static void ToMinimum(double[,] gram, ReadOnlySpan<double> products, double[] code)
    {
        while (true)
        {
            var above = new List<int>();
            for (int i = 0; i < code.Length; i++)
                if (code[i] > 0) above.Add(i);
            double[,] factor = new double[above.Count, above.Count];
            double[] solution = new double[above.Count];
            for (int i = 0; i < above.Count; i++)
            {
                solution[i] = products[above[i]];
                for (int j = 0; j <= i; j++) factor[i, j] = gram[above[i], above[j]] + (i == j ? 1e-10 : 0);
            }

            Cholesky.Factor(factor);
            Cholesky.Solve(factor, solution);
            double step = 1;
            int leaves = -1;
            for (int i = 0; i < above.Count; i++)
            {
                if (solution[i] > 0) continue;
                double share = code[above[i]] / (code[above[i]] - solution[i]);
                if (share < step || leaves < 0) (step, leaves) = (Math.Min(step, share), above[i]);
            }

            for (int i = 0; i < above.Count; i++) code[above[i]] += step * (solution[i] - code[above[i]]);
            if (leaves < 0) return;
            code[leaves] = 0;
            foreach (int i in above) code[i] = Math.Max(0, code[i]);
        }
    }

    /// <inheritdoc/>
    private protected override void EncodeCentered(Matrix centered, SparseCodes codes)
    {
        using var scores = new Matrix(centered.Rows, Latents);
        using (var product = new DenseProduct(Workers.Shared))
        {
            product.PackRight(Directions, transposed: true);
            product.Multiply(centered, transposed: false, scores);
        }

        EncodeRows(
            centered.Rows,
            r =>
            {
                double[] products = new double[Latents];
                TensorPrimitives.ConvertTruncating<float, double>(scores.Row(r), products);
                double[] code = Nonnegative(gram, products, Numbers);
                return [.. Enumerable.Range(0, Latents).Where(i => code[i] > 0).Select(i => (i, (float)code[i]))];
            },
            codes);
    }

    private static void Basis(Matrix x, Matrix weights, Matrix basis, DenseProduct product)
    {
        int n = weights.Columns;
        using Matrix right = new(n, x.Columns), squares = new(n, n);
        product.PackRight(x, transposed: false);
        product.Multiply(weights, transposed: true, right);
        product.PackRight(weights, transposed: false);
        product.Multiply(weights, transposed: true, squares);
        double[,] factor = new double[n, n];
        double trace = 0;
        for (int i = 0; i < n; i++) trace += squares[i, i] / (double)n;
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++) factor[i, j] = squares[i, j] + (i == j ? 1e-7 * trace : 0);
        Cholesky.Factor(factor, 1e-12 * trace);
        Workers.Shared.Run(x.Columns, c =>
        {
            double[] column = new double[n];
            for (int i = 0; i < n; i++) column[i] = right[i, c];
            Cholesky.Solve(factor, column);
            for (int i = 0; i < n; i++) basis[i, c] = (float)column[i];
        });
    }

    // In double precision: directions nearly opposite to each other make a matrix that is singular within single precision.
    private static double[,] GramOf(Matrix rows)
    {
        double[][] exact = [.. Enumerable.Range(0, rows.Rows).Select(i => rows.Row(i).ToArray().Select(value => (double)value).ToArray())];
        double[,] result = new double[rows.Rows, rows.Rows];
        for (int i = 0; i < rows.Rows; i++)
            for (int j = 0; j < rows.Rows; j++) result[i, j] = DoubleRows.Dot(exact[i], exact[j]);
        return result;
    }
}
