using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>Draws the next token from logits: the likeliest, or one of the likeliest by their probabilities.</summary>
internal sealed class Sampler
{
    private readonly GenerationOptions options;
    private readonly Rng rng;

    /// <summary>Takes options.</summary>
    /// <exception cref="InputException">One of them has no meaning.</exception>
    public Sampler(GenerationOptions options)
    {
        if (options.Tokens < 0) throw new InputException($"{options.Tokens} tokens cannot be generated; give 0 or more.");
        if (!(options.Temperature >= 0 && double.IsFinite(options.Temperature))) throw new InputException($"The temperature is {options.Temperature}; it must be 0 (the likeliest token) or above.");
        if (options.TopK < 0) throw new InputException($"Sampling among the {options.TopK} likeliest tokens means nothing; give 0 for all, or more.");
        this.options = options;
        rng = new Rng(options.Seed);
    }

    /// <summary>Draws a token.</summary>
    public int Next(ReadOnlySpan<float> logits)
    {
        int[] order = new int[logits.Length];
        float[] keys = new float[logits.Length];
        for (int i = 0; i < order.Length; i++) (order[i], keys[i]) = (i, -logits[i]);
        if (options.Temperature == 0) return Array.IndexOf(keys, keys.Min());
        keys.AsSpan().Sort(order.AsSpan());
        int among = options.TopK == 0 ? order.Length : Math.Min(options.TopK, order.Length);
        double[] weights = new double[among];
        double sum = 0;
        for (int i = 0; i < among; i++) sum += weights[i] = Math.Exp((keys[0] - keys[i]) / options.Temperature);
        double draw = rng.NextDouble() * sum;
        for (int i = 0; i < among; i++)
        {
            draw -= weights[i];
            if (draw < 0) return order[i];
        }

        return order[among - 1];
    }
}
