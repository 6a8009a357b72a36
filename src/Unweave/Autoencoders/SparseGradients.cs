using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// What the losses of all dictionaries with sparse codes share: the backward pass through the dictionary, a transcoder's skip connection,
/// and the penalty on alike decoder rows.
/// </summary>
internal abstract class SparseGradients : DictionaryGradients
{
    private readonly TrainedAutoencoder model;
    private readonly int skipIndex;
    private readonly DenseProduct? product;
    private readonly Matrix? skipGradient;
    private readonly Orthogonality? orthogonality;
    private Matrix? skipped, input;

    protected SparseGradients(TrainedAutoencoder model, SparseOptions options, Workers workers)
        : base(model, workers)
    {
        this.model = model;
        Backward = new SparseBackward(Weights, workers);
        if (options.OrthogonalityCoefficient > 0) orthogonality = new Orthogonality(Weights.Decoder, options, workers);
        skipIndex = -1;
        if (model.Skip is null) return;
        skipIndex = model.Parameters.ToList().FindIndex(parameter => ReferenceEquals(parameter.Value, model.Skip));
        product = new DenseProduct(workers);
        skipGradient = new Matrix(model.OutputWidth, model.InputWidth);
    }

    /// <summary>The backward pass through the dictionary.</summary>
    protected SparseBackward Backward { get; }

    /// <inheritdoc/>
    public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
    {
        if (parameter == skipIndex)
        {
            skipGradient!.Block(firstRow, rowCount).CopyTo(destination);
            return;
        }

        Backward.Read(parameter, firstRow, rowCount, destination);
        if (parameter == DictionaryWeights.DecoderIndex) orthogonality?.Add(firstRow, rowCount, destination);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        foreach (IDisposable? part in (IDisposable?[])[Backward, product, skipGradient, skipped, orthogonality]) part?.Dispose();
    }

    /// <inheritdoc/>
    protected override void Load(Batch batch)
    {
        base.Load(batch);
        input = batch.Input;
        if (model.Skip is not { } skip) return;
        Matrix linear = Resized(ref skipped, Target);
        product!.PackRight(skip, transposed: true);
        product.Multiply(batch.Input, transposed: false, linear);
        TensorPrimitives.Subtract(Target.AsSpan(), linear.AsSpan(), Target.AsSpan());
    }

    /// <summary>Ends the backward pass, once all terms are added.</summary>
    /// <returns>The penalty on alike decoder rows.</returns>
    protected double FinishBackward(in StepSettings settings)
    {
        Backward.Finish();
        if (skipGradient is not null)
        {
            product!.PackRight(input!, transposed: false);
            skipGradient.Clear();
            using var one = new Matrix(skipGradient.Rows, skipGradient.Columns);
            foreach (Matrix gradient in Backward.OutputGradients)
            {
                product.Multiply(gradient, transposed: true, one);
                TensorPrimitives.Add(skipGradient.AsSpan(), one.AsSpan(), skipGradient.AsSpan());
            }
        }

        return orthogonality?.Compute(settings) ?? 0;
    }
}
