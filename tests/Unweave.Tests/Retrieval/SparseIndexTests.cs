using CsCheck;
using Unweave.Numerics;
using Unweave.Retrieval;

namespace Unweave.Tests.Retrieval;

public sealed class SparseIndexTests
{
    private const int Latents = 9;

    // Rows as dense vectors, most of their numbers 0, some negative, some rows empty.
    private static readonly Gen<float[][]> Collections =
        Gen.OneOf(Gen.Const(0f), Gen.Const(0f), Gen.Float[-2, 2]).Array[Latents].Array[2, 12];

    [Fact]
    public void Hits_are_the_rows_of_largest_cosine_among_those_that_share_a_latent() =>
        Gen.Select(Collections, Gen.Int[0, 6]).Sample((vectors, count) =>
    {
        var index = new SparseIndex(Sparse(vectors));
        SearchResult result = index.Search(0, count);
        int[] sharing =
        [
            .. Enumerable.Range(1, vectors.Length - 1)
            .Where(row => vectors[0].Zip(vectors[row], (a, b) => a != 0 && b != 0).Any(both => both)),
        ];
        double[] expected = [.. sharing.Select(row => Cosine(vectors[0], vectors[row])).OrderDescending().Take(count)];
        Assert.Equal(sharing.Length, result.Candidates);
        Assert.Equal(expected, result.Hits.Select(hit => hit.Score), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.All(result.Hits, hit =>
        {
            Assert.Equal(Cosine(vectors[0], vectors[hit.Row]), hit.Score, 1e-9);
            Assert.Equal(hit.Score, hit.Shared.Sum(shared => shared.Share), 1e-9);
            Assert.Equal(hit.Shared.OrderByDescending(shared => shared.Share), hit.Shared);
            Assert.All(hit.Shared, shared => Assert.True(vectors[0][shared.Latent] != 0 && vectors[hit.Row][shared.Latent] != 0));
        });
    });

    [Fact]
    public void Latents_taken_out_of_a_query_count_for_nothing() =>
        Gen.Select(Collections, Gen.Int[0, Latents - 1]).Sample((vectors, latent) =>
    {
        float[] less = [.. vectors[0]];
        less[latent] = 0;
        var index = new SparseIndex(Sparse(vectors));
        SearchResult without = index.Search(0, 5, new HashSet<int> { latent }), other = index.Search(Sparse([less]), 5, exclude: 0);
        Assert.Equal(other.Candidates, without.Candidates);
        Assert.Equal(other.Hits.Select(hit => (hit.Row, hit.Score)), without.Hits.Select(hit => (hit.Row, hit.Score)));
    });

    [Fact]
    public void Rows_of_a_latent_are_counted_and_come_largest_first()
    {
        var index = new SparseIndex(new SparseCodes(3, [0, 2, 3, 4, 6], [0, 2, 2, 2, 0, 2], [1, 0.5f, 2, 2, 0, -1]));
        Assert.Equal((4, 3), (index.Rows, index.Latents));
        Assert.Equal([1, 0, 4], Enumerable.Range(0, 3).Select(index.RowsWith));
        Assert.Equal([1, 2, 0, 3], index.Strongest(2, 9));
        Assert.Equal([1, 2], index.Strongest(2, 2));
        Assert.Empty(index.Strongest(1, 9));
    }

    [Fact]
    public void Equal_hits_come_in_the_order_of_their_rows_and_an_empty_query_finds_nothing()
    {
        var index = new SparseIndex(Sparse([[1, 0], [2, 0], [3, 0], [0, 0]]));
        Assert.Equal([0, 1, 2], index.Search(Sparse([[5, 0]]), 9).Hits.Select(hit => hit.Row));
        Assert.Equal([0, 2], index.Search(1, 9).Hits.Select(hit => hit.Row));
        Assert.Equal(0, index.Search(3, 9).Candidates);
        Assert.Empty(index.Search(Sparse([[0, 0]]), 9).Hits);
    }

    [Fact]
    public void What_cannot_be_compared_is_refused()
    {
        Assert.Contains("Row 1", Assert.Throws<ArgumentException>(() => new SparseIndex(Sparse([[1, 0], [float.NaN, 0]]))).Message,
            StringComparison.Ordinal);
        var index = new SparseIndex(Sparse([[1, 0], [0, 1]]));
        Assert.Contains("over 2 latents", Assert.Throws<ArgumentException>(() => index.Search(Sparse([[1, 0, 0]]), 1)).Message,
            StringComparison.Ordinal);
        Assert.Contains("has 2 over", Assert.Throws<ArgumentException>(() => index.Search(Sparse([[1, 0], [1, 0]]), 1)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => index.Search(2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => index.Search(0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => index.RowsWith(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => index.RowsWith(-1));
    }

    private static double Cosine(float[] a, float[] b) =>
        a.Zip(b, (x, y) => (double)x * y).Sum() / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(y => (double)y * y));

    private static SparseCodes Sparse(float[][] vectors)
    {
        int[][] active = [.. vectors.Select(vector => Enumerable.Range(0, vector.Length).Where(latent => vector[latent] != 0).ToArray())];
        long[] starts = [0, .. active.Select((_, row) => active.Take(row + 1).Sum(latents => (long)latents.Length))];
        return new SparseCodes(vectors[0].Length, starts, [.. active.SelectMany(latents => latents)],
            [.. active.SelectMany((latents, row) => latents.Select(latent => vectors[row][latent]))]);
    }
}
