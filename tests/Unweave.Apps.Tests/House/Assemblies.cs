using System.Reflection;
using System.Runtime.CompilerServices;

namespace Unweave.Apps.Tests.House;

/// <summary>The assemblies that the repository builds, found beside the tests, so that a new one is held to the rules at once.</summary>
internal static class Assemblies
{
    /// <summary>Their names: Unweave, Unweave.Onnx and so on.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. Directory.GetFiles(AppContext.BaseDirectory, "Unweave*.dll")
            .Select(path => Path.GetFileNameWithoutExtension(path))
            .Where(name => !name.EndsWith(".Tests", StringComparison.Ordinal) && !name.EndsWith(".Benchmarks", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The repository's folder.</summary>
    public static string Repository { get; } = Folder();

    /// <summary>Loads one.</summary>
    public static Assembly Load(string name) => Assembly.Load(new AssemblyName(name));

    private static string Folder([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../.."));
}
