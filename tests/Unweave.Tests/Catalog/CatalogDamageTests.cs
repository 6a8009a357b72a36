using Microsoft.Data.Sqlite;
using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Tests.Catalog;

/// <summary>Whatever happens to the file, the answer is clear and a person's work is kept.</summary>
public sealed class CatalogDamageTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string File => folder[FeatureCatalog.FileName];

    [Fact]
    public void A_rebuild_keeps_what_people_wrote()
    {
        Build(20);
        using FeatureCatalog open = FeatureCatalog.Open(folder.Path);
        open.SetLabel(3, "mine");
        open.SetNote(15, "a note on fifteen");
        open.SetStar(15, true);
        open.AddToList("kept", 3);
        open.AddToList("kept", 15);
        open.AddLabels([(4, new FeatureLabel("computed", "topic", 0.9, 0.9, 100))]);
        open.WriteMap([new MapPoint(1, 2, 3)]);

        Build(10);
        Assert.Equal(10, open.Source.Latents);
        Assert.Equal(10, open.Find(new FeatureQuery()).Total);
        Assert.Equal("mine", open.Rows([3])[0].Label);
        Assert.Equal([3], open.Find(new FeatureQuery { Text = "mine" }).Rows.Select(row => row.Latent));
        Assert.Equal([("kept", 1)], open.Lists());
        Assert.Empty(open.Labels(4));
        Assert.Empty(open.Map());
        Assert.Throws<ArgumentOutOfRangeException>(() => open.Annotation(15));

        // The latents are back, and with them what was said of them.
        Build(20);
        Annotation back = open.Annotation(15);
        Assert.Equal(("a note on fifteen", true), (back.Note, back.Starred));
        Assert.Equal(["kept"], back.Lists);
        Assert.True(open.Rows([15])[0] is { Starred: true, HasNote: true });
        Assert.Equal([15], open.Find(new FeatureQuery { Text = "fifteen" }).Rows.Select(row => row.Latent));
        Assert.Equal([("kept", 2)], open.Lists());
    }

    [Fact]
    public void A_rebuild_that_ends_in_the_middle_leaves_the_old_one_whole()
    {
        Build(300);
        using FeatureCatalog open = FeatureCatalog.Open(folder.Path);
        Assert.Throws<InvalidOperationException>(() => FeatureCatalog.Build(folder.Path, MadeFeatures.Source(500), Breaking(400)));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() =>
            FeatureCatalog.Build(folder.Path, MadeFeatures.Source(500), MadeFeatures.First(500), cancelled.Token));
        Assert.Equal(300, open.Find(new FeatureQuery()).Total);
        Assert.Equal(299, open.Read(299).Latent);
        Assert.Equal([299], open.Find(new FeatureQuery { Text = MadeFeatures.Word(299) }).Rows.Select(row => row.Latent));
        // Nothing is left of them.
        Assert.DoesNotContain(Tables(), table => table.EndsWith("_2", StringComparison.Ordinal));
    }

    [Fact]
    public void A_killed_rebuild_leaves_nothing_that_is_seen()
    {
        Build(30);
        // What a process that is killed in the middle leaves: tables of a build that was never put in the old one's place, one of them in a
        // transaction that was not committed.
        using (var killed = new SqliteConnection($"Data Source={File};Pooling=False"))
        {
            killed.Open();
            new BuildTables(2).Create(killed);
            killed.BeginTransaction(deferred: false);
            killed.Run("INSERT INTO feature_2 (latent, kind, frequency, density, max, tokens) VALUES (0, 1, 2, 3, 4, 'x')");
            killed.Run("DELETE FROM build");
        }

        using FeatureCatalog open = FeatureCatalog.Open(folder.Path);
        Assert.Equal(30, open.Find(new FeatureQuery()).Total);
        Build(40);
        Assert.Equal(40, open.Find(new FeatureQuery()).Total);
        Assert.DoesNotContain(Tables(), table => table.EndsWith("_1", StringComparison.Ordinal));
    }

    [Fact]
    public void A_first_build_that_fails_leaves_no_catalog()
    {
        Assert.Throws<InvalidOperationException>(() => FeatureCatalog.Build(folder.Path, MadeFeatures.Source(500), Breaking(400)));
        Assert.False(FeatureCatalog.Exists(folder.Path));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        Build(5);
        Assert.True(FeatureCatalog.Exists(folder.Path));
        Assert.True(FeatureCatalog.Exists(File));
    }

    [Fact]
    public void Features_that_are_not_the_sources_are_refused()
    {
        Assert.Throws<ArgumentException>(() => FeatureCatalog.Build(folder.Path, MadeFeatures.Source(3), MadeFeatures.First(2)));
        Assert.Throws<ArgumentException>(() => FeatureCatalog.Build(folder.Path, MadeFeatures.Source(3), MadeFeatures.First(4)));
        Assert.Throws<ArgumentException>(() => FeatureCatalog.Build(folder.Path, MadeFeatures.Source(2), MadeFeatures.First(2).Reverse()));
        Assert.Throws<ArgumentException>(() =>
            FeatureCatalog.Build(folder.Path, MadeFeatures.Source(1), [MadeFeatures.Of(0) with { Frequency = double.NaN }]));
        Assert.False(FeatureCatalog.Exists(folder.Path));
    }

    [Fact]
    public void There_is_one_build_at_a_time()
    {
        Build(5);
        FeatureCatalog.Build(folder.Path, MadeFeatures.Source(5), MadeFeatures.First(5).Select(feature =>
        {
            Refused("another build", () => Build(5));
            return feature;
        }));
    }

    [Fact]
    public void Readers_see_the_old_until_the_new_is_whole_and_writers_are_not_kept_out()
    {
        Build(200);
        using FeatureCatalog open = FeatureCatalog.Open(folder.Path, patience: 1);
        int seen = 0;
        FeatureCatalog.Build(folder.Path, MadeFeatures.Source(400), MadeFeatures.First(400).Select(feature =>
        {
            if (feature.Latent % 100 == 0)
            {
                Assert.Equal(200, open.Find(new FeatureQuery()).Total);
                open.SetStar(feature.Latent / 100, true);
                seen++;
            }

            return feature;
        }));
        Assert.Equal(4, seen);
        Assert.Equal(400, open.Find(new FeatureQuery()).Total);
        Assert.Equal([0, 1, 2, 3], open.Find(new FeatureQuery { Starred = true }).Rows.Select(row => row.Latent));
    }

    [Fact]
    public async Task Readers_and_writers_at_once_see_whole_states()
    {
        Build(100);
        using FeatureCatalog open = FeatureCatalog.Open(folder.Path, patience: 60);
        using var stop = new CancellationTokenSource();
        Task[] readers = [.. Enumerable.Range(0, 6).Select(reader => Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                FeatureRows found = open.Find(new FeatureQuery { Take = 500, Order = (FeatureOrder)(reader % 6) });
                Assert.Equal(found.Total, found.Rows.Count);
                Assert.True(found.Total is 100 or 150);
                Assert.Equal(reader, open.Read(reader).Latent);
                // A star and a note are set together by none, but a line is always that of its own latent.
                Assert.All(found.Rows.Where(row => row.LabelMethod is ShownLabel.Own),
                    row => Assert.Equal($"mine {row.Latent}", row.Label));
            }
        }))];
        await Task.WhenAll(
            Task.Run(() => { for (int i = 0; i < 60; i++) open.SetLabel(i, $"mine {i}"); }),
            Task.Run(() => { for (int i = 0; i < 60; i++) open.AddToList("list", i); }),
            Task.Run(() => { for (int round = 0; round < 4; round++) Build(round % 2 == 0 ? 150 : 100); }));
        await stop.CancelAsync();
        await Task.WhenAll(readers);
        Assert.Equal(60, open.Find(new FeatureQuery { Labelled = true }).Total);
        Assert.Equal(60, open.Find(new FeatureQuery { List = "list" }).Total);
    }

    [Fact]
    public void A_newer_version_is_refused_and_left_alone()
    {
        Build(5);
        Sql("PRAGMA user_version = 99");
        byte[] before = System.IO.File.ReadAllBytes(File);
        Refused($"version 99, and this program knows versions up to {Schema.Version}", () => FeatureCatalog.Open(folder.Path).Dispose());
        Refused("version 99", () => Build(6));
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));
    }

    [Fact]
    public void Files_that_are_no_catalogs_are_refused_and_left_alone()
    {
        Refused("there is no catalog", () => FeatureCatalog.Open(folder.Path).Dispose());
        byte[][] contents =
        [
            "not a catalog at all, though it is longer than the header of a file of SQLite, which has a hundred bytes in it."u8.ToArray(),
            [], [0, 1, 2],
        ];
        foreach (byte[] content in contents)
        {
            System.IO.File.WriteAllBytes(File, content);
            Refused("not a catalog", () => FeatureCatalog.Open(folder.Path).Dispose());
            Refused("not a catalog", () => Build(3));
            Assert.Equal(content, System.IO.File.ReadAllBytes(File));
        }

        System.IO.File.Delete(File);
        using (var other = new SqliteConnection($"Data Source={File};Pooling=False"))
        {
            other.Open();
            other.Run("CREATE TABLE theirs (x)");
        }

        Refused("not a catalog", () => FeatureCatalog.Open(folder.Path).Dispose());
        Refused("not a catalog", () => Build(3));
    }

    [Fact]
    public void A_damaged_file_never_ends_in_anything_but_a_clear_answer()
    {
        Build(150);
        Sql("PRAGMA wal_checkpoint(TRUNCATE)");
        byte[] whole = System.IO.File.ReadAllBytes(File);
        int refused = 0;
        for (int piece = 0; piece < 24; piece++)
        {
            byte[] damaged = (byte[])whole.Clone();
            if (piece < 4) damaged = damaged[..(damaged.Length * (piece + 1) / 6)];
            else damaged.AsSpan(damaged.Length * (piece - 4) / 20, Math.Min(9000, damaged.Length / 20)).Fill(0xA5);
            string path = folder[$"damaged-{piece}.db"];
            System.IO.File.WriteAllBytes(path, damaged);
            try
            {
                using FeatureCatalog open = FeatureCatalog.Open(path, patience: 1);
                for (int latent = 0; latent < 150; latent++) open.Read(latent);
                open.Find(new FeatureQuery { Text = "the" });
                open.Frequencies();
            }
            catch (InputException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }

        Assert.InRange(refused, 12, 24);

        // A few bytes here and there: whatever is read is what was written, or the answer is clear.
        var rng = new Rng(5);
        string flipped = folder["flipped.db"];
        for (int round = 0; round < 150; round++)
        {
            byte[] damaged = (byte[])whole.Clone();
            for (int flip = 0; flip < 40; flip++) damaged[rng.NextBelow(damaged.Length)] = (byte)rng.NextBits();
            System.IO.File.WriteAllBytes(flipped, damaged);
            try
            {
                using FeatureCatalog open = FeatureCatalog.Open(flipped, patience: 1);
                open.Find(new FeatureQuery { Text = "the", Order = FeatureOrder.Label });
                open.Find(new FeatureQuery { Text = MadeFeatures.Word(3) });
                for (int latent = 0; latent < 150; latent += 5) open.Read(latent);
                open.SetLabel(7, "still writable");
            }
            catch (InputException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }

        Assert.InRange(refused, 50, 174);
    }

    [Fact]
    public void A_locked_file_is_told()
    {
        Build(5);
        using FeatureCatalog open = FeatureCatalog.Open(folder.Path, patience: 1);
        using (var other = new SqliteConnection($"Data Source={File};Pooling=False"))
        {
            other.Open();
            using SqliteTransaction writing = other.BeginTransaction(deferred: false);
            Refused("locked by another program", () => open.SetStar(1, true));
            Assert.Equal(5, open.Find(new FeatureQuery()).Total);
        }

        open.SetStar(1, true);
        Assert.True(open.Rows([1])[0].Starred);
    }

    [Fact]
    public void A_missing_folder_is_told() =>
        Refused("folder does not exist",
            () => FeatureCatalog.Build(folder["none/features.db"], MadeFeatures.Source(1), MadeFeatures.First(1)));

    private void Build(int latents) => FeatureCatalog.Build(folder.Path, MadeFeatures.Source(latents), MadeFeatures.First(latents));

    private static IEnumerable<Feature> Breaking(int after) =>
        MadeFeatures.First(after).Concat(Enumerable.Range(0, 1).Select(Feature (_) => throw new InvalidOperationException("broken")));

    private static void Refused(string part, Action action)
    {
        InputException e = Assert.Throws<InputException>(action);
        Assert.Contains(part, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    private void Sql(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        connection.Run(sql);
    }

    private List<string> Tables()
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        return connection.All("SELECT name FROM sqlite_schema WHERE type = 'table'", line => line.GetString(0));
    }
}
