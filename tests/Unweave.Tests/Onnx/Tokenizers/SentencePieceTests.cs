using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Microsoft.ML.Tokenizers;
using Unweave.Hosts;
using Unweave.Onnx;
using static Unweave.Tests.Onnx.TokenizerFixture;

namespace Unweave.Tests.Onnx;

public sealed class SentencePieceTests
{
    private const int Unigram = 1, BytePairs = 2;

    private static readonly (string, float, int)[] Pieces =
    [
        ("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("▁", -3, 1), ("a", -4, 1), ("b", -4.5f, 1), ("c", -5, 1), ("▁a", -2, 1), ("ab", -2.5f, 1), ("bc", -2.25f, 1), ("▁ab", -3.75f, 1), ("abc", -6.5f, 1), ("USER", 0, 4), ("😀", -5, 1),
    ];

    private static readonly (string, float, int)[] PiecesWithBytes = [.. Pieces, .. Enumerable.Range(0, 256).Select(value => ($"<0x{value:X2}>", 0f, 6))];

    // By hand. The best way to cut "▁abc": ▁a + bc (-4.25) beats ▁ab + c (-8.75) and ▁ + abc (-9.5).
    [Theory]
    [InlineData("abc", "▁a@0+1 bc@1+2")]
    [InlineData("ab", "▁ab@0+2")]
    [InlineData("  ab   abc ", "▁ab@2+2 ▁a@4+4 bc@8+2")]
    [InlineData("axyzb", "▁a@0+1 <unk>@1+3 b@4+1")]
    [InlineData("aUSERb", "▁a@0+1 USER@1+4 b@5+1")]
    [InlineData("a<s>b", "▁a@0+1 <unk>@1+3 b@4+1")]
    [InlineData("a😀b", "▁a@0+1 😀@1+2 b@3+1")]
    [InlineData("a日😀", "▁a@0+1 <unk>@1+1 😀@2+2")]
    [InlineData("", "")]
    [InlineData("   ", "")]
    public void A_text_is_cut_up_by_the_best_sum_of_scores(string text, string expected) =>
        Assert.Equal(expected, Shown(Model(SentencePiece(Unigram, Pieces)), text, id => Pieces[id].Item1));

    // By hand: of the pairs in "▁abc", ▁a has the highest score (-2), then b+c (-2.25).
    [Theory]
    [InlineData("abc", "▁a@0+1 bc@1+2")]
    [InlineData("aab", "▁a@0+1 ab@1+2")]
    [InlineData("axyzb", "▁a@0+1 <unk>@1+3 b@4+1")]
    [InlineData("aUSERb", "▁a@0+1 USER@1+4 b@5+1")]
    public void Neighbours_are_merged_by_score(string text, string expected) =>
        Assert.Equal(expected, Shown(Model(SentencePiece(BytePairs, Pieces)), text, id => Pieces[id].Item1));

    [Theory]
    [InlineData(Unigram)]
    [InlineData(BytePairs)]
    public void Unknown_characters_become_bytes_where_the_model_has_them(int type)
    {
        ITokenizer tokenizer = Model(SentencePiece(type, PiecesWithBytes, byteFallback: true));
        Assert.Equal("▁a@0+1 <0xE6>@1+1 <0x97>@1+0 <0xA5>@1+0 <0xC3>@2+1 <0xA9>@2+0 b@3+1", Shown(tokenizer, "a日éb", id => PiecesWithBytes[id].Item1));
        Assert.Equal("a日éb", tokenizer.Decode(tokenizer.Ids("a日éb")));
        Assert.Equal("\uFFFD", tokenizer.Decode([tokenizer.Ids("日")[^1]]));
    }

    [Theory]
    [InlineData(Unigram)]
    [InlineData(BytePairs)]
    public void Decoding_gives_back_what_is_left_of_a_text(int type)
    {
        ITokenizer tokenizer = Model(SentencePiece(type, PiecesWithBytes, byteFallback: true, removeExtraSpaces: false));

        // A blank in the text and a blank that is written out are one and the same to the model.
        AnyText.Sample(text => Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\u2581', ' '), tokenizer.Decode(tokenizer.Ids(text))), iter: 1000);
        AnyText.Sample(text => Assert.Equal(text.Length, tokenizer.Encode(text).Sum(token => token.Length)), iter: 1000);
    }

    [Fact]
    public void The_best_sum_is_that_of_trying_all_ways() => Gen.Char["▁abcx"].Array[1, 9].Select(letters => new string(letters)).Sample(text =>
    {
        ITokenizer tokenizer = Model(SentencePiece(Unigram, Pieces, dummyPrefix: false, removeExtraSpaces: false));
        double best = All(text).Max(way => way.Sum(Score));
        string[] cut = [.. tokenizer.Encode(text).SelectMany(token => token.Id == 0 ? text.Substring(token.Start, token.Length).Select(c => c.ToString()) : [Pieces[token.Id].Item1])];
        Assert.Equal(text, string.Concat(cut));
        Assert.Equal(best, cut.Sum(Score), 1e-4);

        static double Score(string piece) => Pieces.FirstOrDefault(known => Is(known, piece) && known.Item3 == 1) is { Item1: not null } found ? found.Item2 : -6.5 - 10;

        static IEnumerable<string[]> All(string rest) => rest.Length == 0
            ? [[]]
            : Enumerable.Range(1, rest.Length).Where(length => length == 1 || Pieces.Any(piece => piece.Item3 == 1 && Is(piece, rest[..length]))).SelectMany(length => All(rest[length..]).Select(others => (string[])[rest[..length], .. others]));
    }, iter: 200);

    [Fact]
    public void Merges_are_those_of_one_pair_at_a_time() => Gen.Char["▁abcx"].Array[1, 14].Select(letters => new string(letters)).Sample(text =>
    {
        List<string> word = [.. text.Select(c => c.ToString())];
        while (true)
        {
            var candidates = Enumerable.Range(0, word.Count - 1).Select(i => (At: i, Piece: Pieces.FirstOrDefault(piece => Is(piece, word[i] + word[i + 1])))).Where(pair => pair.Piece.Item1 is not null).ToList();
            if (candidates.Count == 0) break;
            int at = candidates.OrderByDescending(pair => pair.Piece.Item2).ThenBy(pair => pair.At).First().At;
            word[at] += word[at + 1];
            word.RemoveAt(at + 1);
        }

        int[] ids = [.. word.Select(piece => Math.Max(0, Array.FindIndex(Pieces, known => Is(known, piece))))];
        int[] expected = [.. ids.Where((id, i) => id != 0 || i == 0 || ids[i - 1] != 0)];
        Assert.Equal(expected, Model(SentencePiece(BytePairs, Pieces, dummyPrefix: false, removeExtraSpaces: false)).Ids(text));
    }, iter: 500);

    [Theory]
    [InlineData(Unigram, false)]
    [InlineData(BytePairs, true)]
    public void Another_implementation_finds_the_same_pieces(int type, bool byteFallback)
    {
        // Where the other one is right: more than one character, no pieces of the user's own, bytes with merges only and before all but the first pieces.
        IEnumerable<(string, float, int)> kinds = (byteFallback ? PiecesWithBytes : Pieces).Where(piece => piece.Item3 != 4);
        (string, float, int)[] pieces = [.. kinds.Where(piece => piece.Item3 is 2 or 3), .. kinds.Where(piece => piece.Item3 == 6), .. kinds.Where(piece => piece.Item3 == 1)];
        byte[] model = SentencePiece(type, pieces, byteFallback);
        var other = SentencePieceTokenizer.Create(new MemoryStream(model), addBeginningOfSentence: false);
        ITokenizer tokenizer = Model(model);
        Gen.Char[byteFallback ? "abc é日" : "abc "].Array[2, 30].Select(letters => new string(letters)).Where(text => text.Trim(' ').Length > 1).Sample(text => Assert.Equal(other.EncodeToTokens(text, out _).Select(token => token.Id), tokenizer.Ids(text)), iter: 500);
    }

    [Fact]
    public void Rules_rewrite_the_longest_match_and_know_what_it_was()
    {
        // Full-width ａ becomes a, the ligature ﬀ becomes two letters, a+ring becomes b, tab a blank; ｂ with nothing becomes nothing.
        byte[] map = RewritingRules(("ａ", "a"), ("ﬀ", "bc"), ("a\u030A", "b"), ("\t", " "), ("ｂ", ""), ("a", "a"));
        ITokenizer tokenizer = Model(SentencePiece(Unigram, Pieces, map: map));
        Assert.Equal("▁a@0+1 bc@1+1", Shown(tokenizer, "ａﬀ", id => Pieces[id].Item1));
        Assert.Equal("▁ab@0+3", Shown(tokenizer, "aa\u030A", id => Pieces[id].Item1));
        Assert.Equal("▁a@2+1 ▁a@3+2", Shown(tokenizer, "\t\ta\ta\t", id => Pieces[id].Item1));
        Assert.Equal("▁ab@0+3", Shown(tokenizer, "aｂb", id => Pieces[id].Item1));
        Assert.Equal("▁a@0+1 <unk>@1+2 b@3+1", Shown(tokenizer, "a𝒜b", id => Pieces[id].Item1));
    }

    [Fact]
    public void A_part_of_what_was_one_character_covers_it_once()
    {
        ITokenizer tokenizer = Model(SentencePiece(Unigram, Pieces.Where(piece => piece.Item1 is not "bc"), map: RewritingRules(("ﬀ", "bc"))));
        Assert.Equal([(0, 2), (1, 0)], tokenizer.Encode("aﬀ").Select(token => (token.Start, token.Length)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(40)]
    public void Broken_rules_are_named(int length)
    {
        byte[] map = RewritingRules(("ａ", "a"), ("ﬀ", "bc"));
        byte[] broken = length == 0 ? [255, 255, 255, 255, 1, 2, 3] : map[..length];
        string message = Assert.Throws<InputException>(() => Model(SentencePiece(Unigram, Pieces, map: broken)).Encode("aａﬀb")).Message;
        Assert.Contains("precompiled_charsmap", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Blanks_can_be_kept_left_unmarked_or_put_behind()
    {
        Assert.Equal("▁ab@0+2 ▁@2+1 ▁a@3+2", Shown(Model(SentencePiece(Unigram, Pieces, removeExtraSpaces: false)), "ab  a", id => Pieces[id].Item1));
        Assert.Equal("ab@0+2 ▁a@2+2", Shown(Model(SentencePiece(Unigram, Pieces, dummyPrefix: false)), "ab a", id => Pieces[id].Item1));
        (string, float, int)[] behind = [.. Pieces, ("b▁", -1, 1)];
        ITokenizer tokenizer = Model(SentencePiece(Unigram, behind, spaceAsSuffix: true));
        Assert.Equal("a@0+1 b▁@1+2 c@3+1 ▁@4+0", Shown(tokenizer, "ab c", id => behind[id].Item1));
        Assert.Equal("ab c", tokenizer.Decode(tokenizer.Ids("ab c")));
    }

    [Fact]
    public void The_ends_of_a_text_are_those_the_model_numbers()
    {
        ITokenizer llama = Model(SentencePiece(BytePairs, Pieces));
        Assert.Equal((1, null, null), (llama.Start, llama.End, llama.Padding));

        // T5 starts with nothing and ends with </s>; 0 is its padding.
        ITokenizer t5 = Model(SentencePiece(Unigram, [("<pad>", 0, 3), ("</s>", 0, 3), ("<unk>", 0, 2), ("▁a", -1, 1)], start: -1, end: 1, padding: 0));
        Assert.Equal((null, 1, 0), (t5.Start, t5.End, t5.Padding));
        ITokenizer albert = Model(SentencePiece(Unigram, [("<pad>", 0, 3), ("<unk>", 0, 2), ("[CLS]", 0, 3), ("[SEP]", 0, 3), ("▁a", -1, 1)], start: -1, end: -1, padding: 0));
        Assert.Equal((2, 3, 0), (albert.Start, albert.End, albert.Padding));
    }

    [Fact]
    public void What_stands_beside_a_model_has_the_last_word_on_its_ends()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["spiece.model"], SentencePiece(BytePairs, Pieces));
        File.WriteAllText(folder["tokenizer_config.json"], """{ "add_bos_token": false, "add_eos_token": true, "bos_token": "<s>", "eos_token": { "content": "</s>" }, "pad_token": "<unk>" }""");
        ITokenizer tokenizer = TokenizerFile.Open(folder.Path);
        Assert.Equal((null, 2, 0), (tokenizer.Start, tokenizer.End, tokenizer.Padding));
    }

    [Fact]
    public void A_long_text_without_blanks_is_no_trouble()
    {
        // A sum prefers a + bc; merging ends with abc. The first a goes with the blank before it in both.
        string text = string.Concat(Enumerable.Repeat("abc", 333_333));
        Assert.Equal([7, 9, .. Enumerable.Repeat((int[])[4, 9], 333_332).SelectMany(ids => ids)], Model(SentencePiece(Unigram, Pieces)).Ids(text));
        Assert.Equal([7, 9, .. Enumerable.Repeat(11, 333_332)], Model(SentencePiece(BytePairs, Pieces)).Ids(text));
    }

    [Fact]
    public void A_file_that_is_no_model_is_named()
    {
        byte[] whole = SentencePiece(BytePairs, Pieces);
        Assert.Contains("not a SentencePiece model", Message([]), StringComparison.Ordinal);
        Assert.Contains("not a SentencePiece model", Message("version https://git-lfs.github.com/spec/v1\n"u8.ToArray()), StringComparison.Ordinal);
        Assert.Contains("not a SentencePiece model", Message(whole[..^3]), StringComparison.Ordinal);
        Assert.Contains("unknown one", Message(SentencePiece(BytePairs, Pieces.Skip(1))), StringComparison.Ordinal);
        Assert.Contains("both", Message(SentencePiece(BytePairs, [.. Pieces, ("<u>", 0, 2)])), StringComparison.Ordinal);
        Assert.Contains("the same", Message(SentencePiece(BytePairs, [.. Pieces, ("ab", 0, 1)])), StringComparison.Ordinal);
        Assert.Contains("is empty", Message(SentencePiece(BytePairs, [.. Pieces, ("", 0, 1)])), StringComparison.Ordinal);
        Assert.Contains("score", Message(SentencePiece(BytePairs, [.. Pieces, ("q", float.NaN, 1)])), StringComparison.Ordinal);
        Assert.Contains("kind 9", Message(SentencePiece(BytePairs, [.. Pieces, ("q", 0, 9)])), StringComparison.Ordinal);
        Assert.Contains("<0xFF>", Message(SentencePiece(BytePairs, PiecesWithBytes[..^1], byteFallback: true)), StringComparison.Ordinal);
        Assert.Contains("type word", Message(SentencePiece(3, Pieces)), StringComparison.Ordinal);
        Assert.Contains("unused", Message(SentencePiece(BytePairs, [.. Pieces, ("q", 0, 5)])), StringComparison.Ordinal);
        Assert.Contains("no piece that text", Message(SentencePiece(BytePairs, Pieces.Take(3))), StringComparison.Ordinal);

        static string Message(byte[] bytes) => Assert.Throws<InputException>(() => Model(bytes)).Message;
    }

    [Fact]
    public void A_damaged_model_is_refused_or_read_never_a_crash()
    {
        byte[] whole = SentencePiece(Unigram, PiecesWithBytes, byteFallback: true, map: RewritingRules(("ａ", "a"), ("ﬀ", "bc")));
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte, Gen.Int[1, whole.Length]).Sample((at, value, length) =>
        {
            byte[] damaged = whole[..Math.Max(length, at + 1)];
            damaged[at] = value;
            try
            {
                ITokenizer tokenizer = Model(damaged);
                Assert.All(tokenizer.Ids("aａﬀ b日 c"), id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            }
            catch (InputException)
            {
                // Refused by name: what is asked for.
            }
        }, iter: 3000);
    }

    [Fact]
    public void A_unigram_tokenizer_json_is_read_from_the_model_beside_it()
    {
        var json = new JsonObject { ["model"] = new JsonObject { ["type"] = "Unigram", ["unk_id"] = 0, ["vocab"] = new JsonArray([.. Pieces.Select(piece => (JsonNode)new JsonArray(piece.Item1, piece.Item2))]) } };
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], json.ToJsonString());
        Assert.Contains("Unigram", Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message, StringComparison.Ordinal);

        File.WriteAllBytes(folder["spiece.model"], SentencePiece(Unigram, Pieces));
        Assert.Equal(Model(SentencePiece(Unigram, Pieces)).Ids("ab abc"), TokenizerFile.Open(folder.Path).Ids("ab abc"));

        File.WriteAllBytes(folder["spiece.model"], SentencePiece(Unigram, Pieces[..5].Concat(Pieces[6..])));
        Assert.Contains("id 5", Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    private static bool Is((string Piece, float, int) known, string piece) => string.Equals(known.Piece, piece, StringComparison.Ordinal);

    private static ITokenizer Model(byte[] bytes)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["spiece.model"], bytes);
        return TokenizerFile.Open(folder["spiece.model"]);
    }

    /// <summary>Rules as a double array: nodes are laid out one after the other, each at an offset where its children find free units.</summary>
    private static byte[] RewritingRules(params (string From, string To)[] rules)
    {
        using var replacements = new MemoryStream();
        var units = new Dictionary<uint, uint>();
        var taken = new HashSet<uint> { 0 };
        Place([.. rules.Select(rule =>
        {
            long start = replacements.Position;
            replacements.Write(Encoding.UTF8.GetBytes(rule.To + "\0"));
            return (Encoding.UTF8.GetBytes(rule.From), (uint)start);
        })], node: 0, label: 0);

        uint size = units.Keys.Max() + 1;
        size += 256 - (size % 256);
        using var blob = new MemoryStream();
        using var writer = new BinaryWriter(blob);
        writer.Write(size * 4);
        for (uint i = 0; i < size; i++) writer.Write(units.GetValueOrDefault(i));
        writer.Write(replacements.ToArray());
        return blob.ToArray();

        // A unit: the label in bits 0-7, whether a rule ends there in bit 8, the distance to the children from bit 10. A value has bit 31.
        void Place((byte[] Tail, uint Value)[] below, uint node, byte label)
        {
            byte[] labels = [.. below.Where(rule => rule.Tail.Length > 0).Select(rule => rule.Tail[0]).Distinct()];
            bool ends = below.Any(rule => rule.Tail.Length == 0);
            uint offset = 1;
            while ((ends && taken.Contains(node ^ offset)) || labels.Any(next => taken.Contains(node ^ offset ^ next))) offset++;
            units[node] = label | (ends ? 0x100u : 0) | (offset << 10);
            if (ends)
            {
                taken.Add(node ^ offset);
                units[node ^ offset] = 0x80000000 | below.First(rule => rule.Tail.Length == 0).Value;
            }

            foreach (byte next in labels) taken.Add(node ^ offset ^ next);
            foreach (byte next in labels) Place([.. below.Where(rule => rule.Tail.Length > 0 && rule.Tail[0] == next).Select(rule => (rule.Tail[1..], rule.Value))], node ^ offset ^ next, next);
        }
    }
}
