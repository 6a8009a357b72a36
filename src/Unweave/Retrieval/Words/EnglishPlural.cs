using System.Text;

namespace Unweave.Retrieval;

/// <summary>
/// Takes the ending of a plural or possessive off an English word, so that "wings", "wing's" and "wing" are one term: the S stemmer of
/// D. Harman, "How effective is suffixing?", Journal of the American Society for Information Science 42(1), 1991. What it makes need be no
/// word; queries and texts are treated alike.
/// </summary>
internal static class EnglishPlural
{
    private const int Shortest = 3;

    /// <summary>Stems a folded word.</summary>
    /// <param name="word">The word; letters are changed in place. Words with other letters than a to z stay as they are.</param>
    /// <returns>How long it is now.</returns>
    public static int Stem(Span<char> word)
    {
        if (!Ascii.IsValid(word)) return word.Length;
        Span<char> bare = word.EndsWith("'s") ? word[..^2] : word.EndsWith("'") ? word[..^1] : word;
        if (bare.Length < Shortest || !bare.EndsWith("s")) return bare.Length;
        if (bare.EndsWith("ies") && !bare.EndsWith("eies") && !bare.EndsWith("aies"))
        {
            bare[^3] = 'y';
            return bare.Length - 2;
        }

        bool stays = bare.EndsWith("us") || bare.EndsWith("ss");
        return bare.Length - (stays ? 0 : 1);
    }
}
