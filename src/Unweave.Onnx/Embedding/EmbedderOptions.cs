namespace Unweave.Onnx;

/// <summary>How the vectors of a text's tokens become the text's.</summary>
public enum TextPooling
{
    /// <summary>Their mean, start and end tokens included.</summary>
    Mean,

    /// <summary>The first token's, which is the start token's where there is one.</summary>
    Cls,

    /// <summary>The last token's, which is the end token's where there is one.</summary>
    Last,

    /// <summary>The largest number of each component.</summary>
    Max,

    /// <summary>The model's graph has an output with one vector for each text.</summary>
    Model,
}

/// <summary>What stands in for what a sentence encoder's own files say; a null takes what they say.</summary>
public sealed record EmbedderOptions
{
    /// <summary>How the vectors of tokens become a text's.</summary>
    public TextPooling? Pooling { get; init; }

    /// <summary>What is written before each document, such as <c>passage: </c>.</summary>
    public string? DocumentPrefix { get; init; }

    /// <summary>What is written before each query, such as <c>query: </c>.</summary>
    public string? QueryPrefix { get; init; }

    /// <summary>The most tokens of a text, start and end tokens included; what is beyond them is left out.</summary>
    public int? Length { get; init; }

    /// <summary>
    /// Whether vectors are brought to unit length, as whatever compares them expects; false leaves them as the model gives them.
    /// </summary>
    public bool UnitLength { get; init; } = true;

    /// <summary>The tokenizer's file; null takes the one in the model's folder.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>
    /// What some inputs of the graph are fed, by name, as
    /// <see cref="OnnxHost.Open(string, int, IReadOnlyDictionary{string, string}?)"/> takes it.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Inputs { get; init; }

    /// <summary>Threads within an operation; 0 takes one for each core.</summary>
    public int Threads { get; init; }
}
