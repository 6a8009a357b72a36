namespace Unweave.Retrieval;

/// <summary>
/// What is sought: a vector, words, latents, or rows to be like, alone or together. Concepts and words are ranked apart and fused by
/// reciprocal rank.
/// </summary>
public sealed record SearchQuery
{
    /// <summary>The vector, <c>[d]</c>, of any length but 0; empty for none.</summary>
    public ReadOnlyMemory<float> Vector { get; init; }

    /// <summary>The text whose words are sought; null for none.</summary>
    public string? Words { get; init; }

    /// <summary>Keys of rows to be like: the mean of their vectors is sought, and they are not found themselves. Empty for none.</summary>
    public IReadOnlyList<string> Like { get; init; } = [];

    /// <summary>Latents that are sought, each with its weight: 1 is as much as a vector along its direction. Empty for none.</summary>
    public IReadOnlyDictionary<int, float> Latents { get; init; } = new Dictionary<int, float>();

    /// <summary>What a latent counts, times what it counts by the vector: 0 not at all, 2 twice. Default 1 for all.</summary>
    public IReadOnlyDictionary<int, float> Factors { get; init; } = new Dictionary<int, float>();

    /// <summary>Latents that every row found has.</summary>
    public IReadOnlyList<int> Require { get; init; } = [];

    /// <summary>Latents that no row found has.</summary>
    public IReadOnlyList<int> Exclude { get; init; } = [];

    /// <summary>Which rows may be found, by their fields; null for all.</summary>
    public SearchFilter? Filter { get; init; }

    /// <summary>How many hits at most, from 0. Default 10.</summary>
    public int Count { get; init; } = 10;

    /// <summary>How many latents of the query are looked up: those with the largest products, 64, 128 or 256. Default 128.</summary>
    public int QueryLatents { get; init; } = 128;

    /// <summary>How many rows are scored once more by all latents of their codes. Default 1,000.</summary>
    public int Rescored { get; init; } = 1000;

    /// <summary>How many of these are scored once more by what the index keeps of their vectors, if it does. Default 200.</summary>
    public int Reranked { get; init; } = 200;

    /// <summary>
    /// How many rows are looked at where the rows are numbered by cells: those of the cells nearest to the query. 0, the default, for all.
    /// </summary>
    public int RowsLookedAt { get; init; }

    /// <summary>Weight of the words' ranks against the concepts', from 0 to 1. Default 0.5.</summary>
    public double WordWeight { get; init; } = 0.5;

    /// <summary>Rows whose code has at least this cosine with that of a better hit are left out; 1 or more, the default, for
    /// none.</summary>
    public double Distinct { get; init; } = 2;

    /// <summary>How many facets of the best 100 hits are wanted: latents that set them apart from all rows. Default 0.</summary>
    public int Facets { get; init; }

    /// <summary>How many latents that a hit shares with the query are told at most. Default 8.</summary>
    public int Shares { get; init; } = 8;
}
