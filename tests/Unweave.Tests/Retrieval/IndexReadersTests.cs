using Unweave.Numerics;
using Unweave.Retrieval;

namespace Unweave.Tests.Retrieval;

/// <summary>Readers beside a writer see one committed state after another, each whole.</summary>
public sealed class IndexReadersTests : IDisposable
{
    private const int Readers = 8, Commits = 60, Rows = 20;

    private readonly string folder = Directory.CreateTempSubdirectory("unweave-index-").FullName;
    private readonly ConceptDictionary dictionary = SmallIndex.Dictionary();

    public void Dispose()
    {
        dictionary.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    // Every commit replaces all documents and names itself in each: a state in which two commits are mixed would show.
    [Fact]
    public async Task Eight_readers_see_no_state_that_was_not_committed()
    {
        using SearchIndex index = SearchIndex.Create(folder, dictionary);
        Commit(index, 0);
        using var done = new CancellationTokenSource();
        using var begun = new CountdownEvent(Readers);
        Task<int>[] readers =
        [
            .. Enumerable.Range(0, Readers).Select(_ => Task.Factory.StartNew(
                () => Read(begun, done.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)),
        ];
        begun.Wait(TestContext.Current.CancellationToken);
        for (int commit = 1; commit <= Commits; commit++) Commit(index, commit);
        await done.CancelAsync();
        int[] states = await Task.WhenAll(readers);
        Assert.True(states.Sum() > Readers, "no reader saw a second state");
        Assert.Equal(Rows, index.Rows);
    }

    [Fact]
    public void A_second_writer_is_refused_and_what_was_not_committed_is_forgotten()
    {
        using SearchIndex index = SearchIndex.Create(folder, dictionary);
        using (SearchWriter writer = index.OpenWriter())
        {
            Assert.Contains("another writer", Assert.Throws<InputException>(index.OpenWriter).Message, StringComparison.Ordinal);
            SmallIndex.Add(writer, new Rng(1), new IndexDocument("a", "kept"));
            writer.Commit();
            SmallIndex.Add(writer, new Rng(1), new IndexDocument("b", "forgotten"));
            Assert.True(writer.Delete("a"));
        }

        Assert.Equal("kept", index.Document("a")!.Text);
        Assert.Null(index.Document("b"));
        Assert.Equal(["1.segment", "index.json"],
            Directory.GetFiles(folder).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal),
            StringComparer.Ordinal);
    }

    private int Read(CountdownEvent begun, CancellationToken done)
    {
        int states = 0, last = -1;
        using SearchIndex own = SearchIndex.Open(folder, dictionary);
        while (!done.IsCancellationRequested)
        {
            _ = own.Refresh();
            string[] texts = [.. own.Documents().Select(found => found.Document.Text)];
            Assert.Equal(Rows, texts.Length);
            int commit = int.Parse(Assert.Single(texts.Distinct(StringComparer.Ordinal)),
                System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(commit >= last, $"commit {commit} after {last}");
            SearchResults found = own.Search(new SearchQuery { Like = ["k0"], Count = Rows });
            Assert.All(found.Hits, hit => Assert.Equal(texts[0], hit.Text));
            if (states == 0) begun.Signal();
            states += commit != last ? 1 : 0;
            last = commit;
        }

        return states;
    }

    private static void Commit(SearchIndex index, int number)
    {
        using SearchWriter writer = index.OpenWriter();
        SmallIndex.Add(writer, new Rng((ulong)number), [.. Enumerable.Range(0, Rows).Select(i => new IndexDocument($"k{i}", $"{number}"))]);
        if (number % 7 == 3) writer.Merge();
        else writer.Commit();
    }
}
