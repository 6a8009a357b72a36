namespace Unweave.Explaining;

/// <summary>Answers that decline to answer.</summary>
internal static class RefusedAnswer
{
    private static readonly string[] Beginnings =
    [
        "i'm sorry", "i am sorry", "sorry", "i can't", "i cannot", "i can not", "i won't", "i'm unable", "i am unable", "i'm not able",
        "as an ai", "unfortunately"
    ];

    /// <summary>Whether an answer is one; nothing at all is one too, since that is what a filter leaves.</summary>
    public static bool Is(string answer)
    {
        string start = answer.Trim().Replace('’', '\'');
        return start.Length == 0 || Beginnings.Any(beginning => start.StartsWith(beginning, StringComparison.OrdinalIgnoreCase));
    }
}
