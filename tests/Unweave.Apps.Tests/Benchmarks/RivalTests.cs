using Cloud.Unum.USearch;
using CsCheck;
using Unweave.Benchmarks.Search;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Apps.Tests.Benchmarks;

/// <summary>Rivals are measured fairly only if they find what they are known to find.</summary>
public sealed class RivalTests : IDisposable
{
    private readonly SearchSet set = SearchSet.Make(count: 3_000, width: 96, queries: 60, seed: 5);

    public void Dispose() => set.Dispose();

    [Fact]
    public void Exact_answers_are_the_rows_of_largest_product()
    {
        for (int query = 0; query < set.Queries.Rows; query++)
        {
            double[] products = [.. Enumerable.Range(0, set.Rows.Rows).Select(row => Product(set.Rows.Row(row), set.Queries.Row(query)))];
            int[] expected = [.. Enumerable.Range(0, set.Rows.Rows).OrderByDescending(row => products[row]).Take(SearchSet.Known)];
            Assert.Equal(expected, set.Exact[query]);
        }
    }

    [Fact]
    public void Scans_and_quantizers_find_what_they_should()
    {
        Assert.Equal(1, Recall(new FloatScan()).Recall10);
        Assert.InRange(Recall(new ByteScan()).Recall10, 0.95, 1);
        double fewer = Recall(new ProductQuantizer(16, optimized: false)).Recall10;
        double more = Recall(new ProductQuantizer(32, optimized: false)).Recall10;
        double rotated = Recall(new ProductQuantizer(16, optimized: true)).Recall10;
        Assert.InRange(more, fewer + 0.05, 1);
        Assert.InRange(rotated, fewer + 0.01, 1);
        double small = Recall(new PcaScan(16)).Recall10, large = Recall(new PcaScan(64)).Recall10, whole = Recall(new PcaScan(96)).Recall10;
        Assert.InRange(large, small + 0.05, 1);
        Assert.InRange(whole, 0.93, 1);
    }

    // The scores of rotated rows' signs, by plain arithmetic on the query in 16 steps.
    [Fact]
    public void Sign_bits_are_counted_as_plain_sums()
    {
        using var rival = new SignBits(seed: 3);
        using var rotation = Rotation.Random(96, 3);
        rival.Build(set);
        float[] row = new float[96], query = new float[96];
        int[] found = new int[200];
        for (int i = 0; i < 20; i++)
        {
            rotation.Apply(set.Queries.Row(i), query);
            float low = query.Min(), step = (query.Max() - low) / 15;
            double[] scores = new double[set.Rows.Rows];
            for (int r = 0; r < scores.Length; r++)
            {
                rotation.Apply(set.Rows.Row(r), row);
                for (int j = 0; j < row.Length; j++)
                    if (row[j] > 0) scores[r] += low + (step * Math.Round((query[j] - low) / step));
            }

            Assert.Equal(200, rival.Search(i, 0, found));
            double[] expected = [.. scores.OrderDescending().Take(200)];
            Assert.All(found.Zip(expected), pair => Assert.Equal(pair.Second, scores[pair.First], 1e-3));
        }

        Assert.Equal([16, 112], Enumerable.Range(0, 2).Select(rival.BytesPerRow));
    }

    [Fact]
    public void A_graph_finds_more_with_longer_lists()
    {
        using var rival = new Hnsw(ScalarKind.Float32);
        IReadOnlyList<SearchFigures> figures = SearchBenchmark.Run(set, [rival], _ => { });
        Assert.InRange(figures[0].Recall10, 0.3, 0.97);
        Assert.InRange(figures[^1].Recall10, figures[0].Recall10 + 0.03, 1);
        Assert.InRange(figures[^1].Recall10, 0.97, 1);
        Assert.Null(figures[0].Within100);
        Assert.NotNull(figures[^1].Within200);
    }

    [Fact]
    public void Words_find_the_texts_that_have_them()
    {
        using var folder = new Workplace();
        using var vectors = new Matrix(6, 2);
        for (int i = 0; i < 6; i++) vectors[i, 0] = 1 + i;
        NpyWriter.Write(folder["v.npy"], vectors);
        File.WriteAllLines(folder["t.txt"], ["red wings", "blue wing", "a red red car", "nothing of it", "car", "the sea"]);
        NpyWriter.Write(folder["q.npy"], [1f, 1f]);
        using var query = new Matrix(1, 2, [1, 1]);
        NpyWriter.Write(folder["q.npy"], query);
        File.WriteAllLines(folder["q.txt"], ["Red cars"]);
        using SearchSet spoken = SearchSet.Read(new(folder["v.npy"], folder["t.txt"]), new(folder["q.npy"], folder["q.txt"]), most: 1);
        using var rival = new WordScan();
        rival.Build(spoken);
        int[] found = new int[5];
        Assert.Equal(3, rival.Search(0, 0, found));
        Assert.Equal([2, 4, 0], found[..3]);
    }

    [Fact]
    public void Products_are_those_of_plain_sums() =>
        Gen.Select(Gen.SByte[-127, 127].Array[96], Gen.SByte[-127, 127].Array[96], Gen.Int[0, 3]).Sample((a, b, shorter) =>
        {
            int width = 96 - (32 * Math.Min(shorter, 2));
            Assert.Equal(Enumerable.Range(0, width).Sum(i => a[i] * b[i]), Dots.Int8(ref a[0], ref b[0], width));
            float[] left = [.. a.Skip(shorter).Select(each => each / 8f)], right = [.. b.Skip(shorter).Select(each => each / 8f)];
            Assert.Equal(left.Zip(right, (x, y) => (double)x * y).Sum(), Dots.Float(left, right), 1e-2);
            float[] sum = [.. right];
            Dots.Add(left, 0.5f, sum);
            Assert.Equal(right.Zip(left, (y, x) => y + (x / 2)), sum);
        });

    [Fact]
    public void The_best_are_kept_in_order() => Gen.Select(Gen.Int[0, 9].Array[0, 60], Gen.Int[0, 12]).Sample((scores, count) =>
    {
        var best = new Best();
        best.Clear(count);
        for (int row = 0; row < scores.Length; row++)
            if (scores[row] > best.Threshold) best.Offer(scores[row], row);
        int[] found = new int[count];
        Assert.Equal(Enumerable.Range(0, scores.Length).OrderByDescending(row => scores[row]).ThenBy(row => row).Take(count),
            found[..best.Take(found)]);
    });

    [Fact]
    public void The_nearest_rotation_of_a_rotated_stretch_is_the_rotation()
    {
        using var rotation = Rotation.Random(24, 1);
        using var stretched = new Matrix(24, 24);
        float[] one = new float[24];
        for (int j = 0; j < 24; j++)
        {
            Array.Clear(one);
            one[j] = 1 + (j * 0.2f);
            rotation.Apply(one, stretched.Row(j));
        }

        using var nearest = Rotation.Nearest(stretched);
        float[] vector = [.. Enumerable.Range(0, 24).Select(i => i - 7f)], a = new float[24], b = new float[24];
        rotation.Apply(vector, a);
        nearest.Apply(vector, b);
        Assert.Equal(a, b, (x, y) => Math.Abs(x - y) < 1e-3);
    }

    // Noise of a tenth of a vector's length: nearest to a vector are its own copies, all of length 1.
    [Fact]
    public void Copies_lie_beside_their_vectors()
    {
        using SearchSet more = set.Copied(3, 1);
        Assert.Equal(3 * set.Rows.Rows, more.Rows.Rows);
        for (int row = 0; row < set.Rows.Rows; row += 97)
        {
            Assert.Equal(set.Rows.Row(row).ToArray(), more.Rows.Row(row).ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
            ReadOnlySpan<float> copy = more.Rows.Row(row + (2 * set.Rows.Rows));
            Assert.Equal(1, Product(copy, copy), 1e-5);
            Assert.InRange(Product(copy, set.Rows.Row(row)), 0.98, 0.999);
        }

        Assert.Same(set, set.Copied(1, 1));
    }

    [Fact]
    public void Figures_are_drawn()
    {
        using var folder = new Workplace();
        SearchFigures[] figures = [new("a", "", 0.9, 1, 1, 100, 1, 2, (1, 2), 48, 1), new("b", "ef 1", 0.5, null, null, 10, 10, 20,
            null, 400, 1)];
        Assert.All(SearchPlots.Write(figures, folder["plots"]), file => Assert.True(new FileInfo(file).Length > 5_000));
    }

    private SearchFigures Recall(Rival rival) => Assert.Single(SearchBenchmark.Run(set, [rival], _ => { }));

    private static double Product(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
        return sum;
    }
}
