using Unweave.Formats;

namespace Unweave.Onnx;

/// <summary>
/// Fetches models from a hub into a folder of this machine, and finds them there again. Every file is checked against its checksum before
/// it gets its name, and again at each pull; of what is already here, nothing is fetched. Safe to use from several threads and processes.
/// </summary>
public sealed class HubClient : IDisposable
{
    /// <summary>The revision that is meant where none is named.</summary>
    public const string DefaultRevision = "main";

    private const int MostListingBytes = 1 << 26;

    private readonly HubOptions options;
    private readonly TimeProvider time;
    private readonly HubConnection connection;

    /// <summary>Opens a hub; nothing is asked yet.</summary>
    /// <param name="options">Where models are fetched from and kept.</param>
    /// <param name="time">Clock, for waits; null for the system's.</param>
    public HubClient(HubOptions options, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        this.options = options;
        this.time = time ?? TimeProvider.System;
        connection = new HubConnection(options, this.time);
    }

    /// <inheritdoc/>
    public void Dispose() => connection.Dispose();

    /// <summary>True for a text that can be the name of a model on a hub, <c>owner/name</c>, though it may be a path as well.</summary>
    /// <param name="text">What a user wrote.</param>
    public static bool IsName(string text) => HubName.IsModel(text);

    /// <summary>The folder of a model that was pulled before. The network is not used, and checksums are not looked at.</summary>
    /// <param name="name">The model's name on the hub.</param>
    /// <param name="revision">The revision it was pulled at.</param>
    /// <exception cref="InputException">The model was not pulled.</exception>
    public string Resolve(string name, string revision = DefaultRevision)
    {
        HubName.CheckModel(name);
        HubName.CheckRevision(revision);
        var cache = new HubCache(options.Cache, name);
        string? folder = cache.Commit(revision) is { } commit ? cache.Folder(commit) : null;
        string flag = string.Equals(revision, DefaultRevision, StringComparison.Ordinal) ? "" : $" --revision {revision}";
        return Directory.Exists(folder)
            ? folder
            : throw new InputException($"{name} is not in the cache {options.Cache}; fetch it with `unweave pull {name}{flag}`.");
    }

    /// <summary>Fetches what is not yet here of a model.</summary>
    /// <param name="request">The model and which of its files.</param>
    /// <param name="progress">Told what comes, on the thread that fetches.</param>
    /// <param name="cancellationToken">Ends the pull; what has come of a file stays for the next one.</param>
    /// <exception cref="InputException">The model cannot be fetched, or offline not all of it is here.</exception>
    public async Task<HubModel> Pull(HubRequest request, IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        HubName.CheckModel(request.Name);
        HubName.CheckRevision(request.Revision);
        if (request.Output is { } taken && File.Exists(taken))
            throw new InputException($"{taken}: is a file; name a folder to copy the model to.");
        var cache = new HubCache(options.Cache, request.Name);
        try
        {
            HubListing listing = await List(cache, request, progress, cancellationToken);
            HubSelection selection = HubSelection.Choose(listing, request);
            IReadOnlyList<PulledFile> files = await Bring(cache, listing, selection, request.Name, progress, cancellationToken);
            cache.Refer(request.Revision, listing.Commit);
            string folder = cache.Folder(listing.Commit);
            if (request.Output is { } output)
            {
                await Copy(folder, output, files, cancellationToken);
                folder = Path.GetFullPath(output);
            }

            return new HubModel(request.Name, request.Revision, listing.Commit, folder, files, selection.OtherGraphs);
        }
        catch (IOException e) when (IsFull(e))
        {
            throw new InputException($"{request.Output ?? options.Cache}: the disk is full. What has come is kept: free space, or set "
                + $"UNWEAVE_CACHE to another disk, and pull again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{e.Message.TrimEnd('.')}; check the permissions of {request.Output ?? options.Cache}, or set "
                + $"UNWEAVE_CACHE to another folder.", e);
        }
    }

    /// <summary>
    /// The list of a model's files, from the hub; from the cache where the commit is known and listed there, for a commit never changes.
    /// </summary>
    private async Task<HubListing> List(
        HubCache cache, HubRequest request, IProgress<HubProgress>? progress, CancellationToken cancellationToken)
    {
        string? known = options.Offline ? cache.Commit(request.Revision) : HubName.IsCommit(request.Revision) ? request.Revision : null;
        if (known is not null && cache.Listing(known) is { } kept) return kept;
        if (options.Offline)
        {
            throw new InputException($"{request.Name} at '{request.Revision}' is not in the cache {options.Cache}; pull it once without "
                + "--offline (UNWEAVE_OFFLINE).");
        }

        progress?.Report(new HubProgress("", 0, null));
        var patience = new HubPatience(request.Name, options, time);
        Uri address = connection.Address($"api/models/{request.Name}/revision/{Uri.EscapeDataString(request.Revision)}?blobs=true");
        while (true)
        {
            try
            {
                using HubAnswer answer = await connection.Get(address, null, null, cancellationToken);
                if (HubRefusal.Explain(answer, options, request.Name, request.Revision, path: null) is { } refusal) throw refusal;
                var listing = HubListing.Parse(await Body(answer, cancellationToken),
                    $"{options.Endpoint.Host}'s answer on {request.Name}");
                return known is null || string.Equals(listing.Commit, known, StringComparison.Ordinal)
                    ? listing
                    : throw new InputException($"{request.Name}: the hub answers with commit {listing.Commit} to a request for {known}; "
                        + $"pull again later.");
            }
            catch (HubFault fault)
            {
                await patience.Wait(fault, progressed: false, note => progress?.Report(new HubProgress("", 0, null, note)),
                    cancellationToken);
            }
        }
    }

    private async Task<ReadOnlyMemory<byte>> Body(HubAnswer answer, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        byte[] block = new byte[1 << 16];
        int read;
        while ((read = await answer.Read(block, cancellationToken)) > 0)
        {
            body.Write(block, 0, read);
            if (body.Length > MostListingBytes)
            {
                throw new InputException($"{options.Endpoint.Host} answers with more than {MostListingBytes >> 20} MiB where a list of "
                    + "files was asked for; check that UNWEAVE_HUB or HF_ENDPOINT is the address of a hub.");
            }
        }

        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    /// <summary>Brings the chosen files into the commit's folder.</summary>
    private async Task<IReadOnlyList<PulledFile>> Bring(
        HubCache cache,
        HubListing listing,
        HubSelection selection,
        string name,
        IProgress<HubProgress>? progress,
        CancellationToken cancellationToken)
    {
        string folder = cache.Folder(listing.Commit);
        // What an earlier pull learned of a file from its headers, the listing of this one may lack.
        Dictionary<string, HubFile> learned = (cache.Listing(listing.Commit)?.Files ?? []).ToDictionary(file =>
            file.Path, StringComparer.Ordinal);
        List<HubFile> wanted = [.. selection.Files
            .Select(file => file.Checksum is null && learned.GetValueOrDefault(file.Path) is { } before ? before : file)];
        var pulled = new SortedDictionary<string, PulledFile>(StringComparer.Ordinal);
        async Task<List<HubFile>> Missing(IEnumerable<HubFile> files)
        {
            var absent = new List<HubFile>();
            foreach (HubFile file in files)
            {
                if (await IsHere(Target(folder, file.Path), file, cancellationToken))
                    pulled[file.Path] = new PulledFile(file.Path, file.Size!.Value, PulledState.Cached, file.Checksum!.Hex);
                else absent.Add(file);
            }

            return absent;
        }

        List<HubFile> missing = await Missing(wanted);
        if (missing.Count > 0 && options.Offline)
        {
            string others = missing.Count == 1 ? "" : $" and {missing.Count - 1} more";
            throw new InputException($"{name}: {missing[0].Path}{others} is not in the cache {folder}, or is damaged there; pull it "
                + $"once without --offline (UNWEAVE_OFFLINE).");
        }

        if (missing.Count > 0)
        {
            using IDisposable held = await cache.Lock(time, note => progress?.Report(new HubProgress("", 0, null, note)),
                cancellationToken);
            missing = await Missing(missing); // the process that held the lock may have brought them
            CheckSpace(folder, missing);
            var download = new HubDownload(connection, options, time, progress);
            foreach (HubFile file in missing)
            {
                (PulledState state, HubFile known) = await download.Run(
                    name, listing.Commit, file, Target(folder, file.Path), cancellationToken);
                learned[file.Path] = known;
                pulled[file.Path] = new PulledFile(file.Path, known.Size!.Value, state, known.Checksum!.Hex);
            }
        }

        if (!options.Offline)
        {
            IEnumerable<HubFile> files = listing.Files.Select(file =>
                file.Checksum is null ? learned.GetValueOrDefault(file.Path, file) : file);
            cache.Keep(listing with { Files = [.. files] });
        }

        return [.. pulled.Values];
    }

    private static async Task<bool> IsHere(string path, HubFile file, CancellationToken cancellationToken) =>
        file is { Size: { } size, Checksum: { } checksum } && new FileInfo(path) is { Exists: true, Length: var length } && length == size
            && await checksum.Compute(path, cancellationToken) == checksum;

    private static string Target(string folder, string path) => Path.Combine(folder, path.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>Refuses at once what the disk has no room for, rather than after an hour.</summary>
    private static void CheckSpace(string folder, List<HubFile> missing)
    {
        // In floating point: sizes are the hub's word, and their sum may be past any integer.
        double needed = missing.Sum(file =>
            (double)(file.Size ?? 0) - (
                new FileInfo(Target(folder, file.Path) + HubName.Partial) is { Exists: true, Length: var here } ? here : 0));
        long free;
        try
        {
            free = new DriveInfo(Directory.CreateDirectory(folder).FullName).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return; // a share that does not say: a disk that fills up is found when it does
        }

        if (needed > free)
        {
            throw new InputException($"{folder}: {needed / (1 << 20):N1} MiB are to come and {free / (double)(1 << 20):N1} MiB are "
                + "free; free space, or set UNWEAVE_CACHE to another disk.");
        }
    }

    private static async Task Copy(string folder, string output, IReadOnlyList<PulledFile> files, CancellationToken cancellationToken)
    {
        foreach (PulledFile file in files)
        {
            string target = Target(output, file.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
            if (await IsHere(target, new HubFile(file.Path, file.Bytes, HubChecksum.Parse(file.Checksum)), cancellationToken)) continue;
            using FileStream source = new(
                Target(folder, file.Path),
                FileMode.Open,
                FileAccess.Read,
                FileShare.Read | FileShare.Delete,
                bufferSize: 0,
                FileOptions.SequentialScan);
            AtomicFile.Write(target, stream =>
            {
                byte[] block = new byte[1 << 20];
                for (int read; (read = source.Read(block)) > 0; stream.Write(block, 0, read))
                    cancellationToken.ThrowIfCancellationRequested();
            });
        }
    }

    private static bool IsFull(IOException e)
    {
        const int NoSpace =
            28, Quota = 122, WindowsDiskFull = unchecked((int)0x80070070), WindowsHandleDiskFull = unchecked((int)0x80070027);
        return OperatingSystem.IsWindows() ? e.HResult is WindowsDiskFull or WindowsHandleDiskFull : e.HResult is NoSpace or Quota;
    }
}
