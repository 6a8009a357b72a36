using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Training;

/// <summary>Adam (Kingma and Ba 2015, algorithm 1).</summary>
internal sealed unsafe class Adam : Optimizer
{
    private readonly Matrix?[] first, second;
    private readonly double beta1, beta2, epsilon;
    private AdamStep step;

    /// <summary>Makes one with zero moments: <c>adam.m.NAME</c> and <c>adam.v.NAME</c> in checkpoints.</summary>
    public Adam(IReadOnlyList<Parameter> parameters, TrainingOptions options, Workers workers)
        : base(parameters, workers)
    {
        (beta1, beta2, epsilon) = (options.Beta1, options.Beta2, options.Epsilon);
        first = AddState("adam.m");
        second = AddState("adam.v");
    }

    /// <inheritdoc/>
    protected override void Begin(double rate) => step = At(Step, rate, beta1, beta2, epsilon);

    /// <inheritdoc/>
    protected override bool Update(int parameter, nint offset, nint count, float* gradient)
    {
        Kernels.Adam(Parameters[parameter].Value.Pointer + offset, first[parameter]!.Pointer + offset, second[parameter]!.Pointer + offset,
            gradient, count, step);
        return true;
    }

    /// <summary>Adam's numbers at a step.</summary>
    internal static AdamStep At(long step, double rate, double beta1, double beta2, double epsilon)
    {
        double rise = 1 - Math.Pow(beta1, step), scaleOfSecond = 1 / (1 - Math.Pow(beta2, step));
        return new AdamStep((float)beta1, (float)beta2, (float)epsilon, (float)(rate / rise), (float)scaleOfSecond);
    }
}
