using System.Text.Json;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Tokenizers;

public sealed class VocabularyFileTests
{
    private static readonly string[] Bert = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "##s", "\u211D", "##\u211D"];

    [Theory]
    [InlineData("", "4 5")] // a vocabulary of lower-case letters, though it has the capital U+211D
    [InlineData("Sat", "1 5")]
    [InlineData("<PAD>", "4 5")]
    public void Case_counts_where_a_token_has_the_capitals_A_to_Z(string more, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], more.Length > 0 ? [.. Bert, more] : Bert);
        Assert.Equal(expected, string.Join(' ', TokenizerFile.Open(folder.Path).Encode("The cat").Select(token => token.Id)));
    }

    [Fact]
    public void A_token_in_two_lines_has_the_last_and_is_told()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], [.. Bert, "the"]);
        ITokenizer tokenizer = TokenizerFile.Open(folder.Path);
        Assert.Equal([new Token(Bert.Length, 0, 3)], tokenizer.Encode("the"));
        Assert.Contains($"'the' in lines 5 and {Bert.Length + 1}", tokenizer.Note, StringComparison.Ordinal);
        File.WriteAllLines(folder["vocab.txt"], Bert);
        Assert.Null(TokenizerFile.Open(folder.Path).Note);
    }

    [Theory]
    [InlineData("BertTokenizer", true)]
    [InlineData("DistilBertTokenizerFast", true)]
    [InlineData("EsmTokenizer", false)]
    [InlineData("T5Tokenizer", false)]
    public void Lines_are_word_pieces_only_for_the_classes_that_cut_so(string named, bool read)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], Bert);
        Check(folder, named, read);
    }

    [Fact]
    public void Lines_of_letters_with_another_unknown_token_are_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], ["<cls>", "<unk>", "M", "K"]);
        File.WriteAllText(folder["tokenizer_config.json"], """{ "unk_token": "<unk>" }""");
        Assert.Contains("##", Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GPT2Tokenizer", true)]
    [InlineData("RobertaTokenizerFast", true)]
    [InlineData("Qwen2Tokenizer", true)]
    [InlineData("CLIPTokenizer", false)]
    [InlineData("PreTrainedTokenizerFast", false)]
    public void Pairs_are_read_only_for_the_classes_whose_words_are_known(string named, bool read)
    {
        using var folder = new TemporaryFolder();
        Pairs(folder);
        Check(folder, named, read);
    }

    [Fact]
    public void Qwen2_cuts_words_by_its_own_expression_and_has_no_start()
    {
        using var folder = new TemporaryFolder();
        Pairs(folder, "\u0109a");
        int merged = 256;
        ITokenizer gpt2 = TokenizerFile.Open(folder.Path);
        Assert.Equal(['\t', 'a'], gpt2.Encode("\ta").Select(token => (char)token.Id));
        File.WriteAllText(folder["tokenizer_config.json"],
            """
            { "tokenizer_class": "Qwen2Tokenizer", "bos_token": null, "pad_token": "<|endoftext|>", "added_tokens_decoder": {
              "257": { "content": "<|endoftext|>", "special": true }, "258": { "content": "<think>", "special": false } } }
            """);
        ITokenizer qwen = TokenizerFile.Open(folder.Path);
        Assert.Equal([merged], qwen.Encode("\ta").Select(token => token.Id));
        Assert.Equal([258, merged], qwen.Encode("<think>\ta").Select(token => token.Id));
        Assert.Equal((null, 257, 259), (qwen.Start, qwen.Padding, qwen.VocabularySize));
        Assert.Equal(TokenizerFile.Open(folder.Path).Encode("\u00e9"), qwen.Encode("\u00e9"));
        Assert.Equal([0xC3, 0xA9], qwen.Encode("e\u0301").Select(token => token.Id)); // composed first
        Assert.Contains(TokenizerFile.Open(folder.Path, special: true).Encode("a<|endoftext|>"), token => token.Id == 257);
    }

    [Fact]
    public void A_vocabulary_that_marks_the_ends_of_words_is_refused()
    {
        using var folder = new TemporaryFolder();
        Pairs(folder, "a</w>");
        Assert.Contains("</w>", Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", 256)]
    [InlineData("""{ "add_bos_token": false }""", null)]
    [InlineData("""{ "bos_token": null }""", null)]
    [InlineData("""{ "bos_token": "<|endoftext|>" }""", 256)]
    [InlineData("""{ "bos_token": "<|endoftext|>", "add_bos_token": false }""", null)]
    public void No_start_is_put_where_the_configuration_forbids_one(string configuration, int? start)
    {
        using var folder = new TemporaryFolder();
        Pairs(folder, "<|endoftext|>");
        File.WriteAllText(folder["tokenizer_config.json"], configuration);
        Assert.Equal(start, TokenizerFile.Open(folder.Path).Start);
    }

    private static void Check(TemporaryFolder folder, string named, bool read)
    {
        File.WriteAllText(folder["tokenizer_config.json"], JsonSerializer.Serialize(
            new Dictionary<string, string>(StringComparer.Ordinal) { ["tokenizer_class"] = named }));
        Exception? error = Record.Exception(() => TokenizerFile.Open(folder.Path));
        if (read) Assert.Null(error);
        else Assert.Contains(named, Assert.IsType<InputException>(error).Message, StringComparison.Ordinal);
    }

    // The 256 bytes, each with itself for an id, and one token more: a tab and an a together, where no other is named.
    private static void Pairs(TemporaryFolder folder, string more = "\u0109a")
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        int other = 256;
        for (int value = 0; value < 256; value++)
        {
            bool plain = value is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174);
            vocabulary.Add(((char)(plain ? value : other++)).ToString(), value);
        }

        vocabulary.Add(more, 256);
        File.WriteAllText(folder["vocab.json"], JsonSerializer.Serialize(vocabulary));
        File.WriteAllText(folder["merges.txt"], string.Equals(more, "\u0109a", StringComparison.Ordinal) ? "\u0109 a\n" : "");
    }
}
