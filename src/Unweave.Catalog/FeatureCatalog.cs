using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>What the features of a catalog were computed from.</summary>
public sealed record CatalogSource
{
    /// <summary>Number of latents.</summary>
    public required int Latents { get; init; }

    /// <summary>Rows (tokens or embeddings) that were read.</summary>
    public required long Rows { get; init; }

    /// <summary>Windows that were read; of embeddings, rows.</summary>
    public required long Windows { get; init; }

    /// <summary>The texts or vectors, for people.</summary>
    public required string Texts { get; init; }

    /// <summary>The model, or null for embeddings.</summary>
    public string? Model { get; init; }

    /// <summary>The hook, or null for embeddings.</summary>
    public string? Hook { get; init; }

    /// <summary>Tokens of a window; 0 for embeddings.</summary>
    public int Context { get; init; }

    /// <summary>When it was computed.</summary>
    public DateTimeOffset Built { get; init; }
}

/// <summary>A line of the table of features.</summary>
/// <param name="Latent">Number of the latent.</param>
/// <param name="Kind">What it is like.</param>
/// <param name="Frequency">Share of rows on which it fired.</param>
/// <param name="Density">Share of windows in which it fired.</param>
/// <param name="Max">Strongest activation.</param>
/// <param name="Label">The label to show: the user's own, else the best computed one that is above chance, else null.</param>
/// <param name="LabelMethod">How the label was found; <c>you</c> for the user's own, null without a label.</param>
/// <param name="Score">Detection score of the best computed label, or null.</param>
/// <param name="Starred">Whether the user starred it.</param>
/// <param name="HasNote">Whether the user wrote a note.</param>
/// <param name="TopTokens">The tokens that it fires on most, for a glance.</param>
public sealed record FeatureRow(int Latent, FeatureKind Kind, double Frequency, double Density, float Max, string? Label, string? LabelMethod, double? Score, bool Starred, bool HasNote, string TopTokens);

/// <summary>What the table is sorted by.</summary>
public enum FeatureOrder
{
    /// <summary>Number of the latent.</summary>
    Latent,

    /// <summary>Frequency.</summary>
    Frequency,

    /// <summary>Strongest activation.</summary>
    Max,

    /// <summary>Score of the label; latents without one come last either way.</summary>
    Score,

    /// <summary>The label's text; latents without one come last either way.</summary>
    Label,

    /// <summary>How well the text searched for matches, best first; the number where nothing is searched for.</summary>
    Relevance,
}

/// <summary>Which features, in which order.</summary>
public sealed record FeatureQuery
{
    /// <summary>Words to find in labels, notes, tokens and examples; any text is allowed, nothing in it is syntax except a number alone, which also finds the latent of that number. Null or white space finds all.</summary>
    public string? Text { get; init; }

    /// <summary>Only these kinds; null for all.</summary>
    public IReadOnlyCollection<FeatureKind>? Kinds { get; init; }

    /// <summary>Least frequency.</summary>
    public double? MinFrequency { get; init; }

    /// <summary>Largest frequency.</summary>
    public double? MaxFrequency { get; init; }

    /// <summary>Least score of the label.</summary>
    public double? MinScore { get; init; }

    /// <summary>True for those with a label, false for those without, null for both.</summary>
    public bool? Labelled { get; init; }

    /// <summary>Only starred ones.</summary>
    public bool Starred { get; init; }

    /// <summary>Only members of this list; null for all.</summary>
    public string? List { get; init; }

    /// <summary>Order.</summary>
    public FeatureOrder Order { get; init; } = FeatureOrder.Relevance;

    /// <summary>Whether the order is reversed.</summary>
    public bool Descending { get; init; }

    /// <summary>Lines to skip.</summary>
    public int Skip { get; init; }

    /// <summary>Lines to give at most.</summary>
    public int Take { get; init; } = 50;
}

/// <summary>Some lines of the table.</summary>
/// <param name="Total">Lines that match, all together.</param>
/// <param name="Rows">Those asked for.</param>
public sealed record FeatureRows(int Total, IReadOnlyList<FeatureRow> Rows);

/// <summary>What a person wrote about a latent.</summary>
/// <param name="Label">Own label, or null.</param>
/// <param name="Note">Note, or null.</param>
/// <param name="Starred">Star.</param>
/// <param name="Lists">Names of the lists it is in, in order.</param>
public sealed record Annotation(string? Label, string? Note, bool Starred, IReadOnlyList<string> Lists);

/// <summary>A place of a latent on the map.</summary>
/// <param name="Latent">Number of the latent.</param>
/// <param name="X">Across.</param>
/// <param name="Y">Down.</param>
public readonly record struct MapPoint(int Latent, float X, float Y);

/// <summary>
/// The catalog of one autoencoder's features: one SQLite file in its folder. What is computed and what people wrote are kept apart: a rebuild
/// replaces the first and never touches the second. Safe to use from several threads and several processes.
/// </summary>
public sealed class FeatureCatalog : IDisposable
{
    /// <summary>Name of the file in an autoencoder's folder.</summary>
    public const string FileName = "features.db";

    /// <summary>The file.</summary>
    public string Path => throw new NotSupportedException();

    /// <summary>What the features were computed from.</summary>
    public CatalogSource Source => throw new NotSupportedException();

    /// <summary>Whether a catalog is there.</summary>
    /// <param name="path">The file, or an autoencoder's folder.</param>
    public static bool Exists(string path) => throw new NotSupportedException();

    /// <summary>Opens a catalog.</summary>
    /// <param name="path">The file, or an autoencoder's folder.</param>
    /// <exception cref="InputException">It is not there, not a catalog, damaged, of a newer version, or locked.</exception>
    public static FeatureCatalog Open(string path) => throw new NotSupportedException();

    /// <summary>Writes features, replacing those of an earlier build all at once (readers see the old ones until the end); labels computed earlier go with them, what people wrote stays.</summary>
    /// <param name="path">The file, or an autoencoder's folder.</param>
    /// <param name="source">What they were computed from.</param>
    /// <param name="features">Every latent once, in ascending order; read one at a time.</param>
    /// <param name="cancellation">Ends the writing; the file is then as it was.</param>
    public static void Build(string path, CatalogSource source, IEnumerable<Feature> features, CancellationToken cancellation = default) => throw new NotSupportedException();

    /// <summary>Finds lines of the table.</summary>
    public FeatureRows Find(FeatureQuery query) => throw new NotSupportedException();

    /// <summary>The lines of some latents, in the order given.</summary>
    public IReadOnlyList<FeatureRow> Rows(IReadOnlyCollection<int> latents) => throw new NotSupportedException();

    /// <summary>All that is known of a latent.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public Feature Read(int latent) => throw new NotSupportedException();

    /// <summary>The latent before or after another in a query's order, or null at the ends.</summary>
    public int? Next(FeatureQuery query, int latent, bool backwards = false) => throw new NotSupportedException();

    /// <summary>Computed labels of a latent, best first.</summary>
    public IReadOnlyList<FeatureLabel> Labels(int latent) => throw new NotSupportedException();

    /// <summary>Adds labels, each replacing an earlier one of the same latent and method, all in one transaction.</summary>
    public void AddLabels(IEnumerable<(int Latent, FeatureLabel Label)> labels) => throw new NotSupportedException();

    /// <summary>What a person wrote about a latent.</summary>
    public Annotation Annotation(int latent) => throw new NotSupportedException();

    /// <summary>Sets a person's label; null or white space removes it.</summary>
    public void SetLabel(int latent, string? label) => throw new NotSupportedException();

    /// <summary>Sets a note; null or white space removes it.</summary>
    public void SetNote(int latent, string? note) => throw new NotSupportedException();

    /// <summary>Sets or removes a star.</summary>
    public void SetStar(int latent, bool starred) => throw new NotSupportedException();

    /// <summary>The lists with their numbers of members, by name.</summary>
    public IReadOnlyList<(string Name, int Members)> Lists() => throw new NotSupportedException();

    /// <summary>Puts a latent into a list, which is made if there is none of that name.</summary>
    public void AddToList(string list, int latent) => throw new NotSupportedException();

    /// <summary>Takes a latent out of a list.</summary>
    public void RemoveFromList(string list, int latent) => throw new NotSupportedException();

    /// <summary>Removes a list; its members stay.</summary>
    public void RemoveList(string list) => throw new NotSupportedException();

    /// <summary>Frequencies of all latents, <c>[n]</c>, for the density histogram.</summary>
    public IReadOnlyList<double> Frequencies() => throw new NotSupportedException();

    /// <summary>The map; empty before one was written.</summary>
    public IReadOnlyList<MapPoint> Map() => throw new NotSupportedException();

    /// <summary>Writes the map, replacing an earlier one.</summary>
    public void WriteMap(IReadOnlyList<MapPoint> points) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotSupportedException();
}
