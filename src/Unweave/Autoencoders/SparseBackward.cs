using System.Numerics.Tensors;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>
/// The exact backward pass of sparse codes through a dictionary, at a cost of the active entries alone.
/// </summary>
/// <remarks>
/// A loss is a sum of terms, each a reconstruction from codes of its own (the k of TopK, the 4k of Multi-TopK, the dead latents of
/// AuxK): Lₜ = wₜ/B · Σ ‖Σⱼ zⱼ W_dec,ⱼ − targetₜ‖². With Gₜ = ∂Lₜ/∂x̂ <c>[batch, d]</c>:
/// ∂L/∂zⱼ = Gₜ·W_dec,ⱼ;  ∂L/∂W_dec,ᵢ = Σ z Gₜ;  ∂L/∂W_enc,ᵢ = Σ ∂L/∂z · x_c;  ∂L/∂b_enc,ᵢ = Σ ∂L/∂z;
/// ∂L/∂b_dec = Σ Gₜ − W_encᵀ ∂L/∂b_enc, sums over the entries of a latent. Entries are sorted by latent (a counting sort), so one
/// thread owns one latent's rows: no atomics, and the same bits for any number of threads.
/// </remarks>
internal sealed unsafe class SparseBackward(DictionaryWeights weights, Workers workers) : IDisposable
{
    private const int Chunks = 64; // of a reduction: fixed, so that its order does not depend on the threads

    private readonly KernelSet kernels = KernelSet.Current;
    private readonly List<Term> terms = [];
    private readonly NativeBuffer<float> partial = new();
    private readonly int latents = weights.Encoder.Rows, inputWidth = weights.Encoder.Columns, width = weights.Decoder.Columns;
    private readonly Matrix biasGradient = new(1, weights.Encoder.Rows), centerGradient = new(1, weights.Decoder.Columns);
    private Matrix? encoderInput;
    private int used;

    /// <summary>One reconstruction: its codes, its gradient, and its entries by latent.</summary>
    private sealed class Term : IDisposable
    {
        public Matrix Gradient = new(0, 0);
        public SparseCodes Codes = new(0);
        public double[] Errors = [];
        public bool HasBias;
        public readonly NativeBuffer<float> CodeGradient = new();  // [entries], in the order of the codes
        public readonly NativeBuffer<int> Starts = new();          // [n + 1]
        public readonly NativeBuffer<int> Rows = new();            // [entries], by latent: the row of the batch
        public readonly NativeBuffer<float> Values = new();        // [entries], by latent: z
        public readonly NativeBuffer<float> Deltas = new();        // [entries], by latent: ∂L/∂z

        public void Dispose()
        {
            Gradient.Dispose();
            CodeGradient.Dispose();
            Starts.Dispose();
            Rows.Dispose();
            Values.Dispose();
            Deltas.Dispose();
        }
    }

    /// <summary>∂L/∂x̂ of the first term, <c>[batch, d]</c>.</summary>
    public Matrix Gradient => terms[0].Gradient;

    /// <summary>Starts a batch.</summary>
    /// <param name="input">The encoder's input, <c>[batch, input width]</c>; used until the next batch.</param>
    public void Begin(Matrix input)
    {
        encoderInput = input;
        used = 0;
    }

    /// <summary>Adds a reconstruction: computes its loss, Gₜ and ∂L/∂z.</summary>
    /// <param name="codes">Its codes; used until the next batch.</param>
    /// <param name="target">What it should be, without b_dec, <c>[batch, d]</c>.</param>
    /// <param name="targetScale">Factor on the target.</param>
    /// <param name="weight">Weight of the term in the loss.</param>
    /// <param name="hasBias">True when b_dec takes part in the reconstruction and so in its gradient.</param>
    /// <param name="penalty">Added to ∂L/∂z of each entry of a latent, <c>[n]</c>; null for none.</param>
    /// <returns>Σ ‖error‖² of each row.</returns>
    public double[] Reconstruct(SparseCodes codes, Matrix target, float targetScale, double weight, bool hasBias, float* penalty = null)
    {
        if (used == terms.Count) terms.Add(new Term());
        Term term = terms[used++];
        int batch = codes.Rows;
        if (term.Gradient.Rows != batch || term.Gradient.Columns != width)
        {
            term.Gradient.Dispose();
            term.Gradient = new Matrix(batch, width);
            term.Errors = new double[batch];
        }

        (term.Codes, term.HasBias) = (codes, hasBias);
        float* deltas = term.CodeGradient.Ensure(codes.Count), gradient = term.Gradient.Pointer, dictionary = weights.Decoder.Pointer;
        double[] errors = term.Errors;
        float factor = (float)(2 * weight / batch);
        workers.Run(RowParts.Count(batch), part =>
        {
            (int first, int end) = RowParts.Range(part, batch);
            fixed (int* all = codes.AllLatents)
            fixed (float* values = codes.AllValues)
            {
                for (int r = first; r < end; r++)
                {
                    nint start = (nint)codes.Starts[r], count = codes.RowCount(r);
                    float* row = gradient + ((nint)r * width);
                    TensorPrimitives.Multiply(target.Row(r), -targetScale, new Span<float>(row, width));
                    kernels.WeightedSum(row, dictionary, width, all + start, values + start, count);
                    errors[r] = kernels.Dot(row, row, width);
                    kernels.Scale(row, factor, width);
                    kernels.Dots(row, dictionary, width, all + start, deltas + start, count);
                    if (penalty != null)
                        for (nint j = start; j < start + count; j++) deltas[j] += penalty[all[j]];
                }
            }
        });
        return errors;
    }

    /// <summary>Sorts every term's entries by latent and computes the gradients of the biases.</summary>
    public void Finish()
    {
        float* encoderBias = biasGradient.Pointer;
        biasGradient.Clear();
        for (int t = 0; t < used; t++)
        {
            SortByLatent(terms[t]);
            int* starts = terms[t].Starts.Pointer;
            float* deltas = terms[t].Deltas.Pointer;
            for (int latent = 0; latent < latents; latent++)
                for (int j = starts[latent]; j < starts[latent + 1]; j++) encoderBias[latent] += deltas[j];
        }

        float* sums = partial.Ensure((long)Chunks * width), encoder = weights.Encoder.Pointer;
        workers.Run(Chunks, chunk =>
        {
            float* sum = sums + ((nint)chunk * width);
            new Span<float>(sum, width).Clear();
            for (int t = 0; t < used; t++)
            {
                if (!terms[t].HasBias) continue;
                int batch = terms[t].Gradient.Rows;
                for (int r = (int)((long)batch * chunk / Chunks); r < (int)((long)batch * (chunk + 1) / Chunks); r++)
                    kernels.AddScaled(sum, terms[t].Gradient.Pointer + ((nint)r * width), 1, width);
            }

            if (!weights.CentersInput) return;
            for (int latent = (int)((long)latents * chunk / Chunks); latent < (int)((long)latents * (chunk + 1) / Chunks); latent++)
                if (encoderBias[latent] != 0) kernels.AddScaled(sum, encoder + ((nint)latent * width), -encoderBias[latent], width);
        });
        centerGradient.Clear();
        for (int chunk = 0; chunk < Chunks; chunk++) kernels.AddScaled(centerGradient.Pointer, sums + ((nint)chunk * width), 1, width);
    }

    /// <summary>Writes the gradient of rows of a parameter; see <see cref="LossAndGradients.Read"/>.</summary>
    public void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
    {
        destination.Clear();
        fixed (float* target = destination)
        {
            switch (parameter)
            {
                case DictionaryWeights.EncoderBiasIndex:
                    biasGradient.Row(0).CopyTo(destination);
                    break;
                case DictionaryWeights.DecoderBiasIndex:
                    centerGradient.Row(0).CopyTo(destination);
                    break;
                default:
                    for (int t = 0; t < used; t++)
                    {
                        Term term = terms[t];
                        bool encoder = parameter == DictionaryWeights.EncoderIndex;
                        float* source = encoder ? encoderInput!.Pointer : term.Gradient.Pointer;
                        int columns = encoder ? inputWidth : width;
                        float* factors = encoder ? term.Deltas.Pointer : term.Values.Pointer;
                        int* starts = term.Starts.Pointer, rows = term.Rows.Pointer;
                        for (int r = 0; r < rowCount; r++)
                        {
                            int start = starts[firstRow + r], count = starts[firstRow + r + 1] - start;
                            kernels.WeightedSum(target + ((nint)r * columns), source, columns, rows + start, factors + start, count);
                        }
                    }

                    break;
            }
        }
    }

    /// <summary>Counts how often each latent occurs in a term's codes; valid after <see cref="Finish"/>.</summary>
    public void CountFired(int term, Span<int> fired)
    {
        int* starts = terms[term].Starts.Pointer;
        for (int latent = 0; latent < latents; latent++) fired[latent] = starts[latent + 1] - starts[latent];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Term term in terms) term.Dispose();
        partial.Dispose();
        biasGradient.Dispose();
        centerGradient.Dispose();
    }

    private void SortByLatent(Term term)
    {
        SparseCodes codes = term.Codes;
        int count = checked((int)codes.Count);
        int* starts = term.Starts.Ensure(latents + 1), rows = term.Rows.Ensure(count);
        float* values = term.Values.Ensure(count), deltas = term.Deltas.Ensure(count), unsorted = term.CodeGradient.Pointer;
        new Span<int>(starts, latents + 1).Clear();
        ReadOnlySpan<int> all = codes.AllLatents;
        ReadOnlySpan<float> allValues = codes.AllValues;
        foreach (int latent in all) starts[latent + 1]++;
        for (int latent = 0; latent < latents; latent++) starts[latent + 1] += starts[latent];
        ReadOnlySpan<long> codeStarts = codes.Starts;
        for (int r = 0; r < codes.Rows; r++)
        {
            for (int j = (int)codeStarts[r]; j < (int)codeStarts[r + 1]; j++)
            {
                int place = starts[all[j]]++;
                rows[place] = r;
                values[place] = allValues[j];
                deltas[place] = unsorted[j];
            }
        }

        // Each start has moved to its latent's end, which is the next latent's start: shift back.
        for (int latent = latents; latent > 0; latent--) starts[latent] = starts[latent - 1];
        starts[0] = 0;
    }
}
