namespace Unweave.Retrieval;

/// <summary>A document of an index: what is found, shown and filtered by.</summary>
/// <param name="Key">What it is replaced and deleted by; not empty, of no other document.</param>
/// <param name="Text">Its text: what is shown, and whose words are searched.</param>
/// <param name="Fields">What searches may be filtered by and results show, by name; null for nothing.</param>
public sealed record IndexDocument(string Key, string Text, IReadOnlyDictionary<string, FieldValue>? Fields = null);
