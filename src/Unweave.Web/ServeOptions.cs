namespace Unweave.Web;

/// <summary>What a server serves, and to whom.</summary>
public sealed record ServeOptions
{
    /// <summary>Folder of a run, or a folder whose subfolders are runs.</summary>
    public required string Folder { get; init; }

    /// <summary>Port; 0 takes a free one. Default 5210.</summary>
    public int Port { get; init; } = 5210;
}
