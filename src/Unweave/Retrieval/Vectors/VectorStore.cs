namespace Unweave.Retrieval;

/// <summary>What an index keeps of the vectors themselves, beside the codes, to rank the best rows once more.</summary>
public enum VectorStore
{
    /// <summary>Nothing: the codes alone decide.</summary>
    None,

    /// <summary>
    /// The signs of what the code leaves over, x/‖x‖ − x̂/‖x̂‖, after a seeded rotation: a bit for each of d, added to the score of the
    /// code.
    /// </summary>
    Signs,

    /// <summary>The vector in 8 bits for each of d.</summary>
    Int8,
}
