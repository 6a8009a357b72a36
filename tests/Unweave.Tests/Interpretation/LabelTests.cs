using System.IO.Compression;
using System.Text;
using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Tests.Interpretation;

/// <summary>Labels of latents that are about something known, and of latents that are about nothing.</summary>
public sealed class LabelTests(LabelTests.Corpus corpus) : IClassFixture<LabelTests.Corpus>
{
    private const int Whale = 0, AfterNot = 1, Numbers = 2, Endings = 3, BAfterA = 4, BAnywhere = 5, Pairs = 6, Capitals = 7,
        FirstRandom = 8, Latents = 58, Context = 64;

    [Theory]
    [InlineData(Whale, "“whale”", "tokens")]
    [InlineData(AfterNot, "after “not”", "context")]
    [InlineData(Numbers, "numbers", "tokens")]
    [InlineData(Endings, "words ending in -ing", "tokens")]
    [InlineData(BAfterA, "“united states”", "context")]
    [InlineData(BAnywhere, "“states”", "tokens")]
    [InlineData(Pairs, "“sperm”", "tokens")]
    [InlineData(Capitals, "capitalized words", "tokens")]
    public void A_planted_latent_is_labelled_with_what_was_planted(int latent, string says, string method)
    {
        (Feature feature, FeatureLabel? label) = corpus.Features[latent];
        Assert.NotNull(label);
        Assert.Contains(says, label.Text, StringComparison.Ordinal);
        Assert.Equal(method, label.Method);
        Assert.True(label.Detection > 0.9 && label.AboveChance, $"{label}");
        Assert.True(label.Fuzzing > 0.9, $"{label}");
        Assert.Contains(feature.Patterns,
            pattern =>
                pattern.Text.Contains(says.Trim('“', '”'), StringComparison.Ordinal) && pattern.Recall > 0.3 && pattern.FalseAlarms < 0.1);
        if (latent == Pairs) Assert.Contains("“harpoon”", label.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_names_whole_words_however_they_are_cut()
    {
        // Words of two pieces; the latent fires on the second, and the label says the whole word, or what several of them share.
        string[] words = [" ob serve", " ob ject", " ob tain", " ob lige", " mo use"];
        string[] pieces = [.. words.SelectMany(word => word.Trim().Split(' ').Select((piece, i) => i == 0 ? " " + piece : piece))];
        string[][] texts = [.. Corpus.Texts(3, words).Select(text => text.SelectMany(word =>
            words.Contains(word, StringComparer.Ordinal)
            ? word.Trim().Split(' ').Select((piece, i) => i == 0 ? " " + piece : piece)
            : [word]).ToArray())];
        using var planted = new Planted(texts, Context, 2, (text, at, row, latent) =>
            at > 0 && string.Equals(text[at - 1], latent == 0 ? " mo" : " ob", StringComparison.Ordinal)
                && pieces.Contains(text[at], StringComparer.Ordinal) ? 2 : 0);
        (_, FeatureLabel? one) = planted.Features()[0];
        Assert.Equal("“mouse”", one!.Text);
        (_, FeatureLabel? several) = planted.Features()[1];
        Assert.StartsWith("words beginning with ob- (", several!.Text, StringComparison.Ordinal);
        Assert.True(several.Detection > 0.9 && several.Coverage > 0.9, $"{several}");
    }

    [Fact]
    public void A_label_has_three_patterns_at_most_and_says_how_many_more_there_are()
    {
        string[] five = [" whale", " sperm", " harpoon", " states", " Boston"];
        using var planted = new Planted(Corpus.Texts(4, five), Context, 1,
            (text, at, row, _) => five.Contains(text[at], StringComparer.Ordinal) ? 3 : 0);
        (Feature feature, FeatureLabel? label) = planted.Features()[0];
        Assert.Equal(3, label!.Text.Split('“').Length - 1);
        Assert.Matches(@", \+ 2 more \([0-9]+%\)$", label.Text);
        Assert.Equal(5, feature.Patterns.Count);

        // The score is that of the three that are shown: about three fifths of the texts have one of them.
        Assert.InRange(label.Coverage!.Value, 0.4, 0.8);
        Assert.InRange(label.Detection, 0.7, 0.99);
        // Its three top tokens are such a label too.
        Assert.InRange(label.Baseline!.Value, 0.7, 0.99);
    }

    [Fact]
    public void Forms_of_a_word_and_classes_of_words_are_said_as_such()
    {
        using var folder = new TemporaryFolder();
        WordTopics topics = Topics(folder, "word\tnoun\tverb\nobserve\t\t31\n");
        string[] forms = [" observe", " observed", " observing", " observes"];
        string[] prepositions = [" of", " with", " under", " toward", " into"];
        using var planted = new Planted(Corpus.Texts(6, [.. forms, .. prepositions, " zebra"]), Context, 2, (text, at, row, latent) =>
            (latent == 0 ? forms : prepositions).Contains(text[at], StringComparer.Ordinal) ? 2 : 0);
        Assert.Equal("forms of “observe”", planted.Features(topics: topics)[0].Label!.Text);
        Assert.Equal("prepositions", planted.Features(topics: topics)[1].Label!.Text);
    }

    [Fact]
    public void Latents_that_fire_at_random_score_as_a_coin_does()
    {
        (Feature Feature, FeatureLabel? Label)[] random = corpus.Features[FirstRandom..];
        double[] scores = [.. random.Where(made => made.Label is not null).Select(made => made.Label!.Detection)];
        Assert.True(scores.Length > 30, $"{scores.Length}");

        // Were a text used twice, for making labels and for scoring them, these would be far above a half.
        Assert.InRange(scores.Average(), 0.47, 0.53);

        // A rejected label is one in twenty by luck; a quarter would be a leak.
        Assert.InRange(random.Count(made => made.Label is { AboveChance: true }), 0, random.Length / 5);
    }

    [Fact]
    public void No_label_is_scored_on_what_it_was_made_from()
    {
        foreach ((Feature feature, FeatureLabel? label) in corpus.Features)
        {
            FeatureExample[] made = [.. feature.ForLabels()], scored = [.. feature.ForScores()];
            Assert.Empty(made.Select(example => Window((int)example.Row)).Intersect(scored.Select(example => Window((int)example.Row))));
            Assert.Equal(made.Length, made.DistinctBy(example => example.Row).Count());

            // All that was kept is used for one or the other, but for examples at the top that scores are made on.
            Assert.Equal(feature.Top.Concat(feature.Quantiles.SelectMany(group => group.Examples)).Select(example =>
                example.Row).Distinct().Order(), made.Concat(scored).Select(example => example.Row).Order());
            if (label is not null) Assert.Equal(scored.Length + feature.Contrasts.Count, label.Examples);
        }
    }

    [Fact]
    public void Contrasts_are_texts_on_which_the_latent_is_silent_and_half_are_near_misses()
    {
        foreach ((Feature feature, _) in corpus.Features)
        {
            Assert.Equal(40, feature.Contrasts.Count);
            Assert.Equal(40, feature.Contrasts.DistinctBy(example => example.Row - example.Peak).Count());
            foreach (FeatureExample contrast in feature.Contrasts)
            {
                for (int i = 0; i < contrast.Pieces.Count; i++)
                {
                    PlantedRow row = corpus.Planted.Rows[(int)contrast.Row - contrast.Peak + i];
                    Assert.Equal((row.Document, row.Word), (contrast.Document, contrast.Pieces[i]));
                    Assert.True(row.X[feature.Latent] <= 0);
                }

                Assert.All(contrast.Activations, activation => Assert.Equal(0, activation));
            }
        }

        // The word that the latent fires on after another stands in the texts that nearly are it, and first in them where they are shown.
        Feature united = corpus.Features[BAfterA].Feature;
        Assert.All(united.Contrasts.Skip(20), contrast => Assert.Equal(" states", contrast.Pieces[contrast.Peak]));
    }

    [Fact]
    public void A_graph_grows_back_to_the_token_that_makes_the_latent_fire()
    {
        NGramNode after = Assert.Single(corpus.Features[BAfterA].Feature.Graph);
        Assert.Equal(" states", after.Text);
        NGramNode before = Assert.Single(after.Before);
        Assert.Equal(" united", before.Text);
        Assert.Empty(before.Before);
        Assert.Equal((after.Count, after.Activation), (before.Count, before.Activation));
        NGramNode anywhere = Assert.Single(corpus.Features[BAnywhere].Feature.Graph);
        Assert.Equal(" states", anywhere.Text);
        Assert.Empty(anywhere.Before);
        Assert.Equal(3, anywhere.Activation, 1e-6);
        Assert.Equal([" harpoon", " sperm"], corpus.Features[Pairs].Feature.Graph.Select(node => node.Text).Order(StringComparer.Ordinal),
            StringComparer.Ordinal);
        Assert.All(corpus.Features[Pairs].Feature.Graph, node => Assert.Empty(node.Before));
    }

    [Fact]
    public void A_label_says_the_topic_of_words_where_topics_are_known()
    {
        using var folder = new TemporaryFolder();
        WordTopics topics = Topics(folder,
            "word\tnoun\tverb\ncat\t5\t\ndog\t5\t\nhorse\t5\t\nfox\t5\t\nbaby\t18\t\nrun\t11\t38\nplan\t9\t31\n");
        string[] animals = [" cat", " cats", " dog", " dogs", " horses", " foxes"];
        using var planted = new Planted(Corpus.Texts(11, animals), Context, 1,
            (text, at, _, _) => animals.Contains(text[at], StringComparer.Ordinal) ? 2 : 0);
        (Feature feature, FeatureLabel? label) = planted.Features(topics: topics)[0];
        Assert.StartsWith("words for animals (", label!.Text, StringComparison.Ordinal);
        Assert.Equal("topic", label.Method);
        Assert.True(label.Detection > 0.9 && feature.Patterns[0].Recall > 0.95);

        // Without the topics its label has to name the words.
        Assert.Contains("“cat”", planted.Features()[0].Label!.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Inflected_words_have_the_topics_of_their_lemmas()
    {
        using var folder = new TemporaryFolder();
        WordTopics topics = Topics(folder,
            "word\tnoun\tverb\ncat\t5\t\nfox\t5\t\nbaby\t18\t\nrun\t11\t38\nplan\t9\t31\nhope\t12\t37\nwoman\t18\t\nthing\t3\t42\n");
        foreach ((string word, int noun) in ((string, int)[])[("cat", 5), ("cats", 5), ("foxes", 5), ("babies", 18), ("running", 11),
            ("planned", 9), ("hoping", 12), ("hoped", 12), ("women", 18), ("dragon", 0), ("s", 0), ("", 0)])
            Assert.Equal(noun, topics.Find(word).Noun);
        Assert.Equal(38, topics.Find("runs").Verb);
        Assert.Equal((0, 0), topics.Find("things")); // too general to say anything
        Assert.Equal((0, 0), WordTopics.None.Find("cat"));
    }

    [Fact]
    public void A_label_says_what_kind_of_thing_words_name_as_narrowly_as_it_holds()
    {
        using var folder = new TemporaryFolder();
        WordTopics topics = Topics(folder, "word\tnoun\tverb\tclass\tkind\n" + string.Concat(
            ((string[])["gout", "mumps", "rabies", "scurvy"]).Select(word => $"{word}\t26\t\tn\t2\n")
            .Concat(((string[])["poverty", "wealth"]).Select(word => $"{word}\t26\t\tn\t1\n"))));
        Assert.Equal([2, 1], topics.Kinds("rabies"));
        Assert.Equal("disease", topics.KindName(2));
        string[] diseases = [" gout", " mumps", " rabies", " scurvy"], states = [.. diseases, " poverty", " wealth"];
        using var planted = new Planted(Corpus.Texts(12, states), Context, 2, (text, at, _, latent) =>
            (latent == 0 ? diseases : states).Contains(text[at], StringComparer.Ordinal) ? 2 : 0);
        (Feature, FeatureLabel? Label)[] made = planted.Features(topics: topics);
        Assert.StartsWith("kinds of disease (", made[0].Label!.Text, StringComparison.Ordinal);
        Assert.StartsWith("words for states (", made[1].Label!.Text, StringComparison.Ordinal);
        Assert.All(made, one => Assert.True(one.Label!.Detection > 0.9));
    }

    [Fact]
    public void A_label_says_the_part_of_speech_of_words_by_their_forms()
    {
        using var folder = new TemporaryFolder();
        WordTopics topics = Topics(folder, "word\tnoun\tverb\tclass\tkind\ncall\t10\t32\tv\t\nhope\t12\t37\tv\t\nking\t18\t\tn\t\n"
            + "man\t18\t\tn\t\nquick\t\t\ta\t\nmake\t\t36\tv\t\nplan\t9\t31\tn\t\nsoon\t\t\tr\t\n");
        foreach ((string word, WordClass expected) in ((string, WordClass)[])[("call", WordClass.Verb), ("calls", WordClass.Verb),
            ("called", WordClass.PastForm), ("made", WordClass.PastForm), ("hoping", WordClass.IngForm), ("planning", WordClass.IngForm),
            ("king", WordClass.Noun), ("kings", WordClass.PluralNoun), ("men", WordClass.PluralNoun), ("quick", WordClass.Adjective),
            ("soon", WordClass.Adverb), ("zebra", WordClass.None)])
            Assert.Equal(expected, topics.Class(word));
        string[] past = [" called", " hoped", " planned", " made"];
        using var planted = new Planted(Corpus.Texts(13, past), Context, 1,
            (text, at, _, _) => past.Contains(text[at], StringComparer.Ordinal) ? 2 : 0);
        Assert.Equal("past forms", planted.Features(topics: topics)[0].Label!.Text);
    }

    [Fact]
    public void A_damaged_table_of_kinds_is_refused()
    {
        using var folder = new TemporaryFolder();
        foreach ((string kinds, string expected) in ((string, string)[])[("kind\n", "heading"), ("kind\tin\na\t2\nb\t1\n", "within itself"),
            ("kind\tin\na\t3\n", "'3' is no topic"), ("kind\tin\na\n", "does not have 2 columns")])
        {
            InputException refused = Assert.Throws<InputException>(() => Topics(folder, "word\tnoun\tverb\tclass\tkind\n", kinds));
            Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
            Assert.Contains("kinds.tsv.gz", refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("noun\tverb\n", "heading")]
    [InlineData("word\tnoun\tverb\ncat\t5\n", "does not have 3 columns")]
    [InlineData("word\tnoun\tverb\tclass\tkind\ncat\t5\t\tn\n", "does not have 5 columns")]
    [InlineData("word\tnoun\tverb\tclass\tkind\ncat\t5\t\tx\t1\n", "'x' is no part of speech")]
    [InlineData("word\tnoun\tverb\tclass\tkind\ncat\t5\t\tn\t9\n", "'9' is no topic")]
    [InlineData("word\tnoun\tverb\ncat\t45\t\n", "'45' is no topic")]
    [InlineData("word\tnoun\tverb\ncat\t-1\t\n", "'-1' is no topic")]
    [InlineData("", "heading")]
    public void A_damaged_table_of_topics_is_refused(string text, string expected)
    {
        using var folder = new TemporaryFolder();
        InputException refused = Assert.Throws<InputException>(() => Topics(folder, text));
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.Contains("topics.gz", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_that_is_missing_or_cut_or_not_compressed_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("missing", Assert.Throws<InputException>(() => WordTopics.Open(folder["nowhere.gz"])).Message,
            StringComparison.Ordinal);
        File.WriteAllText(folder["plain.gz"], "word\tnoun\tverb\n");
        Assert.Contains("damaged", Assert.Throws<InputException>(() => WordTopics.Open(folder["plain.gz"])).Message,
            StringComparison.Ordinal);
        var rng = new Rng(1);
        Topics(folder, "word\tnoun\tverb\n" + string.Concat(Enumerable.Range(0, 3000).Select(i => $"w{rng.NextBits():x}\t{i % 43}\t\n")));
        byte[] whole = File.ReadAllBytes(folder["topics.gz"]);
        foreach (int length in (int[])[5, 200, whole.Length / 2, whole.Length - 9, whole.Length - 4])
        {
            File.WriteAllBytes(folder["cut.gz"], whole[..length]);
            Assert.Contains("damaged", Assert.Throws<InputException>(() => WordTopics.Open(folder["cut.gz"])).Message,
                StringComparison.Ordinal);
        }

        File.WriteAllBytes(folder["empty.gz"], []);
        Assert.Throws<InputException>(() => WordTopics.Open(folder["empty.gz"]));
    }

    internal static WordTopics Topics(TemporaryFolder folder, string text, string kinds = "kind\tin\nstate\t\ndisease\t1\n")
    {
        foreach ((string name, string content) in ((string, string)[])[("topics.gz", text), ("kinds.tsv.gz", kinds)])
        {
            using var writer = new GZipStream(File.Create(folder[name]), CompressionLevel.Fastest);
            writer.Write(Encoding.UTF8.GetBytes(content));
        }

        return WordTopics.Open(folder["topics.gz"]);
    }

    private (int, int) Window(int row) => (corpus.Planted.Rows[row].Number, corpus.Planted.Rows[row].Window);

    /// <summary>Texts of random words, and latents that fire on what their names say.</summary>
    public sealed class Corpus : IDisposable
    {
        private static readonly string[] Endings = [.. "bdfghklmnprstvwz".Select(letter => $" {letter}o{letter}{letter}ing")];

        public Corpus()
        {
            string[] words =
            [
                " whale", " not", " states", " states", " states", " sperm", " harpoon", " 12", " 7", " 1851", " 40", " Ahab", " Boston",
                " Starbuck", " Peter", .. Endings,
            ];
            Planted = new Planted(Texts(1, words), Context, Latents, Activation);
            Features = Planted.Features(new FeatureStatisticsOptions { Seed = 5 });
        }

        internal Planted Planted { get; }

        internal (Feature Feature, FeatureLabel? Label)[] Features { get; }

        public void Dispose() => Planted.Dispose();

        /// <summary>Texts of common words in which some words stand here and there; "states" is after "united" every third time.</summary>
        internal static string[][] Texts(ulong seed, string[] rare)
        {
            var rng = new Rng(seed);
            string[] common = [.. Enumerable.Range(0, 400).Select(i => $" {(char)('a' + (i % 20))}{(char)('a' + (i / 20))}u")];
            return [.. Enumerable.Range(0, 700).Select(_ =>
            {
                var text = new List<string>();
                while (text.Count < 60)
                {
                    if (rng.NextBelow(12) > 0)
                    {
                        text.Add(common[(int)(400 * Math.Pow(rng.NextDouble(), 2))]);
                        continue;
                    }

                    string word = rare[(int)rng.NextBelow(rare.Length)];
                    if (word is " states" && rng.NextBelow(3) == 0) text.Add(" united");
                    text.Add(word);
                }

                return text.ToArray();
            })];
        }

        private static float Activation(string[] text, int at, long row, int latent) => latent switch
        {
            Whale => text[at] is " whale" ? Strength(row) : 0,
            AfterNot => at > 0 && text[at - 1] is " not" ? Strength(row) : 0,
            Numbers => char.IsDigit(text[at][1]) ? Strength(row) : 0,
            LabelTests.Endings => text[at].EndsWith("ing", StringComparison.Ordinal) ? Strength(row) : 0,
            BAfterA => text[at] is " states" && at > 0 && text[at - 1] is " united" ? 4 : 0,
            BAnywhere => text[at] is " states" ? 3 : 0,
            Pairs => text[at] is " sperm" or " harpoon" ? Strength(row) : 0,
            Capitals => char.IsUpper(text[at][1]) ? Strength(row) : 0,
            _ => new Rng((ulong)row, (ulong)latent).NextDouble() < 0.004 ? Strength(row) : 0,
        };

        private static float Strength(long row) => 1 + (3 * (float)new Rng((ulong)row, 999).NextDouble());
    }
}
