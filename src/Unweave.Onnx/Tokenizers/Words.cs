namespace Unweave.Onnx;

/// <summary>Words that start with a mark for the blank before them.</summary>
internal static class Words
{
    /// <summary>Whether a token goes on from one word into the next: it has a mark after another character.</summary>
    public static bool GoesOn(string token, char mark) => token.AsSpan().TrimStart(mark).Contains(mark);

    /// <summary>Where the word ends that starts at a place.</summary>
    public static int End(ReadOnlySpan<char> text, int from, int to, char mark)
    {
        ReadOnlySpan<char> rest = text[from..to];
        int marks = rest.Length - rest.TrimStart(mark).Length, next = rest[marks..].IndexOf(mark);
        return next < 0 ? to : from + marks + next;
    }
}
