namespace Unweave.Catalog;

/// <summary>What a person wrote about a latent.</summary>
/// <param name="Label">Own label, or null.</param>
/// <param name="Note">Note, or null.</param>
/// <param name="Starred">Star.</param>
/// <param name="Lists">Names of the lists it is in, in order.</param>
public sealed record Annotation(string? Label, string? Note, bool Starred, IReadOnlyList<string> Lists);
