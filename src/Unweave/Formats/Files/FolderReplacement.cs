using System.Runtime.InteropServices;

namespace Unweave.Formats;

/// <summary>Puts a folder in the place of another, so that there is one of the two there at every moment.</summary>
internal static partial class FolderReplacement
{
    private const int CurrentFolder = -100, Exchange = 2; // AT_FDCWD and RENAME_EXCHANGE, linux/fs.h

    /// <summary>Moves a folder to a place; what was there is deleted afterwards.</summary>
    /// <param name="made">The new folder.</param>
    /// <param name="place">Where it goes, on the same disk.</param>
    /// <remarks>Where the system cannot exchange two names at once, the old folder is moved aside first.</remarks>
    public static void Put(string made, string place)
    {
        if (!Directory.Exists(place))
        {
            Directory.Move(made, place);
            return;
        }

        string old = made;
        if (!OperatingSystem.IsLinux() || Rename(CurrentFolder, made, CurrentFolder, place, Exchange) != 0)
        {
            old = place + ".replaced";
            Directory.Move(place, old);
            Directory.Move(made, place);
        }

        Directory.Delete(old, recursive: true);
    }

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(int fromFolder, string from, int toFolder, string to, uint flags);
}
