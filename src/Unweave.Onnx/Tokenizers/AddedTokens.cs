using System.Buffers;

namespace Unweave.Onnx;

/// <summary>A token that a tokenizer looks for before anything else.</summary>
/// <param name="Content">How it is written.</param>
/// <param name="Id">Its id.</param>
/// <param name="Special">Whether it only steers the model; written in a text, it is text.</param>
/// <param name="Normalized">Whether it is looked for in normalised text, in its normalised form.</param>
/// <param name="SingleWord">Whether it is only found where no word goes on before or after it.</param>
/// <param name="TakesLeft">Whether it takes white space before it along.</param>
/// <param name="TakesRight">Whether it takes white space after it along.</param>
internal sealed record AddedToken(string Content, int Id, bool Special, bool Normalized, bool SingleWord, bool TakesLeft, bool TakesRight);

/// <summary>Finds added tokens in a text, leftmost first and of those the longest.</summary>
internal sealed class AddedTokens
{
    private readonly PrefixTable table;
    private readonly SearchValues<char> firsts;
    private readonly List<AddedToken> tokens;

    private AddedTokens(IEnumerable<(string Pattern, AddedToken Token)> found)
    {
        (string Pattern, AddedToken Token)[] all = [.. found];
        tokens = [.. all.Select(entry => entry.Token)];
        table = new PrefixTable(all.Select((entry, index) => KeyValuePair.Create(entry.Pattern, index)).DistinctBy(entry => entry.Key, StringComparer.Ordinal));
        firsts = SearchValues.Create([.. table.FirstUnits]);
    }

    /// <summary>The tokens looked for in one form of the text, or null when text can have none of them.</summary>
    /// <param name="tokens">All added tokens.</param>
    /// <param name="normalized">Whether those looked for in normalised text, or the others.</param>
    /// <param name="steps">How text is normalised.</param>
    public static AddedTokens? In(IEnumerable<AddedToken> tokens, bool normalized, TextStep? steps)
    {
        // Special ones are kept among the others, as what they hide stays hidden.
        AddedToken[] kept = [.. tokens.Where(token => token.Normalized == normalized)];
        if (kept.All(token => token.Special)) return null;
        return new AddedTokens(kept
            .Select(token => (normalized && steps is not null ? steps.Apply(AlignedText.Of(token.Content)).Units.ToString() : token.Content, token))
            .Where(entry => entry.Item1.Length > 0));
    }

    /// <summary>The parts of a text: tokens found, each with its id, and what lies between them.</summary>
    public IEnumerable<(AlignedText Part, int? Id)> Split(AlignedText text)
    {
        int read = 0, search = 0;
        while (search < text.Length)
        {
            int distance = text.Units[search..].IndexOfAny(firsts);
            if (distance < 0) break;
            int start = search + distance;
            (int length, int index) = table.Longest(text.Units[start..]);
            search = start + Math.Max(1, length);
            if (length == 0) continue;
            AddedToken token = tokens[index];
            int end = start + length;
            if (token.Special || (token.SingleWord && !Alone(text, start, end))) continue;
            if (token.TakesLeft)
                while (start > read && char.IsWhiteSpace(text.Units[start - 1])) start--;
            if (token.TakesRight)
                while (end < text.Length && char.IsWhiteSpace(text.Units[end])) end++;
            if (start > read) yield return (text.Slice(read, start - read), null);
            yield return (text.Slice(start, end - start), token.Id);
            read = end;
            search = Math.Max(search, end);
        }

        if (read < text.Length) yield return (text.Slice(read, text.Length - read), null);
    }

    private static bool Alone(AlignedText text, int start, int end)
    {
        int before = start - 1;
        if (before > 0 && char.IsLowSurrogate(text.Units[before])) before--;
        return (before < 0 || !CharacterKinds.IsWord(text.RuneAt(before))) && (end == text.Length || !CharacterKinds.IsWord(text.RuneAt(end)));
    }
}
