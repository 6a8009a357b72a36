namespace Unweave.Catalog;

/// <summary>A place of a latent on the map.</summary>
/// <param name="Latent">Number of the latent.</param>
/// <param name="X">Across.</param>
/// <param name="Y">Down.</param>
public readonly record struct MapPoint(int Latent, float X, float Y);
