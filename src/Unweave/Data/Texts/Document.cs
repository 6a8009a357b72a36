namespace Unweave.Data;

/// <summary>One text of a corpus.</summary>
/// <param name="Id">Names the text in its corpus: a file's name, a row's number or the value of an id column.</param>
/// <param name="Text">The text itself.</param>
public readonly record struct Document(string Id, string Text)
{
    /// <summary>Whether a part of it was no text, such as half of an escaped character, and is U+FFFD now.</summary>
    internal bool IsMended { get; init; }
}
