namespace Unweave.Learn;

/// <summary>The C# shown beside demonstrations: the sources of <c>Snippets</c>, which are compiled and run by tests.</summary>
internal static class SnippetSource
{
    private const string From = "// from here", To = "// to here";

    /// <summary>What the lines of a source need besides .NET.</summary>
    /// <param name="name">Name of its class.</param>
    public static string Needs(string name) => Whole(name).Contains("using Unweave.Learn.", StringComparison.Ordinal)
        ? "the explainer's own numerics, the project src/Unweave.Learn" : "the library, the project src/Unweave";

    /// <summary>The lines of a source between its marks, without their indentation.</summary>
    /// <param name="name">Name of its class.</param>
    public static string Read(string name)
    {
        string[] all = Whole(name).Split('\n');
        int from = Array.FindIndex(all, line => string.Equals(line.Trim(), From, StringComparison.Ordinal)),
            to = Array.FindIndex(all, line => string.Equals(line.Trim(), To, StringComparison.Ordinal));
        int indent = all[from].Length - all[from].TrimStart().Length;
        return string.Join('\n', all[(from + 1)..to].Select(line => line.Length > indent ? line[indent..] : line.TrimStart()))
            .Replace("console.", "Console.", StringComparison.Ordinal);
    }

    private static string Whole(string name)
    {
        using Stream stream = typeof(SnippetSource).Assembly.GetManifestResourceStream($"snippets/{name}.cs") ??
            throw new InvalidOperationException($"There is no snippet {name}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
