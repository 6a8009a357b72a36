using Unweave.Data;

namespace Unweave.Evaluation;

/// <summary>Texts with a label each.</summary>
/// <param name="Name">Where they are from.</param>
/// <param name="Documents">The texts.</param>
/// <param name="Labels">The class of each text, its place in <paramref name="Classes"/>.</param>
/// <param name="Classes">Names of the classes, in ordinal order.</param>
internal sealed record LabelledTexts(string Name, IReadOnlyList<Document> Documents, int[] Labels, IReadOnlyList<string> Classes)
{
    /// <summary>Field of the label where none is named.</summary>
    public const string DefaultLabel = "label";

    /// <summary>Reads texts with their labels; where there are more than wanted, a random sample of them.</summary>
    /// <param name="path">A file whose records have fields: JSON lines, a table, Parquet.</param>
    /// <param name="textColumn">The field of the text; null for the usual one.</param>
    /// <param name="labelColumn">The field of the label.</param>
    /// <param name="most">Texts, at most.</param>
    /// <param name="seed">Seed of the sample.</param>
    /// <exception cref="InputException">A text has no label, or there are fewer than two classes.</exception>
    public static LabelledTexts Read(string path, string? textColumn, string labelColumn, int most, ulong seed = 0)
    {
        var read = new List<(Document Document, string Label)>();
        foreach ((long number, Document document) in TextCorpus.Open([path], textColumn, strict: true, withFields: true).Documents())
        {
            object? label = document.Fields.FirstOrDefault(field => string.Equals(field.Key, labelColumn, StringComparison.Ordinal)).Value;
            if (label is null)
            {
                throw new InputException($"{path}: text {number + 1} has no field {labelColumn}; its fields are "
                    + $"{string.Join(", ", document.Fields.Select(field => field.Key))}. Name the one with the label.");
            }

            read.Add((document, FormattableString.Invariant($"{label}")));
        }

        if (read.Count > most)
        {
            var order = new Permutation(read.Count, seed);
            read = [.. Enumerable.Range(0, most).Select(i => order[i]).Order().Select(i => read[(int)i])];
        }

        string[] classes = [.. read.Select(one => one.Label).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (classes.Length < 2)
            throw new InputException($"{path}: all texts have the label {classes.FirstOrDefault()}; a probe needs two.");
        return new LabelledTexts(
            Path.GetFileName(path),
            [.. read.Select(one => one.Document)],
            [.. read.Select(one => Array.BinarySearch(classes, one.Label, StringComparer.Ordinal))],
            classes);
    }
}
