using Unweave.Data;
using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Tests.Interpretation;

/// <summary>Labels of latents over vectors whose texts are single words that never repeat.</summary>
public class VectorLabelTests
{
    private const int Rows = 1500, Clusters = 5, Faint = 5;

    // Rows lie about one of five directions each; a sixth coordinate is a faint trace on rows at random.
    private static Matrix Vectors(Func<int, Rng, bool>? traced = null)
    {
        var x = new Matrix(Rows, Clusters + 1);
        var rng = new Rng(5);
        for (int row = 0; row < Rows; row++)
        {
            for (int i = 0; i < Clusters; i++) x[row, i] = -(float)rng.NextDouble() / 4;
            x[row, row % Clusters] = 1 + (float)rng.NextDouble();
            if (traced?.Invoke(row, rng) ?? rng.NextDouble() < 0.2) x[row, Faint] = 0.01f + (0.01f * (float)rng.NextDouble());
        }

        return x;
    }

    private static string Word(long row) => $"{(char)('a' + (row * 7 % 26))}{row * 7919 % 10007:x4}";

    [Fact]
    public void A_latent_of_rows_that_share_no_words_is_labeled_by_three_of_them_and_scored_by_what_they_share()
    {
        using Matrix x = Vectors();
        using var source = new MatrixSource(x);
        using var autoencoder = new CoordinateLatents(Clusters + 1);
        using FeatureStatistics statistics = FeatureStatistics.FromVectors(autoencoder, source, Word);
        (Feature Feature, FeatureLabel? Label)[] made = [.. statistics.Features()];
        string[][] words = [.. Enumerable.Range(0, Clusters).Select(cluster =>
            Enumerable.Range(0, Rows).Where(row => row % Clusters == cluster).Select(row => Word(row)).ToArray())];
        for (int cluster = 0; cluster < Clusters; cluster++)
        {
            FeatureLabel label = made[cluster].Label!;
            Assert.Equal("rows", label.Method);
            Assert.Matches("^like “[^”]+”, “[^”]+”, “[^”]+”$", label.Text);
            string[] named = [.. label.Text["like ".Length..].Split(", ").Select(word => word.Trim('“', '”'))];
            Assert.All(named, word => Assert.Contains(word, words[cluster], StringComparer.Ordinal));
            Assert.InRange(label.Detection, 0.95, 1);
            Assert.InRange(label.Coverage!.Value, 0.95, 1);
            Assert.True(double.IsNaN(label.Fuzzing));
            Assert.Equal(label.Text, Assert.Single(made[cluster].Feature.Patterns).Text);
        }

        // Rows that have nothing in common but a trace have no label that is better than a coin.
        Assert.True(made[Faint].Label is not { Detection: > 0.65 });
    }

    [Fact]
    public void Near_misses_are_rows_that_lie_near_where_no_words_are_shared()
    {
        // The trace is on a third of a cluster: the others of the cluster are the near misses, and no label can tell them.
        using Matrix x = Vectors((row, _) => row % (3 * Clusters) == 0);
        using var source = new MatrixSource(x);
        using var autoencoder = new CoordinateLatents(Clusters + 1);
        using FeatureStatistics statistics = FeatureStatistics.FromVectors(autoencoder, source, Word);
        (Feature feature, FeatureLabel? label) = statistics.Features().Last();
        Assert.InRange(feature.Contrasts.Count(text => text.Row % Clusters == 0), 20, 26);
        Assert.InRange(label!.Detection, 0.6, 0.85);
    }

    [Fact]
    public void Of_texts_of_one_word_a_kind_is_said_as_one()
    {
        using var folder = new TemporaryFolder();
        WordTopics topics = LabelTests.Topics(folder, "word\tnoun\tverb\tclass\tkind\n" + string.Concat(
            Enumerable.Range(0, Rows).Where(row => row % Clusters < 2).Select(row => $"{Word(row)}\t26\t\tn\t{2 - (row % Clusters)}\n")));
        using Matrix x = Vectors();
        using var source = new MatrixSource(x);
        using var autoencoder = new CoordinateLatents(Clusters + 1);
        using FeatureStatistics statistics = FeatureStatistics.FromVectors(autoencoder, source, Word, topics: topics);
        FeatureLabel label = statistics.Features().First().Label!;
        Assert.StartsWith("kinds of disease (", label.Text, StringComparison.Ordinal);
        Assert.InRange(label.Detection, 0.95, 1);
    }
}
