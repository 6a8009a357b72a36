namespace Unweave.Retrieval.Vectors;

/// <summary>How a store keeps a vector, and what it says of a query's product with it.</summary>
internal abstract class StoredVectors
{
    /// <summary>Bytes of a row, without its scale.</summary>
    public abstract int RowBytes { get; }

    /// <summary>Makes a store.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="width">Width d of the vectors.</param>
    /// <param name="seed">Seed of a rotation.</param>
    public static StoredVectors? Create(VectorStore kind, int width, ulong seed) => kind switch
    {
        VectorStore.Int8 => new Int8Vectors(width),
        VectorStore.Signs => new SignVectors(width, seed),
        _ => null,
    };

    /// <summary>Keeps a vector.</summary>
    /// <param name="x">The vector at unit length, <c>[d]</c>.</param>
    /// <param name="residual">What its code leaves over, <c>[d]</c>; may be overwritten.</param>
    /// <param name="row">Its bytes, overwritten.</param>
    /// <returns>Its scale.</returns>
    public abstract float Keep(ReadOnlySpan<float> x, Span<float> residual, Span<byte> row);

    /// <summary>Makes a query ready for <see cref="Score"/>; may be the query itself.</summary>
    public abstract float[] Prepare(ReadOnlySpan<float> query);

    /// <summary>A query's score with a row.</summary>
    /// <param name="query">From <see cref="Prepare"/>.</param>
    /// <param name="row">The row's bytes.</param>
    /// <param name="scale">Its scale.</param>
    /// <param name="code">The score of its code, q·x̂/‖x̂‖.</param>
    public abstract double Score(ReadOnlySpan<float> query, ReadOnlySpan<byte> row, float scale, double code);

    /// <summary>The vector that was kept, as near as the store knows it; false where it knows too little.</summary>
    public abstract bool TryRead(ReadOnlySpan<byte> row, float scale, Span<float> x);
}
