using System.Globalization;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// Words of a host model's vocabulary, each one token, with their first letters and what is at the hook where they are read.
/// </summary>
/// <param name="Words">The words.</param>
/// <param name="Letters">The first letter of each, 0 for a.</param>
/// <param name="Rows">The vectors at the words, <c>[words, d]</c>.</param>
internal sealed record FirstLetters(IReadOnlyList<string> Words, int[] Letters, Matrix Rows) : IDisposable
{
    private const int Examples = 3, LeastLength = 2;

    /// <summary>Reads the words of a vocabulary in the host model.</summary>
    /// <remarks>
    /// A word stands at the end of a few words with their first letters (" bread: B. mirth: M. stone: S. tartan"), as in SAEBench's
    /// prompts, so that the letter is what the text is about; the examples are drawn for each word.
    /// </remarks>
    /// <param name="pass">The model at one hook.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="most">Words, at most; a random choice of more.</param>
    /// <param name="seed">Seed of the choice and of the examples.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="InputException">The hook has one vector a text, or the vocabulary has too few words.</exception>
    public static FirstLetters Read(ActivationPass pass, ITokenizer tokenizer, int most, ulong seed,
        CancellationToken cancellationToken = default)
    {
        if (pass.PerText) throw new InputException("First letters are read at a word's own token; the hook has one vector for each text.");
        (string Word, int Id)[] words = [.. Vocabulary(tokenizer)];
        if (words.Length < 200)
        {
            throw new InputException($"{tokenizer.Name} has {words.Length} words of one token in Latin letters; first letters need at "
                + "least 200.");
        }

        var rng = new Rng(seed, 7);
        for (int i = words.Length - 1; i > 0; i--)
        {
            int j = (int)rng.NextBelow(i + 1);
            (words[i], words[j]) = (words[j], words[i]);
        }

        words = words[..Math.Min(most, words.Length)];
        IEnumerable<(long, Document)> prompts = words.Select((word, i) => ((long)i, new Document(word.Word, Prompt(words, i, rng))));
        var kept = new List<int>();
        var rows = new List<float[]>();
        foreach (DocumentRows document in pass.Run(prompts, cancellationToken))
        {
            int at = Array.LastIndexOf(document.RowTokens, words[document.Number].Id);
            if (document.FirstRow != 0 || !document.Last || at < 0 || document.RowSources[at] != document.Tokens.Count - 1) continue;
            kept.Add((int)document.Number);
            rows.Add(document.Activations[0].Row(at).ToArray());
        }

        if (kept.Count < 200)
        {
            throw new InputException($"Only {kept.Count} words are one token where they stand in a text of {tokenizer.Name}; first letters "
                + "need at least 200.");
        }

        var matrix = new Matrix(rows.Count, rows[0].Length);
        for (int r = 0; r < rows.Count; r++) rows[r].CopyTo(matrix.Row(r));
        return new FirstLetters([.. kept.Select(i => words[i].Word)], [.. kept.Select(i => Letter(words[i].Word))], matrix);
    }

    /// <inheritdoc/>
    public void Dispose() => Rows.Dispose();

    private static IEnumerable<(string Word, int Id)> Vocabulary(ITokenizer tokenizer)
    {
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            string piece = tokenizer.PieceText(id);
            if (piece.Length > LeastLength && piece[0] == ' ' && !piece.AsSpan(1).ContainsAnyExcept(Latin)) yield return (piece[1..], id);
        }
    }

    private static readonly System.Buffers.SearchValues<char> Latin =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    private static string Prompt((string Word, int Id)[] words, int place, Rng rng)
    {
        var examples = new List<string>();
        while (examples.Count < Examples)
        {
            int other = (int)rng.NextBelow(words.Length);
            if (other != place) examples.Add($" {words[other].Word}: {(char)('A' + Letter(words[other].Word))}.");
        }

        return string.Concat(examples) + " " + words[place].Word;
    }

    private static int Letter(string word) => char.ToLower(word[0], CultureInfo.InvariantCulture) - 'a';
}
