using System.Net;
using System.Net.Http.Headers;

namespace Unweave.Onnx;

/// <summary>
/// Fetches one file: into <c>NAME.partial</c> beside its target, going on where an earlier attempt or pull was cut, and renamed when it is
/// whole and its checksum right. The caller holds the model's lock.
/// </summary>
/// <param name="connection">The hub.</param>
/// <param name="options">How patient to be.</param>
/// <param name="time">Clock.</param>
/// <param name="progress">Told what has come.</param>
internal sealed class HubDownload(HubConnection connection, HubOptions options, TimeProvider time, IProgress<HubProgress>? progress)
{
    private const int BlockBytes = 1 << 18;

    // EFBIG comes from .NET as an argument out of range; here the arguments are known to be right.
    private const string TooLargeForDisk = "is larger than its disk or the user's limit allows a file to be; set UNWEAVE_CACHE to "
        + "another disk (FAT32 ends at 4 GB), or raise 'ulimit -f'.";

    private readonly byte[] block = new byte[BlockBytes];

    /// <summary>Fetches a file.</summary>
    /// <param name="name">The model.</param>
    /// <param name="commit">The commit.</param>
    /// <param name="file">The file, its path checked.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="cancellationToken">Ends the fetching; what has come stays for the next time.</param>
    /// <returns>How it came, and the file with its size and checksum, which the listing may lack.</returns>
    public async Task<(
        PulledState State, HubFile File)> Run(string name, string commit, HubFile file, string target, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        string partial = target + HubName.Partial;
        var patience = new HubPatience($"{name}, {file.Path}", options, time);
        string? wrong = null;
        while (true)
        {
            (bool resumed, HubFile known) = await Fetch(name, commit, file, partial, patience, cancellationToken);
            string? fault = await Fault(partial, known, cancellationToken);
            if (fault is null)
            {
                File.Move(partial, target, overwrite: true);
                File.Delete(target + HubName.PartialETag);
                return (resumed ? PulledState.Resumed : PulledState.Downloaded, known);
            }

            // Perhaps an earlier part went wrong, or the network's copy did: once more from nothing.
            Discard(partial);
            if (wrong is not null)
            {
                throw new InputException($"{name}, {file.Path}: {fault}, twice; nothing of it is kept. The hub's copy or something on "
                    + "the way is damaged: pull again later, or from another network.");
            }

            wrong = fault;
            Report(file, 0, known.Size, $"{fault}; fetching it once more");
        }
    }

    /// <summary>What is wrong with a fetched file, or null.</summary>
    private static async Task<string?> Fault(string partial, HubFile known, CancellationToken cancellationToken)
    {
        long length = new FileInfo(partial).Length;
        if (length != known.Size) return $"its size is {length} bytes or more, but must be {known.Size}";
        HubChecksum sum = await known.Checksum!.Compute(partial, cancellationToken);
        return sum == known.Checksum ? null : $"its {sum} is wrong; it must be {known.Checksum.Hex}";
    }

    /// <summary>Brings a partial file to its full size, or past it where too much is sent.</summary>
    private async Task<(bool Resumed, HubFile Known)> Fetch(
        string name, string commit, HubFile file, string partial, HubPatience patience, CancellationToken cancellationToken)
    {
        Uri address = connection.Address($"{name}/resolve/{commit}/{string.Join('/', file.Path.Split('/').Select(Uri.EscapeDataString))}");
        HubFile known = file;
        long most = Length(partial);
        bool resumed = most > 0;
        while (true)
        {
            long before = Length(partial);
            // All had come when the last pull was cut before it could rename it.
            if (known is { Size: { } size, Checksum: not null } && before >= size && before > 0) return (resumed, known);
            try
            {
                using HubAnswer answer = await connection.Get(
                    address, before > 0 ? before : null, before > 0 ? ReadETag(partial) : null, cancellationToken);
                if (answer.Status == HttpStatusCode.RequestedRangeNotSatisfiable)
                {
                    Discard(partial);
                    throw new HubFault($"{answer.Host} has no more of it than the {before} bytes that had come, which are not the file");
                }

                if (HubRefusal.Explain(answer, options, name, commit, file.Path) is { } refusal) throw refusal;
                known = Known(file, answer, commit, name);
                if (answer.Status == HttpStatusCode.PartialContent && (answer.Range?.From ?? -1) != before)
                {
                    Discard(partial);
                    throw new HubFault($"{answer.Host} sends another part than was asked for");
                }

                // 200 to a request for a part: the server sends all, for it knows no parts or its file is another now.
                resumed &= answer.Status == HttpStatusCode.PartialContent || before == 0;
                if (await Receive(answer, known, partial, restart: answer.Status == HttpStatusCode.OK, cancellationToken) < known.Size)
                    throw new HubFault($"the connection to {answer.Host} was cut");
                return (resumed, known);
            }
            catch (HubFault fault)
            {
                long now = Length(partial);
                resumed &= now > 0;
                await patience.Wait(fault, progressed: now > most, note => Report(file, now, known.Size, note), cancellationToken);
                most = Math.Max(most, now);
            }
        }
    }

    /// <summary>What is known of a file from the listing and the headers; where both speak, they must agree.</summary>
    private HubFile Known(HubFile file, HubAnswer answer, string commit, string name)
    {
        HubNotes notes = answer.Notes;
        if (notes.Commit is { } other && !string.Equals(other, commit, StringComparison.Ordinal))
        {
            throw new InputException($"{name}, {file.Path}: the hub sends it of commit {HubName.Shown(other)} instead of {commit}; pull "
                + "again.");
        }

        if (file.Size is { } listed && notes.Size is { } linked && listed != linked)
        {
            throw new InputException($"{name}, {file.Path}: the hub lists it with {listed} bytes and sends it with {linked}; pull again "
                + "later.");
        }

        long? sent = answer.Status == HttpStatusCode.PartialContent ? answer.Range?.Length : answer.Length;
        return file with
        {
            Size = file.Size ?? notes.Size ?? sent
                ?? throw new InputException($"{name}, {file.Path}: the hub does not say how large it is, so it could not be seen to be "
                    + $"whole; check that {options.Endpoint.Host} is a hub."),
            Checksum = file.Checksum ?? notes.Checksum
                ?? throw new InputException($"{name}, {file.Path}: the hub gives no checksum of it, so it could not be checked; check "
                    + $"that {options.Endpoint.Host} is a hub."),
        };
    }

    /// <summary>Writes a body to the partial file, and stops as soon as it is longer than it may be.</summary>
    /// <returns>The length of the partial file.</returns>
    private async Task<long> Receive(HubAnswer answer, HubFile known, string partial, bool restart, CancellationToken cancellationToken)
    {
        using var file = new FileStream(
            partial, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
        if (restart)
        {
            file.SetLength(0);
            WriteETag(partial, answer.ETag);
        }

        long length = file.Seek(0, SeekOrigin.End);
        Report(known, length, known.Size, null);
        while (length <= known.Size)
        {
            int read = await answer.Read(block, cancellationToken);
            if (read == 0) break;
            try
            {
                await file.WriteAsync(block.AsMemory(0, read), cancellationToken);
            }
            catch (ArgumentOutOfRangeException e)
            {
                throw new InputException($"{partial}: {TooLargeForDisk}", e);
            }

            length += read;
            Report(known, length, known.Size, null);
        }

        file.Flush(flushToDisk: true);
        return length;
    }

    private void Report(HubFile file, long bytes, long? size, string? waiting) =>
        progress?.Report(new HubProgress(file.Path, bytes, size, waiting));

    private static long Length(string path) => new FileInfo(path) is { Exists: true, Length: var length } ? length : 0;

    private static void Discard(string partial)
    {
        File.Delete(partial);
        File.Delete(Beside(partial));
    }

    /// <summary>The ETag of the body that a partial file is the start of, or null.</summary>
    private static EntityTagHeaderValue? ReadETag(string partial)
    {
        const int Longest = 1024;
        return Length(Beside(partial)) is > 0 and <= Longest
            && EntityTagHeaderValue.TryParse(File.ReadAllText(Beside(partial)), out EntityTagHeaderValue? etag) ? etag : null;
    }

    private static void WriteETag(string partial, EntityTagHeaderValue? etag)
    {
        if (etag is null) File.Delete(Beside(partial));
        else File.WriteAllText(Beside(partial), etag.ToString());
    }

    private static string Beside(string partial) => partial[..^HubName.Partial.Length] + HubName.PartialETag;
}
