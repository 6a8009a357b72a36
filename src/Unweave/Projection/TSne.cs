using Unweave.Numerics;

namespace Unweave.Projection;

/// <summary>
/// t-SNE (van der Maaten and Hinton 2008) with Barnes–Hut forces (van der Maaten 2014): places in the plane such that points that are near
/// in many dimensions are near there. Groups and neighbors mean something; distances between groups and their sizes mean little.
/// </summary>
/// <remarks>The same rows, options and kind of processor give the same map for any number of threads.</remarks>
public static class TSne
{
    private const double EarlyMomentum = 0.5, LateMomentum = 0.8, GainUp = 0.2, GainDown = 0.8, LeastGain = 0.01, LeastRate = 50;

    /// <summary>Makes a map, a step at a time; the neighbors are found before the first one.</summary>
    /// <param name="rows">The points, <c>[N, d]</c>; unchanged and undisposed until the first step is there.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="cancellationToken">
    /// Ends the work with <see cref="OperationCanceledException"/>; whoever has enough stops reading instead.
    /// </param>
    /// <returns>The state after each step; of fewer than two points, which need no steps, the last state alone.</returns>
    /// <exception cref="InputException">A value is not a finite number.</exception>
    public static IEnumerable<TSneStep> Run(Matrix rows, TSneOptions? options = null, CancellationToken cancellationToken = default) =>
        Run(rows, options ?? new TSneOptions(), Workers.Shared, cancellationToken);

    /// <summary>As above, on a team of threads.</summary>
    internal static IEnumerable<TSneStep> Run(Matrix rows, TSneOptions options, Workers workers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        for (int row = 0; row < rows.Rows; row++)
            foreach (float value in rows.Row(row))
                if (!float.IsFinite(value))
                    throw new InputException($"Row {row} of the points has the value {value}; leave out rows that are not finite numbers.");
        return rows.Rows < 2
            ? [new TSneStep(options.Iterations, 0, new float[2 * rows.Rows])]
            : Steps(rows, null, options, workers, cancellationToken);
    }

    /// <summary>Makes a map of points whose neighbors are known; their rows say only where they start.</summary>
    internal static IEnumerable<TSneStep> Run(
        Matrix rows, Affinities known, TSneOptions options, Workers workers, CancellationToken cancellationToken) =>
        Steps(rows, known, options, workers, cancellationToken);

    /// <summary>Steps at the beginning whose attraction is exaggerated.</summary>
    internal static int ExaggeratedSteps(TSneOptions options) => Math.Min(options.ExaggeratedIterations, options.Iterations / 3);

    private static IEnumerable<TSneStep> Steps(
        Matrix rows, Affinities? known, TSneOptions options, Workers workers, CancellationToken cancellationToken)
    {
        int points = rows.Rows, early = ExaggeratedSteps(options);
        TSneObjective objective;
        double[] places;
        using (Matrix centered = PrincipalStart.Center(rows))
        {
            Affinities affinities = known ?? Affinities.Compute(centered, options.Perplexity, workers, cancellationToken);
            objective = new TSneObjective(affinities, options.Theta, workers);
            cancellationToken.ThrowIfCancellationRequested();
            places = PrincipalStart.Compute(centered, options.Seed, workers);
        }

        double rate = options.LearningRate ?? Math.Max(points / (4 * options.Exaggeration), LeastRate);
        double[] gradient = new double[2 * points], velocity = new double[2 * points], gains = new double[2 * points];
        gains.AsSpan().Fill(1);
        for (int iteration = 1; iteration <= options.Iterations; iteration++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool exaggerated = iteration <= early;
            if (iteration == early + 1)
            {
                // Forces are others from here on: what was learnt of the steps no longer holds.
                gains.AsSpan().Fill(1);
                velocity.AsSpan().Clear();
            }

            double loss = objective.Evaluate(places, exaggerated ? options.Exaggeration : 1, gradient);
            Move(places, gradient, velocity, gains, rate, exaggerated ? EarlyMomentum : LateMomentum);
            float[] shown = new float[2 * points];
            for (int i = 0; i < shown.Length; i++) shown[i] = (float)places[i];
            yield return new TSneStep(iteration, loss, shown);
        }
    }

    // Gains (Jacobs 1988): a coordinate that keeps its direction takes longer steps, one that turns takes shorter ones.
    private static void Move(double[] places, double[] gradient, double[] velocity, double[] gains, double rate, double momentum)
    {
        double meanX = 0, meanY = 0;
        for (int i = 0; i < places.Length; i++)
        {
            gains[i] = Math.Max(LeastGain, velocity[i] * gradient[i] < 0 ? gains[i] + GainUp : gains[i] * GainDown);
            velocity[i] = (momentum * velocity[i]) - (rate * gains[i] * gradient[i]);
            places[i] += velocity[i];
            if ((i & 1) == 0) meanX += places[i];
            else meanY += places[i];
        }

        // Approximate forces do not sum to 0, so the whole would drift.
        meanX /= places.Length / 2;
        meanY /= places.Length / 2;
        for (int i = 0; i < places.Length; i += 2)
        {
            places[i] -= meanX;
            places[i + 1] -= meanY;
        }
    }
}
