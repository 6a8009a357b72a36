using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// Independent component analysis by FastICA (Hyvärinen 1999): the symmetric form with the log cosh contrast, on rows whitened by their
/// principal components. A row keeps the k sources that contribute most to it, refitted by least squares.
/// </summary>
internal sealed class IcaBaseline : Baseline
{
    /// <summary>Components, at most.</summary>
    internal const int MostComponents = 256;

    private const int SampleRows = 10_000, MaxRounds = 100;

    // Ends when no row of the unmixing has turned by more than this, as 1 less its cosine; scikit-learn's default.
    private const double Tolerance = 1e-4;

    // Components of less variance than this share of the first one's are rounding.
    private const double LeastVariance = 1e-6;

    private readonly Matrix unmixing; // [components, d]: the contribution of each source, along its unit direction

    private IcaBaseline(int k, Matrix unmixing, Matrix directions, float[] center)
        : base($"ICA, {k} of {directions.Rows}", k, directions, center) => this.unmixing = unmixing;

    /// <summary>Fits the components to rows of a source: all of them, or 10,000 drawn at random when there are more.</summary>
    public static IcaBaseline Fit(IActivationSource source, int k, ulong seed, CancellationToken cancellationToken)
    {
        using var sample = BaselineSample.Draw(source, SampleRows, seed);
        int wanted = Math.Clamp(Math.Min(source.Width, sample.Rows.Rows - 1), 1, Math.Max(k, MostComponents));
        (double[][] axes, double[] variances) = PrincipalComponents.Compute(sample.Rows, wanted, seed, Workers.Shared);
        int n = variances.Count(value => value > LeastVariance * variances[0]);
        if (n == 0) throw new InputException($"{source.Name}: all rows are alike, so there are no components to find.");
        double[] deviations = [.. variances.Take(n).Select(Math.Sqrt)];
        using Matrix whitening = PcaBaseline.ToMatrix(
            [.. Enumerable.Range(0, n).Select(i => axes[i].Select(value => value / deviations[i]).ToArray())]);
        using Matrix white = Times(sample.Rows, whitening);
        using Matrix rotation = Rotate(white, new Rng(seed), cancellationToken);

        // The sources are s = R·white; x = Σ s_j·a_j with a_j = Σ_c R_jc·σ_c·v_c, so that a code of unit directions is s_j·‖a_j‖.
        Matrix directions = new(n, source.Width), contributions = new(n, source.Width);
        for (int j = 0; j < n; j++)
        {
            double[] mixing = new double[source.Width], reading = new double[source.Width];
            for (int c = 0; c < n; c++)
            {
                DoubleRows.AddScaled(mixing, axes[c], rotation[j, c] * deviations[c]);
                DoubleRows.AddScaled(reading, axes[c], rotation[j, c] / deviations[c]);
            }

            double length = Math.Sqrt(DoubleRows.Dot(mixing, mixing));
            for (int i = 0; i < mixing.Length; i++)
                (directions[j, i], contributions[j, i]) = ((float)(mixing[i] / length), (float)(reading[i] * length));
        }

        return new IcaBaseline(Math.Min(k, n), contributions, directions, sample.Center);
    }

    /// <summary>The rotation of white rows whose coordinates are least Gaussian, <c>[n, n]</c>.</summary>
    /// <param name="white">Rows of mean 0 and unit covariance, <c>[rows, n]</c>.</param>
    /// <param name="rng">Draws where it starts.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal static Matrix Rotate(Matrix white, Rng rng, CancellationToken cancellationToken)
    {
        int n = white.Columns;
        var rotation = new Matrix(n, n);
        rng.FillNormal(rotation.AsSpan());
        Orthonormalize(rotation);
        using Matrix sources = new(white.Rows, n), next = new(n, n);
        using var product = new DenseProduct(Workers.Shared);
        for (int round = 0; round < MaxRounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            product.PackRight(rotation, transposed: true);
            product.Multiply(white, transposed: false, sources);
            Workers.Shared.Run(sources.Rows, r => TensorPrimitives.Tanh(sources.Row(r), sources.Row(r)));
            double[] slopes = new double[n]; // the mean of the contrast's second derivative, 1 − tanh²
            for (int r = 0; r < sources.Rows; r++)
            {
                ReadOnlySpan<float> row = sources.Row(r);
                for (int c = 0; c < n; c++) slopes[c] += (1 - ((double)row[c] * row[c])) / sources.Rows;
            }

            product.PackRight(white, transposed: false);
            product.Multiply(sources, transposed: true, next);
            for (int j = 0; j < n; j++)
                for (int c = 0; c < n; c++) next[j, c] = (float)((next[j, c] / white.Rows) - (slopes[j] * rotation[j, c]));
            Orthonormalize(next);
            double turned = 0;
            for (int j = 0; j < n; j++)
            {
                double cosine = 0;
                for (int c = 0; c < n; c++) cosine += (double)next[j, c] * rotation[j, c];
                turned = Math.Max(turned, Math.Abs(Math.Abs(cosine) - 1));
            }

            next.CopyTo(rotation);
            if (turned < Tolerance) break;
        }

        return rotation;
    }

    /// <summary>
    /// The nearest orthonormal matrix, (WWᵀ)^(−½)·W, by Newton and Schulz's iteration W ← (3·W − WWᵀW)/2, which needs products only.
    /// </summary>
    internal static void Orthonormalize(Matrix w)
    {
        const int rounds = 60;
        int n = w.Rows;
        using Matrix gram = new(n, n), moved = new(n, n);
        using var product = new DenseProduct(Workers.Shared);

        // Convergence needs singular values below √3; the largest is at most the root of the largest sum of a row of |WWᵀ|.
        Gram();
        double bound = Enumerable.Range(0, n).Max(r => gram.Row(r).ToArray().Sum(value => Math.Abs((double)value)));
        if (bound <= 0) return;
        TensorPrimitives.Multiply(w.AsSpan(), (float)(1 / Math.Sqrt(bound)), w.AsSpan());
        for (int round = 0; round < rounds; round++)
        {
            Gram();
            double off = 0;
            for (int r = 0; r < n; r++)
                for (int c = 0; c < n; c++) off = Math.Max(off, Math.Abs(gram[r, c] - (r == c ? 1 : 0)));
            if (off < 1e-6) break;
            product.PackRight(w, transposed: false);
            product.Multiply(gram, transposed: false, moved);
            for (int r = 0; r < n; r++)
                for (int c = 0; c < n; c++) w[r, c] = (1.5f * w[r, c]) - (0.5f * moved[r, c]);
        }

        void Gram()
        {
            product.PackRight(w, transposed: true);
            product.Multiply(w, transposed: false, gram);
        }
    }

    /// <inheritdoc/>
    private protected override void EncodeCentered(Matrix centered, SparseCodes codes)
    {
        using Matrix contributions = Times(centered, unmixing);
        EncodeRows(
            centered.Rows,
            r => SupportFit.LeastSquares(Directions, SupportFit.Largest(contributions.Row(r), Numbers), centered.Row(r)),
            codes);
    }

    /// <inheritdoc/>
    private protected override void Release() => unmixing.Dispose();

    private static Matrix Times(Matrix rows, Matrix directions)
    {
        var result = new Matrix(rows.Rows, directions.Rows);
        using var product = new DenseProduct(Workers.Shared);
        product.PackRight(directions, transposed: true);
        product.Multiply(rows, transposed: false, result);
        return result;
    }
}
