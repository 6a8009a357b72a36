namespace Unweave.Interpretation;

/// <summary>What a piece of text looks like, whatever it says.</summary>
internal enum PieceShape
{
    /// <summary>Nothing remarkable.</summary>
    None,

    /// <summary>Digits.</summary>
    Number,

    /// <summary>A word that starts with a capital.</summary>
    Capitalized,

    /// <summary>Two capitals or more, and no small letter.</summary>
    Capitals,

    /// <summary>Marks alone.</summary>
    Punctuation,

    /// <summary>A line's end.</summary>
    LineEnd,

    /// <summary>The later part of a word.</summary>
    Inside,
}
