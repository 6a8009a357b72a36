using System.Buffers;
using System.Diagnostics;
using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Training;

/// <summary>
/// Changes weights by their gradients, which it takes block by block and applies while they are in the cache: project, step, renormalize in
/// one pass over each row, so that no dense gradient exists. One for each <see cref="OptimizerKind"/>.
/// </summary>
internal abstract unsafe class Optimizer : IDisposable
{
    private const int BlockFloats = 16 * 1024; // of gradient at a time: 64 KB, in a second-level cache with its weights and moments

    private readonly List<Block> blocks = [];
    private readonly List<(string Name, Matrix?[] Values)> states = [];

    private readonly record struct Block(int Parameter, int FirstRow, int Rows);

    private delegate void SpanAction(Span<float> gradient);

    /// <summary>Divides the weights into blocks.</summary>
    private protected Optimizer(IReadOnlyList<Parameter> parameters, Workers workers)
    {
        (Parameters, Workers) = (parameters, workers);
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

    /// <summary>What it keeps of each trained parameter, for checkpoints, by name: <c>adam.m.W_enc</c>.</summary>
    public IEnumerable<Parameter> State =>
        Parameters.SelectMany((parameter, p) => states.Where(state => state.Values[p] is not null)
            .Select(state => new Parameter($"{state.Name}.{parameter.Name}", state.Values[p]!)))
        .Concat(Scalars);

    /// <summary>Wall time that the last <see cref="Apply"/> spent reading gradients, its threads' shares taken together.</summary>
    public TimeSpan ReadTime { get; private set; }

    /// <summary>The weights.</summary>
    protected IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The threads to run on.</summary>
    protected Workers Workers { get; }

    /// <summary>The inner loops.</summary>
    protected KernelSet Kernels { get; } = KernelSet.Current;

    /// <summary>What it keeps beside the parameters.</summary>
    protected virtual IEnumerable<Parameter> Scalars => [];

    /// <summary>Makes the optimizer of a run, which has not seen anything.</summary>
    /// <param name="parameters">The weights, their first values set.</param>
    /// <param name="options">The run.</param>
    /// <param name="workers">The threads to run on.</param>
    public static Optimizer Create(IReadOnlyList<Parameter> parameters, TrainingOptions options, Workers workers) =>
        options.Optimizer switch
        {
            OptimizerKind.Adam => new Adam(parameters, options, workers),
            OptimizerKind.Signum => new Signum(parameters, options, workers),
            OptimizerKind.Muon => new Muon(parameters, options, workers),
            OptimizerKind.ScheduleFree => new ScheduleFree(parameters, options, workers),
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Optimizer, "There is no such optimizer."),
        };

    /// <summary>Norm of the whole gradient, projections included.</summary>
    public double Norm(LossAndGradients gradients)
    {
        double[] squares = new double[blocks.Count];
        Workers.Run(blocks.Count, b => WithGradient(gradients, blocks[b], gradient =>
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
        Begin(rate);
        long reading = 0, start = Stopwatch.GetTimestamp();
        Workers.Run(blocks.Count, b =>
        {
            Block block = blocks[b];
            Parameter parameter = Parameters[block.Parameter];
            int columns = parameter.Value.Columns;
            long began = Stopwatch.GetTimestamp();
            WithGradient(gradients, block, gradient =>
            {
                Interlocked.Add(ref reading, Stopwatch.GetTimestamp() - began);
                fixed (float* g = gradient)
                {
                    nint offset = (nint)block.FirstRow * columns, count = (nint)block.Rows * columns;
                    if (scale != 1) Kernels.Scale(g, (float)scale, count);
                    if (!Update(block.Parameter, offset, count, g)) return;
                    if (parameter.UnitRows) Normalize(parameter.Value, block.FirstRow, block.Rows);
                }
            });
        });
        long all = Stopwatch.GetTimestamp() - start;
        ReadTime = TimeSpan.FromSeconds(Math.Min(all, (double)reading / Workers.Threads) / Stopwatch.Frequency);
        End();
    }

    /// <summary>Forgets what it knew of a latent that was resampled.</summary>
    public virtual void Forget(int latent)
    {
        for (int p = 0; p < Parameters.Count; p++)
        {
            if (!Parameters[p].PerLatent) continue;
            foreach ((_, Matrix?[] values) in states)
                if (values[p] is { } value) OfLatent(value, latent).Clear();
        }
    }

    /// <summary>
    /// Puts the weights to use into the parameters, or those to train on, where the two are not the same; what was there is kept.
    /// </summary>
    /// <param name="use">True for those to use.</param>
    /// <returns>Whether the parameters changed.</returns>
    public virtual bool Show(bool use) => false;

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        foreach ((_, Matrix?[] values) in states)
            foreach (Matrix? value in values) value?.Dispose();
    }

    /// <summary>Prepares a step.</summary>
    protected abstract void Begin(double rate);

    /// <summary>Applies the gradient of consecutive weights.</summary>
    /// <param name="parameter">Index of the parameter.</param>
    /// <param name="offset">Index of the first weight.</param>
    /// <param name="count">Number of weights, whole rows.</param>
    /// <param name="gradient">Their gradient; may be overwritten.</param>
    /// <returns>False when the weights are to change only in <see cref="End"/>.</returns>
    protected abstract bool Update(int parameter, nint offset, nint count, float* gradient);

    /// <summary>Ends a step, after all gradients are read.</summary>
    protected virtual void End()
    {
    }

    /// <summary>Keeps a number for each weight of the parameters that a condition holds for, zero at first.</summary>
    /// <param name="name">Its name in checkpoints, before that of the parameter.</param>
    /// <param name="has">Which parameters; null for all that are trained.</param>
    protected Matrix?[] AddState(string name, Func<Parameter, bool>? has = null)
    {
        Matrix?[] values =
        [
            .. Parameters.Select(parameter => parameter.Trained && (has?.Invoke(parameter) ?? true)
                ? new Matrix(parameter.Value.Rows, parameter.Value.Columns)
                : null),
        ];
        states.Add((name, values));
        return values;
    }

    /// <summary>Brings rows to unit norm; rows of zeros stay.</summary>
    protected void Normalize(Matrix value, int first, int count)
    {
        int columns = value.Columns;
        for (int r = first; r < first + count; r++)
        {
            float* row = value.Pointer + ((nint)r * columns);
            float norm = MathF.Sqrt(Kernels.Dot(row, row, columns));
            if (norm > 0) Kernels.Scale(row, 1 / norm, columns);
        }
    }

    /// <summary>What of a tensor belongs to a latent: a row, or an element of a vector.</summary>
    protected static Span<float> OfLatent(Matrix value, int latent) =>
        value.Rows == 1 ? value.Row(0).Slice(latent, 1) : value.Row(latent);

    private void WithGradient(LossAndGradients gradients, Block block, SpanAction use)
    {
        Parameter parameter = Parameters[block.Parameter];
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
                    float* row = parameter.Value.Pointer + ((nint)(block.FirstRow + r) * columns), gradientRow = g + ((nint)r * columns);
                    Kernels.AddScaled(gradientRow, row, -Kernels.Dot(gradientRow, row, columns), columns);
                }
            }
        }

        use(gradient);
        ArrayPool<float>.Shared.Return(rented);
    }
}
