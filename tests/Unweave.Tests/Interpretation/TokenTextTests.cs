using Unweave.Hosts;
using Unweave.Interpretation;

namespace Unweave.Tests.Interpretation;

/// <summary>Text from tokens, pieces of a text, and drawing of tokens.</summary>
public sealed class TokenTextTests(EmbeddedHost embedded) : IClassFixture<EmbeddedHost>
{
    [Fact]
    public void A_character_of_several_tokens_comes_whole()
    {
        const string text = "naïve 🐋 whale — 龍";
        int[] ids = [.. embedded.Tokenizer.Encode(text).Select(token => token.Id)];
        var made = new TokenText(embedded.Tokenizer, []);
        string[] pieces = [.. ids.Select(made.Add), made.End()];
        Assert.Equal(text, string.Concat(pieces));
        Assert.DoesNotContain(pieces, piece => piece.Contains('\uFFFD', StringComparison.Ordinal));
        Assert.Contains("", pieces, StringComparer.Ordinal);
    }

    [Fact]
    public void What_never_becomes_a_character_comes_in_the_end()
    {
        int half = embedded.Tokenizer.Encode("🐋")[0].Id;
        var made = new TokenText(embedded.Tokenizer, embedded.Tokenizer.Encode("The whale").Select(token => token.Id));
        Assert.Equal("", made.Add(half));
        Assert.Equal("\uFFFD", made.End());
        Assert.Equal("", made.End());
        string endless = string.Concat(Enumerable.Repeat(half, 40).Select(made.Add)) + made.End();
        Assert.Equal(40, endless.Length);
    }

    [Theory]
    [InlineData("ab  cd ", "0:1,1:1,4:2", "a|b|  cd ")]
    [InlineData(" ab", "1:2", " ab")]
    [InlineData("🐋x", "0:2,2:0,2:0,2:1", "🐋|||x")]
    [InlineData("x🐋", "0:1,1:2,3:0,3:0", "x|🐋||")]
    [InlineData("ab", "0:2,1:1", "ab|")]
    public void Pieces_are_the_text_exactly(string text, string tokens, string expected)
    {
        Token[] made =
        [
            .. tokens.Split(',').Select(token => token.Split(':'))
            .Select(pair => new Token(0, int.Parse(pair[0], null), int.Parse(pair[1], null))),
        ];
        string[] pieces = TextPieces.Cut(text, made);
        Assert.Equal(expected, string.Join('|', pieces));
        Assert.Equal(text, string.Concat(pieces));
        Assert.Empty(TextPieces.Cut(text, []));
    }

    [Fact]
    public void Tokens_are_drawn_in_proportion_to_their_probability()
    {
        float[] logits = [0, 1, 2, -1, 1];
        const int draws = 40_000;
        const double temperature = 0.7;
        double[] weights = [.. logits.Select(logit => Math.Exp(logit / temperature))];
        Check(0, weights);
        Check(3, [0, weights[1], weights[2], 0, weights[4]]);
        Check(2, [0, weights[1], weights[2], 0, weights[4]]); // tokens 1 and 4 are equals

        void Check(int topK, double[] expected)
        {
            var sampler = new TokenSampler(temperature, topK, seed: 9);
            int[] counts = new int[logits.Length];
            for (int i = 0; i < draws; i++) counts[sampler.Next(logits)]++;
            for (int i = 0; i < counts.Length; i++)
            {
                double p = expected[i] / expected.Sum();
                Assert.InRange(counts[i], (draws * p) - (5 * Math.Sqrt(draws * p * (1 - p))),
                    (draws * p) + (5 * Math.Sqrt(draws * p * (1 - p))));
            }
        }
    }

    [Fact]
    public void Without_temperature_the_likeliest_comes_the_first_of_equals()
    {
        Assert.Equal(1, new TokenSampler(0, 0, 1).Next([0, 3, 3, 1]));
        Assert.Equal(1, new TokenSampler(5, 1, 1).Next([0, 3, 2, 1]));
        Assert.Equal(1, new TokenSampler(1e-9, 0, 1).Next([0, 3, 2, float.NegativeInfinity]));
    }
}
