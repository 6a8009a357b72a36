using CsCheck;
using Google.Protobuf;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Tokenizers;

public sealed class SentencePieceTests
{
    internal const int Unigram = 1, BytePairs = 2;

    private static readonly (string Text, float Score, int Kind)[] Pieces =
    [
        ("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("▁", -3, 1), ("a", -4, 1), ("b", -4.5f, 1), ("c", -5, 1), ("▁a", -2, 1),
        ("ab", -2.5f, 1), ("bc", -2.25f, 1), ("▁ab", -3.75f, 1), ("abc", -6.5f, 1), ("<", -6, 1), ("s>", -6.1f, 1), ("s", -7, 1),
        (">", -7, 1),
    ];

    private static readonly (string Text, float Score, int Kind)[] WithBytes =
    [
        .. Pieces, .. Enumerable.Range(0, 256).Select(value => ($"<0x{value:X2}>", 0f, 6)),
    ];

    // By hand: the best sum for "▁abc" is ▁a + bc (-4.25), and ▁a (-2) is also the pair that merges first, then bc (-2.25).
    [Theory]
    [InlineData(Unigram, "abc", "▁a 0 1|bc 1 2")]
    [InlineData(BytePairs, "abc", "▁a 0 1|bc 1 2")]
    [InlineData(Unigram, "ab", "▁ab 0 2")]
    [InlineData(BytePairs, "aab", "▁a 0 1|ab 1 2")]
    [InlineData(Unigram, "  ab   abc ", "▁ab 2 2|▁a 4 4|bc 8 2")]
    [InlineData(BytePairs, "  ab   abc ", "▁ab 2 2|▁a 4 4|bc 8 2")]
    [InlineData(Unigram, "axyb", "▁a 0 1|<unk> 1 2|b 3 1")]
    [InlineData(BytePairs, "axyb", "▁a 0 1|<unk> 1 2|b 3 1")]
    [InlineData(BytePairs, "a<s>b", "▁a 0 1|< 1 1|s> 2 2|b 4 1")] // written in a text, it is text
    [InlineData(Unigram, "a<s>b", "▁a 0 1|< 1 1|s> 2 2|b 4 1")]
    [InlineData(BytePairs, "a", "▁a 0 1")]
    [InlineData(Unigram, "   ", "")]
    [InlineData(BytePairs, "", "")]
    public void Ids_and_places_are_those_worked_out_by_hand(int type, string text, string expected)
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = Open(folder, Model(type, Pieces));
        Assert.Equal(
            expected, string.Join('|', tokenizer.Encode(text).Select(token => $"{Pieces[token.Id].Text} {token.Start} {token.Length}")));
        Assert.Equal((1, null, null, Pieces.Length), (tokenizer.Start, tokenizer.End, tokenizer.Padding, tokenizer.VocabularySize));
    }

    [Fact]
    public void Unknown_characters_become_bytes_where_the_model_has_them()
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = Open(folder, Model(BytePairs, WithBytes, byteFallback: true));
        Assert.Equal("▁a 0 1|<0xE6> 1 1|<0x97> 2 0|<0xA5> 2 0|<0xC3> 2 1|<0xA9> 3 0|b 3 1",
            string.Join('|', tokenizer.Encode("a日éb").Select(token => $"{WithBytes[token.Id].Text} {token.Start} {token.Length}")));
    }

    [Fact]
    public void Text_of_a_model_with_bytes_comes_back()
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = Open(folder, Model(BytePairs, WithBytes, byteFallback: true, removeBlanks: false));
        Gen.OneOf(Gen.Char['a', 'c'], Gen.Const(' '), Gen.Const('é'), Gen.Const('日'), Gen.Const('\n')).Array[0, 20]
            .Select(units => new string(units)).Sample(text =>
        {
            IReadOnlyList<Token> tokens = tokenizer.Encode(text);
            Assert.Equal(text, tokenizer.Decode([.. tokens.Select(token => token.Id)]));
            Assert.Equal(text.Length, tokens.Sum(token => token.Length));
        });
    }

    [Fact]
    public void User_defined_pieces_are_cut_out_first()
    {
        using var folder = new TemporaryFolder();
        (string, float, int)[] pieces = [.. Pieces, ("bcb", 0, 4), ("▁▁", 0, 4)];
        ITokenizer tokenizer = Open(folder, Model(BytePairs, pieces, removeBlanks: false, dummyPrefix: false));
        Assert.Equal([new Token(4, 0, 1), new Token(16, 1, 3), new Token(17, 4, 2), new Token(6, 6, 1)], tokenizer.Encode("abcb  c"));

        // Of a unigram model they have a score of -0.1.
        tokenizer = Open(folder, Model(Unigram, pieces, removeBlanks: false, dummyPrefix: false));
        Assert.Equal([4, 16, 17, 6], tokenizer.Encode("abcb  c").Select(token => token.Id));
    }

    [Fact]
    public void Damaged_files_are_named()
    {
        using var folder = new TemporaryFolder();
        byte[] whole = Model(BytePairs, Pieces);
        byte[][] bad =
        [
            [], "not a model"u8.ToArray(), [0xFF, 0xFF, 0xFF], whole[..^3], whole[..5],
            Model(3, Pieces), Model(BytePairs, []), Model(BytePairs, [.. Pieces, ("a", 0, 1)]),
            Model(Unigram, Pieces, byteFallback: true), Model(BytePairs, Pieces, charsMap: [1, 2, 3, 4, 5]), Model(Unigram, Pieces[1..]),
        ];
        for (int i = 0; i < bad.Length; i++)
        {
            var error = Record.Exception(() => Open(folder, bad[i])) as InputException;
            Assert.True(error is not null, $"case {i}");
            Assert.Contains(folder["m.model"], error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }

        // Any damage is named, or does no harm to reading.
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Sample((at, value) =>
        {
            byte[] damaged = [.. whole];
            damaged[at] = value;
            using var own = new TemporaryFolder();
            Exception? error = Record.Exception(() => Open(own, damaged));
            Assert.True(error is null or InputException, $"{at} {value} {error}");
        }, iter: 10_000);
    }

    // Equal scores: SentencePiece merges the leftmost pair first.
    [Theory]
    [InlineData("===", "▁|==|=")]
    [InlineData("a===b", "▁a|==|=|b")]
    [InlineData("====", "▁|==|==")]
    public void Of_equal_pairs_the_leftmost_is_merged(string text, string expected)
    {
        using var folder = new TemporaryFolder();
        (string Text, float, int)[] pieces = [.. Pieces, ("=", -9, 1), ("==", -1, 1)];
        ITokenizer tokenizer = Open(folder, Model(BytePairs, pieces));
        Assert.Equal(expected, string.Join('|', tokenizer.Encode(text).Select(token => pieces[token.Id].Text)));
    }

    [Fact]
    public void Unknown_characters_of_unigram_become_bytes_where_the_model_has_them()
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = Open(folder, Model(Unigram, WithBytes, byteFallback: true));
        Assert.Equal("▁a 0 1|<0xC3> 1 1|<0xA9> 2 0|b 2 1",
            string.Join('|', tokenizer.Encode("aéb").Select(token => $"{WithBytes[token.Id].Text} {token.Start} {token.Length}")));
    }

    // Pieces that are only steps on the way to others are taken apart again.
    [Fact]
    public void Unused_pieces_are_taken_apart()
    {
        using var folder = new TemporaryFolder();
        (string Text, float, int)[] pieces = [.. Pieces.Where(piece => piece.Text is not "bc"), ("bc", -2.25f, 5)];
        ITokenizer tokenizer = Open(folder, Model(BytePairs, pieces, dummyPrefix: false));
        Assert.Equal("b|c", string.Join('|', tokenizer.Encode("bc").Select(token => pieces[token.Id].Text)));
    }

    [Fact]
    public void Characters_are_mapped_first_and_keep_their_places()
    {
        using var folder = new TemporaryFolder();
        byte[] map = CharacterMapMaker.Make(new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Ａ"] = "a",
            ["㎝"] = "ab",
            ["\u3000"] = " ",
            ["e\u0301"] = "c",
            ["e"] = "b",
        });
        ITokenizer tokenizer = Open(folder, Model(BytePairs, Pieces, charsMap: map));
        Assert.Equal("▁a 1 1|bc 2 3|▁ab 5 2",
            string.Join('|', tokenizer.Encode("\u3000Ａee\u0301 ㎝\u3000").Select(
                token => $"{Pieces[token.Id].Text} {token.Start} {token.Length}")));
    }

    [Fact]
    public void A_piece_keeps_its_blank()
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = Open(folder, Model(BytePairs, Pieces));
        Assert.Equal([" a", "a", " ", "ab"], ((int[])[7, 4, 3, 8]).Select(tokenizer.PieceText), StringComparer.Ordinal);
        Assert.Equal("a ab", tokenizer.Decode([7, 10]));
    }

    [Fact]
    public void Control_pieces_in_a_text_are_found_where_asked_for()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["m.model"], Model(BytePairs, Pieces));
        Assert.Equal([new Token(7, 0, 1), new Token(1, 1, 3), new Token(7, 4, 1)],
            TokenizerFile.Open(folder["m.model"], special: true).Encode("a<s>a"));
    }

    /// <summary>A model of a few pieces.</summary>
    internal static byte[] Small() => Model(BytePairs, Pieces);

    private static ITokenizer Open(TemporaryFolder folder, byte[] model)
    {
        File.WriteAllBytes(folder["m.model"], model);
        return TokenizerFile.Open(folder.Path);
    }

    /// <summary>A model in SentencePiece's form.</summary>
    internal static byte[] Model(int type, (string Text, float Score, int Kind)[] pieces, bool byteFallback = false,
        bool removeBlanks = true, bool dummyPrefix = true, byte[]? charsMap = null) => Message(model =>
    {
        foreach ((string text, float score, int kind) in pieces)
        {
            Part(model, 1, piece =>
            {
                piece.WriteTag(1, WireFormat.WireType.LengthDelimited);
                piece.WriteString(text);
                piece.WriteTag(2, WireFormat.WireType.Fixed32);
                piece.WriteFloat(score);
                Number(piece, 3, kind);
            });
        }

        Part(model, 2, trainer =>
        {
            Number(trainer, 3, type);
            Number(trainer, 35, byteFallback ? 1 : 0);
        });
        Part(model, 3, normalizer =>
        {
            if (charsMap is not null)
            {
                normalizer.WriteTag(2, WireFormat.WireType.LengthDelimited);
                normalizer.WriteBytes(ByteString.CopyFrom(charsMap));
            }

            Number(normalizer, 3, dummyPrefix ? 1 : 0);
            Number(normalizer, 4, removeBlanks ? 1 : 0);
        });
    });

    private static void Part(CodedOutputStream output, int field, Action<CodedOutputStream> write)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(Message(write)));
    }

    private static void Number(CodedOutputStream output, int field, int value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt32(value);
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true)) write(output);
        return bytes.ToArray();
    }
}
