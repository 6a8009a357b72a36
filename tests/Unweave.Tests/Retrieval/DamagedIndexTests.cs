using Unweave.Numerics;
using Unweave.Retrieval;
using Unweave.Retrieval.Segments;

namespace Unweave.Tests.Retrieval;

/// <summary>
/// Damaged indexes: each is refused in one sentence, or answers as the whole one does; never anything else. <c>UNWEAVE_FUZZ</c> sets how
/// many.
/// </summary>
public sealed class DamagedIndexTests : IDisposable
{
    private const int Quick = 400;

    private readonly string folder = Directory.CreateTempSubdirectory("unweave-index-").FullName;
    private readonly ConceptDictionary dictionary = SmallIndex.Dictionary();

    public void Dispose()
    {
        dictionary.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Every_damage_is_found_or_does_no_harm()
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable("UNWEAVE_FUZZ"), out int full) ? full : Quick;
        string[] files = Make();
        byte[][] whole = [.. files.Select(File.ReadAllBytes)];
        (string, double)[] answers = Answers();
        var rng = new Rng(20);
        int refused = 0;
        for (int i = 0; i < count; i++)
        {
            int file = (int)rng.NextBelow(files.Length);
            File.WriteAllBytes(files[file], Damage(whole[file], rng));
            try
            {
                Assert.Equal(answers, Answers());
            }
            catch (InputException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }

            File.WriteAllBytes(files[file], whole[file]);
        }

        Assert.True(refused > count * 0.9, $"{refused} of {count} were refused");
        Assert.Equal(answers, Answers());
    }

    [Fact]
    public void A_missing_file_and_files_of_another_index_are_named()
    {
        string[] files = Make();
        string other = Path.Combine(folder, "other");
        using (ConceptDictionary stranger = SmallIndex.Dictionary(7))
        {
            using (SearchIndex index = SearchIndex.Create(other, stranger))
            using (SearchWriter writer = index.OpenWriter())
            {
                SmallIndex.Add(writer, new Rng(1), new IndexDocument("a", "b"));
                writer.Commit();
            }

            Assert.Contains("another dictionary", Refusal(() => SearchIndex.Open(folder, stranger)), StringComparison.Ordinal);
        }

        string segment = files.First(file => file.EndsWith(".segment", StringComparison.Ordinal));
        byte[] own = File.ReadAllBytes(segment);
        File.Copy(Directory.GetFiles(other, "*.segment")[0], segment, overwrite: true);
        Assert.Contains("its dictionary is", Refusal(() => SearchIndex.Open(folder, dictionary)), StringComparison.Ordinal);
        File.Delete(segment);
        Assert.Contains(segment, Refusal(() => SearchIndex.Open(folder, dictionary)), StringComparison.Ordinal);
        File.WriteAllBytes(segment, own);
        File.Delete(Path.Combine(folder, IndexManifest.FileName));
        Assert.Contains("is no index", Refusal(() => SearchIndex.Open(folder, dictionary)), StringComparison.Ordinal);
    }

    private static string Refusal(Func<SearchIndex> open) => Assert.Throws<InputException>(() => open().Dispose()).Message;

    private string[] Make()
    {
        using SearchIndex index = SearchIndex.Create(folder, dictionary);
        for (int part = 0; part < 2; part++)
        {
            using SearchWriter writer = index.OpenWriter();
            SmallIndex.Add(writer, new Rng((ulong)part),
                [.. Enumerable.Range(40 * part, 50).Select(i => new IndexDocument($"{i}", $"text {i}", new Dictionary<string,
                    FieldValue>(StringComparer.Ordinal) { ["n"] = i }))]);
            writer.Commit();
        }

        return Directory.GetFiles(folder);
    }

    private (string, double)[] Answers()
    {
        using SearchIndex index = SearchIndex.Open(folder, dictionary);
        var query = new SearchQuery
        {
            Vector = SmallIndex.Vector(new Rng(9)),
            Words = "text 7",
            Filter = new SearchFilter.Range("n", 3, 80),
        };
        return [.. index.Search(query).Hits.Select(hit => (hit.Key, hit.Score))];
    }

    private static byte[] Damage(byte[] whole, Rng rng)
    {
        byte[] damaged = [.. whole];
        int at = (int)rng.NextBelow(damaged.Length), length = (int)Math.Min(damaged.Length - at, 1 + rng.NextBelow(16));
        switch (rng.NextBelow(5))
        {
            case 0: damaged[at] ^= (byte)(1 << (int)rng.NextBelow(8)); break;
            case 1: damaged.AsSpan(at, length).Fill((byte)rng.NextBelow(256)); break;
            case 2: return damaged[..at];
            case 3: return [.. damaged[..at], .. damaged[(at + length)..]];
            default: return [.. damaged[..at], .. damaged[(int)rng.NextBelow(damaged.Length)..], .. damaged[at..]];
        }

        return damaged;
    }
}
