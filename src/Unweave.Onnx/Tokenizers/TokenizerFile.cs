using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>Opens the tokenizer of a host model.</summary>
public static class TokenizerFile
{
    /// <summary>
    /// Opens a tokenizer from its file, or from a model's folder: <c>tokenizer.json</c>, a SentencePiece <c>*.model</c>,
    /// <c>vocab.json</c> with <c>merges.txt</c>, or <c>vocab.txt</c>, of which a folder's first counts. <c>tokenizer_config.json</c>
    /// and <c>special_tokens_map.json</c> beside it are read too. What cannot be done exactly is refused by name.
    /// </summary>
    /// <param name="path">A file, or a folder.</param>
    /// <param name="special">
    /// Whether special tokens that are written in a text, such as the markers of a chat, are found there; otherwise they are text.
    /// </param>
    /// <exception cref="InputException">There is no tokenizer, it is damaged, or it asks for what cannot be done exactly.</exception>
    public static ITokenizer Open(string path, bool special = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!Directory.Exists(path)) return OpenFile(path, special);
        string file = Find(path);
        try
        {
            return OpenFile(file, special);
        }
        catch (InputException refused) when (file.EndsWith("tokenizer.json", StringComparison.Ordinal)
            && Directory.GetFiles(path, "*.model") is [var model])
        {
            // The same tokenizer in another form, which says less but may be read.
            try
            {
                return OpenFile(model, special);
            }
            catch (InputException other)
            {
                throw new InputException(
                    $"{refused.Message} Nor can {Path.GetFileName(model)} beside it be read: {other.Message}", refused);
            }
        }
    }

    private static ITokenizer OpenFile(string file, bool special)
    {
        if (!File.Exists(file)) throw new InputException($"There is no tokenizer at {file}: no such file or folder.");
        using var source = new TokenizerSource(file, special);
        try
        {
            ITokenizer tokenizer = Read(source);
            if (new[] { tokenizer.Start, tokenizer.End, tokenizer.Padding }.Max() is { } id && id >= tokenizer.VocabularySize)
                throw new InputException($"{file} puts the id {id} around a text, but has only {tokenizer.VocabularySize} ids; the file "
                    + $"was edited or is damaged.");
            return tokenizer;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            throw new InputException($"{file} is not a tokenizer that can be used ({e.Message.ReplaceLineEndings(" ")}); fetch it "
                + $"again.", e);
        }
    }

    private static string Find(string folder)
    {
        string json = Path.Combine(folder, "tokenizer.json"), bytePairs = Path.Combine(folder, "vocab.json"), wordPieces = Path
            .Combine(folder, "vocab.txt");
        if (File.Exists(json)) return json;
        string[] models = Directory.GetFiles(folder, "*.model");
        if (models.Length == 1) return models[0];
        if (models.Length > 1)
        {
            throw new InputException($"{folder} has several SentencePiece models "
                + $"({string.Join(", ", models.Select(Path.GetFileName).Order(StringComparer.Ordinal))}); name one of them.");
        }

        if (File.Exists(bytePairs) && File.Exists(Path.Combine(folder, "merges.txt"))) return bytePairs;
        if (File.Exists(wordPieces)) return wordPieces;
        throw new InputException($"{folder} has no tokenizer: no tokenizer.json, no *.model, no vocab.json with merges.txt, no "
            + $"vocab.txt; copy the model's tokenizer there, or name its file.");
    }

    private static ITokenizer Read(TokenizerSource source) => Path.GetFileName(source.File) switch
    {
        "vocab.json" or "merges.txt" => VocabularyFiles.BytePairs(source),
        string name when name.EndsWith(".model", StringComparison.OrdinalIgnoreCase) => SentencePieces.Read(source),
        string name when name.EndsWith(".txt", StringComparison.OrdinalIgnoreCase) => VocabularyFiles.WordPieces(source),
        string name when name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) => TokenizerJsonReader.Read(source),
        _ => throw new InputException($"{source.File} is no tokenizer.json, *.model, vocab.json with merges.txt, or vocab.txt; name one "
            + $"of these, or the folder it is in."),
    };
}
