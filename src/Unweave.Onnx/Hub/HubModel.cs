namespace Unweave.Onnx;

/// <summary>What to fetch of a model.</summary>
public sealed record HubRequest
{
    /// <summary>The model's name on the hub, <c>owner/name</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Branch, tag or commit. Default <c>main</c>.</summary>
    public string Revision { get; init; } = HubClient.DefaultRevision;

    /// <summary>
    /// Globs of the files to fetch beside those of the tokenizer: <c>*</c> and <c>?</c> within a name, <c>**</c> for any number of folders;
    /// a glob without '/' matches in every folder. Empty, the default: the ONNX graph (<c>model.onnx</c> where there are several). An ONNX
    /// file comes with its external data.
    /// </summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Folder to copy the files to, or null, the default, to leave them in the cache alone.</summary>
    public string? Output { get; init; }
}

/// <summary>A model on this machine.</summary>
/// <param name="Name">Its name on the hub.</param>
/// <param name="Revision">The revision that was asked for.</param>
/// <param name="Commit">The commit that this was.</param>
/// <param name="Folder">The folder that its files are in, as plain files.</param>
/// <param name="Files">The files, in ordinal order of their paths.</param>
/// <param name="OtherGraphs">Paths of the hub's other ONNX files, which were not fetched.</param>
public sealed record HubModel(
    string Name, string Revision, string Commit, string Folder, IReadOnlyList<PulledFile> Files, IReadOnlyList<string> OtherGraphs);

/// <summary>A file of a model.</summary>
/// <param name="Path">Its path within the model, with '/'.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="State">How it came here.</param>
/// <param name="Checksum">What its content was checked against: SHA-256 (64 digits) or git's SHA-1 of the blob (40).</param>
public sealed record PulledFile(string Path, long Bytes, PulledState State, string Checksum);

/// <summary>How a file came to this machine.</summary>
public enum PulledState
{
    /// <summary>It was here already; its checksum was checked again.</summary>
    Cached,

    /// <summary>All of it was fetched.</summary>
    Downloaded,

    /// <summary>An earlier pull had fetched the first part, this one the rest.</summary>
    Resumed,
}

/// <summary>How far a pull is.</summary>
/// <param name="Path">The file that is coming; empty while the hub is asked for its list.</param>
/// <param name="Bytes">How much of it is here.</param>
/// <param name="Size">Its size, or null while that is unknown.</param>
/// <param name="Waiting">Why and how long the pull waits, or null while it goes on.</param>
public readonly record struct HubProgress(string Path, long Bytes, long? Size, string? Waiting = null);
