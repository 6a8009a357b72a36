using Unweave.Indexing;
using Unweave.Retrieval;

namespace Unweave.Web.Routing;

/// <summary>
/// What a reader seeks in an index of texts, and how the query was edited: all that the search page shows follows from it.
/// </summary>
internal sealed record TextSearch
{
    /// <summary>Hits at first, and how many more are shown at a time.</summary>
    public const int FirstHits = 10, MoreHits = 20;

    /// <summary>The cosine of two codes from which the second text is taken for a near-duplicate.</summary>
    public const double NearDuplicate = 0.95;

    /// <summary>What a concept may count; 1 is what it counts by the query.</summary>
    private static readonly float[] Steps = [0, 0.5f, 1, 2, 4];

    /// <summary>The text; empty for none.</summary>
    public string Text { get; init; } = "";

    /// <summary>Ids of texts to be like.</summary>
    public IReadOnlyList<string> Like { get; init; } = [];

    /// <summary>Concepts that are sought themselves.</summary>
    public IReadOnlyList<int> Latents { get; init; } = [];

    /// <summary>What concepts count, times what they count by the query.</summary>
    public IReadOnlyDictionary<int, float> Factors { get; init; } = new Dictionary<int, float>();

    /// <summary>Concepts that every text found has.</summary>
    public IReadOnlyList<int> Required { get; init; } = [];

    /// <summary>Concepts that no text found has.</summary>
    public IReadOnlyList<int> Excluded { get; init; } = [];

    /// <summary>Filters on fields, as <see cref="FilterText"/> reads them.</summary>
    public IReadOnlyList<string> Filters { get; init; } = [];

    /// <summary>Weight of words against concepts.</summary>
    public double WordWeight { get; init; } = 0.5;

    /// <summary>Whether near-duplicates of better hits are left out.</summary>
    public bool Distinct { get; init; }

    /// <summary>Hits at most.</summary>
    public int Count { get; init; } = FirstHits;

    /// <summary>Whether nothing is sought: there is nothing to find then.</summary>
    public bool IsEmpty => string.IsNullOrWhiteSpace(Text) && Like.Count == 0 && Latents.Count == 0;

    /// <summary>Whether the query was edited, beside its text.</summary>
    public bool IsEdited => Like.Count + Latents.Count + Factors.Count + Required.Count + Excluded.Count + Filters.Count > 0;

    /// <summary>What a concept counts.</summary>
    public float FactorOf(int latent) => Factors.GetValueOrDefault(latent, 1);

    /// <summary>A concept counts more, or again as much as by the query.</summary>
    public TextSearch Raise(int latent) => Weigh(latent, Steps.FirstOrDefault(step => step > FactorOf(latent), FactorOf(latent)));

    /// <summary>A concept counts less, or again as much as by the query.</summary>
    public TextSearch Lower(int latent) => Weigh(latent, Steps.LastOrDefault(step => step < FactorOf(latent), FactorOf(latent)));

    /// <summary>A concept counts so much.</summary>
    public TextSearch Weigh(int latent, float factor)
    {
        var factors = new SortedDictionary<int, float>(Factors.ToDictionary()) { [latent] = factor };
        if (factor == 1) factors.Remove(latent);
        return this with { Factors = factors };
    }

    /// <summary>All texts found have a concept, or need not any more.</summary>
    public TextSearch Require(int latent) => this with { Required = Toggle(Required, latent), Excluded = Without(Excluded, latent) };

    /// <summary>No text found has a concept, or may again.</summary>
    public TextSearch Exclude(int latent) => this with { Excluded = Toggle(Excluded, latent), Required = Without(Required, latent) };

    /// <summary>Texts like one are sought, or not any more.</summary>
    public TextSearch LikeThis(string id) => this with { Like = Toggle(Like, id), Count = FirstHits };

    /// <summary>A filter holds, or does not any more.</summary>
    public TextSearch Filter(string filter) => this with { Filters = Toggle(Filters, filter) };

    /// <summary>A concept is sought itself, or not any more.</summary>
    public TextSearch Seek(int latent) => this with { Latents = Toggle(Latents, latent) };

    /// <summary>Without any edit.</summary>
    public TextSearch Plain() => new() { Text = Text, WordWeight = WordWeight, Distinct = Distinct };

    /// <summary>The query for the index; its text is searched beside it.</summary>
    /// <param name="facets">Facets wanted.</param>
    /// <param name="shares">How many latents are given for each hit.</param>
    /// <exception cref="InputException">A filter cannot be read.</exception>
    public SearchQuery ToQuery(int facets, int shares) => new()
    {
        Like = Like,
        Latents = Latents.ToDictionary(latent => latent, _ => 1f),
        Factors = Factors,
        Require = Required,
        Exclude = Excluded,
        Filter = FilterText.Parse(Filters),
        WordWeight = WordWeight,
        Distinct = Distinct ? NearDuplicate : 2,
        Count = Count,
        Facets = facets,
        Shares = shares,
    };

    private static IReadOnlyList<T> Toggle<T>(IReadOnlyList<T> list, T item) => list.Contains(item) ? Without(list, item) : [.. list, item];

    private static IReadOnlyList<T> Without<T>(IReadOnlyList<T> list, T item) =>
        [.. list.Where(other => !EqualityComparer<T>.Default.Equals(other, item))];
}
