namespace Unweave.Hosts;

/// <summary>Turns text into the token ids of a host model, and ids back into text. Safe to use from several threads.</summary>
public interface ITokenizer
{
    /// <summary>What it is, for messages and manifests: its kind and file.</summary>
    string Name { get; }

    /// <summary>SHA-256 of the files it was read from, in lower-case hexadecimal; tells harvests of different tokenizers apart.</summary>
    string Hash { get; }

    /// <summary>Every id is below this number.</summary>
    int VocabularySize { get; }

    /// <summary>The token that starts a text for the model (BOS, [CLS], &lt;|endoftext|&gt;), or null where the model knows none.</summary>
    int? Start { get; }

    /// <summary>The token that ends a text for the model (EOS, [SEP]), or null where none is put there.</summary>
    int? End { get; }

    /// <summary>The token that fills a batch's shorter texts, or null where the model knows none.</summary>
    int? Padding { get; }

    /// <summary>
    /// The token that stands for what the vocabulary lacks, or null where it lacks nothing, as one of bytes does.
    /// </summary>
    int? Unknown => null;

    /// <summary>Whether special tokens that are written in a text are found there; otherwise they are text.</summary>
    bool FindsSpecial => false;

    /// <summary>What a reader should know of its files, such as damage that was skipped; else null.</summary>
    string? Note => null;

    /// <summary>The tokens of a text, in order, without start, end or padding. Special tokens written in the text are text, unless
    /// the tokenizer was opened to find them.</summary>
    /// <param name="text">Any text; an empty one has no tokens.</param>
    IReadOnlyList<Token> Encode(string text);

    /// <summary>The text of some ids. Bytes that are not UTF-8 on their own become U+FFFD.</summary>
    /// <param name="ids">Token ids, each in [0, <see cref="VocabularySize"/>).</param>
    string Decode(ReadOnlySpan<int> ids);

    /// <summary>
    /// The text that an id adds within a text, with the blank before a word where it stands for one; <see cref="Decode"/> has none at the
    /// start of a text.
    /// </summary>
    /// <param name="id">A token id in [0, <see cref="VocabularySize"/>).</param>
    string PieceText(int id) => Decode([id]);

    /// <summary>
    /// A token as a list of tokens names it: its <see cref="PieceText"/>, with each byte that is no character on its own written
    /// <c>&lt;0xE2&gt;</c>, so that such tokens can be told apart.
    /// </summary>
    /// <param name="id">A token id in [0, <see cref="VocabularySize"/>).</param>
    string TokenName(int id) => PieceText(id);
}

/// <summary>One token of a text.</summary>
/// <param name="Id">Its id in the model's vocabulary.</param>
/// <param name="Start">Where it starts in the original text, in UTF-16 code units.</param>
/// <param name="Length">How many UTF-16 code units of the text it covers; 0 where it is the later part of one character.</param>
public readonly record struct Token(int Id, int Start, int Length);
