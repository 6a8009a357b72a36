using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Tests.Autoencoders;
using Unweave.Training;

namespace Unweave.Tests.Training;

/// <summary>
/// A plain second learner, dense and in double precision: losses from <see cref="ReferenceLosses"/>, gradients by central differences,
/// Adam, projection, clipping and renormalization as the papers write them. The oracle of whole training runs.
/// </summary>
internal sealed class OracleLearner : Learner
{
    private const double Difference = 1e-5;

    private readonly Autoencoder model;
    private readonly TrainingOptions options;
    private readonly double[][][] weights, first, second;
    private int[] fired = [];
    private long steps;

    public OracleLearner(Autoencoder model, TrainingOptions options)
    {
        (this.model, this.options) = (model, options);
        weights = [.. model.Parameters.Select(parameter => ReferenceLosses.Rows(parameter.Value))];
        first = Zeros();
        second = Zeros();
    }

    public override Autoencoder Autoencoder
    {
        get
        {
            for (int p = 0; p < weights.Length; p++)
                for (int r = 0; r < weights[p].Length; r++)
                    for (int c = 0; c < weights[p][r].Length; c++) model.Parameters[p].Value[r, c] = (float)weights[p][r][c];
            return model;
        }
    }

    public override ReadOnlySpan<int> Fired => fired;

    public override long Steps => steps;

    public override LearnerStep Step(Batch batch, in StepSettings settings, double rate)
    {
        var losses = new ReferenceLosses(options.Autoencoder, batch, settings);
        double loss = losses.Loss(weights);
        fired = losses.Fired(weights);
        double[][][] gradient = Gradient(losses);
        double norm = 0;
        for (int p = 0; p < weights.Length; p++)
        {
            for (int r = 0; r < weights[p].Length; r++)
            {
                if (model.Parameters[p].UnitRows)
                {
                    double along = gradient[p][r].Zip(weights[p][r], (g, w) => g * w).Sum();
                    for (int c = 0; c < gradient[p][r].Length; c++) gradient[p][r][c] -= along * weights[p][r][c];
                }

                norm += gradient[p][r].Sum(g => g * g);
            }
        }

        norm = Math.Sqrt(norm);
        double scale = options.GradientClip is { } limit && norm > limit ? limit / norm : 1;
        steps++;
        for (int p = 0; p < weights.Length; p++)
        {
            for (int r = 0; r < weights[p].Length; r++)
            {
                double[] w = weights[p][r], m = first[p][r], v = second[p][r];
                for (int c = 0; c < w.Length; c++)
                {
                    double g = gradient[p][r][c] * scale;
                    m[c] = (options.Beta1 * m[c]) + ((1 - options.Beta1) * g);
                    v[c] = (options.Beta2 * v[c]) + ((1 - options.Beta2) * g * g);
                    double mean = m[c] / (1 - Math.Pow(options.Beta1, steps)), square = v[c] / (1 - Math.Pow(options.Beta2, steps));
                    w[c] -= rate * mean / (Math.Sqrt(square) + options.Epsilon);
                }

                if (!model.Parameters[p].UnitRows) continue;
                double length = Math.Sqrt(w.Sum(value => value * value));
                for (int c = 0; c < w.Length; c++) w[c] /= length;
            }
        }

        return new LearnerStep { Loss = new LossTerms(loss, 0, 0), GradientNorm = options.GradientClip is null ? null : norm };
    }

    public override IReadOnlyList<int> Resample(ReadOnlyMemory<int> dead, Rng rng) => throw new NotSupportedException();

    public override void Save(Action<Parameter> write) => throw new NotSupportedException();

    public override void Restore(Action<Parameter> read, long steps) => throw new NotSupportedException();

    public override void Dispose() => model.Dispose();

    private double[][][] Zeros() => [.. weights.Select(tensor => tensor.Select(row => new double[row.Length]).ToArray())];

    private double[][][] Gradient(ReferenceLosses losses)
    {
        double[][][] gradient = Zeros();
        for (int p = 0; p < weights.Length; p++)
        {
            if (!model.Parameters[p].Trained) continue;
            for (int r = 0; r < weights[p].Length; r++)
            {
                for (int c = 0; c < weights[p][r].Length; c++)
                {
                    double kept = weights[p][r][c];
                    weights[p][r][c] = kept + Difference;
                    double above = losses.Loss(weights);
                    weights[p][r][c] = kept - Difference;
                    double below = losses.Loss(weights);
                    weights[p][r][c] = kept;
                    gradient[p][r][c] = (above - below) / (2 * Difference);
                }
            }
        }

        return gradient;
    }
}
