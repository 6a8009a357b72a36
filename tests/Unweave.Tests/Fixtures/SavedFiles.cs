using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Unweave.Tests.Fixtures;

/// <summary>The files that version 0.1 wrote (made by <c>v0.1/make.py</c>, which says how): every later version has to read them.</summary>
internal static class SavedFiles
{
    /// <summary>The interrupted runs, after the names of their run files.</summary>
    public static IReadOnlyList<string> Runs { get; } = ["topk", "topk-dead", "relu", "relu-unit", "kl", "undercomplete", "variational"];

    /// <summary>The model that the harvest was made with: the embedded one.</summary>
    public static string Model { get; } = Path.GetFullPath(Path.Combine(Folder(), "../../../models/english-4m"));

    /// <summary>Path of a file or folder.</summary>
    public static string At(string name) => Path.Combine(Folder(), "v0.1", name);

    /// <summary>What that version's command printed with <c>--json</c>.</summary>
    public static JsonNode Golden(string name) => JsonNode.Parse(File.ReadAllText(At($"golden/{name}.json")))!;

    /// <summary>Copies a folder, so that a test may write into it.</summary>
    public static string Copy(string name, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(At(name))) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        return to;
    }

    private static string Folder([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
