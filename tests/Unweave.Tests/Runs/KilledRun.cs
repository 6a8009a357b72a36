using Unweave.Runs;

namespace Unweave.Tests.Runs;

/// <summary>The folder of a run as a kill leaves it: what is done when the loop is left is undone.</summary>
internal static class KilledRun
{
    /// <summary>Keeps the folder as it is now.</summary>
    public static void Keep(string folder)
    {
        Directory.CreateDirectory(Aside(folder));
        foreach (string file in Directory.GetFiles(folder).Where(file => Path.GetFileName(file) is not RunFolder.LockName))
            File.Copy(file, Path.Combine(Aside(folder), Path.GetFileName(file)));
    }

    /// <summary>Puts back what was kept.</summary>
    public static void Restore(string folder)
    {
        Directory.Delete(folder, recursive: true);
        Directory.Move(Aside(folder), folder);
    }

    private static string Aside(string folder) => folder + ".kept";
}
