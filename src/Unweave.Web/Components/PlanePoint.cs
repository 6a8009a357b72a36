namespace Unweave.Web.Components;

/// <summary>A point of a plane: what it is called, where it is, what it is one of, in which color, and where it leads.</summary>
/// <param name="Name">Its name.</param>
/// <param name="X">Across.</param>
/// <param name="Y">Up.</param>
/// <param name="Group">What it is one of, for the legend.</param>
/// <param name="Color">1 to 5.</param>
/// <param name="Link">The page about it.</param>
/// <param name="Hollow">Whether it is drawn hollow: it did not come to its end.</param>
public sealed record PlanePoint(string Name, double X, double Y, string Group, int Color, string Link, bool Hollow = false);
