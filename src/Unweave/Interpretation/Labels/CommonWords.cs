namespace Unweave.Interpretation;

/// <summary>English words that stand in any text and say little by themselves.</summary>
internal static class CommonWords
{
    // Of four letters or more: shorter ones are no content either way.
    private const int ShortestWord = 4;

    private static readonly HashSet<string> Common = new(StringComparer.OrdinalIgnoreCase)
    {
        "about", "after", "also", "been", "before", "being", "between", "could", "does", "down", "each", "even", "every", "from", "have",
        "having", "here", "herself", "himself", "hers", "into", "itself", "just", "like", "made", "make", "many", "more", "most", "much",
        "must", "only", "other", "ours", "over", "same", "shall", "should", "some", "such", "than", "that", "their", "them", "then",
        "there", "these", "they", "this", "those", "through", "under", "unto", "upon", "used", "very", "were", "what", "when", "where",
        "which", "while", "whom", "whose", "will", "with", "within", "without", "would", "your",
    };

    /// <summary>Whether a token is a word of content: of four letters or more, and none of those words.</summary>
    public static bool IsContent(string token)
    {
        string word = token.Trim();
        return word.Length >= ShortestWord && word.All(char.IsLetter) && !Common.Contains(word);
    }
}
