using Unweave.Numerics;
using Unweave.Retrieval;

namespace Unweave.Tests.Retrieval;

/// <summary>A small dictionary of random directions, and made-up documents with codes over it.</summary>
internal static class SmallIndex
{
    public const int Width = 12, Latents = 40;

    private const int K = 5;

    public static ConceptDictionary Dictionary(ulong seed = 42)
    {
        var rng = new Rng(seed);
        var decoder = new Matrix(Latents, Width);
        rng.FillNormal(decoder.AsSpan());
        for (int latent = 0; latent < Latents; latent++)
        {
            double length = Norms.L2(decoder.Row(latent));
            foreach (ref float value in decoder.Row(latent)) value /= (float)length;
        }

        return new ConceptDictionary(decoder, new float[Width]);
    }

    public static void Add(SearchWriter writer, Rng rng, params IndexDocument[] documents)
    {
        using Matrix vectors = Vectors(rng, documents.Length);
        writer.Add(documents, Codes(rng, documents.Length), vectors);
    }

    public static Matrix Vectors(Rng rng, int rows)
    {
        var vectors = new Matrix(rows, Width);
        rng.FillNormal(vectors.AsSpan());
        return vectors;
    }

    public static float[] Vector(Rng rng)
    {
        float[] vector = new float[Width];
        rng.FillNormal(vector);
        return vector;
    }

    public static SparseCodes Codes(Rng rng, int rows)
    {
        var starts = new List<long> { 0 };
        var latents = new List<int>();
        for (int row = 0; row < rows; row++)
        {
            var own = new SortedSet<int>();
            while (own.Count < K) own.Add((int)Math.Min(rng.NextBelow(Latents), rng.NextBelow(Latents)));
            latents.AddRange(own);
            starts.Add(latents.Count);
        }

        return new SparseCodes(Latents, [.. starts], [.. latents], [.. latents.Select(_ => (float)rng.NextDouble() + 0.1f)]);
    }
}
