using System.Globalization;
using Unweave.Retrieval.Vectors;

namespace Unweave.Retrieval.Segments;

/// <summary>What all segments of an index share.</summary>
/// <param name="DictionaryHash">SHA-256 of the dictionary.</param>
/// <param name="Latents">Number of latents n.</param>
/// <param name="Width">Width d of the vectors.</param>
/// <param name="Store">What is kept of the vectors.</param>
/// <param name="Seed">Seed of their rotation.</param>
internal sealed record IndexLayout(string DictionaryHash, int Latents, int Width, VectorStore Store, ulong Seed)
{
    /// <summary>Makes the store.</summary>
    public StoredVectors? CreateStore() => StoredVectors.Create(Store, Width, Seed);

    /// <summary>As the metadata of a segment.</summary>
    public Dictionary<string, string> ToMetadata() => new(StringComparer.Ordinal)
    {
        ["format"] = "unweave-segment",
        ["version"] = "2",
        ["dictionary"] = DictionaryHash,
        ["latents"] = Latents.ToString(CultureInfo.InvariantCulture),
        ["width"] = Width.ToString(CultureInfo.InvariantCulture),
        ["store"] = Store.ToString(),
        ["seed"] = Seed.ToString(CultureInfo.InvariantCulture),
    };
}
