using Unweave.Hosts;

namespace Unweave.Interpretation;

/// <summary>
/// Turns tokens into text one at a time. A token's text depends on those before it (a space, a character of several tokens), so each is
/// decoded together with the last ones, and what ends within a character waits for the rest.
/// </summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="before">The tokens before the first.</param>
internal sealed class TokenText(ITokenizer tokenizer, IEnumerable<int> before)
{
    private const int Held = 8; // tokens kept as surroundings

    private const char Broken = '\uFFFD'; // what bytes become that are no character

    private readonly List<int> recent = [.. before.TakeLast(Held)];
    private int waiting;

    /// <summary>The text that a token adds; empty while a character is not whole.</summary>
    public string Add(int token)
    {
        recent.Add(token);
        waiting++;
        return waiting < Held && Text().EndsWith(Broken) ? "" : End();
    }

    /// <summary>What still waits, whole or not.</summary>
    public string End()
    {
        if (waiting == 0) return "";
        string added = Text();
        waiting = 0;
        if (recent.Count > 2 * Held) recent.RemoveRange(0, recent.Count - Held);
        return added;
    }

    private string Text()
    {
        int[] all = [.. recent];
        string known = tokenizer.Decode(all.AsSpan(0, all.Length - waiting)), now = tokenizer.Decode(all);

        // Spellings at the seam may change with what follows; then the new tokens alone say it.
        return now.StartsWith(known, StringComparison.Ordinal) ? now[known.Length..] : tokenizer.Decode(all.AsSpan(all.Length - waiting));
    }
}
