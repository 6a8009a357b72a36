using System.Runtime.CompilerServices;

namespace Unweave.Tests.Checkpoints;

/// <summary>
/// The folder of checkpoints in other libraries' dialects: <c>dialect/variant</c> with the files as the library's own classes wrote them,
/// <c>golden.safetensors</c> (inputs, latents, reconstruction as the library computed them) and <c>notes.md</c> (which library, its
/// conventions).
/// </summary>
internal static class DialectFolders
{
    /// <summary>Where they are.</summary>
    public static string Root { get; } = Path.Combine(Path.GetDirectoryName(Here())!, "dialects");

    /// <summary>All of them, as <c>dialect/variant</c>.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. Directory.EnumerateDirectories(Root)
            .SelectMany(Directory.EnumerateDirectories)
            .Select(folder => Path.GetRelativePath(Root, folder).Replace('\\', '/'))
            .Order(StringComparer.Ordinal),
    ];

    private static string Here([CallerFilePath] string here = "") => here;
}
