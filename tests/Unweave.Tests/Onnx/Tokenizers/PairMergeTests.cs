using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Tokenizers;

public sealed class PairMergeTests
{
    // Each pair that ever stands side by side is looked at when it comes to be, and when its turn comes.
    [Theory]
    [InlineData(1_000)]
    [InlineData(1_000_000)]
    public void The_pairs_looked_at_grow_with_the_length_of_a_word(int letters)
    {
        foreach (int alphabet in (int[])[1, 2, 26])
        {
            List<Piece> pieces = [.. Enumerable.Range(0, letters).Select(i => new Piece(((i * 7919) + (i / 13)) % alphabet, i, 1))];
            long[] looks = [0];
            PairMerges.Apply(pieces, new Sums(looks));
            Assert.Equal(letters, pieces.Sum(piece => piece.Length));
            Assert.InRange(pieces.Count, 1, letters / 2);
            Assert.InRange(looks[0], letters, 6L * letters);
        }
    }

    [Fact]
    public void The_lowest_rank_is_merged_first_and_the_leftmost_of_equals()
    {
        List<Piece> pieces = [.. ((int[])[1, 1, 1, 2, 2]).Select((id, i) => new Piece(id, i, 1))];
        PairMerges.Apply(pieces, new Table());
        Assert.Equal([new Piece(11, 0, 2), new Piece(12, 2, 2), new Piece(2, 4, 1)], pieces);
    }

    // Any two of up to sixteen letters become one; the shorter first.
    private readonly struct Sums(long[] looks) : IMergeRule
    {
        public bool TryMerge(Piece left, Piece right, out int rank, out int id)
        {
            looks[0]++;
            rank = left.Length + right.Length;
            id = (left.Id + right.Id) & 0xFF;
            return rank <= 16;
        }
    }

    private readonly struct Table : IMergeRule
    {
        public bool TryMerge(Piece left, Piece right, out int rank, out int id)
        {
            (rank, id) = (left.Id, right.Id) switch
            {
                (1, 2) => (0, 12),
                (1, 1) => (1, 11),
                (2, 2) => (2, 22),
                _ => (-1, -1),
            };
            return id >= 0;
        }
    }
}
