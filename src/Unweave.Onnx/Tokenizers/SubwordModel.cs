namespace Unweave.Onnx;

/// <summary>A token of a word.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Start">Where it starts in the word, in UTF-16 units.</param>
/// <param name="Length">How many units of the word it covers; bytes of one character share the character.</param>
internal readonly record struct Piece(int Id, int Start, int Length);

/// <summary>Turns a word, which is whatever the steps before left in one range, into tokens. Safe to use from several threads.</summary>
internal abstract class SubwordModel
{
    /// <summary>Adds the tokens of a word, which is well-formed and not empty.</summary>
    public abstract void Encode(ReadOnlySpan<char> word, List<Piece> pieces);
}
