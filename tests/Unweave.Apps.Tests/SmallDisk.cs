using System.Diagnostics;

namespace Unweave.Apps.Tests;

/// <summary>
/// A disk of a few kilobytes mounted on a folder, to be filled up. Mounting takes a superuser: without one the test is skipped.
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string folder;

    /// <summary>Mounts one.</summary>
    /// <param name="folder">Where; made if it is not there.</param>
    /// <param name="size">Its size, as mount reads it: <c>512k</c>.</param>
    public SmallDisk(string folder, string size)
    {
        this.folder = folder;
        Directory.CreateDirectory(folder);
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", folder), "Mounting a small disk takes a superuser.");
    }

    /// <inheritdoc/>
    public void Dispose() => Run("umount", folder);

    private static bool Run(string command, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(
                new ProcessStartInfo(command, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // no such command here
        }
    }
}
