using System.Text.Json.Nodes;
using Unweave.Retrieval;

namespace Unweave.Catalog.Json;

/// <summary>What a search found, as the command line and the HTTP API write it.</summary>
public static class SearchJson
{
    /// <summary>Writes it.</summary>
    /// <param name="results">What was found.</param>
    /// <param name="labels">Labels of latents, as far as they have any.</param>
    public static JsonObject Write(SearchResults results, IReadOnlyDictionary<int, string> labels)
    {
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(labels);
        return new JsonObject
        {
            ["hits"] = new JsonArray([.. results.Hits.Select(hit => Hit(hit, labels))]),
            ["query"] = new JsonObject
            {
                ["latents"] = new JsonArray([.. results.Query.Take(16).Select(share => Latent(share, labels))]),
                ["words"] = new JsonArray([.. results.Words.Select(word => JsonValue.Create(word))]),
            },
            ["facets"] = new JsonArray(
            [
                .. results.Facets.Select(facet => new JsonObject
                {
                    ["latent"] = facet.Latent,
                    ["label"] = labels.GetValueOrDefault(facet.Latent),
                    ["hits"] = facet.Hits,
                    ["of"] = facet.Of,
                    ["shareOfAll"] = Math.Round(facet.ShareOfAll, 6),
                    ["z"] = Math.Round(facet.Z, 3),
                }),
            ]),
        };
    }

    private static JsonObject Hit(SearchHit hit, IReadOnlyDictionary<int, string> labels)
    {
        var fields = new JsonObject();
        foreach ((string name, FieldValue value) in hit.Fields) fields[name] = Field(value);
        return new JsonObject
        {
            ["id"] = hit.Key,
            ["score"] = Math.Round(hit.Score, 6),
            ["conceptScore"] = hit.ConceptScore is { } cosine ? Math.Round(cosine, 6) : null,
            ["wordScore"] = hit.WordScore is { } score ? Math.Round(score, 6) : null,
            ["text"] = hit.Text,
            ["fields"] = fields,
            ["latents"] = new JsonArray([.. hit.Latents.Select(share => Latent(share, labels))]),
            ["words"] = new JsonArray([.. hit.Words.Select(Word)]),
        };
    }

    private static JsonObject Latent(LatentShare share, IReadOnlyDictionary<int, string> labels) => new()
    {
        ["latent"] = share.Latent,
        ["label"] = labels.GetValueOrDefault(share.Latent),
        ["share"] = Math.Round(share.Share, 6),
    };

    private static JsonObject Word(WordShare share) => new()
    {
        ["word"] = share.Word,
        ["share"] = Math.Round(share.Share, 6),
        ["places"] = new JsonArray([.. share.Places.Select(place => new JsonArray(place.Start, place.Length))]),
    };

    private static JsonNode? Field(FieldValue value) => value.Kind switch
    {
        FieldKind.Number => JsonValue.Create(value.Number),
        FieldKind.Truth => JsonValue.Create(value.Number != 0),
        FieldKind.Text => JsonValue.Create(value.Texts[0]),
        _ => new JsonArray([.. value.Texts.Select(text => JsonValue.Create(text))]),
    };
}
