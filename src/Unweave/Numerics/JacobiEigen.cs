using System.Runtime.Intrinsics;

namespace Unweave.Numerics;

/// <summary>
/// Eigenvalues and eigenvectors of a small dense matrix by one-sided Jacobi rotations (Hestenes 1958): rows of J·A are rotated in
/// pairs until all are orthogonal; the rows of J are then the eigenvectors of A.
/// </summary>
internal static class JacobiEigen
{
    private const int MaxSweeps = 40;
    private const double Orthogonal = 1e-14;

    /// <summary>Decomposes a symmetric positive semidefinite matrix, such as a covariance.</summary>
    /// <param name="matrix">The matrix, n rows of n numbers; overwritten.</param>
    /// <returns>The eigenvalues, descending, and their orthonormal eigenvectors, a row each.</returns>
    public static (double[] Values, double[][] Vectors) Solve(double[][] matrix)
    {
        int n = matrix.Length;
        double[][] vectors = [.. Enumerable.Range(0, n).Select(i => { double[] row = new double[n]; row[i] = 1; return row; })];
        bool rotated = true;
        for (int sweep = 0; rotated && sweep < MaxSweeps; sweep++)
        {
            rotated = false;
            for (int p = 0; p < n; p++)
                for (int q = p + 1; q < n; q++) rotated |= Rotate(matrix, vectors, p, q);
        }

        double[] values = [.. vectors.Zip(matrix, (vector, image) => DoubleRows.Dot(vector, image))];
        int[] order = [.. Enumerable.Range(0, n).OrderByDescending(i => values[i])];
        return ([.. order.Select(i => values[i])], [.. order.Select(i => vectors[i])]);
    }

    // The rotation that makes rows p and q of J·A orthogonal (Rutishauser's stable form of tangent and cosine).
    private static bool Rotate(double[][] images, double[][] vectors, int p, int q)
    {
        double pp = DoubleRows.Dot(images[p], images[p]), qq = DoubleRows.Dot(images[q], images[q]);
        double pq = DoubleRows.Dot(images[p], images[q]);
        if (pq == 0 || Math.Abs(pq) <= Orthogonal * Math.Sqrt(pp * qq)) return false;
        double zeta = (qq - pp) / (2 * pq), tangent = Math.CopySign(1 / (Math.Abs(zeta) + Math.Sqrt(1 + (zeta * zeta))), zeta);
        double cosine = 1 / Math.Sqrt(1 + (tangent * tangent)), sine = cosine * tangent;
        Turn(images[p], images[q], cosine, sine);
        Turn(vectors[p], vectors[q], cosine, sine);
        return true;
    }

    private static void Turn(double[] p, double[] q, double cosine, double sine)
    {
        int i = 0;
        for (; i + 4 <= p.Length; i += 4)
        {
            Vector256<double> x = Vector256.LoadUnsafe(ref p[i]), y = Vector256.LoadUnsafe(ref q[i]);
            ((x * cosine) - (y * sine)).StoreUnsafe(ref p[i]);
            ((x * sine) + (y * cosine)).StoreUnsafe(ref q[i]);
        }

        for (; i < p.Length; i++) (p[i], q[i]) = ((cosine * p[i]) - (sine * q[i]), (sine * p[i]) + (cosine * q[i]));
    }
}
