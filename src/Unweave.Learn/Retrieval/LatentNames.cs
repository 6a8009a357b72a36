namespace Unweave.Learn.Retrieval;

/// <summary>
/// Names latents by the words that set their strongest texts apart: those with the largest c·ln((c/m)/(n/N)), where c of the latent's m
/// strongest texts have the word, and n of all N do.
/// </summary>
internal sealed class LatentNames
{
    /// <summary>How many of a latent's texts name it.</summary>
    public const int Strongest = 24;

    private const int Least = 3, Words = 3;

    private readonly string[][] words;
    private readonly Dictionary<string, int> texts = new(StringComparer.Ordinal);

    /// <summary>Counts the words of all texts.</summary>
    /// <param name="texts">The texts.</param>
    public LatentNames(IReadOnlyList<WordNetText> texts)
    {
        words = [.. texts.Select(text => Split($"{text.Word} {text.Gloss}"))];
        foreach (string word in words.SelectMany(own => own)) this.texts[word] = this.texts.GetValueOrDefault(word) + 1;
    }

    /// <summary>Names a latent.</summary>
    /// <param name="rows">The texts in which it is strongest: at most <see cref="Strongest"/>, the strongest first.</param>
    public string Name(IReadOnlyList<int> rows)
    {
        if (rows.Count == 0) return "never active";
        string[] best =
        [
            .. rows.SelectMany(row => words[row]).CountBy(word => word, StringComparer.Ordinal)
                .Where(pair => pair.Value >= Math.Min(Least, rows.Count))
                .Select(pair =>
                    (Word: pair.Key,
                    Gain: pair.Value * Math.Log((double)pair.Value / rows.Count / ((double)texts[pair.Key] / words.Length))))
                .OrderByDescending(scored => scored.Gain).ThenBy(scored => scored.Word, StringComparer.Ordinal)
                .Take(Words).Select(scored => scored.Word),
        ];
        return best.Length > 0 ? string.Join(", ", best) : string.Join(", ", words[rows[0]].Take(Words));
    }

    private static string[] Split(string text)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        ReadOnlySpan<char> rest = text.ToLowerInvariant();
        while (!rest.IsEmpty)
        {
            int length = 0;
            while (length < rest.Length && char.IsLetter(rest[length])) length++;
            if (length > 1) found.Add(rest[..length].ToString());
            rest = rest[Math.Min(rest.Length, length + 1)..];
        }

        return [.. found];
    }
}
