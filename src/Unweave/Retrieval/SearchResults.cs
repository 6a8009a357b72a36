namespace Unweave.Retrieval;

/// <summary>What a search found.</summary>
/// <param name="Hits">The best rows, best first; of equal ones, the row that was added first.</param>
/// <param name="Query">The latents that were looked up, largest product q·W_i first.</param>
/// <param name="Words">The words that were looked up, most telling first; words that most texts have are left out where there are
/// others.</param>
/// <param name="Facets">Latents that set the best hits apart from all rows, most telling first.</param>
public sealed record SearchResults(
    IReadOnlyList<SearchHit> Hits, IReadOnlyList<LatentShare> Query, IReadOnlyList<string> Words, IReadOnlyList<Facet> Facets);

/// <summary>A row that was found.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Score">
/// What it is ranked by: the cosine with the query as far as the index knows it, or, where concepts and words are fused, the sum of
/// their reciprocal ranks.
/// </param>
/// <param name="Text">Its text.</param>
/// <param name="Fields">Its fields.</param>
/// <param name="ConceptScore">The cosine; null where it was found by its words alone.</param>
/// <param name="WordScore">BM25 of its words; null where it was found by its concepts alone.</param>
/// <param name="Latents">What each latent that it shares with the query adds to q·x̂/‖x̂‖, largest first.</param>
/// <param name="Words">What each word that it shares with the query adds to BM25, largest first.</param>
public sealed record SearchHit(
    string Key, double Score, string Text, IReadOnlyDictionary<string, FieldValue> Fields, double? ConceptScore, double? WordScore,
    IReadOnlyList<LatentShare> Latents, IReadOnlyList<WordShare> Words);

/// <summary>What a latent adds to a score.</summary>
/// <param name="Latent">Number of the latent.</param>
/// <param name="Share">Its part of the score.</param>
public readonly record struct LatentShare(int Latent, double Share);

/// <summary>What a word adds to a score.</summary>
/// <param name="Word">The word, folded.</param>
/// <param name="Share">Its part of the score.</param>
/// <param name="Places">Where the text has it.</param>
public sealed record WordShare(string Word, double Share, IReadOnlyList<TextSpan> Places);

/// <summary>A part of a text.</summary>
/// <param name="Start">Where it begins, in UTF-16 units.</param>
/// <param name="Length">How many units it has.</param>
public readonly record struct TextSpan(int Start, int Length);

/// <summary>A latent that more of the hits have than of all rows.</summary>
/// <param name="Latent">Number of the latent.</param>
/// <param name="Hits">How many of the best hits have it.</param>
/// <param name="Of">How many hits were looked at.</param>
/// <param name="ShareOfAll">Share of all rows that have it.</param>
/// <param name="Z">By how many standard deviations the hits have it more often than as many rows drawn at random.</param>
public sealed record Facet(int Latent, int Hits, int Of, double ShareOfAll, double Z);
