using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsCheck;
using Microsoft.ML.Tokenizers;
using Unweave.Hosts;
using Unweave.Onnx;
using static Unweave.Tests.Onnx.TokenizerFixture;

namespace Unweave.Tests.Onnx;

public sealed partial class ByteLevelTokenizerTests
{
    private static readonly (Dictionary<string, int> Vocabulary, List<(string Left, string Right)> Merges) Learnt = Learn(Corpus, 120);

    private static readonly ITokenizer Tokenizer = Open(Gpt2(Learnt.Vocabulary, Learnt.Merges));

    [Fact]
    public void Bytes_of_a_text_are_merged_within_words()
    {
        // By hand: of "aab ab", GPT-2's expression makes "aab" and " ab"; a+b goes first, then Ġ+ab.
        ITokenizer tokenizer = Open(Gpt2(Numbered(["<|endoftext|>", .. Alphabet.Select(c => c.ToString()), "ab", "Ġab", "aa"]), [("a", "b"), ("Ġ", "ab"), ("a", "a")]));
        Assert.Equal("a@0+1 ab@1+2 Ġab@3+3", Shown(tokenizer, "aab ab", id => id switch { 257 => "ab", 258 => "Ġab", 259 => "aa", _ => "a" }));
        Assert.Equal("aab ab", tokenizer.Decode(tokenizer.Ids("aab ab")));
    }

    [Fact]
    public void Tokens_are_those_of_merging_one_pair_at_a_time() => Gen.OneOf(Gen.Const(Corpus), Gen.String[Gen.Char[' ', '~'], 0, 60]).Sample(text =>
    {
        // On ASCII, the expression can be run by the platform as it stands.
        string ascii = string.Concat(text.Where(char.IsAscii));
        IEnumerable<string> words = Gpt2Expression().Matches(ascii).Select(match => match.Value);
        int[] expected = [.. words.SelectMany(word => MergeOneByOne(InBytes(word).Select(c => c.ToString()), Learnt.Merges)).Select(token => Learnt.Vocabulary[token])];
        Assert.Equal(expected, Tokenizer.Ids(ascii));
    }, iter: 200);

    [Fact]
    public void Another_implementation_merges_words_alike()
    {
        var other = BpeTokenizer.Create(new BpeOptions(Learnt.Vocabulary) { Merges = Learnt.Merges.Select(merge => $"{merge.Left} {merge.Right}") });
        ITokenizer whole = Open(With(Gpt2(Learnt.Vocabulary, Learnt.Merges), "pre_tokenizer", ByteLevel(useRegex: false)));
        foreach (string word in Corpus.Split(' ')) Assert.Equal(other.EncodeToIds(InBytes(word), considerPreTokenization: false), whole.Ids(word));
    }

    [Fact]
    public void Decoding_undoes_encoding_whatever_the_text() => AnyText.Sample(text =>
    {
        // UTF-8 has no way to write half a pair; the platform writes U+FFFD, and so does the tokenizer.
        string expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        Assert.Equal(expected, Tokenizer.Decode(Tokenizer.Ids(text)));
    }, iter: 2000);

    [Fact]
    public void Tokens_cover_the_text_without_a_gap() => AnyText.Sample(text =>
    {
        int covered = 0, character = 0;
        foreach (Token token in Tokenizer.Encode(text))
        {
            if (token.Length == 0)
            {
                Assert.Equal(character, token.Start);
                continue;
            }

            Assert.Equal(covered, token.Start);
            covered += token.Length;
            character = covered - (covered > 1 && char.IsLowSurrogate(text[covered - 1]) && char.IsHighSurrogate(text[covered - 2]) ? 2 : 1);
        }

        Assert.Equal(text.Length, covered);
    }, iter: 2000);

    [Theory]
    [InlineData("a😀b", "0+1 1+2 1+0 1+0 1+0 3+1")]
    [InlineData("日", "0+1 0+0 0+0")]
    [InlineData("e\u0301", "0+1 1+1 1+0")]
    [InlineData("", "")]
    public void The_first_token_of_a_character_covers_it_and_the_others_are_empty_there(string text, string expected)
    {
        ITokenizer bytes = Open(Gpt2(Numbered(["<|endoftext|>", .. Alphabet.Select(c => c.ToString())]), []));
        Assert.Equal(expected, string.Join(' ', bytes.Encode(text).Select(token => $"{token.Start}+{token.Length}")));
    }

    [Fact]
    public void Half_a_pair_covers_itself_and_is_read_as_a_replacement_character()
    {
        ITokenizer bytes = Open(Gpt2(Numbered(["<|endoftext|>", .. Alphabet.Select(c => c.ToString())]), []));
        Assert.Equal([(0, 1), (0, 0), (0, 0), (1, 1)], bytes.Encode("\uD83D!").Select(token => (token.Start, token.Length)));
        Assert.Equal("\uFFFD!", bytes.Decode(bytes.Ids("\uD83D!")));
    }

    [Fact]
    public void A_token_with_the_end_of_one_character_and_the_next_covers_the_next()
    {
        // é is C3 A9, which the alphabet writes as Ã©; the merge joins A9 with the x that follows.
        ITokenizer tokenizer = Open(Gpt2(Numbered(["<|endoftext|>", .. Alphabet.Select(c => c.ToString()), "©x"]), [("©", "x")]));
        Assert.Equal([0, 1], tokenizer.Encode("éx").Select(token => token.Start));
        Assert.Equal([1, 1], tokenizer.Encode("éx").Select(token => token.Length));
        Assert.Equal("éx", tokenizer.Decode(tokenizer.Ids("éx")));
    }

    [Fact]
    public void Letters_beyond_the_first_plane_are_letters()
    {
        // A letter, a mathematical letter and an ideograph beyond the first plane are one word; merged without a boundary between them.
        string text = "x𝒜𠀀";
        string[] units = [.. InBytes(text).Select(c => c.ToString())];
        List<(string, string)> merges = [.. Enumerable.Range(1, units.Length - 1).Select(i => (string.Concat(units[..i]), units[i]))];
        ITokenizer tokenizer = Open(Gpt2(Numbered(["<|endoftext|>", .. Alphabet.Select(c => c.ToString()), .. merges.Select(merge => merge.Item1 + merge.Item2)]), merges));
        Token only = Assert.Single(tokenizer.Encode(text));
        Assert.Equal((0, 5), (only.Start, only.Length));
    }

    [Fact]
    public void A_special_token_written_in_a_text_is_text()
    {
        int[] ids = Tokenizer.Ids("a<|endoftext|>b");
        Assert.DoesNotContain(0, ids);
        Assert.Equal("a<|endoftext|>b", Tokenizer.Decode(ids));
        Assert.Equal("<|endoftext|>", Tokenizer.Decode([0]));
    }

    [Fact]
    public void Bytes_that_are_no_text_on_their_own_become_replacement_characters()
    {
        int first = Learnt.Vocabulary[InBytes("é")[..1]];
        Assert.Equal("\uFFFD", Tokenizer.Decode([first]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokenizer.Decode([Tokenizer.VocabularySize]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokenizer.Decode([-1]));
    }

    [Fact]
    public void A_prefix_space_is_added_once_and_covers_nothing()
    {
        ITokenizer tokenizer = Open(With(Gpt2(Learnt.Vocabulary, Learnt.Merges), "pre_tokenizer", ByteLevel(addPrefixSpace: true)));
        Assert.Equal(Tokenizer.Ids(" the end"), tokenizer.Ids("the end"));
        Assert.Equal(Tokenizer.Ids(" the end"), tokenizer.Ids(" the end"));
        Assert.Equal([0, 3], tokenizer.Encode("the end").Take(2).Select(token => token.Start));
        Assert.Equal(7, tokenizer.Encode("the end").Sum(token => token.Length));
    }

    [Fact]
    public void An_expression_before_the_bytes_splits_as_it_says()
    {
        // As Llama 3 and Qwen have it: their own expression, then bytes without another. Three digits at most are a word, so 3+4 is never merged.
        var steps = new JsonObject
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray(
                new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = @"\p{N}{1,3}|\P{N}+" }, ["behavior"] = "Isolated", ["invert"] = false },
                ByteLevel(useRegex: false)),
        };
        JsonObject json = With(Gpt2(Numbered(["<|endoftext|>", .. Alphabet.Select(c => c.ToString()), "12", "34", "Ġx"]), [("3", "4"), ("1", "2"), ("Ġ", "x")]), "pre_tokenizer", steps);
        Assert.Equal("12@0+2 3@2+1 4@3+1 Ġx@4+2", Shown(Open(json), "1234 x", id => id switch { 257 => "12", 258 => "34", 259 => "Ġx", _ => Alphabet[id - 1].ToString() }));
    }

    [Fact]
    public void Merges_as_arrays_may_have_blanks()
    {
        JsonObject json = Gpt2(Numbered(["<|endoftext|>", .. Alphabet.Select(c => c.ToString()), " ", "a "]), []);
        json["pre_tokenizer"] = null;
        json["decoder"] = new JsonObject { ["type"] = "Fuse" };
        json["model"]!["merges"] = new JsonArray(new JsonArray("a", " "));
        ITokenizer tokenizer = Open(json);
        Assert.Equal([258, 258], tokenizer.Ids("a a "));
        Assert.Equal("a a ", tokenizer.Decode(tokenizer.Ids("a a ")));
    }

    [Fact]
    public void A_word_that_is_a_token_is_that_token_where_merges_are_to_be_ignored()
    {
        JsonObject json = Gpt2(Numbered(["<|endoftext|>", .. Alphabet.Select(c => c.ToString()), "xyz"]), []);
        Assert.Equal(3, Open(json).Encode("xyz").Count);
        json["model"]!["ignore_merges"] = true;
        Assert.Equal([257], Open(json).Ids("xyz"));
    }

    [Fact]
    public void A_long_word_takes_no_quadratic_time()
    {
        // A million letters without a blank: were each merge to look at all of them, the run would not end.
        ITokenizer tokenizer = Open(Gpt2(Numbered(["<|endoftext|>", .. Alphabet.Select(c => c.ToString()), "aa", "aaaa"]), [("a", "a"), ("aa", "aa")]));
        IReadOnlyList<Token> tokens = tokenizer.Encode(new string('a', 1_000_001));
        Assert.Equal(250_001, tokens.Count);
        Assert.All(tokens.SkipLast(1), token => Assert.Equal(4, token.Length));
        Assert.Equal(new Token(Numbered(["<|endoftext|>", .. Alphabet.Select(c => c.ToString())])["a"], 1_000_000, 1), tokens[^1]);
    }

    [Fact]
    public void A_long_document_has_the_tokens_of_its_lines()
    {
        string document = string.Concat(Enumerable.Repeat("the quick 12,345 日本語 résumé 😀\n", 40_000));
        int[] line = Tokenizer.Ids("the quick 12,345 日本語 résumé 😀\n");
        Assert.Equal(Enumerable.Repeat(line, 40_000).SelectMany(ids => ids), Tokenizer.Ids(document));
    }

    [Fact]
    public void Threads_share_a_tokenizer()
    {
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => Corpus[(i % 50)..])];
        int[][] expected = [.. texts.Select(Tokenizer.Ids)];
        int[][] found = [.. texts.AsParallel().AsOrdered().WithDegreeOfParallelism(8).Select(Tokenizer.Ids)];
        Assert.Equal(expected, found);
    }

    [Fact]
    public void Vocabulary_and_merges_in_two_files_are_the_same_tokenizer()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["vocab.json"], BytePairModel(Learnt.Vocabulary, [])["vocab"]!.ToJsonString());
        File.WriteAllLines(folder["merges.txt"], ["#version: 0.2", .. Learnt.Merges.Select(merge => $"{merge.Left} {merge.Right}")]);
        ITokenizer tokenizer = TokenizerFile.Open(folder.Path);
        Assert.Equal(Tokenizer.Ids(Corpus), tokenizer.Ids(Corpus));
        Assert.Equal(0, tokenizer.Start);
        Assert.Equal(tokenizer.Hash, TokenizerFile.Open(folder["merges.txt"]).Hash);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData([.. File.ReadAllBytes(folder["vocab.json"]), .. File.ReadAllBytes(folder["merges.txt"])])), tokenizer.Hash);

        File.WriteAllText(folder["tokenizer_config.json"], """{ "add_prefix_space": true, "bos_token": null, "pad_token": { "content": "!" } }""");
        ITokenizer configured = TokenizerFile.Open(folder.Path);
        Assert.Equal(Tokenizer.Ids(" the end"), configured.Ids("the end"));
        Assert.Null(configured.Start);
        Assert.Equal(Learnt.Vocabulary["!"], configured.Padding);
        Assert.False(string.Equals(tokenizer.Hash, configured.Hash, StringComparison.Ordinal));
    }

    [Fact]
    public void Its_name_and_hash_tell_what_it_is()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], Gpt2(Learnt.Vocabulary, Learnt.Merges).ToJsonString());
        ITokenizer tokenizer = TokenizerFile.Open(folder["tokenizer.json"]);
        Assert.Equal($"byte-level BPE {folder["tokenizer.json"]}", tokenizer.Name);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(folder["tokenizer.json"]))), tokenizer.Hash);
        Assert.Equal((0, null, null), (tokenizer.Start, tokenizer.End, tokenizer.Padding));
        Assert.Equal(Learnt.Vocabulary.Count, tokenizer.VocabularySize);
    }

    private static JsonObject With(JsonObject json, string name, JsonNode? value)
    {
        json[name] = value;
        return json;
    }

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Gpt2Expression();
}
