using System.Text.Json.Nodes;
using Unweave.Retrieval;

namespace Unweave.Catalog.Json;

/// <summary>What a search found, as the command line and the HTTP API write it.</summary>
/// <param name="Hits">The best texts, best first.</param>
/// <param name="Query">What the query was understood as.</param>
/// <param name="Facets">Latents that set the best hits apart from all texts; empty where none were asked for.</param>
public sealed record SearchJson(IReadOnlyList<SearchHitJson> Hits, SearchQueryJson Query, IReadOnlyList<SearchFacetJson> Facets)
{
    private const int QueryLatents = 16, Digits = 6;

    /// <summary>What was found, with the labels of the latents that it names.</summary>
    /// <param name="results">What was found.</param>
    /// <param name="labels">Labels of latents, as far as they have any.</param>
    public static SearchJson Of(SearchResults results, IReadOnlyDictionary<int, string> labels)
    {
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(labels);
        SearchLatentJson Named(LatentShare share) =>
            new(share.Latent, labels.GetValueOrDefault(share.Latent), Math.Round(share.Share, Digits));
        return new SearchJson(
            [
                .. results.Hits.Select(hit => new SearchHitJson(hit.Key, Math.Round(hit.Score, Digits), Rounded(hit.ConceptScore),
                    Rounded(hit.WordScore), hit.Text,
                    hit.Fields.ToDictionary(field => field.Key, field => Field(field.Value), StringComparer.Ordinal),
                    [.. hit.Latents.Select(Named)], [.. hit.Words.Select(Word)])),
            ],
            new SearchQueryJson([.. results.Query.Take(QueryLatents).Select(Named)], results.Words),
            [
                .. results.Facets.Select(facet => new SearchFacetJson(facet.Latent, labels.GetValueOrDefault(facet.Latent), facet.Hits,
                    facet.Of, Math.Round(facet.ShareOfAll, Digits), Math.Round(facet.Z, 3))),
            ]);
    }

    /// <summary>Labels of the latents that <see cref="Of"/> names.</summary>
    /// <param name="results">What was found.</param>
    /// <param name="catalog">The catalog; null for none, which knows no labels.</param>
    public static IReadOnlyDictionary<int, string> Labels(SearchResults results, FeatureCatalog? catalog)
    {
        ArgumentNullException.ThrowIfNull(results);
        int[] named =
        [
            .. results.Hits.SelectMany(hit => hit.Latents).Concat(results.Query.Take(QueryLatents)).Select(share => share.Latent)
                .Concat(results.Facets.Select(facet => facet.Latent)).Distinct(),
        ];
        return (catalog?.Rows(named) ?? []).Where(row => row.Label is not null).ToDictionary(row => row.Latent, row => row.Label!);
    }

    private static SearchWordJson Word(WordShare share) => new(share.Word, Math.Round(share.Share, Digits),
        [.. share.Places.Select(place => (IReadOnlyList<int>)[place.Start, place.Length])]);

    private static double? Rounded(double? score) => score is { } known ? Math.Round(known, Digits) : null;

    private static JsonNode? Field(FieldValue value) => value.Kind switch
    {
        FieldKind.Number => JsonValue.Create(value.Number),
        FieldKind.Truth => JsonValue.Create(value.Number != 0),
        FieldKind.Text => JsonValue.Create(value.Texts[0]),
        _ => new JsonArray([.. value.Texts.Select(text => JsonValue.Create(text))]),
    };
}

/// <summary>A text that was found.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Score">What it is ranked by: the cosine, or where words count too, the sum of reciprocal ranks.</param>
/// <param name="ConceptScore">The cosine with the query; null where it was found by its words alone.</param>
/// <param name="WordScore">BM25 of its words; null where it was found by its concepts alone.</param>
/// <param name="Text">The text.</param>
/// <param name="Fields">Its fields: numbers, truths, texts, lists of texts.</param>
/// <param name="Latents">What each latent that it shares with the query adds to the cosine, largest first.</param>
/// <param name="Words">What each word that it shares with the query adds to BM25, largest first.</param>
public sealed record SearchHitJson(
    string Id, double Score, double? ConceptScore, double? WordScore, string Text, IReadOnlyDictionary<string, JsonNode?> Fields,
    IReadOnlyList<SearchLatentJson> Latents, IReadOnlyList<SearchWordJson> Words);

/// <summary>What a query was understood as.</summary>
/// <param name="Latents">The latents that were looked up, largest first.</param>
/// <param name="Words">The words that were looked up, most telling first.</param>
public sealed record SearchQueryJson(IReadOnlyList<SearchLatentJson> Latents, IReadOnlyList<string> Words);

/// <summary>What a latent adds to a score.</summary>
/// <param name="Latent">Its number.</param>
/// <param name="Label">Its label, or null.</param>
/// <param name="Share">Its part of the score.</param>
public sealed record SearchLatentJson(int Latent, string? Label, double Share);

/// <summary>What a word adds to a score.</summary>
/// <param name="Word">The word, folded.</param>
/// <param name="Share">Its part of the score.</param>
/// <param name="Places">Where the text has it: start and length in UTF-16 units.</param>
public sealed record SearchWordJson(string Word, double Share, IReadOnlyList<IReadOnlyList<int>> Places);

/// <summary>A latent that more of the best hits have than of all texts.</summary>
/// <param name="Latent">Its number.</param>
/// <param name="Label">Its label, or null.</param>
/// <param name="Hits">How many of the best hits have it.</param>
/// <param name="Of">How many hits were looked at.</param>
/// <param name="ShareOfAll">Share of all texts that have it.</param>
/// <param name="Z">By how many standard deviations the hits have it more often than as many texts drawn at random.</param>
public sealed record SearchFacetJson(int Latent, string? Label, int Hits, int Of, double ShareOfAll, double Z);
