namespace Unweave.Apps.Tests;

/// <summary>The examples that the help of a command shows.</summary>
internal static class HelpExamples
{
    /// <summary>The words of a line as a shell takes them apart: those in double quotes are one.</summary>
    public static string[] Words(string line) =>
    [
        .. line.Split('"').SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
    ];

    /// <summary>Whether an example reads texts, activations of a model, or a model.</summary>
    public static bool AboutAModel(string example) =>
        example.Contains("gpt2/", StringComparison.Ordinal) || example.Contains("acts/", StringComparison.Ordinal)
            || example.Contains("--text", StringComparison.Ordinal) || example.Contains("models/", StringComparison.Ordinal);

    /// <summary>The lines under the heading of the examples.</summary>
    public static string[] Of(Outcome help)
    {
        string[] lines = help.Output.Replace(" \\\n      ", " ", StringComparison.Ordinal).Split('\n'); // goes on in the next line
        int heading = Array.FindIndex(lines, line => line is "Example:" or "Examples:");
        return heading < 0
            ? []
            : [.. lines[(heading + 1)..].TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal)).Select(line => line.Trim())];
    }

    /// <summary>The examples are sized for real data: here a run of a few steps says as much.</summary>
    public static void Shorten(List<string> words)
    {
        if (words[0] is not "train" || words.Contains("--resume", StringComparer.Ordinal)) return;
        int tokens = words.IndexOf("--tokens");
        if (tokens >= 0) words.RemoveRange(tokens, 2);
        words.AddRange(["--tokens", "4096"]);
    }
}
