using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>Opens the tokenizer of a host model.</summary>
public static class TokenizerFile
{
    /// <summary>
    /// Opens a tokenizer from its file, or from a model's folder: <c>tokenizer.json</c> (byte pairs and word pieces), a SentencePiece
    /// <c>.model</c>, <c>vocab.json</c> with <c>merges.txt</c>, or <c>vocab.txt</c>; of several in a folder, the first of these.
    /// <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c> beside it are read too.
    /// </summary>
    /// <remarks>
    /// <para>What a file asks for is done exactly or refused by name. Half a surrogate pair in a text is read as U+FFFD, as it would be
    /// in UTF-8. Where a character is split over several tokens, the first of them covers it and the others have a length of 0
    /// at its place; what a tokenizer puts before a text has a length of 0; what it drops is covered by no token.</para>
    /// <para>The start of a text is what the tokenizer puts there; otherwise the token named as its beginning, unless
    /// <c>add_bos_token</c> is false; otherwise, for byte-level byte pairs about which nothing is said, <c>&lt;|endoftext|&gt;</c>.</para>
    /// </remarks>
    /// <param name="path">A file, or a folder.</param>
    /// <exception cref="InputException">There is no tokenizer there, it is damaged, or it asks for what cannot be done exactly.</exception>
    public static ITokenizer Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string file = Directory.Exists(path) ? Find(path) : path;
        if (!File.Exists(file)) throw new InputException($"{file}: there is no such file or folder.");
        using var files = new SourceFiles();
        TokenizerParts parts = Read(file, files);
        return new SubwordTokenizer(parts, file, files.Hash);
    }

    /// <summary>Refuses a tokenizer that has ids for which a model has no embedding. A model may have more ids than its tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="modelVocabulary">How many ids the model knows.</param>
    /// <param name="modelName">The model, for the message.</param>
    /// <exception cref="InputException">The tokenizer has more tokens than the model knows.</exception>
    public static void Fits(this ITokenizer tokenizer, int modelVocabulary, string modelName)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(modelVocabulary);
        if (tokenizer.VocabularySize > modelVocabulary)
            throw new InputException($"{tokenizer.Name} has {tokenizer.VocabularySize} tokens, but {modelName} knows only {modelVocabulary}; use the tokenizer that the model was trained with.");
    }

    private static string Find(string folder)
    {
        string json = Path.Combine(folder, TokenizerJson.FileName);
        if (File.Exists(json)) return json;
        string[] models = SentencePieceFile.In(folder);
        if (models.Length == 1) return models[0];
        if (models.Length > 1) throw new InputException($"{folder}: there are {models.Length} SentencePiece models ({string.Join(", ", models.Select(Path.GetFileName))}); name the file.");
        string bytePairs = Path.Combine(folder, VocabularyFiles.BytePairs);
        if (File.Exists(bytePairs) && File.Exists(Path.Combine(folder, VocabularyFiles.Merges))) return bytePairs;
        string wordPieces = Path.Combine(folder, VocabularyFiles.WordPieces);
        if (File.Exists(wordPieces)) return wordPieces;
        throw new InputException($"{folder}: there is no tokenizer in this folder: no {TokenizerJson.FileName}, no *.model, no {VocabularyFiles.BytePairs} with {VocabularyFiles.Merges}, no {VocabularyFiles.WordPieces}.");
    }

    private static TokenizerParts Read(string file, SourceFiles files)
    {
        string name = Path.GetFileName(file), folder = VocabularyFiles.Folder(file);
        if (name.EndsWith(".model", StringComparison.OrdinalIgnoreCase)) return SentencePieceFile.Read(file, files);
        if (name is VocabularyFiles.BytePairs or VocabularyFiles.Merges) return VocabularyFiles.ReadBytePairs(Path.Combine(folder, VocabularyFiles.BytePairs), Path.Combine(folder, VocabularyFiles.Merges), files);
        if (name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) return TokenizerJson.Read(file, files);
        if (name.EndsWith(".txt", StringComparison.OrdinalIgnoreCase)) return VocabularyFiles.ReadWordPieces(file, files);
        throw new InputException($"{file}: a tokenizer is a {TokenizerJson.FileName}, a SentencePiece .model, a {VocabularyFiles.BytePairs} with {VocabularyFiles.Merges}, or a {VocabularyFiles.WordPieces}; name one of these or the folder it is in.");
    }
}
