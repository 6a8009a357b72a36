namespace Unweave.Data;

/// <summary>One text of a corpus.</summary>
/// <param name="Id">Names the text in its corpus: a file's name, a row's number or the value of an id column.</param>
/// <param name="Text">The text itself.</param>
public readonly record struct Document(string Id, string Text)
{
    /// <summary>Whether a part of it was no text, such as half of an escaped character, and is U+FFFD now.</summary>
    internal bool IsMended { get; init; }

    /// <summary>Why it could not be read, with its file and its place there; null where it could. Its text is empty then.</summary>
    internal string? Fault { get; init; }

    /// <summary>
    /// What its record has beside text and id, where records were asked for: texts, finite doubles, truths and arrays of texts, by name.
    /// </summary>
    internal IReadOnlyList<KeyValuePair<string, object>> Fields { get; init; } = [];

    /// <summary>A document that could not be read.</summary>
    internal static Document Malformed(string id, string fault) => new(id, "") { Fault = fault };
}
