namespace Unweave.Projection;

/// <summary>Where <see cref="TSne"/> is after a step.</summary>
/// <param name="Iteration">Steps done.</param>
/// <param name="Loss">Divergence KL(P‖Q) in nats of the places before this step, without exaggeration.</param>
/// <param name="Points">Places after this step, x and y in turn, <c>[N, 2]</c>, around 0; a copy of its own.</param>
public readonly record struct TSneStep(int Iteration, double Loss, ReadOnlyMemory<float> Points);
