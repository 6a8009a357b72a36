using System.Runtime.CompilerServices;

namespace Unweave.Apps.Tests;

/// <summary>Checkpoints that other libraries wrote, beside the tests of the library, for commands to work on.</summary>
internal static class Dialects
{
    private static string Root => Path.Combine(Path.GetDirectoryName(Here())!, "..", "Unweave.Tests", "Checkpoints", "dialects");

    /// <summary>Copies the library's own files of a checkpoint.</summary>
    /// <param name="name">Dialect and variant.</param>
    /// <param name="target">Where they go.</param>
    public static void Copy(string name, string target)
    {
        string from = Path.Combine(Root, name);
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) is "golden.safetensors" or "notes.md") continue;
            string copy = Path.Combine(target, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    /// <summary>What the library that wrote a checkpoint computes with it.</summary>
    public static string Golden(string name) => Path.Combine(Root, name, "golden.safetensors");

    private static string Here([CallerFilePath] string here = "") => here;
}
