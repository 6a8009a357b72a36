using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Unweave.Numerics;

namespace Unweave.Retrieval;

/// <summary>
/// The dictionary that an index is over: a direction for each latent, and what is added to their sum. A row x is stored by the few
/// latents of its code, x̂ = b + Σ f_i·W_i; a query q is compared with q·x̂/‖x̂‖, for which only q·W_i of every latent is needed.
/// </summary>
public sealed class ConceptDictionary : IDisposable
{
    private readonly float[] bias;
    private readonly Lazy<Int8Matrix> rounded;
    private readonly Lazy<ShortlistMatrix> shortlist;

    /// <summary>Makes a dictionary.</summary>
    /// <param name="decoder">The directions W_dec in the scale of the vectors, <c>[n, d]</c>; owned from then on.</param>
    /// <param name="bias">The vector b_dec in the same scale, <c>[d]</c>.</param>
    /// <exception cref="ArgumentException">The widths differ, or a number is not finite.</exception>
    public ConceptDictionary(Matrix decoder, ReadOnlySpan<float> bias)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        if (bias.Length != decoder.Columns)
            throw new ArgumentException($"The directions have width {decoder.Columns}, the bias {bias.Length}.", nameof(bias));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int latent = 0; latent < decoder.Rows; latent++) Take(decoder.Row(latent));
        Take(bias);
        Decoder = decoder;
        this.bias = bias.ToArray();
        Hash = Convert.ToHexStringLower(hash.GetHashAndReset());
        rounded = new Lazy<Int8Matrix>(() => new Int8Matrix(Decoder, Workers.Shared));
        shortlist = new Lazy<ShortlistMatrix>(() => new ShortlistMatrix(Decoder, Workers.Shared));

        void Take(ReadOnlySpan<float> values)
        {
            foreach (float value in values)
                if (!float.IsFinite(value))
                    throw new ArgumentException("A dictionary of directions has a value that is not finite.", nameof(decoder));
            hash.AppendData(MemoryMarshal.AsBytes(values));
        }
    }

    /// <summary>Number of latents n.</summary>
    public int Latents => Decoder.Rows;

    /// <summary>Width d of the vectors.</summary>
    public int Width => Decoder.Columns;

    /// <summary>SHA-256 of directions and bias: an index says by it which dictionary it is over.</summary>
    public string Hash { get; }

    /// <summary>The directions, <c>[n, d]</c>.</summary>
    internal Matrix Decoder { get; }

    /// <summary>What is added to their sum, <c>[d]</c>.</summary>
    internal ReadOnlySpan<float> Bias => bias;

    /// <summary>q·W_i of every latent, from weights and query in 8 bits.</summary>
    /// <param name="query">The query q, <c>[d]</c>.</param>
    /// <param name="products">Overwritten, <c>[n]</c>.</param>
    internal void Project(ReadOnlySpan<float> query, Span<float> products) => rounded.Value.Multiply(query, products);

    /// <summary>A query in 8 bits.</summary>
    /// <param name="query">The query q, <c>[d]</c>.</param>
    internal ShortlistMatrix.Vector8 Quantize(ReadOnlySpan<float> query) => shortlist.Value.Quantize(query);

    /// <summary>About q·W_i of every latent, from weights in 4 bits: enough to tell which are the largest.</summary>
    /// <param name="query">From <see cref="Quantize"/>.</param>
    /// <param name="products">Overwritten, <c>[n]</c>.</param>
    internal void Estimate(ShortlistMatrix.Vector8 query, Span<float> products) => shortlist.Value.Estimate(query, products);

    /// <summary>The same numbers as for every latent, of some of them.</summary>
    /// <param name="query">From <see cref="Quantize"/>.</param>
    /// <param name="latents">Which.</param>
    /// <param name="products">Overwritten at their places, of n numbers.</param>
    internal void Project(ShortlistMatrix.Vector8 query, ReadOnlySpan<int> latents, Span<float> products) =>
        shortlist.Value.Multiply(query, latents, products);

    /// <summary>q·b.</summary>
    /// <param name="query">The query q, <c>[d]</c>.</param>
    internal double BiasProduct(ReadOnlySpan<float> query)
    {
        double product = 0;
        for (int i = 0; i < bias.Length; i++) product += (double)query[i] * bias[i];
        return product;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (rounded.IsValueCreated) rounded.Value.Dispose();
        if (shortlist.IsValueCreated) shortlist.Value.Dispose();
        Decoder.Dispose();
    }
}
