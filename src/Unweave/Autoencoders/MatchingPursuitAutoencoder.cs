using System.ComponentModel;
using System.Diagnostics;
using System.Numerics.Tensors;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>Matching pursuit (Mallat and Zhang 1993; as an autoencoder Costa et al. 2025): latents are chosen one after another.</summary>
public sealed record MatchingPursuitOptions : DictionaryOptions
{
    private const int MostLatents = 16_384;

    /// <summary>Steps of a row, and so the most latents that are active in it. Default 32.</summary>
    [Description("Steps of a row, and so the most latents that are active in it.")]
    public int K { get; init; } = 32;

    /// <summary>A row ends once its residual is shorter than this, at the scale of the weights; 0 for never. Default 0.</summary>
    [Description("A row ends once its residual is shorter, for inputs scaled to norm sqrt(d); 0 for never.")]
    public double ResidualThreshold { get; init; }

    /// <inheritdoc/>
    internal override string Title => "Matching pursuit";

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, {Latents:N0} latents, up to {K} active");

    /// <inheritdoc/>
    public override double ParameterCount(int inputWidth, int outputWidth) => (Latents * (double)outputWidth) + outputWidth;

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        if (K < 1) throw new InputException($"k is {K}; a pursuit takes at least one step.");
        if (K > Latents) throw new InputException($"k is {K} but latents is {Latents}; lower k or raise latents.");
        NotNegative(ResidualThreshold);
        if (Latents > MostLatents)
        {
            throw new InputException($"latents is {Latents}, but a matching pursuit keeps the products of all pairs of its rows, which at "
                + $"{MostLatents} latents take 1 GB; lower latents, or choose the architecture topk.");
        }
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) => new MatchingPursuitAutoencoder(this, inputWidth, rng);
}

/// <summary>
/// The matching-pursuit autoencoder (Costa et al. 2025, "From flat to hierarchical: extracting sparse representations with matching
/// pursuit"): there is no encoder. With r_0 = x − b_dec, each step takes the latent j whose unit row has the largest product a = W_dec,j·r
/// with the residual, adds a to z_j and takes a·W_dec,j away from r; it ends after k steps, or where no product is positive. x̂ = Σ z_i
/// W_dec,i + b_dec.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖², the last residual's square. Steps read products, which a step changes by a row of W_dec·W_decᵀ: one product for a batch
/// and one for the dictionary take the place of a product for each step.
/// </remarks>
internal sealed class MatchingPursuitAutoencoder : SparseAutoencoder
{
    private readonly Lock gate = new();
    private Steps? idle; // with the products of all pairs of rows, made when they are first used

    /// <summary>Makes one with random unit decoder rows; without a generator, zeros.</summary>
    public MatchingPursuitAutoencoder(MatchingPursuitOptions options, int width, Rng? rng)
        : base(options, new DictionaryWeights(options.Latents, width, width, unitDecoder: true, centersInput: true, tied: true))
    {
        Options = options;
        if (rng is not null) Weights.FillDecoder(rng);
        Parameters = [.. Weights.Parameters.Where(parameter => parameter.Name is "W_dec" or "b_dec")];
    }

    /// <inheritdoc/>
    public override MatchingPursuitOptions Options { get; }

    /// <inheritdoc/>
    internal override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        ArgumentNullException.ThrowIfNull(codes);
        using Matrix input = EncoderInput(x);
        lock (gate)
        {
            if (idle is null)
            {
                idle = new Steps(Weights.Decoder, Options, Workers.Shared);
                idle.Prepare();
            }

            idle.Take(input);
            idle.Collect(codes);
        }
    }

    /// <inheritdoc/>
    internal override void Resample(int latent, ReadOnlySpan<float> direction, ReadOnlySpan<float> encoder) =>
        direction.CopyTo(Decoder.Row(latent));

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    /// <inheritdoc/>
    internal override void WeightsChanged()
    {
        base.WeightsChanged();
        lock (gate)
        {
            idle?.Dispose();
            idle = null;
        }
    }

    /// <inheritdoc/>
    private protected override void Release()
    {
        base.Release();
        Weights.EncoderBias.Dispose(); // no parameter here
    }

    /// <summary>The steps of a batch's rows, in the order in which they were taken.</summary>
    private sealed unsafe class Steps(Matrix decoder, MatchingPursuitOptions options, Workers workers) : IDisposable
    {
        private readonly KernelSet kernels = KernelSet.Current;
        private readonly DenseProduct product = new(workers);
        private readonly Matrix pairs = new(decoder.Rows, decoder.Rows);
        private Matrix? products;

        /// <summary>Latent and value of each step, K places a row.</summary>
        public int[] Latents { get; private set; } = [];

        public float[] Values { get; private set; } = [];

        /// <summary>Steps of each row.</summary>
        public int[] Counts { get; private set; } = [];

        /// <summary>Takes the products of all pairs of rows, once the dictionary has changed.</summary>
        public void Prepare()
        {
            product.PackRight(decoder, transposed: true);
            product.Multiply(decoder, transposed: false, pairs);
        }

        /// <summary>Takes the steps of rows, b_dec subtracted.</summary>
        public void Take(Matrix input)
        {
            int rows = input.Rows, k = options.K, n = decoder.Rows;
            if (Counts.Length != rows) (Counts, Latents, Values) = (new int[rows], new int[rows * k], new float[rows * k]);
            Matrix left = DictionaryGradients.Resized(ref products, rows, n);
            product.PackRight(decoder, transposed: true);
            product.Multiply(input, transposed: false, left);
            double end = options.ResidualThreshold * options.ResidualThreshold;
            workers.Run(RowParts.Count(rows), part =>
            {
                (int first, int last) = RowParts.Range(part, rows);
                for (int r = first; r < last; r++)
                {
                    Span<float> row = left.Row(r);
                    double square = end > 0 ? TensorPrimitives.SumOfSquares<float>(input.Row(r)) : 0;
                    int count = 0;
                    for (; count < k; count++)
                    {
                        int best = TensorPrimitives.IndexOfMax<float>(row);
                        float value = row[best];
                        if (!(value > 0)) break;
                        (Latents[(r * k) + count], Values[(r * k) + count]) = (best, value);
                        fixed (float* target = row) kernels.AddScaled(target, pairs.Pointer + ((nint)best * n), -value, n);
                        if (end == 0 || (square -= (double)value * value) >= end) continue;
                        count++;
                        break;
                    }

                    Counts[r] = count;
                }
            });
        }

        /// <summary>The codes: what a latent was given in all its steps.</summary>
        public void Collect(SparseCodes codes)
        {
            var rows = new List<(int Latent, float Value)>[Counts.Length];
            for (int r = 0; r < rows.Length; r++)
            {
                var row = new SortedDictionary<int, float>();
                for (int j = r * options.K; j < (r * options.K) + Counts[r]; j++)
                    row[Latents[j]] = row.GetValueOrDefault(Latents[j]) + Values[j];
                rows[r] = [.. row.Select(entry => (entry.Key, entry.Value))];
            }

            NarrowedCodes.FromRows(rows, codes);
        }

        public void Dispose()
        {
            product.Dispose();
            pairs.Dispose();
            products?.Dispose();
        }
    }

    private sealed unsafe class Gradients : DictionaryGradients
    {
        private const int DecoderIndex = 0;

        private readonly KernelSet kernels = KernelSet.Current;
        private readonly MatchingPursuitAutoencoder model;
        private readonly Steps steps;
        private readonly NativeBuffer<float> slopes = new(); // [steps, d]: what each step adds to the gradient of its row of W_dec
        private readonly int[] starts;
        private readonly Matrix centerGradient;
        private int[] byLatent = [];
        private Matrix? residual;
        private long entries;

        public Gradients(MatchingPursuitAutoencoder model, Workers workers)
            : base(model, workers)
        {
            this.model = model;
            steps = new Steps(Weights.Decoder, model.Options, workers);
            starts = new int[model.Latents + 1];
            centerGradient = new Matrix(1, model.OutputWidth);
        }

        public override long Entries => entries;

        public override LossTerms Compute(Batch batch, in StepSettings settings)
        {
            long start = Stopwatch.GetTimestamp();
            Load(batch);
            steps.Prepare();
            steps.Take(Input);
            long encoded = Stopwatch.GetTimestamp();
            Unwind(batch.Rows);
            long decoded = Stopwatch.GetTimestamp();
            Sort(batch.Rows);
            Times = new PhaseTimes(
                Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(Mean(Errors), 0, 0);
        }

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
        {
            if (parameter != DecoderIndex)
            {
                centerGradient.Row(0).CopyTo(destination);
                return;
            }

            destination.Clear();
            int width = model.OutputWidth;
            fixed (float* target = destination)
            {
                for (int r = 0; r < rowCount; r++)
                {
                    for (int j = starts[firstRow + r]; j < starts[firstRow + r + 1]; j++)
                        kernels.AddScaled(target + ((nint)r * width), slopes.Pointer + ((nint)byLatent[j] * width), 1, width);
                }
            }
        }

        public override void Dispose()
        {
            base.Dispose();
            foreach (IDisposable? part in (IDisposable?[])[steps, slopes, centerGradient, residual]) part?.Dispose();
        }

        // The last residual and its loss; then step after step back: with g the gradient in the residual after a step of value a along
        // d, ∂L/∂d = −a g − (d·g) r with r the residual before it, and the gradient in r is g − (d·g) d.
        private void Unwind(int batch)
        {
            int width = model.OutputWidth, k = model.Options.K;
            Matrix left = Resized(ref residual, batch, width);
            float* ofSteps = slopes.Ensure((long)batch * k * width), dictionary = Weights.Decoder.Pointer;
            float factor = 2f / batch;
            Workers.Run(RowParts.Count(batch), part =>
            {
                (int first, int last) = RowParts.Range(part, batch);
                float[] gradient = new float[width];
                fixed (float* g = gradient)
                {
                    for (int r = first; r < last; r++)
                    {
                        float* rest = left.Pointer + ((nint)r * width);
                        Input.Row(r).CopyTo(left.Row(r));
                        int from = r * k, count = steps.Counts[r];
                        for (int j = from; j < from + count; j++)
                            kernels.AddScaled(rest, dictionary + ((nint)steps.Latents[j] * width), -steps.Values[j], width);
                        Errors[r] = kernels.Dot(rest, rest, width);
                        TensorPrimitives.Multiply(left.Row(r), factor, gradient);
                        for (int j = from + count - 1; j >= from; j--)
                        {
                            float* direction = dictionary + ((nint)steps.Latents[j] * width), slope = ofSteps + ((nint)j * width);
                            float along = kernels.Dot(direction, g, width);
                            kernels.AddScaled(rest, direction, steps.Values[j], width); // the residual before the step
                            new Span<float>(slope, width).Clear();
                            kernels.AddScaled(slope, g, -steps.Values[j], width);
                            kernels.AddScaled(slope, rest, -along, width);
                            kernels.AddScaled(g, direction, -along, width);
                        }

                        gradient.CopyTo(left.Row(r)); // that of x − b_dec
                    }
                }
            });
            centerGradient.Clear();
            for (int r = 0; r < batch; r++)
                kernels.AddScaled(centerGradient.Pointer, left.Pointer + ((nint)r * width), -1, width);
        }

        private void Sort(int batch)
        {
            int k = model.Options.K;
            Array.Clear(starts);
            Array.Clear(FiredCounts);
            entries = 0;
            for (int r = 0; r < batch; r++)
            {
                entries += steps.Counts[r];
                for (int j = r * k; j < (r * k) + steps.Counts[r]; j++)
                {
                    starts[steps.Latents[j] + 1]++;
                    bool again = false;
                    for (int before = r * k; before < j; before++) again |= steps.Latents[before] == steps.Latents[j];
                    if (!again) FiredCounts[steps.Latents[j]]++;
                }
            }

            for (int latent = 0; latent < starts.Length - 1; latent++) starts[latent + 1] += starts[latent];
            if (byLatent.Length < entries) byLatent = new int[entries];
            int[] next = starts[..^1];
            for (int r = 0; r < batch; r++)
                for (int j = r * k; j < (r * k) + steps.Counts[r]; j++) byLatent[next[steps.Latents[j]]++] = j;
        }
    }
}
