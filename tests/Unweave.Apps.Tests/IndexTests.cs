using System.Diagnostics;
using System.Text.Json.Nodes;
using Unweave.Indexing;
using Unweave.Retrieval;
using Unweave.Runs;

namespace Unweave.Apps.Tests;

/// <summary><c>unweave index</c> and <c>search</c>, and that an index is always in a state that was committed.</summary>
public sealed class IndexTests(IndexTests.Made made) : IClassFixture<IndexTests.Made>
{
    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("UNWEAVE_KILLS"), out int full) ? full : 6;

    [Fact]
    public async Task Texts_go_in_and_hits_say_why_they_were_found()
    {
        Outcome searched = (await made.Place.Run("search", "things.index", "a boat on the sea", "--json")).Succeeded();
        JsonNode first = searched.Json["hits"]![0]!;
        Assert.Contains("boat", (string)first["text"]!, StringComparison.Ordinal);
        Assert.True((double)first["conceptScore"]! > 0.3);
        Assert.NotEmpty(first["latents"]!.AsArray());
        Assert.Contains(first["words"]!.AsArray(), word => (string)word!["word"]! is "boat");
        Assert.Equal("sea", (string)first["fields"]!["kind"]!);

        Outcome filtered = (await made.Place.Run("search", "things.index", "a boat", "--filter", "kind=kitchen|garden", "--filter",
            "number<=40",
            "--json")).Succeeded();
        Assert.NotEmpty(filtered.Json["hits"]!.AsArray());
        Assert.All(filtered.Json["hits"]!.AsArray(), hit =>
        {
            Assert.Contains((string)hit!["fields"]!["kind"]!, (string[])["kitchen", "garden"], StringComparer.Ordinal);
            Assert.InRange((double)hit["fields"]!["number"]!, 0, 40);
        });

        int latent = (int)first["latents"]![0]!["latent"]!;
        Outcome without = (await made.Place.Run("search", "things.index", "a boat on the sea", "--exclude", $"{latent}",
            "--json")).Succeeded();
        Assert.All(without.Json["hits"]!.AsArray(), hit =>
            Assert.DoesNotContain(hit!["latents"]!.AsArray(), share => (int)share!["latent"]! == latent));
        Outcome like = (await made.Place.Run("search", "things.index", "--like", "3", "--facets", "3", "--json")).Succeeded();
        Assert.DoesNotContain(like.Json["hits"]!.AsArray(), hit => (string)hit!["id"]! is "3");
        Assert.Equal(3, like.Json["facets"]!.AsArray().Count);

        Outcome people = (await made.Place.Run("search", "things.index", "a boat on the sea", "--explain")).Succeeded();
        Assert.Contains("The query's concepts:", people.Output, StringComparison.Ordinal);
        Assert.Contains("“boat”", people.Output, StringComparison.Ordinal);
        Assert.Contains("concepts", (await made.Place.Run("index", "show", "things.index")).Succeeded().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Texts_are_added_replaced_removed_and_merged()
    {
        using Workplace place = made.Copy();
        place.Write("more.jsonl", """
            {"id":"new","text":"a lighthouse that warns ships of rocks","kind":"sea"}
            {"id":"3","text":"a volcano that throws ash and lava","kind":"earth"}
            """);
        Outcome added = (await place.Run("index", "add", "things.index", "more.jsonl", "--json")).Succeeded();
        Assert.Equal((2, Things + 1), ((int)added.Json["added"]!, (int)added.Json["texts"]!));
        Assert.Equal("new", First((await place.Run("search", "things.index", "lighthouse", "--json")).Succeeded()));
        Assert.Equal("3", First((await place.Run("search", "things.index", "eruption of a volcano", "--json")).Succeeded()));
        (await place.Run("index", "remove", "things.index", "new", "3", "--json")).Succeeded();
        (await place.Run("index", "remove", "things.index", "4", "nobody")).Refused("has no text nobody; nothing was taken out");
        Outcome merged = (await place.Run("index", "merge", "things.index", "--json")).Succeeded();
        Assert.Equal((Things - 1, 1), ((int)merged.Json["texts"]!, (int)merged.Json["segments"]!));

        static string First(Outcome found) => (string)found.Json["hits"]![0]!["id"]!;
    }

    [Theory]
    [InlineData("search nowhere x", "nowhere is no index of texts")]
    [InlineData("search things.index", "nothing is sought")]
    [InlineData("search things.index x --exclude many", "'many' is not the number of a latent")]
    [InlineData("search things.index x --exclude 99999", "latent 99999")]
    [InlineData("search things.index x --weigh 3", "write LATENT=F")]
    [InlineData("search things.index x --filter kind", "the filter 'kind' cannot be read")]
    [InlineData("search things.index x --filter size>=big", "'big', which is not a number")]
    [InlineData("search things.index x --filter colour=red", "No document of the index has a field 'colour'; fields are kind, number")]
    [InlineData("search things.index --like nobody", "has no document 'nobody'")]
    [InlineData("index things.jsonl -o things.index", "things.index is there already")]
    public async Task What_cannot_be_done_is_said(string command, string expected) =>
        (await made.Place.Run(command.Split(' '))).Refused(expected);

    [Fact]
    public async Task Nothing_is_found_of_words_that_no_text_has_and_concepts_left_out() =>
        Assert.Contains("Nothing was found",
            (await made.Place.Run("search", "things.index", "xylophonist", "--words", "1")).Succeeded().Output,
            StringComparison.Ordinal);

    // UNWEAVE_KILLS sets how often. A writer that ends before it is killed counts too: then the new state is due.
    [Fact]
    public async Task A_writer_killed_at_any_moment_leaves_the_last_committed_state()
    {
        using Workplace place = made.Copy();
        var random = new Numerics.Rng((ulong)Environment.TickCount);
        Dictionary<string, string> known = State(place);
        for (int kill = 0; kill < Kills; kill++)
        {
            string[] keys = [.. Enumerable.Range(0, 40).Select(i => $"{random.NextBelow(Things + 200)}").Distinct(StringComparer.Ordinal)];
            place.Write("change.jsonl", string.Join('\n',
                keys.Select(key => $$"""{"id":"{{key}}","text":"change {{kill}} of {{key}}"}""")));
            var changed = new Dictionary<string, string>(known, StringComparer.Ordinal);
            string[] command;
            switch (random.NextBelow(3))
            {
                case 0:
                    command = ["index", "merge", "things.index"];
                    break;
                case 1:
                    command = ["index", "remove", "things.index", .. known.Keys.Take(5)];
                    foreach (string key in known.Keys.Take(5)) changed.Remove(key);
                    break;
                default:
                    command = ["index", "add", "things.index", "change.jsonl"];
                    foreach (string key in keys) changed[key] = $"change {kill} of {key}";
                    break;
            }

            using Process writer = Cli.Start(place.Folder, command);
            Task<Outcome> end = Cli.End(writer);
            await Task.WhenAny(end, Task.Delay(TimeSpan.FromMilliseconds(200 + random.NextBelow(1500)),
                TestContext.Current.CancellationToken));
            if (!end.IsCompleted) writer.Kill();
            await end;
            Dictionary<string, string> found = State(place);
            Assert.True(Same(found, known) || Same(found, changed), $"{string.Join(' ', command)} left another state");
            known = found;
        }

        (await place.Run("index", "merge", "things.index")).Succeeded();
        Assert.True(Same(State(place), known));
        Assert.Single(Directory.GetFiles(place["things.index"], "*.segment"));
    }

    [Fact]
    public async Task A_build_that_is_killed_leaves_the_index_that_was_there()
    {
        using Workplace place = made.Copy();
        Dictionary<string, string> known = State(place);
        var random = new Numerics.Rng((ulong)Environment.TickCount);
        for (int kill = 0; kill < Math.Max(2, Kills / 4); kill++)
        {
            using Process build = Cli.Start(place.Folder, [.. Made.Build, "--force"]);
            Task<Outcome> end = Cli.End(build);
            await Task.WhenAny(end, Task.Delay(TimeSpan.FromMilliseconds(300 + random.NextBelow(2500)),
                TestContext.Current.CancellationToken));
            if (!end.IsCompleted) build.Kill();
            await end;
            Assert.True(Same(State(place), known), "the index changed");
        }
    }

    private const int Things = 240;

    private static bool Same(Dictionary<string, string> a, Dictionary<string, string> b) =>
        a.Count == b.Count && a.All(text => b.TryGetValue(text.Key, out string? other)
            && string.Equals(other, text.Value, StringComparison.Ordinal));

    private static Dictionary<string, string> State(Workplace place)
    {
        using var autoencoder = RunFolder.Open(place["things.index/sae"]).LoadSparseAutoencoder();
        using ConceptDictionary dictionary = autoencoder.CreateConcepts();
        using SearchIndex index = SearchIndex.Open(place["things.index"], dictionary);
        return index.Documents().ToDictionary(found => found.Document.Key, found => found.Document.Text, StringComparer.Ordinal);
    }

    /// <summary>A small index, made once.</summary>
    public sealed class Made : IAsyncLifetime
    {
        internal static readonly string[] Build =
            ["index", "things.jsonl", "-o", "things.index", "--latents", "64", "--k", "8", "--rows", "8000"];

        internal Workplace Place { get; } = new();

        public async ValueTask InitializeAsync()
        {
            string[] kinds = ["sea", "kitchen", "garden", "music"];
            string[][] things =
            [
                ["boat", "ship", "harbor", "anchor", "sailor", "wave"], ["pot", "spoon", "oven", "plate", "cook", "recipe"],
                ["rose", "tree", "spade", "hedge", "gardener", "seed"], ["violin", "drum", "song", "choir", "singer", "melody"],
            ];
            string[] said = ["an old {0} of the {1}", "the {0} that belongs to the {1}", "a {0} by the {1}", "how a {0} came to the {1}",
                "a picture of a {0} and the {1}", "the finest {0} in the {1}", "nobody saw the {0} of the {1}", "every {0} in this {1}",
                "a broken {0} from the {1}", "the {1} and its {0}"];
            Place.Write("things.jsonl", string.Join('\n', Enumerable.Range(0, Things).Select(i =>
            {
                string kind = kinds[i % 4], thing = things[i % 4][i / 4 % 6];
                string text = string.Format(System.Globalization.CultureInfo.InvariantCulture, said[i / 24 % 10], thing, kind);
                return $$"""{"id":"{{i}}","text":"{{text}}","kind":"{{kind}}","number":{{i}}}""";
            })));
            (await Place.Run(Build)).Succeeded();
        }

        public ValueTask DisposeAsync()
        {
            Place.Dispose();
            return ValueTask.CompletedTask;
        }

        internal Workplace Copy()
        {
            var copy = new Workplace();
            foreach (string file in Directory.GetFiles(Place.Folder, "*", SearchOption.AllDirectories))
                copy.WriteBytes(Path.GetRelativePath(Place.Folder, file), File.ReadAllBytes(file));
            return copy;
        }
    }
}
