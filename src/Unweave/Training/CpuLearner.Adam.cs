using System.Buffers;
using System.Diagnostics;
using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Training;

internal sealed partial class CpuLearner
{
    /// <summary>
    /// Adam (Kingma and Ba 2015) that takes the gradient block by block and applies it while it is in the cache: project, step,
    /// renormalize in one pass over each row, so that no dense gradient exists.
    /// </summary>
    private sealed unsafe class Adam : IDisposable
    {
        private const int BlockFloats = 16 * 1024; // of gradient at a time: 64 KB, in a second-level cache with its weights and moments

        private readonly IReadOnlyList<Parameter> parameters;
        private readonly Workers workers;
        private readonly KernelSet kernels = KernelSet.Current;
        private readonly Matrix[] first, second;
        private readonly List<Block> blocks = [];
        private readonly double beta1, beta2, epsilon;

        private readonly record struct Block(int Parameter, int FirstRow, int Rows);

        /// <summary>Makes an optimizer with zero moments.</summary>
        public Adam(IReadOnlyList<Parameter> parameters, Workers workers, double beta1, double beta2, double epsilon)
        {
            (this.parameters, this.workers) = (parameters, workers);
            (this.beta1, this.beta2, this.epsilon) = (beta1, beta2, epsilon);
            first = [.. parameters.Select(Zeros)];
            second = [.. parameters.Select(Zeros)];
            for (int p = 0; p < parameters.Count; p++)
            {
                if (!parameters[p].Trained) continue;
                Matrix value = parameters[p].Value;
                int rows = Math.Max(1, BlockFloats / Math.Max(1, value.Columns));
                for (int row = 0; row < value.Rows; row += rows) blocks.Add(new Block(p, row, Math.Min(rows, value.Rows - row)));
            }
        }

        /// <summary>Number of steps taken.</summary>
        public long Step { get; set; }

        /// <summary>The moments, for checkpoints: <c>adam.m.NAME</c> and <c>adam.v.NAME</c>.</summary>
        public IEnumerable<Parameter> State =>
            parameters.SelectMany((parameter, p) => parameter.Trained
                ? new[] { new Parameter("adam.m." + parameter.Name, first[p]), new Parameter("adam.v." + parameter.Name, second[p]) }
                : []);

        /// <summary>Wall time that the last <see cref="Apply"/> spent reading gradients, its threads' shares taken together.</summary>
        public TimeSpan ReadTime { get; private set; }

        /// <summary>Norm of the whole gradient, projections included.</summary>
        public double Norm(LossAndGradients gradients)
        {
            double[] squares = new double[blocks.Count];
            workers.Run(blocks.Count, b => WithGradient(gradients, blocks[b], gradient =>
            {
                double sum = 0;
                foreach (float g in gradient) sum += (double)g * g;
                squares[b] = sum;
            }));
            double total = 0;
            foreach (double square in squares) total += square;
            return Math.Sqrt(total);
        }

        /// <summary>Takes one step.</summary>
        /// <param name="gradients">Where to read gradients.</param>
        /// <param name="rate">Learning rate.</param>
        /// <param name="scale">Factor on the gradient (clipping).</param>
        public void Apply(LossAndGradients gradients, double rate, double scale = 1)
        {
            Step++;
            double rise = 1 - Math.Pow(beta1, Step), scaleOfSecond = 1 / (1 - Math.Pow(beta2, Step));
            var step = new AdamStep((float)beta1, (float)beta2, (float)epsilon, (float)(rate / rise), (float)scaleOfSecond);
            long reading = 0, start = Stopwatch.GetTimestamp();
            workers.Run(blocks.Count, b =>
            {
                Block block = blocks[b];
                Matrix value = parameters[block.Parameter].Value;
                int columns = value.Columns;
                long began = Stopwatch.GetTimestamp();
                WithGradient(gradients, block, gradient =>
                {
                    Interlocked.Add(ref reading, Stopwatch.GetTimestamp() - began);
                    fixed (float* g = gradient)
                    {
                        nint offset = (nint)block.FirstRow * columns, count = (nint)block.Rows * columns;
                        float* w = value.Pointer + offset;
                        if (scale != 1) kernels.Scale(g, (float)scale, count);
                        kernels.Adam(w, first[block.Parameter].Pointer + offset, second[block.Parameter].Pointer + offset, g, count, step);
                        if (!parameters[block.Parameter].UnitRows) return;
                        for (int r = 0; r < block.Rows; r++)
                        {
                            float* row = w + ((nint)r * columns);
                            float norm = MathF.Sqrt(kernels.Dot(row, row, columns));
                            if (norm > 0) kernels.Scale(row, 1 / norm, columns);
                        }
                    }
                });
            });
            long all = Stopwatch.GetTimestamp() - start;
            ReadTime = TimeSpan.FromSeconds(Math.Min(all, (double)reading / workers.Threads) / Stopwatch.Frequency);
        }

        /// <summary>Forgets the moments of a latent that was resampled.</summary>
        public void Forget(int latent)
        {
            for (int p = 0; p < parameters.Count; p++)
            {
                if (!parameters[p].PerLatent || !parameters[p].Trained) continue;
                foreach (Matrix moment in (Matrix[])[first[p], second[p]])
                {
                    if (moment.Rows == 1) moment[0, latent] = 0;
                    else moment.Row(latent).Clear();
                }
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            foreach (Matrix moment in first.Concat(second)) moment.Dispose();
        }

        private static Matrix Zeros(Parameter parameter) =>
            parameter.Trained ? new Matrix(parameter.Value.Rows, parameter.Value.Columns) : new Matrix(0, 0);

        private void WithGradient(LossAndGradients gradients, Block block, SpanAction use)
        {
            Parameter parameter = parameters[block.Parameter];
            int columns = parameter.Value.Columns, count = block.Rows * columns;
            float[] rented = ArrayPool<float>.Shared.Rent(count);
            Span<float> gradient = rented.AsSpan(0, count);
            gradients.Read(block.Parameter, block.FirstRow, block.Rows, gradient);
            if (parameter.UnitRows)
            {
                // The part of the gradient along the row would only be undone by the renormalization, and would spoil the moments.
                fixed (float* g = gradient)
                {
                    for (int r = 0; r < block.Rows; r++)
                    {
                        float* row =
                            parameter.Value.Pointer + ((nint)(block.FirstRow + r) * columns), gradientRow = g + ((nint)r * columns);
                        kernels.AddScaled(gradientRow, row, -kernels.Dot(gradientRow, row, columns), columns);
                    }
                }
            }

            use(gradient);
            ArrayPool<float>.Shared.Return(rented);
        }

        private delegate void SpanAction(Span<float> gradient);
    }
}
