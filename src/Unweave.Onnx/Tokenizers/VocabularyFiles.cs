using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>Tokenizers whose vocabulary is a file of its own.</summary>
internal static class VocabularyFiles
{
    /// <summary><c>vocab.json</c> with <c>merges.txt</c>: byte pairs as GPT-2 has them.</summary>
    public static ITokenizer BytePairs(TokenizerSource source)
    {
        string vocabularyFile = source.Beside("vocab.json"), mergesFile = source.Beside("merges.txt");
        foreach (string file in (string[])[vocabularyFile, mergesFile])
        {
            if (!File.Exists(file)) throw new InputException($"{source.File} needs {Path.GetFileName(file)} beside it; copy it there.");
        }

        var vocabulary = source.ReadJson<Dictionary<string, int>>(vocabularyFile);
        Vocabularies.Check(vocabulary, [], vocabularyFile);
        string[] merges =
            [.. source.ReadLines(mergesFile).Where((line, i) => i > 0 || !line.StartsWith("#version", StringComparison.Ordinal))];
        int? Id(string token) => vocabulary.TryGetValue(token, out int id) ? id : null;
        var pairs = new BytePairs(vocabulary, merges, [WordPattern.Gpt2], source.Flag("add_prefix_space") ?? false, WholeWords: false, []);
        TextFrame frame = Frames.Configured(source, Id, byteLevel: true);
        return new ByteLevelTokenizer(pairs, source, frame);
    }

    /// <summary>
    /// <c>vocab.txt</c>: word pieces as BERT has them, in which case counts where the vocabulary has capitals, unless the configuration
    /// says.
    /// </summary>
    public static ITokenizer WordPieces(TokenizerSource source)
    {
        string[] lines = [.. source.ReadLines(source.File).Select(line => line.TrimEnd())];
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < lines.Length; id++)
        {
            if (lines[id].Length > 0 && !vocabulary.TryAdd(lines[id], id))
            {
                throw new InputException($"{source.File} has the token '{lines[id]}' in lines {vocabulary[lines[id]] + 1} and {id + 1}; "
                    + "the file was edited or is damaged.");
            }
        }

        Vocabularies.Check(vocabulary, [], source.File);
        int? Id(string token) => vocabulary.TryGetValue(token, out int id) ? id : null;
        bool lower = source.Flag("do_lower_case") ?? !vocabulary.Keys.Any(token => token[0] != '[' && token.Any(char.IsUpper));
        var text = new BertText(Clean: true, source.Flag("tokenize_chinese_chars") ?? true, source.Flag("strip_accents") ?? lower, lower);
        TextFrame named = Frames.Configured(source, Id, byteLevel: false);
        var frame = new TextFrame(named.Start ?? Id("[CLS]"), named.End ?? Id("[SEP]"), named.Padding ?? Id("[PAD]"));
        return new WordPieces(vocabulary, [], text, source.Token("unk_token") ?? "[UNK]", "##", 100, source, frame);
    }
}
