using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests.Web;

/// <summary>
/// An index of some hundred definitions, made once by the command, beside a run without one, and a server of both. The tests that use it
/// only read it.
/// </summary>
[CollectionDefinition(Name)]
public sealed class IndexedDefinitions : IAsyncLifetime, ICollectionFixture<IndexedDefinitions>
{
    /// <summary>Name of the collection.</summary>
    public const string Name = "An index of definitions";

    /// <summary>Name of the index as a run, and of the run that has none.</summary>
    public const string Index = "words.index", Plain = "plain";

    private const int OfAKind = 60;

    private static readonly string[] Kinds = ["instrument", "river", "disease", "fish", "bird", "war"];

    private readonly Workplace place = new();
    private Site? site;

    /// <summary>Folder of both.</summary>
    public string Folder => place["served"];

    /// <summary>Number of texts.</summary>
    public int Texts { get; private set; }

    /// <summary>The server.</summary>
    internal Site Site => site!;

    /// <summary>Runs a command in the folder of both.</summary>
    internal Task<Outcome> Run(params string[] arguments) => Cli.Run(Folder, arguments);

    /// <summary>A copy of the index, to be changed.</summary>
    internal string Copy(string folder)
    {
        string copy = Path.Combine(folder, Index);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Folder, Index), "*", SearchOption.AllDirectories))
        {
            string to = Path.Combine(copy, Path.GetRelativePath(Path.Combine(Folder, Index), file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        return copy;
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        string[][] rows = [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "data", "wordnet", "texts.tsv")).Skip(1)
            .Select(line => line.Split('\t'))];
        string[] lines =
        [
            .. Kinds.SelectMany(kind => rows.Where(row => row[3].Split(' ').Contains(kind, StringComparer.Ordinal)).Take(OfAKind)
                .Select(row => (kind, row))).DistinctBy(own => own.row[2], StringComparer.Ordinal).Select(own => new JsonObject
                {
                    ["id"] = own.row[2],
                    ["text"] = $"{own.row[0]}: {own.row[3]}",
                    ["kind"] = own.kind,
                    ["length"] = own.row[3].Length,
                }.ToJsonString()),
        ];
        Texts = lines.Length;
        place.Write("served/words.jsonl", string.Join('\n', lines));
        SampleCatalog.Build(Path.Combine(Folder, Plain), 20);
        (await Run("index", "words.jsonl", "-o", Index, "--latents", "128", "--k", "8")).Succeeded();
        site = await Site.Start(Folder);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (site is not null) await site.DisposeAsync();
        place.Dispose();
    }
}
