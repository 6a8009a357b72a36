using System.Numerics;
using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Training;

/// <summary>
/// Signum (Bernstein et al. 2018, "signSGD"): m ← β₁m + (1 − β₁)g, w ← w − lr·sign(m).
/// </summary>
/// <remarks>
/// Where the gradient is exactly 0, as it is in all rows of a latent that did not fire, weight and momentum rest: the sign of a momentum
/// that fades never fades, and would move a dead latent by the full rate for hundreds of steps.
/// </remarks>
internal sealed unsafe class Signum : Optimizer
{
    private readonly Matrix?[] momentum;
    private readonly float keep;
    private float rate;

    /// <summary>Makes one with zero momentum: <c>signum.m.NAME</c> in checkpoints.</summary>
    public Signum(IReadOnlyList<Parameter> parameters, TrainingOptions options, Workers workers)
        : base(parameters, workers)
    {
        keep = (float)options.Beta1;
        momentum = AddState("signum.m");
    }

    /// <inheritdoc/>
    protected override void Begin(double rate) => this.rate = (float)rate;

    /// <inheritdoc/>
    protected override bool Update(int parameter, nint offset, nint count, float* gradient)
    {
        float* w = Parameters[parameter].Value.Pointer + offset, m = momentum[parameter]!.Pointer + offset;
        Vector<float> beta = new(keep), rest = new(1 - keep), up = new(rate), down = new(-rate);
        nint i = 0;
        for (; i + Vector<float>.Count <= count; i += Vector<float>.Count)
        {
            Vector<float> g = Vector.Load(gradient + i), before = Vector.Load(m + i);
            Vector<int> still = Vector.Equals(g, Vector<float>.Zero);
            Vector<float> now = (beta * before) + (rest * g);
            Vector<float> change = Vector.ConditionalSelect(Vector.GreaterThan(now, Vector<float>.Zero), up,
                Vector.ConditionalSelect(Vector.LessThan(now, Vector<float>.Zero), down, Vector<float>.Zero));
            Vector.ConditionalSelect(still, before, now).Store(m + i);
            (Vector.Load(w + i) - Vector.ConditionalSelect(still, Vector<float>.Zero, change)).Store(w + i);
        }

        for (; i < count; i++)
        {
            if (gradient[i] == 0) continue;
            m[i] = (keep * m[i]) + ((1 - keep) * gradient[i]);
            w[i] -= m[i] > 0 ? rate : m[i] < 0 ? -rate : 0;
        }

        return true;
    }
}
