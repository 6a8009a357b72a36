using System.Buffers;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>
/// The backward pass of dense codes through a dictionary: sigmoid codes, and others while most latents are still active.
/// </summary>
/// <remarks>
/// With G = ∂L/∂x̂ <c>[batch, d]</c> and D = ∂L/∂pre <c>[batch, n]</c>: ∂L/∂z = G·W_decᵀ;  ∂L/∂W_dec = ZᵀG;
/// ∂L/∂W_enc = Dᵀ·input;  ∂L/∂b_enc = Σ D.
/// </remarks>
internal sealed unsafe class DenseBackward(DictionaryWeights weights, Workers workers) : IDisposable
{
    private readonly KernelSet kernels = KernelSet.Current;
    private readonly DenseProduct scratch = new(workers), gradientRight = new(workers), inputRight = new(workers);
    private readonly Matrix biasGradient = new(1, weights.Encoder.Rows), centerGradient = new(1, weights.Decoder.Columns);
    private Matrix gradient = new(0, 0), codes = new(0, 0), delta = new(0, 0);

    /// <summary>
    /// D, <c>[batch, n]</c>: the caller turns ∂L/∂z into ∂L/∂pre in place between <see cref="Reconstruct"/> and <see cref="Finish"/>.
    /// </summary>
    public Matrix Delta => delta;

    /// <summary>G, <c>[batch, d]</c>.</summary>
    public Matrix Gradient => gradient;

    /// <summary>Reconstructs, and computes the errors, G and ∂L/∂z (into <see cref="Delta"/>).</summary>
    /// <param name="z">The codes, <c>[batch, n]</c>; used until the next batch.</param>
    /// <param name="target">What Σ z·W_dec should be, <c>[batch, d]</c>.</param>
    /// <param name="targetScale">Factor on the target.</param>
    /// <param name="errors">Overwritten with ‖error‖² of each row.</param>
    /// <param name="slopes">What each row's error is multiplied by in G, asked for once the errors are known.</param>
    public void Reconstruct(Matrix z, Matrix target, float targetScale, double[] errors, Func<float[]> slopes)
    {
        int batch = z.Rows, width = target.Columns;
        if (gradient.Rows != batch)
        {
            gradient.Dispose();
            delta.Dispose();
            gradient = new Matrix(batch, width);
            delta = new Matrix(batch, z.Columns);
        }

        codes = z;
        scratch.PackRight(weights.Decoder, transposed: false);
        scratch.Multiply(z, transposed: false, gradient);
        EachRow(batch, r =>
        {
            float* pointer = gradient.Pointer + ((nint)r * width);
            kernels.AddScaled(pointer, target.Pointer + ((nint)r * width), -targetScale, width);
            errors[r] = kernels.Dot(pointer, pointer, width);
        });
        float[] factors = slopes();
        EachRow(batch, r => kernels.Scale(gradient.Pointer + ((nint)r * width), factors[r], width));
        scratch.PackRight(weights.Decoder, transposed: true);
        scratch.Multiply(gradient, transposed: false, delta);
    }

    /// <summary>Packs what the gradients of the two matrices are made of, once <see cref="Delta"/> holds ∂L/∂pre.</summary>
    /// <param name="input">The encoder's input, <c>[batch, input width]</c>.</param>
    public void Pack(Matrix input)
    {
        gradientRight.PackRight(gradient, transposed: false);
        inputRight.PackRight(input, transposed: false);
    }

    /// <summary>Adds the gradient of rows of W_enc or W_dec.</summary>
    public void Add(bool encoder, int firstRow, int rowCount, float* target, int columns)
    {
        float[] rows = ArrayPool<float>.Shared.Rent(rowCount * columns);
        fixed (float* product = rows)
        {
            if (encoder) inputRight.MultiplyRows(delta, transposed: true, firstRow, rowCount, product);
            else gradientRight.MultiplyRows(codes, transposed: true, firstRow, rowCount, product);
            kernels.AddScaled(target, product, 1, (nint)rowCount * columns);
        }

        ArrayPool<float>.Shared.Return(rows);
    }

    /// <summary>Prepares the reading of gradients once <see cref="Delta"/> holds ∂L/∂pre.</summary>
    /// <param name="input">The encoder's input, <c>[batch, input width]</c>.</param>
    public void Finish(Matrix input)
    {
        Pack(input);
        ColumnSums(delta, biasGradient);
        ColumnSums(gradient, centerGradient);
        if (!weights.CentersInput) return; // else b_dec has a part in the encoder's input too
        int width = weights.Encoder.Columns;
        for (int latent = 0; latent < weights.Encoder.Rows; latent++)
            kernels.AddScaled(centerGradient.Pointer, weights.Encoder.Pointer + ((nint)latent * width), -biasGradient[0, latent], width);
    }

    /// <summary>Writes the gradient of rows of a parameter; see <see cref="LossAndGradients.Read"/>.</summary>
    public void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
    {
        switch (parameter)
        {
            case DictionaryWeights.EncoderBiasIndex:
                biasGradient.Row(0).CopyTo(destination);
                break;
            case DictionaryWeights.DecoderBiasIndex:
                centerGradient.Row(0).CopyTo(destination);
                break;
            case DictionaryWeights.EncoderIndex:
                fixed (float* target = destination) inputRight.MultiplyRows(delta, transposed: true, firstRow, rowCount, target);
                break;
            default:
                fixed (float* target = destination) gradientRight.MultiplyRows(codes, transposed: true, firstRow, rowCount, target);
                break;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[scratch, gradientRight, inputRight, biasGradient, centerGradient, gradient, delta])
            part.Dispose();
    }

    private void EachRow(int batch, Action<int> body) => workers.Run(RowParts.Count(batch), part =>
    {
        (int first, int end) = RowParts.Range(part, batch);
        for (int r = first; r < end; r++) body(r);
    });

    // By columns, so that a sum runs over the rows in order on one thread.
    private void ColumnSums(Matrix matrix, Matrix sums)
    {
        const int Columns = 256;
        sums.Clear();
        float* target = sums.Pointer, source = matrix.Pointer;
        workers.Run((matrix.Columns + Columns - 1) / Columns, part =>
        {
            int first = part * Columns, count = Math.Min(Columns, matrix.Columns - first);
            for (int r = 0; r < matrix.Rows; r++) kernels.AddScaled(target + first, source + ((nint)r * matrix.Columns) + first, 1, count);
        });
    }
}
