namespace Unweave.Retrieval;

/// <summary>What a search found.</summary>
/// <param name="Hits">The best rows, best first; of equal ones, the lower row first.</param>
/// <param name="Candidates">How many rows share a latent with the query: only these were scored.</param>
public sealed record SearchResult(IReadOnlyList<SearchHit> Hits, int Candidates);

/// <summary>A row that was found.</summary>
/// <param name="Row">Which row.</param>
/// <param name="Score">Cosine of its code and the query.</param>
/// <param name="Shared">What each latent that the two share adds to the score, largest part first.</param>
public sealed record SearchHit(int Row, double Score, IReadOnlyList<LatentShare> Shared);

/// <summary>What a latent adds to a score.</summary>
/// <param name="Latent">Number of the latent.</param>
/// <param name="Share">Its part of the score: the shares of a hit add up to its score.</param>
public readonly record struct LatentShare(int Latent, double Share);
