using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Tests.Catalog;

/// <summary>Each filter and order, against the same over lines in memory.</summary>
public sealed class FeatureQueryTests : IDisposable
{
    private const int Latents = 150;

    private readonly TemporaryFolder folder = new();
    private readonly FeatureCatalog catalog;
    private readonly IReadOnlyList<FeatureRow> all;

    public FeatureQueryTests()
    {
        FeatureCatalog.Build(folder.Path, MadeFeatures.Source(Latents),
            MadeFeatures.First(Latents)
                .Select(feature =>
                    (feature, (IReadOnlyList<FeatureLabel>)(MadeFeatures.Label(feature.Latent) is { } label ? [label] : []))));
        catalog = FeatureCatalog.Open(folder.Path);
        foreach (int latent in (int[])[5, 17, 18, 90]) catalog.SetStar(latent, true);
        foreach (int latent in (int[])[6, 17, 77]) catalog.AddToList("chosen", latent);
        catalog.SetLabel(20, "Zebra crossing");
        catalog.SetLabel(21, "aardvark");
        catalog.SetNote(22, "seen near a zebra");
        all = catalog.Rows([.. Enumerable.Range(0, Latents)]);
    }

    public void Dispose()
    {
        catalog.Dispose();
        folder.Dispose();
    }

    public static TheoryData<int> Filters => [.. Enumerable.Range(0, Conditions.Length)];

    private static (FeatureQuery Query, Func<FeatureRow, bool> Keep)[] Conditions =>
    [
        (new FeatureQuery(), _ => true),
        (new FeatureQuery { Kinds = [FeatureKind.Dead, FeatureKind.Token] }, row => row.Kind is FeatureKind.Dead or FeatureKind.Token),
        (new FeatureQuery { Kinds = [] }, _ => false),
        (new FeatureQuery { MinFrequency = 0.05, MaxFrequency = 0.1 }, row => row.Frequency is >= 0.05 and <= 0.1),
        (new FeatureQuery { MinScore = 0.8 }, row => row.Score >= 0.8),
        (new FeatureQuery { Labelled = true }, row => row.Label is not null),
        (new FeatureQuery { Labelled = false }, row => row.Label is null),
        (new FeatureQuery { Starred = true }, row => row.Starred),
        (new FeatureQuery { List = "chosen" }, row => row.Latent is 6 or 17 or 77),
        (new FeatureQuery { List = "none" }, _ => false),
        (new FeatureQuery { Text = "label" }, row => row.LabelMethod is "tokens" || row.Latent % 3 == 0),
        (new FeatureQuery { Text = "label", Kinds = [FeatureKind.Dense], MaxFrequency = 0.15 },
            row => row.Latent % 3 == 0 && row.Kind == FeatureKind.Dense && row.Frequency <= 0.15),
    ];

    [Theory]
    [MemberData(nameof(Filters))]
    public void Filters_keep_what_they_say(int filter)
    {
        (FeatureQuery query, Func<FeatureRow, bool> keep) = Conditions[filter];
        int[] expected = [.. all.Where(keep).Select(row => row.Latent)];
        foreach (FeatureOrder order in Enum.GetValues<FeatureOrder>())
        {
            foreach (bool descending in (bool[])[false, true])
            {
                FeatureQuery ordered = query with { Order = order, Descending = descending, Take = Latents };
                FeatureRows found = catalog.Find(ordered);
                Assert.Equal(expected.Length, found.Total);
                Assert.Equal(expected, found.Rows.Select(row => row.Latent).Order());
                Walk(ordered, [.. found.Rows.Select(row => row.Latent)]);
            }
        }
    }

    [Fact]
    public void Orders_sort_with_those_without_a_value_last()
    {
        Check(FeatureOrder.Latent, row => row.Latent, _ => true);
        Check(FeatureOrder.Frequency, row => row.Frequency, _ => true);
        Check(FeatureOrder.Max, row => row.Max, _ => true);
        Check(FeatureOrder.Score, row => row.Score, row => row.Score is not null);
        Check(FeatureOrder.Label, row => row.Label?.ToUpperInvariant(), row => row.Label is not null, StringComparer.Ordinal);

        void Check<T>(FeatureOrder order, Func<FeatureRow, T> key, Func<FeatureRow, bool> has, IComparer<T>? comparer = null)
        {
            var query = new FeatureQuery { Order = order, Take = Latents };
            Assert.Equal(all.OrderBy(row => !has(row)).ThenBy(key, comparer).ThenBy(row => row.Latent), catalog.Find(query).Rows);
            Assert.Equal(all.OrderBy(row => !has(row)).ThenByDescending(key, comparer).ThenByDescending(row => row.Latent),
                catalog.Find(query with { Descending = true }).Rows);
        }
    }

    [Fact]
    public void What_is_of_interest_comes_first_where_nothing_else_is_asked()
    {
        double Interest(FeatureRow row) => (row.Score ?? 0) * MadeFeatures.Of(row.Latent).Interest;
        foreach (FeatureOrder order in (FeatureOrder[])[FeatureOrder.Relevance, FeatureOrder.Interest])
        {
            var query = new FeatureQuery { Order = order, Take = Latents };
            Assert.Equal(all.OrderByDescending(Interest).ThenBy(row => row.Latent), catalog.Find(query).Rows);
            Assert.Equal(all.OrderBy(Interest).ThenByDescending(row => row.Latent), catalog.Find(query with { Descending = true }).Rows);
        }

        Assert.True(Interest(catalog.Find(new FeatureQuery()).Rows[0]) > 0);

        // Dense and dead latents are of none, and a latent of one common token of little.
        Feature content = MadeFeatures.Of(0) with
        {
            Tokens = [new(1, " treaty", 5, 0.4), new(2, " nations", 5, 0.3), new(3, " the", 5, 0.3)],
        };
        Assert.Equal(0.7 * 0.6, content.Interest, 1e-12);
        Assert.Equal(0, (content with { Kind = FeatureKind.Dense }).Interest);
        Assert.Equal(0, (content with { Tokens = [new(3, " the", 5, 0.9), new(4, ",", 5, 0.1)] }).Interest);
        Assert.Equal(1, (content with { Tokens = [] }).Interest);
    }

    [Fact]
    public void Pages_make_up_the_whole()
    {
        var query = new FeatureQuery { Order = FeatureOrder.Score, Descending = true, Take = 7 };
        var paged = new List<FeatureRow>();
        for (int skip = 0; skip < Latents + 7; skip += 7)
        {
            FeatureRows page = catalog.Find(query with { Skip = skip });
            Assert.Equal(Latents, page.Total);
            paged.AddRange(page.Rows);
        }

        Assert.Equal(catalog.Find(query with { Take = Latents }).Rows, paged);
        Assert.Equal((Latents, 0), (catalog.Find(query with { Take = 0 }).Total, catalog.Find(query with { Take = 0 }).Rows.Count));
        Assert.Throws<ArgumentOutOfRangeException>(() => catalog.Find(query with { Skip = -1 }));
        Assert.Throws<ArgumentException>(() => catalog.Find(query with { MinScore = double.NaN }));
    }

    [Fact]
    public void Searches_find_whole_words_where_a_latent_is_named_or_fires()
    {
        Assert.Equal([20, 22], Found("zebra"));
        Assert.Equal([20], Found("ZEBRA crossing"));
        Assert.Empty(Found("ZEBRA cross"));
        Assert.Equal([20], Found("zebra cross*"));
        Assert.Equal([20], Found("zeb* crossing"));
        Assert.Equal([22], Found("near zeb*"));
        Assert.Equal([103], Found(MadeFeatures.Word(103)));
        // Words of one latent in different places: its own label and the words that it fires on.
        Assert.Equal([21], Found($"aardvark {MadeFeatures.Word(21)}"));
        Assert.Equal([FeatureMatch.OwnLabel, FeatureMatch.Note], Rows("zebra").Select(row => row.Match));
        Assert.Equal([FeatureMatch.Fires], Rows(MadeFeatures.Word(103)).Select(row => row.Match));
        Assert.Equal(FeatureMatch.Label, Rows("label")[0].Match);
        Assert.Equal([FeatureMatch.None], Rows("7").Select(row => row.Match));

        IReadOnlyList<FeatureRow> Rows(string text) => catalog.Find(new FeatureQuery { Text = text }).Rows;
    }

    [Fact]
    public void A_word_that_a_latent_often_fires_on_ranks_it_before_one_that_fires_on_it_once()
    {
        using var other = new TemporaryFolder();
        FeatureExample Firing(int row, string word) => new($"document {row}", row, 0, ["the", $" {word}", " ended"], [0, 2, 0], 1);
        Feature With(int latent, int times) => MadeFeatures.Of(latent) with
        {
            Top = [.. Enumerable.Range(0, 6).Select(row => Firing(row, row < times ? "harpoon" : "treaty"))],
            Quantiles = [],
        };
        FeatureCatalog.Build(other.Path, MadeFeatures.Source(3), [With(0, 1), With(1, 5), With(2, 3)]);
        using FeatureCatalog found = FeatureCatalog.Open(other.Path);
        Assert.Equal([1, 2, 0], found.Find(new FeatureQuery { Text = "harpoon" }).Rows.Select(row => row.Latent));
        Assert.Equal([0, 2, 1], found.Find(new FeatureQuery { Text = "treaty" }).Rows.Select(row => row.Latent));
    }

    [Fact]
    public void Words_of_examples_on_which_a_latent_does_not_fire_are_found_only_when_asked_for()
    {
        int[] firing = All(inExamples: false), anywhere = All(inExamples: true);
        Assert.Equal(Latents, anywhere.Length);
        Assert.InRange(firing.Length, 1, Latents - 1);
        Assert.All(firing, latent => Assert.Contains(
            MadeFeatures.Of(latent).Top.Concat(MadeFeatures.Of(latent).Quantiles.SelectMany(group => group.Examples)),
            example => example.Pieces[example.Peak] is " with"));
        // Those that fire on it come first.
        Assert.Equal(firing.Order(), anywhere.Take(firing.Length).Order());
        FeatureRow last = catalog.Find(new FeatureQuery { Text = "with", InExamples = true, Take = Latents }).Rows[^1];
        Assert.Equal(FeatureMatch.Examples, last.Match);

        int[] All(bool inExamples) =>
            [.. catalog.Find(new FeatureQuery { Text = "with", InExamples = inExamples, Take = Latents }).Rows.Select(row => row.Latent)];
    }

    [Fact]
    public void A_number_also_finds_the_latent_of_it_first()
    {
        catalog.SetLabel(30, "version 21");
        Assert.Equal([21, 30], Found("21"));
        Assert.Equal([21, 30], Found(" #21"));
        catalog.SetLabel(21, "blackjack 21");
        Assert.Equal([21, 30], Found("21"));
        Assert.Equal([7], Found("7"));
        Assert.Empty(Found("9999999999999"));
        Walk(new FeatureQuery { Text = "21" }, [21, 30]);
    }

    [Fact]
    public void A_word_in_a_label_counts_more_than_one_in_examples()
    {
        string word = MadeFeatures.Word(40); // nine times in the examples of 40
        catalog.SetLabel(41, $"about {word}");
        catalog.SetNote(42, $"not {word}");
        Assert.Equal([41, 42, 40], Found(word));
        Assert.Equal([40, 42, 41], catalog.Find(new FeatureQuery { Text = word, Descending = true }).Rows.Select(row => row.Latent));
    }

    [Fact]
    public void Other_scripts_are_found()
    {
        catalog.SetLabel(1, "新聞の見出し");
        catalog.SetLabel(2, "Überschrift der Zeitung");
        catalog.SetLabel(4, "聞新");
        Assert.Equal([1], Found("新聞"));
        Assert.Equal([1], Found("見出"));
        Assert.Equal([2], Found("uberschrift zeit*"));
    }

    [Fact]
    public void No_text_is_syntax()
    {
        string[] hostile =
        [
            "\"", "\"\"\"", "'", "*", "a*", "AND", "OR", "NOT", "NEAR", "NEAR(a b, 5)", "label:", "label : zebra", "{own label}: x",
            "^zebra", "zebra OR", "-zebra", "(zebra", "zebra)", "\\", "%", "_",
            "\0", "zebra\0OR", "zebra\u0001", "\ud800", "\udc00zebra", "\u202e", "a\"b", "co-operate", "a.b.c", "!!! ???", "😀", "é",
            new string('a', 1_000_000), string.Concat(Enumerable.Repeat("ab ", 400_000)), new string('"', 100_000), "#", "-1", "+1", "1e3",
            "\u0661",
        ];
        foreach (string text in hostile) Try(text);
        Assert.Equal([20, 22], Found("zebra\0"));
        Assert.Equal([20, 22], Found("\"zebra"));
        Assert.Equal([20, 22], Found("!!! zebra ???"));
        Assert.Equal([20], Found("zebra-crossing"));

        var rng = new Rng(11);
        const string Alphabet = "ab \"'*()^:+-{}.,\0\u0001\n\\zebra~NEAROD\ud83d\ude00\ud800é新";
        for (int round = 0; round < 3000; round++)
        {
            string text = string.Concat(
                Enumerable.Range(0, 1 + (int)(rng.NextBits() % 24)).Select(_ => Alphabet[(int)(rng.NextBits() % (ulong)Alphabet.Length)]));
            Try(text);
        }

        void Try(string text)
        {
            FeatureRows found = catalog.Find(new FeatureQuery { Text = text, Take = 3 });
            Assert.InRange(found.Total, 0, Latents);
        }
    }

    [Fact]
    public void What_is_not_found_has_neighbors_in_the_order_all_the_same()
    {
        var query = new FeatureQuery { Starred = true, Order = FeatureOrder.Latent };
        Assert.Equal(17, catalog.Next(query, 10));
        Assert.Equal(5, catalog.Next(query, 10, backwards: true));
        Assert.Null(catalog.Next(query, 100));
        Assert.Null(catalog.Next(query, Latents + 5));
    }

    private IEnumerable<int> Found(string text) => catalog.Find(new FeatureQuery { Text = text }).Rows.Select(row => row.Latent);

    /// <summary>Next and previous go through the lines in their order.</summary>
    private void Walk(FeatureQuery query, int[] order)
    {
        for (int i = 0; i < order.Length; i += order.Length < 20 ? 1 : 7)
        {
            Assert.Equal(i + 1 < order.Length ? order[i + 1] : null, catalog.Next(query, order[i]));
            Assert.Equal(i > 0 ? order[i - 1] : null, catalog.Next(query, order[i], backwards: true));
        }
    }
}
