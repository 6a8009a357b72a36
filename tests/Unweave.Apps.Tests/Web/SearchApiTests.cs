using System.Net;
using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests.Web;

/// <summary>The search of texts over HTTP.</summary>
[Collection(IndexedDefinitions.Name)]
public sealed class SearchApiTests(IndexedDefinitions definitions)
{
    private const string Search = $"api/runs/{IndexedDefinitions.Index}/search";

    [Fact]
    public async Task It_answers_as_the_command_line_does_with_the_same_parameters()
    {
        const string query = "a stringed instrument";
        JsonNode plain = await Get($"{Search}?query={Uri.EscapeDataString(query)}&count=4");
        string[] latents = [.. plain["query"]!["latents"]!.AsArray().Select(share => share!["latent"]!.ToString())];
        (string latent, string other) = (latents[0], latents[1]);
        string id = plain["hits"]![0]!["id"]!.ToString();
        JsonNode answered = await Get($"{Search}?query={Uri.EscapeDataString(query)}&count=5&exclude={latent}&weigh={other}%3D2&like={id}"
            + "&filter=length%3C%3D90&words=0.3&distinct=0.99&facets=3");
        Outcome said = await definitions.Run("search", IndexedDefinitions.Index, query, "--count", "5", "--exclude", latent, "--weigh",
            $"{other}=2", "--like", id, "--filter", "length<=90", "--words", "0.3", "--distinct", "0.99", "--facets", "3", "--json");
        Assert.True(JsonNode.DeepEquals(said.Succeeded().Json, answered), $"{said.Output}\n{answered}");
        JsonArray hits = answered["hits"]!.AsArray();
        Assert.Equal(5, hits.Count);
        Assert.All(hits, hit =>
        {
            Assert.True((double)hit!["fields"]!["length"]! <= 90);
            Assert.DoesNotContain(latent, hit["latents"]!.AsArray().Select(share => share!["latent"]!.ToString()),
                StringComparer.Ordinal);
        });
        Assert.Equal(3, answered["facets"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_latent_alone_is_sought_and_required()
    {
        JsonNode any = await Get($"{Search}?query=war&count=1");
        int latent = (int)any["hits"]![0]!["latents"]![0]!["latent"]!;
        foreach (string parameters in (string[])[$"latent={latent}", $"query=war&require={latent}"])
        {
            JsonArray hits = (await Get($"{Search}?{parameters}"))["hits"]!.AsArray();
            Assert.NotEmpty(hits);
            Assert.All(hits, hit => Assert.Contains(hit!["latents"]!.AsArray(), share => (int)share!["latent"]! == latent));
        }
    }

    [Theory]
    [InlineData("", HttpStatusCode.BadRequest, "nothing is sought")]
    [InlineData("?query=fish&count=0", HttpStatusCode.BadRequest, "count is 0")]
    [InlineData("?query=fish&latent=128", HttpStatusCode.BadRequest, "latent 128")]
    [InlineData("?query=fish&require=many", HttpStatusCode.BadRequest, "require")]
    [InlineData("?query=fish&weigh=3", HttpStatusCode.BadRequest, "LATENT=F")]
    [InlineData("?query=fish&filter=color%3Dred", HttpStatusCode.BadRequest, "fields are kind, length")]
    [InlineData("?query=fish&words=2", HttpStatusCode.BadRequest, "weight of words is 2")]
    [InlineData("?query=fish&distinct=NaN", HttpStatusCode.BadRequest, "distinct")]
    [InlineData("?like=none", HttpStatusCode.BadRequest, "'none'")]
    public async Task What_is_wrong_is_said_in_a_sentence(string query, HttpStatusCode status, string part)
    {
        using HttpResponseMessage answer = await definitions.Site.Client.GetAsync(Search + query);
        await Refused(answer, status, part);
    }

    [Fact]
    public async Task A_run_without_an_index_and_a_text_too_long_are_refused()
    {
        HttpClient client = definitions.Site.Client;
        using HttpResponseMessage plain = await client.GetAsync($"api/runs/{IndexedDefinitions.Plain}/search?query=fish");
        await Refused(plain, HttpStatusCode.Conflict, "unweave index");
        using HttpResponseMessage none = await client.GetAsync("api/runs/none/search?query=fish");
        await Refused(none, HttpStatusCode.NotFound, "no run");
        string many = string.Concat(Enumerable.Range(0, 65).Select(latent => $"&exclude={latent}"));
        using HttpResponseMessage much = await client.GetAsync($"{Search}?query=fish{many}");
        await Refused(much, HttpStatusCode.RequestEntityTooLarge, "exclude is given 65 times");
    }

    [Fact]
    public async Task It_is_described_with_its_parameters_and_its_answer()
    {
        JsonNode document = await Get("api/openapi.json");
        JsonNode operation = document["paths"]!["/api/runs/{run}/search"]!["get"]!;
        string[] names = [.. operation["parameters"]!.AsArray().Select(parameter => (string)parameter!["name"]!)];
        Assert.Equal(
            ["run", "query", "count", "filter", "require", "exclude", "weigh", "latent", "like", "words", "distinct", "facets"], names);
        Assert.All(operation["parameters"]!.AsArray(), parameter => Assert.NotEmpty((string)parameter!["description"]!));
        Assert.NotNull(document["components"]!["schemas"]!["SearchHitJson"]!["properties"]!["latents"]);
    }

    [Fact]
    public async Task What_is_added_to_an_index_meanwhile_is_found_and_one_that_is_being_built_is_no_run()
    {
        using var place = new Workplace();
        string index = definitions.Copy(place.Folder);
        Directory.CreateDirectory(place["late.index.building"]);
        File.Copy(Path.Combine(index, "texts.json"), place["late.index.building/texts.json"]);
        await using Site site = await Site.Start(place.Folder);
        JsonArray runs = (await Get("api/runs", site)).AsArray();
        Assert.Equal([IndexedDefinitions.Index], runs.Select(run => (string)run!["name"]!), StringComparer.Ordinal);
        const string query = $"{Search}?query=zamboni&words=1";
        Assert.Empty((await Get(query, site))["hits"]!.AsArray());
        place.Write("more.jsonl", """{"id": "new", "text": "zamboni: a machine that makes ice smooth"}""");
        (await place.Run("index", "add", IndexedDefinitions.Index, "more.jsonl")).Succeeded();
        Assert.Equal("new", (string)Assert.Single((await Get(query, site))["hits"]!.AsArray())!["id"]!);
    }

    private static async Task Refused(HttpResponseMessage answer, HttpStatusCode status, string part)
    {
        JsonNode problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal((status, "application/problem+json"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.Contains(part, (string)problem["detail"]!, StringComparison.Ordinal);
    }

    private async Task<JsonNode> Get(string address, Site? site = null)
    {
        using HttpResponseMessage answer = await (site ?? definitions.Site).Client.GetAsync(address);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }
}
