using System.Buffers;
using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Training;

/// <summary>
/// Muon (Jordan et al. 2024): a matrix moves along its momentum with all singular values brought near 1 by five Newton–Schulz steps;
/// vectors are Adam's. A step is scaled by 0.2·√max(rows, columns), which gives it the size of Adam's, so that the same rate fits both (Liu
/// et al. 2025, "Muon is scalable for LLM training", section 2.2).
/// </summary>
/// <remarks>
/// m ← β₁m + (1 − β₁)g and X₀ = m/‖m‖; a Newton–Schulz step is X ← aX + bXG + cXG² with G = XᵀX and (a, b, c) = (3.4445, −4.7750, 2.0315).
/// Each step multiplies X by the polynomial P = aI + bG + cG² of its own Gram matrix, and turns that into GP²: so the five run on the Gram
/// matrix alone, of the shorter side, and the long matrix is multiplied twice in all, where the textbook multiplies it ten times.
/// </remarks>
internal sealed unsafe class Muon : Optimizer
{
    private const int Iterations = 5, RowsOfPart = 64;
    private const float A = 3.4445f, B = -4.7750f, C = 2.0315f, AdamsSize = 0.2f;

    private readonly Matrix?[] momentum, first, second;
    private readonly DenseProduct product;
    private readonly double beta1, beta2, epsilon;
    private double rate;
    private AdamStep step;

    /// <summary>
    /// Makes one with zero momentum: <c>muon.m.NAME</c> of matrices, <c>adam.m.NAME</c> and <c>adam.v.NAME</c> of vectors in checkpoints.
    /// </summary>
    public Muon(IReadOnlyList<Parameter> parameters, TrainingOptions options, Workers workers)
        : base(parameters, workers)
    {
        (beta1, beta2, epsilon) = (options.Beta1, options.Beta2, options.Epsilon);
        momentum = AddState("muon.m", IsMatrix);
        first = AddState("adam.m", parameter => !IsMatrix(parameter));
        second = AddState("adam.v", parameter => !IsMatrix(parameter));
        product = new DenseProduct(workers);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        product.Dispose();
    }

    /// <inheritdoc/>
    protected override void Begin(double rate)
    {
        this.rate = rate;
        step = Adam.At(Step, rate, beta1, beta2, epsilon);
    }

    /// <inheritdoc/>
    protected override bool Update(int parameter, nint offset, nint count, float* gradient)
    {
        if (momentum[parameter] is not { } matrix)
        {
            Kernels.Adam(Parameters[parameter].Value.Pointer + offset, first[parameter]!.Pointer + offset,
                second[parameter]!.Pointer + offset, gradient, count, step);
            return true;
        }

        float* m = matrix.Pointer + offset;
        Kernels.Scale(m, (float)beta1, count);
        Kernels.AddScaled(m, gradient, (float)(1 - beta1), count);
        return false;
    }

    /// <inheritdoc/>
    protected override void End()
    {
        for (int p = 0; p < Parameters.Count; p++)
            if (momentum[p] is { } matrix) Move(Parameters[p], matrix);
    }

    private void Move(Parameter parameter, Matrix m)
    {
        bool tall = m.Rows >= m.Columns;
        int side = Math.Min(m.Rows, m.Columns);
        using Matrix gram = new(side, side);
        product.PackRight(m, transposed: !tall);
        product.Multiply(m, transposed: tall, gram);
        double square = 0; // ‖m‖², the trace
        for (int i = 0; i < side; i++) square += gram[i, i];
        if (!(square > 0)) return;
        Kernels.Scale(gram.Pointer, (float)(1 / square), (nint)gram.Count);
        using Matrix factor = Orthogonalizing(gram);
        float change = (float)(-rate * AdamsSize * Math.Sqrt(Math.Max(m.Rows, m.Columns)) / Math.Sqrt(square));
        Matrix left = tall ? m : factor;
        product.PackRight(tall ? factor : m, transposed: false);
        Matrix value = parameter.Value;
        int columns = value.Columns;
        Workers.Run((value.Rows + RowsOfPart - 1) / RowsOfPart, part =>
        {
            int from = part * RowsOfPart, count = Math.Min(RowsOfPart, value.Rows - from);
            float[] rented = ArrayPool<float>.Shared.Rent(count * columns);
            fixed (float* direction = rented)
            {
                product.MultiplyRows(left, transposed: false, from, count, direction);
                Kernels.AddScaled(value.Pointer + ((nint)from * columns), direction, change, (nint)count * columns);
            }

            ArrayPool<float>.Shared.Return(rented);
            if (parameter.UnitRows) Normalize(value, from, count);
        });
    }

    /// <summary>The product Q of the polynomials of all steps: X₀Q is what Newton–Schulz makes of X₀.</summary>
    /// <param name="gram">X₀ᵀX₀, symmetric; overwritten.</param>
    private Matrix Orthogonalizing(Matrix gram)
    {
        int side = gram.Rows;
        var all = new Matrix(side, side);
        using Matrix polynomial = new(side, side), other = new(side, side);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            product.PackRight(gram, transposed: false);
            product.Multiply(gram, transposed: false, polynomial);
            Kernels.Scale(polynomial.Pointer, C, (nint)polynomial.Count);
            Kernels.AddScaled(polynomial.Pointer, gram.Pointer, B, (nint)polynomial.Count);
            for (int i = 0; i < side; i++) polynomial[i, i] += A;
            if (iteration == 0)
            {
                polynomial.CopyTo(all);
            }
            else
            {
                product.PackRight(polynomial, transposed: false);
                product.Multiply(all, transposed: false, other);
                other.CopyTo(all);
            }

            if (iteration == Iterations - 1) break;
            product.PackRight(polynomial, transposed: false);
            product.Multiply(gram, transposed: false, other);
            product.Multiply(other, transposed: false, gram);
        }

        return all;
    }

    private static bool IsMatrix(Parameter parameter) => parameter.Value is { Rows: > 1, Columns: > 1 };
}
