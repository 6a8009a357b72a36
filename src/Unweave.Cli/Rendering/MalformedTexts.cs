using System.Text.Json.Nodes;
using Unweave.Data;

namespace Unweave.Cli.Rendering;

/// <summary>Says which documents of a corpus could not be read and were skipped.</summary>
internal static class MalformedTexts
{
    /// <summary>Their number, in JSON.</summary>
    public const string Key = "malformedDocuments";

    private const int Named = 5;

    /// <summary>Says it after a corpus was read.</summary>
    public static void Say(TextCorpus corpus) => Say(corpus.MalformedDocuments, corpus.Malformed);

    /// <summary>Says it, with what is known of the first.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="faults">The file, the place and the reason of the first, where they were met just now.</param>
    public static void Say(long count, IReadOnlyList<string> faults)
    {
        foreach (string fault in faults.Take(Named)) Console.Error.WriteLine($"unweave: warning: skipped: {fault}");
        if (count == 0) return;
        string documents = count == 1 ? "1 document" : $"{Figures.Count(count)} documents";
        Console.Error.WriteLine($"unweave: warning: {documents} could not be read and {(count == 1 ? "was" : "were")} skipped "
            + "(--strict refuses them).");
    }

    /// <summary>Adds their number to a result.</summary>
    public static void AddTo(JsonObject result, TextCorpus corpus) => result[Key] = corpus.MalformedDocuments;
}
