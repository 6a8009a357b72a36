using System.Text;
using Unweave.Formats;

namespace Unweave.Onnx;

/// <summary>
/// Where one model is kept: <c>models--owner--name/COMMIT/</c> holds its files, <c>COMMIT.json</c> the hub's list of them, and
/// <c>refs/REVISION</c> the commit that a branch or tag was when it was last pulled whole.
/// </summary>
internal sealed class HubCache
{
    private const int MostListingBytes = 1 << 26;

    private static readonly TimeSpan LockWait = TimeSpan.FromMilliseconds(200);

    private readonly string root, name;

    /// <summary>The place of a model; nothing is made yet.</summary>
    /// <param name="cache">The cache's folder.</param>
    /// <param name="name">The model's name, checked.</param>
    public HubCache(string cache, string name)
    {
        this.name = name;
        root = Path.Combine(Path.GetFullPath(cache), "models--" + name.Replace("/", "--", StringComparison.Ordinal));
    }

    /// <summary>The folder of a commit's files.</summary>
    public string Folder(string commit) => Path.Combine(root, commit);

    /// <summary>The commit that a revision was when it was last pulled whole, or null.</summary>
    public string? Commit(string revision)
    {
        if (File.Exists(Reference(revision)) && File.ReadAllText(Reference(revision)).Trim() is var commit && HubName.IsCommit(commit))
            return commit;
        return HubName.IsCommit(revision) && File.Exists(ListingFile(revision)) ? revision : null;
    }

    /// <summary>The list of a commit's files, or null where it was never fetched.</summary>
    /// <exception cref="InputException">The list is damaged.</exception>
    public HubListing? Listing(string commit)
    {
        string path = ListingFile(commit);
        if (!File.Exists(path)) return null;
        if (new FileInfo(path).Length > MostListingBytes)
            throw new InputException($"{path}: is too large for the list of a model's files; delete it and pull {name} again.");
        try
        {
            HubListing listing = HubListing.Parse(File.ReadAllBytes(path), path);
            if (string.Equals(listing.Commit, commit, StringComparison.Ordinal)) return listing;
        }
        catch (InputException e)
        {
            throw new InputException($"{path}: is damaged; delete it and pull {name} again without --offline.", e);
        }

        throw new InputException($"{path}: is of another commit; delete it and pull {name} again without --offline.");
    }

    /// <summary>Keeps the list of a commit's files.</summary>
    public void Keep(HubListing listing) => Write(ListingFile(listing.Commit), listing.ToJson());

    /// <summary>Notes that a revision is a commit whose files are here.</summary>
    public void Refer(string revision, string commit) => Write(Reference(revision), Encoding.ASCII.GetBytes(commit + "\n"));

    /// <summary>
    /// Takes the model for this process alone; waits while another has it. Disposing gives it back, as does the process's end, however it
    /// ends.
    /// </summary>
    /// <param name="time">Clock.</param>
    /// <param name="waiting">Told once, when it has to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IDisposable> Lock(TimeProvider time, Action<string> waiting, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(root);
        string path = Path.Combine(root, ".lock");
        bool told = false;
        while (true)
        {
            try
            {
                // The file stays: were it deleted, one process could hold the deleted file and another a new one.
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (IOException e) when (IsHeld(e))
            {
                if (!told) waiting($"another process is pulling {name}; waiting for it");
                told = true;
            }

            await Task.Delay(LockWait, time, cancellationToken);
        }
    }

    private string ListingFile(string commit) => Path.Combine(root, commit + ".json");

    private string Reference(string revision) => Path.Combine(root, "refs", Uri.EscapeDataString(revision));

    /// <summary>Writes a small file unless it is as it should be, so that a cache that is only read is never written.</summary>
    private static void Write(string path, byte[] content)
    {
        if (File.Exists(path) && new FileInfo(path).Length == content.Length && File.ReadAllBytes(path).AsSpan().SequenceEqual(content))
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, stream => stream.Write(content));
    }

    /// <summary>How systems say that another process has the file: EWOULDBLOCK, which differs among them, or a sharing violation.</summary>
    private static bool IsHeld(IOException e)
    {
        const int WindowsSharing = unchecked((int)0x80070020), Linux = 11, MacOS = 35;
        return e.HResult == (OperatingSystem.IsWindows() ? WindowsSharing : OperatingSystem.IsLinux() ? Linux : MacOS);
    }
}
