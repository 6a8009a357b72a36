namespace Unweave.Apps.Tests.Learn;

/// <summary>
/// Demonstrations that train while a reader watches, driven one after another, so that they do not take the processors from each other.
/// The environment variable <c>UNWEAVE_TIMED=1</c>, for a run of these tests alone, holds each to the 30 seconds that the explainer
/// promises on two quiet cores; else a loaded machine may take longer.
/// </summary>
[CollectionDefinition(Name)]
public sealed class LiveDemonstrations
{
    /// <summary>What tests of such demonstrations are in.</summary>
    public const string Name = "Live demonstrations";

    /// <summary>Milliseconds that a demonstration may take to its end.</summary>
    internal static readonly float Deadline = Environment.GetEnvironmentVariable("UNWEAVE_TIMED") is "1" ? 30_000 : 600_000;
}
