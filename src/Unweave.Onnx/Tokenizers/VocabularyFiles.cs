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
        string[] merges = [.. source.ReadLines(mergesFile).Where((line, i) => i > 0 || !line.StartsWith("#version", StringComparison.Ordinal))];
        int? Id(string token) => vocabulary.TryGetValue(token, out int id) ? id : null;
        var pairs = new BytePairs(vocabulary, merges, [WordPattern.Gpt2], source.Flag("add_prefix_space") ?? false, WholeWords: false, []);
        TextFrame frame = Frames.Configured(source, Id, byteLevel: true);
        return new ByteLevelTokenizer(pairs, source, frame);
    }
}
