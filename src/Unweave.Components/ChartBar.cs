namespace Unweave.Components;

/// <summary>A bar of a histogram.</summary>
/// <param name="Label">What it stands for, in full: shown on hover.</param>
/// <param name="Value">Its length, 0 or more.</param>
/// <param name="Tick">What is written under it; null for nothing.</param>
/// <param name="Tone">A number of a color, from 1; 0 for the usual one.</param>
public sealed record ChartBar(string Label, double Value, string? Tick = null, int Tone = 0);
