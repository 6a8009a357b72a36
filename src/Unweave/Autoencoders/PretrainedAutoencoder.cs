using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// A dictionary that another library trained: u = W_enc(norm(x) − [centered]b_dec) + b_enc, z = activation(u),
/// x̂ = restore(Σ z_i W_dec,i + b_dec) + [skip]W_skip·x; every part of it by <see cref="PretrainedOptions"/>.
/// </summary>
internal sealed class PretrainedAutoencoder : SparseAutoencoder
{
    private const float LayerEpsilon = 1e-5f;

    private readonly Lock gate = new();
    private Matrix? weights, inverseWeights, selectionBias, levels; // made from the parameters when they are first used

    /// <summary>Makes one of zeros.</summary>
    public PretrainedAutoencoder(PretrainedOptions options, int inputWidth, int outputWidth)
        : base(
            options,
            new DictionaryWeights(
                options.Latents, inputWidth, outputWidth, unitDecoder: false, options.Centered, options.Tied || options.IsPursuit),
            inputWidth,
            outputWidth)
    {
        Options = options;
        bool hasBias = !options.IsPursuit && options.Activation != CodeActivation.Gated;
        var parameters = new List<Parameter>(Weights.Parameters.Where(parameter => hasBias || parameter.Name is not "b_enc"));
        Matrix Add(string name, int rows, int columns)
        {
            var value = new Matrix(rows, columns);
            parameters.Add(new Parameter(name, value, PerLatent: columns == options.Latents && rows == 1));
            return value;
        }

        if (options.Activation == CodeActivation.JumpRelu) Threshold = Add("threshold", 1, options.Latents);
        if (options.Activation == CodeActivation.Gated)
        {
            GateBias = Add("b_gate", 1, options.Latents);
            MagnitudeBias = Add("b_mag", 1, options.Latents);
            LogMagnitude = Add("r_mag", 1, options.Latents);
        }

        if (options.Glu)
        {
            GluEncoder = Add("W_glu", options.Latents, inputWidth);
            GluBias = Add("b_glu", 1, options.Latents);
        }

        if (options.LatentScale) LatentScale = Add("latent_scale", 1, options.Latents);
        if (options.Skip) Skip = Add("W_skip", outputWidth, inputWidth);
        if (options.Normalization == InputNormalization.Elements)
        {
            NormMean = Add("norm_mean", 1, inputWidth);
            NormScale = Add("norm_scale", 1, inputWidth);
            if (options.Restores)
            {
                RestoreScale = Add("restore_scale", 1, outputWidth);
                RestoreMean = Add("restore_mean", 1, outputWidth);
            }
        }

        Parameters = parameters;
    }

    /// <inheritdoc/>
    public override PretrainedOptions Options { get; }

    /// <inheritdoc/>
    internal override IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Threshold of each latent; null without thresholds.</summary>
    public Matrix? Threshold { get; }

    /// <summary>b_gate of each latent; null unless gated.</summary>
    public Matrix? GateBias { get; }

    /// <summary>b_mag of each latent; null unless gated.</summary>
    public Matrix? MagnitudeBias { get; }

    /// <summary>r_mag of each latent; null unless gated.</summary>
    public Matrix? LogMagnitude { get; }

    /// <summary>W_glu, <c>[n, input width]</c>, or null.</summary>
    public Matrix? GluEncoder { get; }

    /// <summary>b_glu of each latent, or null.</summary>
    public Matrix? GluBias { get; }

    /// <summary>Factor of each latent at decoding, or null.</summary>
    public Matrix? LatentScale { get; }

    /// <summary>W_skip, <c>[output width, input width]</c>, or null.</summary>
    public Matrix? Skip { get; }

    /// <summary>What is subtracted from each element of an input, or null.</summary>
    public Matrix? NormMean { get; }

    /// <summary>What each element of an input is then multiplied by, or null.</summary>
    public Matrix? NormScale { get; }

    /// <summary>What each element of an output is multiplied by, or null.</summary>
    public Matrix? RestoreScale { get; }

    /// <summary>What is then added to each element of an output, or null.</summary>
    public Matrix? RestoreMean { get; }

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        ArgumentNullException.ThrowIfNull(codes);
        using Matrix input = EncoderInput(x);
        if (Options.IsPursuit) Pursuit.Encode(this, input, codes);
        else if (Options.Glu || Options.Activation == CodeActivation.Levels) EncodeDense(input, codes);
        else EncodeFused(input, codes);
    }

    /// <summary>Decodes what codes alone tell: neither a skip connection nor the scale of a row that was normalized by itself.</summary>
    /// <inheritdoc/>
    public override void Decode(SparseCodes codes, Matrix reconstruction)
    {
        DecodeNormalized(codes, reconstruction);
        if (RestoreScale is null && OutputScale == 1) return;
        EachRow(reconstruction.Rows, r =>
        {
            Span<float> row = reconstruction.Row(r);
            if (RestoreScale is not null) TensorPrimitives.MultiplyAdd(row, RestoreScale.Row(0), RestoreMean!.Row(0), row);
            if (OutputScale != 1) TensorPrimitives.Divide(row, OutputScale, row);
        });
    }

    /// <inheritdoc/>
    public override void Decode(SparseCodes codes, Matrix input, Matrix reconstruction)
    {
        CheckInput(codes, input);
        if (Options.Restores && Options.Normalization is not (InputNormalization.None or InputNormalization.Elements))
        {
            DecodeNormalized(codes, reconstruction);
            (float Scale, float Mean)[] scales = Normalize(input, normalized: null);
            EachRow(input.Rows, r =>
            {
                Span<float> row = reconstruction.Row(r);
                TensorPrimitives.Multiply(row, scales[r].Scale, row);
                if (scales[r].Mean != 0) TensorPrimitives.Add(row, scales[r].Mean, row);
                if (OutputScale != 1) TensorPrimitives.Divide(row, OutputScale, row);
            });
        }
        else
        {
            Decode(codes, reconstruction);
        }

        if (Skip is not null) AddSkip(input, reconstruction);
    }

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) =>
        throw new InputException("The architecture pretrained can be used but not trained.");

    /// <inheritdoc/>
    internal override void WeightsChanged()
    {
        base.WeightsChanged();
        lock (gate)
        {
            foreach (Matrix? made in (Matrix?[])[weights, inverseWeights, selectionBias, levels]) made?.Dispose();
            (weights, inverseWeights, selectionBias, levels) = (null, null, null, null);
        }
    }

    /// <inheritdoc/>
    private protected override void Release()
    {
        base.Release();
        Weights.EncoderBias.Dispose(); // no parameter where the formula has none
    }

    /// <inheritdoc/>
    private protected override Matrix EncoderInput(Matrix x)
    {
        if (Options.Normalization == InputNormalization.None) return base.EncoderInput(x);
        CheckWidth(x);
        var input = new Matrix(x.Rows, x.Columns);
        Normalize(x, input);
        if (Options.Centered) EachRow(x.Rows, r => TensorPrimitives.Subtract(input.Row(r), Weights.DecoderBias.Row(0), input.Row(r)));
        return input;
    }

    /// <summary>What each latent's sum is multiplied by before it is compared, or null for 1.</summary>
    internal Matrix? SelectionWeights
    {
        get
        {
            if (Options.Weight == LatentWeight.None) return null;
            lock (gate) return weights ??= MakeWeights();
        }
    }

    // 1/weight, 0 where the weight is: such a latent adds nothing to the output.
    private Matrix InverseWeights
    {
        get
        {
            Matrix of = SelectionWeights!;
            lock (gate)
            {
                if (inverseWeights is not null) return inverseWeights;
                inverseWeights = new Matrix(1, Latents);
                for (int i = 0; i < Latents; i++) inverseWeights[0, i] = of[0, i] == 0 ? 0 : 1 / of[0, i];
                return inverseWeights;
            }
        }
    }

    // The least value that a latent may have where it is selected by its threshold.
    private float Bound(int latent) => Options.Signed ? Threshold![0, latent] : MathF.Max(Threshold![0, latent], 0);

    // What is added to each latent's product so that one threshold, 0, selects for all.
    private Matrix SelectionBias
    {
        get
        {
            Matrix? factors = SelectionWeights;
            lock (gate)
            {
                if (selectionBias is not null) return selectionBias;
                selectionBias = (Options.Activation == CodeActivation.Gated ? GateBias! : Weights.EncoderBias).Clone();
                if (factors is not null) TensorPrimitives.Multiply(selectionBias.Row(0), factors.Row(0), selectionBias.Row(0));
                if (Threshold is not null)
                    for (int i = 0; i < Latents; i++) selectionBias[0, i] -= Bound(i);
                return selectionBias;
            }
        }
    }

    private static void EachRow(int rows, Action<int> body) => Workers.Shared.Run(RowParts.Count(rows), part =>
    {
        (int first, int end) = RowParts.Range(part, rows);
        for (int r = first; r < end; r++) body(r);
    });

    private void EncodeFused(Matrix input, SparseCodes codes)
    {
        Matrix? factors = SelectionWeights;
        Matrix bias = SelectionBias;
        int k = Options.Activation == CodeActivation.TopK ? (int)Math.Min(Options.K, Latents) : 0;
        switch (Options.Activation)
        {
            case CodeActivation.TopK:
                SelectTopK(input, k, bias, factors, Options.Signed, codes);
                break;
            case CodeActivation.JumpRelu:
                SelectAbove(input, Options.Inclusive ? -float.Epsilon : 0, bias, factors, codes);
                break;
            case CodeActivation.GroupMax or CodeActivation.BatchTopK:
                var positive = new SparseCodes(Latents);
                SelectAbove(input, 0, bias, factors, positive);
                if (Options.Activation == CodeActivation.GroupMax) NarrowedCodes.ByGroup(positive, Latents / (int)Options.K, codes);
                else NarrowedCodes.ByBatch(positive, (long)(Options.K * input.Rows), codes);
                break;
            default:
                SelectAbove(input, 0, bias, factors, codes);
                break;
        }

        Matrix? unweigh = factors is null || Options.GivesWeighed ? null : InverseWeights;
        if (Options.Activation is CodeActivation.JumpRelu or CodeActivation.Gated or CodeActivation.TanhRelu || unweigh is not null
            || Options.Signed)
            NarrowedCodes.Map(codes, (latent, selected) => Value(latent, selected) * (unweigh is null ? 1 : unweigh[0, latent]));
    }

    // A latent's activation from the sum that selected it.
    private float Value(int latent, float selected) => Options.Activation switch
    {
        CodeActivation.JumpRelu => selected + Bound(latent),
        CodeActivation.Gated => MathF.Max(
            0, ((selected - GateBias![0, latent]) * MathF.Exp(LogMagnitude![0, latent])) + MagnitudeBias![0, latent]),
        CodeActivation.TanhRelu => MathF.Tanh(selected),
        _ => selected,
    };

    private void EncodeDense(Matrix input, SparseCodes codes)
    {
        const int RowsAtOnce = 256;
        Matrix? factors = SelectionWeights;
        Matrix? unweigh = factors is null || Options.GivesWeighed ? null : InverseWeights;
        using var product = new DenseProduct(Workers.Shared);
        var rows = new List<(int Latent, float Value)>[input.Rows];
        for (int first = 0; first < input.Rows; first += RowsAtOnce)
        {
            using Matrix part = input.CopyRows(first, Math.Min(RowsAtOnce, input.Rows - first)), sums = new(part.Rows, Latents);
            product.PackRight(Weights.Encoder, transposed: true);
            product.Multiply(part, transposed: false, sums);
            EachRow(part.Rows, r => TensorPrimitives.Add(sums.Row(r), Weights.EncoderBias.Row(0), sums.Row(r)));
            if (Options.Glu)
            {
                using var gates = new Matrix(part.Rows, Latents);
                product.PackRight(GluEncoder!, transposed: true);
                product.Multiply(part, transposed: false, gates);
                EachRow(part.Rows, r =>
                {
                    Span<float> gateRow = gates.Row(r);
                    TensorPrimitives.Add(gateRow, GluBias!.Row(0), gateRow);
                    TensorPrimitives.Sigmoid(gateRow, gateRow);
                    TensorPrimitives.Multiply(sums.Row(r), gateRow, sums.Row(r));
                });
            }

            int start = first;
            EachRow(part.Rows, r =>
            {
                Span<float> row = sums.Row(r);
                if (factors is not null) TensorPrimitives.Multiply(row, factors.Row(0), row);
                rows[start + r] = ActivateRow(row, unweigh);
            });
        }

        NarrowedCodes.FromRows(rows, codes);
    }

    private List<(int Latent, float Value)> ActivateRow(ReadOnlySpan<float> sums, Matrix? unweigh)
    {
        var active = new List<(int Latent, float Value)>();
        float least = float.NegativeInfinity;
        int ties = 0;
        if (Options.Activation == CodeActivation.TopK && Options.K < sums.Length)
        {
            least = Selection.KthLargest(sums.ToArray(), (int)Options.K);
            ties = (int)Options.K;
            foreach (float sum in sums)
                if (sum > least) ties--;
        }

        for (int i = 0; i < sums.Length; i++)
        {
            float sum = sums[i], value = Options.Activation switch
            {
                CodeActivation.JumpRelu => sum > Bound(i) || (Options.Inclusive && sum >= Bound(i)) ? sum : 0,
                CodeActivation.TopK => sum > least || (sum == least && ties-- > 0) ? sum : 0,
                CodeActivation.Levels => Nearest(sum),
                _ => sum,
            };
            if (!Options.Signed) value = MathF.Max(value, 0);
            if (value != 0) active.Add((i, unweigh is null ? value : value * unweigh[0, i]));
        }

        return active;
    }

    private float Nearest(float sum)
    {
        float nearest = Options.Levels[0];
        foreach (float level in Options.Levels)
            if (MathF.Abs(sum - level) < MathF.Abs(sum - nearest)) nearest = level;
        return nearest;
    }

    private void DecodeNormalized(SparseCodes codes, Matrix reconstruction)
    {
        CheckDecoded(codes, reconstruction);
        SparseCodes scaled = codes;
        if (LatentScale is not null || (Options.GivesWeighed && Options.Weight != LatentWeight.None))
        {
            Matrix? inverse = Options.GivesWeighed && Options.Weight != LatentWeight.None ? InverseWeights : null;
            scaled = NarrowedCodes.Mapped(codes, (latent, value) =>
                value * (inverse is null ? 1 : inverse[0, latent]) * (LatentScale is null ? 1 : LatentScale[0, latent]));
        }

        Weights.Decode(scaled, 1, Workers.Shared, reconstruction);
    }

    private void AddSkip(Matrix input, Matrix reconstruction)
    {
        using var product = new DenseProduct(Workers.Shared);
        using var skipped = new Matrix(input.Rows, OutputWidth);
        product.PackRight(Skip!, transposed: true);
        product.Multiply(input, transposed: false, skipped);
        EachRow(input.Rows, r => TensorPrimitives.Add(reconstruction.Row(r), skipped.Row(r), reconstruction.Row(r)));
    }

    // Each row normalized; and what undoes it: a factor, then what is added.
    private (float Scale, float Mean)[] Normalize(Matrix x, Matrix? normalized)
    {
        var undo = new (float Scale, float Mean)[x.Rows];
        double root = Math.Sqrt(x.Columns), batchLength = 0;
        if (Options.Normalization == InputNormalization.BatchLength)
        {
            for (int r = 0; r < x.Rows; r++) batchLength += Norms.L2(x.Row(r)) * InputScale;
            batchLength /= Math.Max(x.Rows, 1);
        }

        EachRow(x.Rows, r =>
        {
            ReadOnlySpan<float> row = x.Row(r);
            (double mean, double scale) = (0, 1);
            if (Options.Normalization == InputNormalization.Layer) (mean, scale) = LayerScale(row);
            else if (Options.Normalization == InputNormalization.Length) scale = Norms.L2(row) * InputScale / root;
            else if (Options.Normalization == InputNormalization.BatchLength) scale = batchLength / root;
            undo[r] = ((float)scale, (float)mean);
            if (normalized is null) return;
            Span<float> result = normalized.Row(r);
            if (Options.Normalization == InputNormalization.Elements)
            {
                TensorPrimitives.Multiply(row, InputScale, result);
                TensorPrimitives.Subtract(result, NormMean!.Row(0), result);
                TensorPrimitives.Multiply(result, NormScale!.Row(0), result);
                return;
            }

            double divisor = Options.Normalization == InputNormalization.Layer ? scale + LayerEpsilon : scale;
            for (int i = 0; i < row.Length; i++)
                result[i] = divisor == 0 ? 0 : (float)(((row[i] * (double)InputScale) - mean) / divisor);
        });
        return undo;
    }

    private (double Mean, double Deviation) LayerScale(ReadOnlySpan<float> row)
    {
        double mean = 0, squares = 0;
        foreach (float value in row) mean += value * (double)InputScale;
        mean /= row.Length;
        foreach (float value in row) squares += Math.Pow((value * (double)InputScale) - mean, 2);
        return (mean, Math.Sqrt(squares / Math.Max(row.Length - 1, 1)));
    }

    private Matrix MakeWeights()
    {
        var made = new Matrix(1, Latents);
        int width = OutputWidth / Options.Parts;
        EachRow(Latents, i =>
        {
            ReadOnlySpan<float> row = Decoder.Row(i);
            double weight = 0;
            if (Options.Weight == LatentWeight.Norm) weight = Norms.L2(row);
            else
                for (int part = 0; part < Options.Parts; part++) weight += Norms.L2(row.Slice(part * width, width));
            made[0, i] = (float)weight;
        });
        return made;
    }
}
