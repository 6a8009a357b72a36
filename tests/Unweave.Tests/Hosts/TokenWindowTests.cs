using Unweave.Hosts;
using Unweave.Tests.Onnx;

namespace Unweave.Tests.Hosts;

/// <summary>Windows hold every token of a document once, and batches every window once.</summary>
public sealed class TokenWindowTests
{
    private static readonly HostInput Causal = new(Tokens: true, Causal: true, Masked: false, Context: null, FixedBatch: null,
        FixedLength: null, Arrays: []);

    [Theory]
    [InlineData(0, 10)]
    [InlineData(1, 10)]
    [InlineData(9, 10)]
    [InlineData(10, 10)]
    [InlineData(100, 7)]
    [InlineData(100, 2)]
    public void Every_token_is_in_one_window_behind_a_start_token(int length, int context)
    {
        var tokenizer = new LetterTokenizer();
        IReadOnlyList<Token> tokens = tokenizer.Encode(string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + (i % 26)))));
        TokenWindow[] windows = [.. TokenWindow.Cut(3, tokens, tokenizer, context)];
        Assert.Equal(tokens.Select(token => token.Id), windows.SelectMany(window => window.Ids.ToArray().Skip(1)));
        Assert.All(windows, window =>
        {
            Assert.Equal((3, 1, 0), (window.Document, window.Lead, window.Ids.Span[0]));
            Assert.InRange(window.Ids.Length, 2, context);
            Assert.Equal(tokens[window.First].Id, window.Ids.Span[1]);
        });
        Assert.Equal((length + context - 2) / (context - 1), windows.Length);
    }

    [Fact]
    public void Without_a_start_token_the_whole_window_is_the_documents()
    {
        var tokenizer = new LetterTokenizer(start: false);
        Assert.Equal([4, 4, 2], TokenWindow.Cut(0, tokenizer.Encode("abcdefghij"), tokenizer, 4).Select(window => window.Ids.Length));
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenWindow.Cut(0, tokenizer.Encode("a"), tokenizer, 0));
    }

    [Fact]
    public void Batches_hold_every_window_once_with_little_padding()
    {
        TokenWindow[] windows = Windows(100);
        int padding = 0, all = 0;
        var seen = new List<int>();
        foreach ((TokenBatch batch, TokenWindow[] rows) in TokenWindow.Batches(windows, Causal, padding: 99, tokens: 200))
        {
            Assert.Equal(batch.Count, rows.Length);
            Assert.True(batch.Count == 1 || batch.Count * batch.Length <= 200);
            for (int row = 0; row < rows.Length; row++)
            {
                seen.Add(rows[row].Document);
                ReadOnlySpan<int> ids = batch.Ids.Slice(row * batch.Length, batch.Length);
                Assert.Equal(rows[row].Ids.ToArray(), ids[..rows[row].Ids.Length].ToArray());
                Assert.All(ids[rows[row].Ids.Length..].ToArray(), id => Assert.Equal(99, id));
                padding += ids.Length - rows[row].Ids.Length;
                all += ids.Length;
            }
        }

        Assert.Equal(Enumerable.Range(0, 100), seen.Order());
        Assert.InRange(padding, 0, all / 5);
    }

    [Fact]
    public void A_model_that_padding_disturbs_gets_windows_of_equal_length()
    {
        foreach ((TokenBatch batch, TokenWindow[] rows) in TokenWindow.Batches(Windows(60), Causal with { Causal = false }, 0, 500))
            Assert.All(rows, row => Assert.Equal(batch.Length, row.Ids.Length));
    }

    [Fact]
    public void A_model_of_fixed_shape_gets_that_shape()
    {
        HostInput input = Causal with { FixedBatch = 4, FixedLength = 30 };
        (TokenBatch Batch, TokenWindow[] Windows)[] batches = [.. TokenWindow.Batches(Windows(10), input, 0)];
        Assert.All(batches, batch => Assert.Equal((4, 30), (batch.Batch.Count, batch.Batch.Length)));
        Assert.Equal([4, 4, 2], batches.Select(batch => batch.Windows.Length));
        Assert.Throws<InputException>(() => TokenWindow.Batches(Windows(31), input, 0).ToArray());
        Assert.Throws<InputException>(() => TokenWindow.Batches(Windows(3), input with { Causal = false }, 0).ToArray());
    }

    private static TokenWindow[] Windows(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new TokenWindow(i, 0, new int[1 + i], 1, i))];
}
