using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// Keeps the largest pre-activations of a batch, and learns the threshold that takes the batch's place outside training: a running mean of
/// the smallest value kept.
/// </summary>
/// <param name="weights">The dictionary.</param>
/// <param name="threshold">θ, one number; 0 before the first step.</param>
/// <param name="decay">Share of θ kept at each step.</param>
/// <param name="weighed">What latents are weighed by where they are compared, <c>[1, n]</c>; gives null for nothing.</param>
internal sealed unsafe class BatchSelection(DictionaryWeights weights, Matrix threshold, double decay, Func<Matrix?> weighed)
{
    private readonly SparseCodes candidates = new(weights.Encoder.Rows);
    private float guess; // a little below the last batch's cut: it changes the time of the next search, never its result

    /// <summary>Keeps the <paramref name="budget"/> largest positive pre-activations of what the encoder has loaded.</summary>
    public void Select(FusedEncoder encoder, long budget, SparseCodes codes)
    {
        Matrix? factors = weighed();
        using Matrix? weighedBias = factors is null ? null : WeighedBias(weights, factors);
        float* bias = (weighedBias ?? weights.EncoderBias).Pointer, scales = factors is null ? null : factors.Pointer;
        encoder.Above(weights.Encoder, bias, guess, candidates, scales);
        if (candidates.Count < budget && guess > 0) encoder.Above(weights.Encoder, bias, 0, candidates, scales);
        float cut = NarrowedCodes.ByBatch(candidates, budget, codes);
        if (factors is not null) NarrowedCodes.Map(codes, (latent, value) => value / factors[0, latent]);
        guess = 0.9f * cut;
        double kept = threshold[0, 0] > 0 ? decay : 0;
        threshold[0, 0] = (float)((kept * threshold[0, 0]) + ((1 - kept) * cut));
    }

    /// <summary>b_enc times what latents are weighed by.</summary>
    public static Matrix WeighedBias(DictionaryWeights weights, Matrix factors)
    {
        Matrix bias = weights.EncoderBias.Clone();
        System.Numerics.Tensors.TensorPrimitives.Multiply(bias.Row(0), factors.Row(0), bias.Row(0));
        return bias;
    }
}
