using System.Numerics.Tensors;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>
/// The exact backward pass of sparse codes through a dictionary, at a cost of the active entries alone.
/// </summary>
/// <remarks>
/// A loss is a sum of terms, each a reconstruction from codes of its own (the k of TopK, the 4k of Multi-TopK, the dead latents of
/// AuxK, the latents of a prefix): Lₜ = wₜ/B · Σ ‖Σⱼ zⱼ W_dec,ⱼ − targetₜ‖². With Gₜ = ∂Lₜ/∂x̂ <c>[batch, d]</c>:
/// ∂L/∂zⱼ = Gₜ·W_dec,ⱼ;  ∂L/∂W_dec,ᵢ = Σ z Gₜ;  ∂L/∂W_enc,ᵢ = Σ ∂L/∂z · x_c;  ∂L/∂b_enc,ᵢ = Σ ∂L/∂z;
/// ∂L/∂b_dec = Σ Gₜ − W_encᵀ ∂L/∂b_enc, sums over the entries of a latent. Entries are sorted by latent (a counting sort), so one
/// thread owns one latent's rows: no atomics, and the same bits for any number of threads. A term of more than an eighth of all
/// possible entries goes through dense products, which cost less there.
/// </remarks>
internal sealed unsafe class SparseBackward(DictionaryWeights weights, Workers workers) : IDisposable
{
    private const int Chunks = 64; // of a reduction: fixed, so that its order does not depend on the threads
    private const double DenseShare = 1.0 / 8;

    private readonly KernelSet kernels = KernelSet.Current;
    private readonly List<Term> terms = [];
    private readonly NativeBuffer<float> partial = new();
    private readonly int latents = weights.Encoder.Rows, inputWidth = weights.Encoder.Columns, width = weights.Decoder.Columns;
    private readonly Matrix biasGradient = new(1, weights.Encoder.Rows), centerGradient = new(1, weights.Decoder.Columns);
    private readonly Matrix inputSum = new(1, weights.Encoder.Columns);
    private Matrix? encoderInput, everyRow;
    private DenseBackward? whole; // where one dense term is all there is
    private int used;

    /// <summary>One reconstruction: its codes, its gradient, and its entries by latent.</summary>
    internal sealed class Term(DictionaryWeights weights, Workers workers) : IDisposable
    {
        internal readonly NativeBuffer<float> CodeGradient = new();  // [entries], in the order of the codes
        internal readonly NativeBuffer<int> Starts = new();          // [n + 1]
        internal readonly NativeBuffer<int> Rows = new();            // [entries], by latent: the row of the gradient
        internal readonly NativeBuffer<float> Values = new();        // [entries], by latent: z
        internal readonly NativeBuffer<float> SortedDeltas = new();  // [entries], by latent: ∂L/∂pre
        private readonly NativeBuffer<float> entryGradients = new(); // [entries, d], where each entry has one of its own
        private Matrix? gradient, denseCodes;
        private DenseBackward? dense;

        /// <summary>∂Lₜ/∂x̂, <c>[batch, d]</c>; of a term whose entries have gradients of their own, that of b_dec.</summary>
        public Matrix Gradient { get; private set; } = new(0, 0);

        /// <summary>Its codes; used until the next batch.</summary>
        public SparseCodes Codes { get; private set; } = new(0);

        /// <summary>∂L/∂z of each entry, in the order of the codes; whoever adds to it does so before the batch is finished.</summary>
        public Span<float> Deltas => new(CodeGradient.Pointer, (int)Codes.Count);

        internal bool HasBias { get; set; }

        internal bool MovesDecoder { get; set; } = true;

        internal Matrix? Source { get; set; } // what the encoder multiplied; null for that of the batch

        internal float* EntryGradients { get; private set; } // null where entries share the gradient of their row

        internal DenseBackward? Dense { get; private set; } // null on the sparse path

        internal void Begin(SparseCodes codes, int rows, int width, bool perEntry, bool isDense)
        {
            (Codes, HasBias, MovesDecoder, Source) = (codes, true, true, null);
            CodeGradient.Ensure(codes.Count);
            EntryGradients = perEntry ? entryGradients.Ensure(codes.Count * width) : null;
            Dense = isDense ? dense ??= new DenseBackward(weights, workers) : null;
            if (Dense is null) Gradient = DictionaryGradients.Resized(ref gradient, rows, width);
        }

        internal void SetDenseGradient(Matrix value) => Gradient = value;

        internal Matrix DenseCodes(int rows, int columns) => DictionaryGradients.Resized(ref denseCodes, rows, columns);

        public void Dispose()
        {
            gradient?.Dispose();
            denseCodes?.Dispose();
            dense?.Dispose();
            IDisposable[] buffers = [CodeGradient, Starts, Rows, Values, SortedDeltas, entryGradients];
            foreach (IDisposable buffer in buffers) buffer.Dispose();
        }
    }

    /// <summary>Starts a batch.</summary>
    /// <param name="input">The encoder's input, <c>[batch, input width]</c>; used until the next batch.</param>
    public void Begin(Matrix input)
    {
        (encoderInput, everyRow, whole) = (input, null, null);
        used = 0;
    }

    /// <summary>Adds a reconstruction: computes its loss, Gₜ and ∂L/∂z.</summary>
    /// <param name="codes">Its codes; used until the next batch.</param>
    /// <param name="target">What it should be, without b_dec, <c>[batch, d]</c>.</param>
    /// <param name="errors">Overwritten with Σ ‖error‖² of each row.</param>
    /// <param name="targetScale">Factor on the target.</param>
    /// <param name="weight">Weight of the term in the loss.</param>
    /// <param name="tilt">t of <see cref="RowWeights"/>: 0 weighs all rows alike.</param>
    /// <param name="hasBias">True when b_dec takes part in the reconstruction and so in its gradient.</param>
    /// <param name="mayBeDense">Whether many entries go through dense products, which have no <paramref name="error"/> to give.</param>
    /// <param name="error">Overwritten with Σ z W_dec − target, <c>[batch, d]</c>; null where nobody needs it.</param>
    public Term Reconstruct(SparseCodes codes, Matrix target, double[] errors, float targetScale = 1, double weight = 1, double tilt = 0,
        bool hasBias = true, Matrix? error = null, bool mayBeDense = false)
    {
        int batch = codes.Rows;
        Term term = NextTerm(
            codes, batch, perEntry: false, mayBeDense && codes.Count > (long)(DenseShare * batch * latents));
        term.HasBias = hasBias;
        if (term.Dense is { } dense)
        {
            ReconstructDense(term, dense, target, errors, targetScale, weight, tilt);
            return term;
        }

        float* gradient = term.Gradient.Pointer, dictionary = weights.Decoder.Pointer;
        EachPart(batch, codes, (r, latentsOfRow, values, _, count) =>
        {
            float* row = gradient + ((nint)r * width);
            TensorPrimitives.Multiply(target.Row(r), -targetScale, new Span<float>(row, width));
            kernels.WeightedSum(row, dictionary, width, latentsOfRow, values, count);
            errors[r] = kernels.Dot(row, row, width);
            if (error is not null) new Span<float>(row, width).CopyTo(error.Row(r));
            if (tilt == 0) Slopes(term, r, (float)(2 * weight / batch), latentsOfRow, count);
        });
        if (tilt == 0) return term;
        float[] factors = RowWeights.Slopes(errors, weight, tilt);
        EachPart(batch, codes, (r, latentsOfRow, _, _, count) => Slopes(term, r, factors[r], latentsOfRow, count));
        return term;
    }

    /// <summary>
    /// Adds the reconstructions of nested sets of latents, each the sum of the groups up to its own (Matryoshka), as a term a group. With
    /// errors e_l of the sets and slopes f_l of their losses, a group's gradient is Σ_{l ≥ g} f_l e_l; where inner sets are detached,
    /// that of its own set and of the last alone.
    /// </summary>
    /// <param name="groups">The codes of each group, innermost first.</param>
    /// <param name="target">What all of them together should be, without b_dec, <c>[batch, d]</c>.</param>
    /// <param name="errors">For each set, overwritten with Σ ‖error‖² of each row.</param>
    /// <param name="setWeights">Weight of each set in the loss.</param>
    /// <param name="tilt">t of <see cref="RowWeights"/>.</param>
    /// <param name="detached">Whether a set's loss moves its own group only, and the last set's loss all.</param>
    /// <param name="lastError">Overwritten with Σ z W_dec − target of all groups, <c>[batch, d]</c>.</param>
    public void ReconstructNested(IReadOnlyList<SparseCodes> groups, Matrix target, double[][] errors, ReadOnlySpan<double> setWeights,
        double tilt, bool detached, Matrix lastError)
    {
        int batch = target.Rows, sets = groups.Count;
        var made = new Term[sets];
        for (int g = 0; g < sets; g++)
        {
            made[g] = NextTerm(groups[g], batch, perEntry: false, isDense: false);
            made[g].HasBias = g == 0; // b_dec is in every set, and the first group's gradient is that of every set it moves
        }

        float* dictionary = weights.Decoder.Pointer;
        for (int g = 0; g < sets; g++)
        {
            Term term = made[g];
            Matrix? inner = g > 0 ? made[g - 1].Gradient : null;
            double[] ofSet = errors[g];
            EachPart(batch, term.Codes, (r, latentsOfRow, values, _, count) =>
            {
                Span<float> row = term.Gradient.Row(r);
                if (inner is null) TensorPrimitives.Negate(target.Row(r), row);
                else inner.Row(r).CopyTo(row);
                fixed (float* pointer = row)
                {
                    kernels.WeightedSum(pointer, dictionary, width, latentsOfRow, values, count);
                    ofSet[r] = kernels.Dot(pointer, pointer, width);
                }
            });
        }

        float[][] factors = new float[sets][];
        for (int g = 0; g < sets; g++) factors[g] = RowWeights.Slopes(errors[g], setWeights[g], tilt);
        workers.Run(RowParts.Count(batch), part =>
        {
            (int first, int end) = RowParts.Range(part, batch);
            for (int r = first; r < end; r++)
            {
                Span<float> last = lastError.Row(r);
                made[^1].Gradient.Row(r).CopyTo(last);
                TensorPrimitives.Multiply(last, factors[^1][r], made[^1].Gradient.Row(r));
                for (int g = sets - 2; g >= 0; g--)
                {
                    Span<float> row = made[g].Gradient.Row(r);
                    TensorPrimitives.MultiplyAdd(row, factors[g][r], made[detached ? sets - 1 : g + 1].Gradient.Row(r), row);
                }
            }
        });
        foreach (Term term in made)
            EachPart(batch, term.Codes, (r, latentsOfRow, _, _, count) => Slopes(term, r, 1, latentsOfRow, count));
    }

    /// <summary>
    /// Adds the reconstructions from the 1, 2, … K largest entries of each row (HierarchicalTopK): the mean of their losses. An entry's
    /// gradient is the sum of those of all reconstructions that it is in, so that each entry has one of its own.
    /// </summary>
    /// <param name="codes">The codes, at most <paramref name="k"/> entries a row.</param>
    /// <param name="k">K: a row of fewer entries counts its last reconstruction for those that are missing.</param>
    /// <param name="target">What the reconstructions should be, without b_dec, <c>[batch, d]</c>.</param>
    /// <param name="errors">Overwritten with the mean Σ ‖error‖² of each row's reconstructions.</param>
    /// <param name="lastErrors">Overwritten with that of the last reconstruction.</param>
    /// <param name="lastError">Overwritten with Σ z W_dec − target of all entries, <c>[batch, d]</c>.</param>
    public Term ReconstructByRank(SparseCodes codes, int k, Matrix target, double[] errors, double[] lastErrors, Matrix lastError)
    {
        int batch = codes.Rows;
        Term term = NextTerm(codes, batch, perEntry: true, isDense: false);
        float* dictionary = weights.Decoder.Pointer, own = term.EntryGradients, deltas = term.CodeGradient.Pointer;
        float unit = (float)(2.0 / batch / k);
        EachPart(batch, codes, (r, latentsOfRow, values, start, count) =>
        {
            Span<int> order = stackalloc int[(int)count];
            Span<float> keys = stackalloc float[(int)count];
            for (int j = 0; j < count; j++) (order[j], keys[j]) = (j, -values[j]);
            keys.Sort(order);
            float* error = lastError.Pointer + ((nint)r * width), shared = term.Gradient.Pointer + ((nint)r * width);
            TensorPrimitives.Negate(target.Row(r), new Span<float>(error, width));
            double total = 0;
            for (int j = 0; j < count; j++)
            {
                kernels.AddScaled(error, dictionary + ((nint)latentsOfRow[order[j]] * width), values[order[j]], width);
                new Span<float>(error, width).CopyTo(new Span<float>(own + ((start + order[j]) * width), width));
                if (j + 1 < count) total += kernels.Dot(error, error, width);
            }

            lastErrors[r] = kernels.Dot(error, error, width);
            nint counted = Math.Max(k - count + 1, 1);
            errors[r] = (total + (Math.Min(counted, k) * lastErrors[r])) / k;
            var sum = new Span<float>(shared, width);
            sum.Clear();
            if (count == 0) kernels.AddScaled(shared, error, unit * k, width);
            for (nint j = count - 1; j >= 0; j--)
            {
                float* entry = own + ((start + order[(int)j]) * width);
                kernels.AddScaled(shared, entry, unit * (j == count - 1 ? counted : 1), width);
                sum.CopyTo(new Span<float>(entry, width));
                deltas[start + order[(int)j]] = kernels.Dot(entry, dictionary + ((nint)latentsOfRow[order[(int)j]] * width), width);
            }
        });
        return term;
    }

    /// <summary>
    /// Adds the way of the gradient through an input that was refined by first codes z⁰: u = x_c + η(x_c − Σ z⁰ W_dec), which all terms so
    /// far have encoded. With v = η Σ ∂L/∂pre · W_enc over a row's entries: ∂L/∂z⁰ⱼ = −v·W_dec,ⱼ, ∂L/∂W_dec,ⱼ = −z⁰ⱼ v, and −v for b_dec.
    /// </summary>
    /// <param name="first">z⁰.</param>
    /// <param name="input">x_c, <c>[batch, d]</c>, which gave z⁰.</param>
    /// <param name="step">η.</param>
    public void RefinedFrom(SparseCodes first, Matrix input, double step)
    {
        int batch = first.Rows, through = used;
        Term term = NextTerm(first, batch, perEntry: false, isDense: false);
        term.Source = input;
        float* encoder = weights.Encoder.Pointer;
        float eta = (float)-step;
        EachPart(batch, first, (r, latentsOfRow, _, _, count) =>
        {
            float* row = term.Gradient.Pointer + ((nint)r * width);
            new Span<float>(row, width).Clear();
            for (int t = 0; t < through; t++)
            {
                SparseCodes codes = terms[t].Codes;
                fixed (int* all = codes.Latents(r))
                    kernels.WeightedSum(row, encoder, width, all, terms[t].CodeGradient.Pointer + codes.Starts[r], codes.RowCount(r));
            }

            Slopes(term, r, eta, latentsOfRow, count);
        });
    }

    /// <summary>Adds to ∂L/∂z of a term's entries what a penalty on each latent adds.</summary>
    /// <param name="term">Number of the term, in the order in which they were added.</param>
    /// <param name="slopes">The penalty's slope in each latent, <c>[n]</c>.</param>
    public void AddToDeltas(int term, ReadOnlySpan<float> slopes)
    {
        ReadOnlySpan<int> all = terms[term].Codes.AllLatents;
        Span<float> deltas = terms[term].Deltas;
        for (int j = 0; j < deltas.Length; j++) deltas[j] += slopes[all[j]];
    }

    /// <summary>The sum of all rows of the encoder's input, valid until the next batch.</summary>
    public ReadOnlySpan<float> SumOfInputs()
    {
        inputSum.Clear();
        for (int r = 0; r < encoderInput!.Rows; r++)
            kernels.AddScaled(inputSum.Pointer, encoderInput.Pointer + ((nint)r * inputWidth), 1, inputWidth);
        return inputSum.Row(0);
    }

    /// <summary>
    /// Adds to ∂L/∂pre of every row, whether a latent is active there or not; <see cref="SumOfInputs"/> has been called for the batch.
    /// </summary>
    /// <param name="slopes">The slope of each latent, <c>[1, n]</c>; used until the next batch.</param>
    public void AddToEveryRow(Matrix slopes) => everyRow = slopes;

    /// <summary>Sorts every term's entries by latent and computes the gradients of the biases.</summary>
    public void Finish()
    {
        if (used == 1 && everyRow is null && terms[0] is { Dense: { } only, HasBias: true, MovesDecoder: true, Source: null } single)
        {
            SortByLatent(single);
            Spread(single.Codes, single.CodeGradient.Pointer, only.Delta);
            only.Finish(encoderInput!);
            whole = only;
            return;
        }

        float* encoderBias = biasGradient.Pointer;
        biasGradient.Clear();
        centerGradient.Clear();
        for (int t = 0; t < used; t++)
        {
            Term term = terms[t];
            SortByLatent(term);
            ReadOnlySpan<int> all = term.Codes.AllLatents;
            ReadOnlySpan<float> deltas = term.Deltas;
            for (int j = 0; j < deltas.Length; j++) encoderBias[all[j]] += deltas[j];
            if (term.Dense is not { } dense) continue;
            Spread(term.Codes, term.CodeGradient.Pointer, dense.Delta);
            dense.Pack(term.Source ?? encoderInput!);
        }

        if (everyRow is not null) kernels.AddScaled(encoderBias, everyRow.Pointer, encoderInput!.Rows, latents);
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
        for (int chunk = 0; chunk < Chunks; chunk++) kernels.AddScaled(centerGradient.Pointer, sums + ((nint)chunk * width), 1, width);
    }

    /// <summary>Writes the gradient of rows of a parameter; see <see cref="LossAndGradients.Read"/>.</summary>
    public void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
    {
        if (whole is not null)
        {
            whole.Read(parameter, firstRow, rowCount, destination);
            return;
        }

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
                    bool encoder = parameter == DictionaryWeights.EncoderIndex;
                    for (int t = 0; t < used; t++) Add(terms[t], encoder, firstRow, rowCount, target);
                    for (int r = 0; encoder && everyRow is not null && r < rowCount; r++)
                        kernels.AddScaled(target + ((nint)r * inputWidth), inputSum.Pointer, everyRow[0, firstRow + r], inputWidth);
                    break;
            }
        }
    }

    /// <summary>The terms whose reconstruction b_dec takes part in: their gradients together are that of the whole output.</summary>
    public IEnumerable<Matrix> OutputGradients => terms.Take(used).Where(term => term.HasBias).Select(term => term.Gradient);

    /// <summary>Counts how often each latent occurs in the codes of terms; valid after <see cref="Finish"/>.</summary>
    /// <param name="count">The first so many terms.</param>
    /// <param name="fired">Overwritten.</param>
    public void CountFired(int count, Span<int> fired)
    {
        fired.Clear();
        for (int t = 0; t < count; t++)
        {
            int* starts = terms[t].Starts.Pointer;
            for (int latent = 0; latent < latents; latent++) fired[latent] += starts[latent + 1] - starts[latent];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Term term in terms) term.Dispose();
        partial.Dispose();
        biasGradient.Dispose();
        centerGradient.Dispose();
        inputSum.Dispose();
    }

    private delegate void RowBody(int row, int* latents, float* values, nint start, nint count);

    private void EachPart(int batch, SparseCodes codes, RowBody body) => workers.Run(RowParts.Count(batch), part =>
    {
        (int first, int end) = RowParts.Range(part, batch);
        fixed (int* all = codes.AllLatents)
        fixed (float* values = codes.AllValues)
        {
            for (int r = first; r < end; r++)
            {
                nint start = (nint)codes.Starts[r];
                body(r, all + start, values + start, start, codes.RowCount(r));
            }
        }
    });

    private Term NextTerm(SparseCodes codes, int batch, bool perEntry, bool isDense)
    {
        if (used == terms.Count) terms.Add(new Term(weights, workers));
        Term term = terms[used++];
        term.Begin(codes, batch, width, perEntry, isDense);
        return term;
    }

    // Scales a row of the gradient, and takes its product with the row's decoder rows.
    private void Slopes(Term term, int r, float factor, int* latentsOfRow, nint count)
    {
        float* row = term.Gradient.Pointer + ((nint)r * width);
        if (factor != 1) kernels.Scale(row, factor, width);
        kernels.Dots(row, weights.Decoder.Pointer, width, latentsOfRow, term.CodeGradient.Pointer + term.Codes.Starts[r], count);
    }

    private void ReconstructDense(
        Term term, DenseBackward dense, Matrix target, double[] errors, float targetScale, double weight, double tilt)
    {
        SparseCodes codes = term.Codes;
        Matrix z = term.DenseCodes(codes.Rows, latents);
        fixed (float* values = codes.AllValues) Spread(codes, values, z);
        dense.Reconstruct(z, target, targetScale, errors, () => RowWeights.Slopes(errors, weight, tilt));
        term.SetDenseGradient(dense.Gradient);
        float* deltas = term.CodeGradient.Pointer;
        EachPart(codes.Rows, codes, (r, latentsOfRow, _, start, count) =>
        {
            ReadOnlySpan<float> row = dense.Delta.Row(r);
            for (nint j = 0; j < count; j++) deltas[start + j] = row[latentsOfRow[j]];
        });
    }

    // Entries as rows of a matrix, zeros between them.
    private void Spread(SparseCodes codes, float* values, Matrix matrix) =>
        EachPart(codes.Rows, codes, (r, latentsOfRow, _, start, count) =>
        {
            Span<float> row = matrix.Row(r);
            row.Clear();
            for (nint j = 0; j < count; j++) row[latentsOfRow[j]] = values[start + j];
        });

    private void Add(Term term, bool encoder, int firstRow, int rowCount, float* target)
    {
        if (!encoder && !term.MovesDecoder) return;
        int columns = encoder ? inputWidth : width;
        if (term.Dense is { } dense)
        {
            dense.Add(encoder, firstRow, rowCount, target, columns);
            return;
        }

        bool perEntry = !encoder && term.EntryGradients is not null;
        float* source = encoder ? (term.Source ?? encoderInput!).Pointer : perEntry ? term.EntryGradients : term.Gradient.Pointer;
        float* factors = encoder ? term.SortedDeltas.Pointer : term.Values.Pointer;
        int* starts = term.Starts.Pointer, rows = term.Rows.Pointer;
        if (perEntry) rows += term.Codes.Count;
        for (int r = 0; r < rowCount; r++)
        {
            int start = starts[firstRow + r], count = starts[firstRow + r + 1] - start;
            kernels.WeightedSum(target + ((nint)r * columns), source, columns, rows + start, factors + start, count);
        }
    }

    private void SortByLatent(Term term)
    {
        SparseCodes codes = term.Codes;
        int count = checked((int)codes.Count);
        bool perEntry = term.EntryGradients is not null;
        int* starts = term.Starts.Ensure(latents + 1);
        new Span<int>(starts, latents + 1).Clear();
        ReadOnlySpan<int> all = codes.AllLatents;
        foreach (int latent in all) starts[latent + 1]++;
        for (int latent = 0; latent < latents; latent++) starts[latent + 1] += starts[latent];
        if (term.Dense is not null) return;
        int* rows = term.Rows.Ensure(perEntry ? 2L * count : count);
        float* values = term.Values.Ensure(count), deltas = term.SortedDeltas.Ensure(count), unsorted = term.CodeGradient.Pointer;
        ReadOnlySpan<float> allValues = codes.AllValues;
        ReadOnlySpan<long> codeStarts = codes.Starts;
        for (int r = 0; r < codes.Rows; r++)
        {
            for (int j = (int)codeStarts[r]; j < (int)codeStarts[r + 1]; j++)
            {
                int place = starts[all[j]]++;
                rows[place] = r;
                if (perEntry) rows[count + place] = j;
                values[place] = allValues[j];
                deltas[place] = unsorted[j];
            }
        }

        // Each start has moved to its latent's end, which is the next latent's start: shift back.
        for (int latent = latents; latent > 0; latent--) starts[latent] = starts[latent - 1];
        starts[0] = 0;
    }
}
