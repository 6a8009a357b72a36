using System.Numerics;
using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Training;

/// <summary>
/// Schedule-free AdamW (Defazio et al. 2024, "The road less scheduled", algorithm 1, without weight decay): gradients are taken at
/// y = (1 − β₁)z + β₁x; z takes Adam's step without momentum; x is the average of the z so far, each by the square of its rate.
/// </summary>
/// <remarks>
/// With v ← β₂v + (1 − β₂)g² and γ = lr·√(1 − β₂ᵗ): z ← z − γg/(√v + ε), c = γ²/Σγ², x ← (1 − c)x + cz. Weights to train on are y, weights
/// to use are x. Of rows that are held at unit norm, z, x and y are each brought back to it, so that directions are averaged.
/// </remarks>
internal sealed unsafe class ScheduleFree : Optimizer
{
    private readonly Matrix?[] second, steepest, average;
    private readonly Matrix weightSum = new(1, 1); // Σγ², in units of the rate's square
    private readonly double beta1, beta2, epsilon;
    private float rate, share;
    private bool inUse;

    /// <summary>
    /// Makes one that begins at the parameters: <c>scheduleFree.v.NAME</c>, <c>.z.NAME</c> and <c>.x.NAME</c> in checkpoints.
    /// </summary>
    public ScheduleFree(IReadOnlyList<Parameter> parameters, TrainingOptions options, Workers workers)
        : base(parameters, workers)
    {
        (beta1, beta2, epsilon) = (options.Beta1, options.Beta2, options.Epsilon);
        second = AddState("scheduleFree.v");
        steepest = AddState("scheduleFree.z");
        average = AddState("scheduleFree.x");
        for (int p = 0; p < parameters.Count; p++)
        {
            if (!parameters[p].Trained) continue;
            parameters[p].Value.CopyTo(steepest[p]!);
            parameters[p].Value.CopyTo(average[p]!);
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<Parameter> Scalars => [new Parameter("scheduleFree.weights", weightSum)];

    /// <inheritdoc/>
    public override void Forget(int latent)
    {
        for (int p = 0; p < Parameters.Count; p++)
        {
            if (!Parameters[p].PerLatent || second[p] is null) continue;
            OfLatent(second[p]!, latent).Clear();
            OfLatent(Parameters[p].Value, latent).CopyTo(OfLatent(steepest[p]!, latent));
            OfLatent(Parameters[p].Value, latent).CopyTo(OfLatent(average[p]!, latent));
        }
    }

    /// <inheritdoc/>
    public override bool Show(bool use)
    {
        if (use == inUse) return false;
        inUse = use;
        for (int p = 0; p < Parameters.Count; p++)
        {
            if (average[p] is not { } other) continue;
            Matrix value = Parameters[p].Value;
            Workers.Run(value.Rows, row =>
            {
                Span<float> here = value.Row(row), there = other.Row(row);
                for (int c = 0; c < here.Length; c++) (here[c], there[c]) = (there[c], here[c]);
            });
        }

        return true;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        weightSum.Dispose();
    }

    /// <inheritdoc/>
    protected override void Begin(double rate)
    {
        double step = rate * Math.Sqrt(1 - Math.Pow(beta2, Step));
        this.rate = (float)step;
        float weight = (float)(step * step);
        weightSum[0, 0] += weight;
        share = weightSum[0, 0] > 0 ? weight / weightSum[0, 0] : 1;
    }

    /// <inheritdoc/>
    protected override bool Update(int parameter, nint offset, nint count, float* gradient)
    {
        float* v = second[parameter]!.Pointer + offset, z = steepest[parameter]!.Pointer + offset;
        (float keep, float eps, float lr) = ((float)beta2, (float)epsilon, rate);
        Vector<float> beta = new(keep), rest = new(1 - keep), epsilons = new(eps), rates = new(lr);
        nint i = 0;
        for (; i + Vector<float>.Count <= count; i += Vector<float>.Count)
        {
            Vector<float> g = Vector.Load(gradient + i), square = (beta * Vector.Load(v + i)) + (rest * (g * g));
            square.Store(v + i);
            (Vector.Load(z + i) - (rates * g / (Vector.SquareRoot(square) + epsilons))).Store(z + i);
        }

        for (; i < count; i++)
        {
            float g = gradient[i], square = v[i] = (keep * v[i]) + ((1 - keep) * (g * g));
            z[i] -= lr * g / (MathF.Sqrt(square) + eps);
        }

        int columns = Parameters[parameter].Value.Columns, row = (int)(offset / columns), rows = (int)(count / columns);
        bool unit = Parameters[parameter].UnitRows;
        if (unit) Normalize(steepest[parameter]!, row, rows);
        float* x = average[parameter]!.Pointer + offset, y = Parameters[parameter].Value.Pointer + offset;
        Mix(x, x, z, share, count);
        if (unit) Normalize(average[parameter]!, row, rows);
        Mix(y, x, z, (float)(1 - beta1), count);
        return true;
    }

    // target = (1 − share)·a + share·b
    private static void Mix(float* target, float* a, float* b, float share, nint count)
    {
        Vector<float> take = new(share), keep = new(1 - share);
        nint i = 0;
        for (; i + Vector<float>.Count <= count; i += Vector<float>.Count)
            ((keep * Vector.Load(a + i)) + (take * Vector.Load(b + i))).Store(target + i);
        for (; i < count; i++) target[i] = ((1 - share) * a[i]) + (share * b[i]);
    }
}
