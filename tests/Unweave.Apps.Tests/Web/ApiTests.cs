using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Checkpoints;
using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Apps.Tests.Web;

/// <summary>
/// The HTTP API, asked over a loopback port of the built command: what it answers, and what it says to those who ask wrongly.
/// </summary>
public sealed class ApiTests(ApiTests.Served served) : IClassFixture<ApiTests.Served>
{
    private const string Features = "api/runs/sample/features";

    [Fact]
    public async Task Runs_are_listed_and_one_tells_of_its_features_and_their_density()
    {
        JsonArray runs = (await Get("api/runs")).AsArray();
        Assert.Equal(["sample", "vectors"], runs.Select(run => (string)run!["name"]!), StringComparer.Ordinal);
        Assert.True((bool)runs[0]!["hasCatalog"]!);
        JsonNode run = await Get("api/runs/sample");
        Assert.Equal(200, (int)run["features"]!["latents"]!);
        int dead = (int)run["density"]!["dead"]!;
        Assert.Equal(Enumerable.Range(0, 200).Count(latent => SampleCatalog.Feature(latent).Kind == FeatureKind.Dead), dead);
        Assert.Equal(200, dead + run["density"]!["counts"]!.AsArray().Sum(count => (int)count!));
    }

    [Fact]
    public async Task A_trained_run_tells_its_settings_and_its_log()
    {
        JsonNode run = await Get("api/runs/vectors");
        Assert.Equal("topk", (string)run["settings"]!["autoencoder"]!["architecture"]!);
        Assert.Equal(16, (int)run["inputWidth"]!);
        Assert.Equal(64, (int)run["latents"]!);
        Assert.NotEmpty(run["metrics"]!.AsArray());
        Assert.All(run["metrics"]!.AsArray(), point => Assert.True((double)point!["loss"]! > 0));
        Assert.Contains("vectors", (string)run["modelMissing"]!, StringComparison.Ordinal);
        Assert.Null(run["features"]);
    }

    [Fact]
    public async Task Features_are_found_by_every_parameter_and_by_page()
    {
        JsonNode first = await Get($"{Features}?kind=dense&kind=token&order=frequency&descending=true&take=3");
        JsonNode second = await Get($"{Features}?kind=dense&kind=token&order=frequency&descending=true&take=3&skip=3");
        int[] expected =
        [
            .. Enumerable.Range(0, 200)
                .Where(latent => SampleCatalog.Feature(latent).Kind is FeatureKind.Dense or FeatureKind.Token),
        ];
        Assert.Equal(expected.Length, (int)first["total"]!);
        JsonNode[] rows = [.. first["rows"]!.AsArray().Concat(second["rows"]!.AsArray()).Select(row => row!)];
        Assert.Equal(6, rows.Select(row => (int)row["latent"]!).Distinct().Count());
        Assert.All(rows, row => Assert.Contains((int)row["latent"]!, expected));
        Assert.Equal(rows.Select(row => (double)row["frequency"]!).OrderDescending(), rows.Select(row => (double)row["frequency"]!));
        Assert.All(
            (await Get($"{Features}?minFrequency=0.001&maxFrequency=0.01"))["rows"]!.AsArray(),
            row => Assert.InRange((double)row!["frequency"]!, 0.001, 0.01));
        Assert.All((await Get($"{Features}?labelled=false"))["rows"]!.AsArray(), row => Assert.Null(row!["label"]));
        Assert.Contains((await Get($"{Features}?text=whales"))["rows"]!.AsArray(), row => (int)row!["latent"]! == SampleCatalog.Whales);
    }

    [Fact]
    public async Task A_feature_is_told_whole_and_its_text_comes_back_as_it_was()
    {
        JsonNode told = await Get($"{Features}/{SampleCatalog.Hostile}");
        Feature feature = SampleCatalog.Feature(SampleCatalog.Hostile);
        Assert.Equal(feature.Top[0].Text, (string)told["feature"]!["top"]![0]!["text"]!);
        Assert.Equal(feature.Nearest.Count, told["feature"]!["nearest"]!.AsArray().Count);
        Assert.Equal("ordinary", (string)told["summary"]!["kind"]!);
        Assert.Equal(3, told["labels"]!.AsArray().Count);
        int[] related = [.. feature.Nearest.Concat(feature.Partners).Select(other => other.Latent).Distinct()];
        Assert.Equal(related.Order(), told["related"]!.AsArray().Select(row => (int)row!["latent"]!).Order());
    }

    [Fact]
    public async Task A_score_that_was_not_measured_is_null()
    {
        JsonArray labels = (await Get($"{Features}/{SampleCatalog.Whales}/labels")).AsArray();
        JsonNode tokens = labels.Single(label => string.Equals((string)label!["method"]!, "tokens", StringComparison.Ordinal))!;
        Assert.True(tokens.AsObject().ContainsKey("fuzzing"));
        Assert.Null(tokens["fuzzing"]);
    }

    [Fact]
    public async Task What_a_person_writes_is_kept_and_taken_away()
    {
        JsonNode written = await Send(HttpMethod.Put, $"{Features}/20/label", """{"text":"my \u2028 label"}""");
        Assert.Equal("my \u2028 label", (string)written["label"]!);
        await Send(HttpMethod.Put, $"{Features}/20/note", """{"text":"line one\nline two"}""");
        await Send(HttpMethod.Put, $"{Features}/20/star", null);
        await Send(HttpMethod.Put, "api/runs/sample/lists/to%20read%2Fsoon/20", null);
        JsonNode kept = await Get($"{Features}/20/annotation");
        Assert.Equal("line one\nline two", (string)kept["note"]!);
        Assert.True((bool)kept["starred"]!);
        Assert.Equal(["to read/soon"], kept["lists"]!.AsArray().Select(list => (string)list!), StringComparer.Ordinal);
        Assert.Equal([20], (await Get($"{Features}?list=to%20read%2Fsoon"))["rows"]!.AsArray().Select(row => (int)row!["latent"]!));
        Assert.Equal(1, (int)(await Get("api/runs/sample/lists"))[0]!["members"]!);

        await Send(HttpMethod.Delete, $"{Features}/20/star", null);
        await Send(HttpMethod.Put, $"{Features}/20/label", """{"text":null}""");
        await Send(HttpMethod.Put, $"{Features}/20/note", """{"text":" "}""");
        await Send(HttpMethod.Delete, "api/runs/sample/lists/to%20read%2Fsoon/20", null);
        JsonNode gone = await Get($"{Features}/20/annotation");
        Assert.Null(gone["label"]);
        Assert.Null(gone["note"]);
        Assert.False((bool)gone["starred"]!);
        Assert.Empty(gone["lists"]!.AsArray());
    }

    [Fact]
    public async Task A_list_is_removed_and_one_that_is_not_there_is_not_found()
    {
        await Send(HttpMethod.Put, "api/runs/sample/lists/short-lived/30", null);
        using HttpResponseMessage removed = await served.Site.Client.DeleteAsync("api/runs/sample/lists/short-lived");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        using HttpResponseMessage again = await served.Site.Client.DeleteAsync("api/runs/sample/lists/short-lived");
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
    }

    [Fact]
    public async Task Vectors_are_encoded_as_the_command_encodes_them()
    {
        float[] vector = [.. Enumerable.Range(0, 16).Select(i => 0.1f * (i - 7))];
        string there = string.Join(',', vector), opposite = string.Join(',', vector.Select(x => -x));
        JsonNode answer = await Send(
            HttpMethod.Post, "api/runs/vectors/encode-vectors", $$"""{"vectors":[[{{there}}],[{{opposite}}]]}""");
        using var autoencoder = (SparseAutoencoder)Autoencoder.Load(served.Workplace["runs/vectors"]);
        using var x = new Matrix(2, 16, [.. vector, .. vector.Select(value => -value)]);
        SparseCodes codes = autoencoder.Encode(x);
        for (int row = 0; row < 2; row++)
        {
            Assert.Equal(codes.Latents(row).ToArray(), answer["codes"]![row]!["latents"]!.AsArray().Select(latent => (int)latent!));
            Assert.Equal(codes.Values(row).ToArray(), answer["codes"]![row]!["activations"]!.AsArray().Select(value => (float)value!));
        }
    }

    [Fact]
    public async Task The_map_is_told_in_columns()
    {
        JsonNode map = await Get("api/runs/sample/map");
        Assert.Equal(Enumerable.Range(0, 200), map["latents"]!.AsArray().Select(latent => (int)latent!));
        Assert.Equal(3.5f, (float)map["x"]![7]!);
        Assert.Equal(-7f, (float)map["y"]![7]!);
    }

    [Fact]
    public async Task Features_are_exported_under_the_keys_of_Neuronpedia()
    {
        JsonNode one = await Get("api/runs/sample/export/neuronpedia/7");
        Feature feature = SampleCatalog.Feature(7);
        Assert.Equal(7, (int)one["feature_index"]!);
        Assert.Equal(feature.Frequency, (double)one["frac_nonzero"]!, 6);
        Assert.Equal(
            feature.Raised.Select(token => token.Text),
            one["pos_str"]!.AsArray().Select(text => (string)text!),
            StringComparer.Ordinal);
        Assert.Equal(feature.Lowered.Count, one["neg_values"]!.AsArray().Count);
        Assert.Equal(feature.Top.Count + feature.Quantiles.Sum(group => group.Examples.Count), one["activations"]!.AsArray().Count);
        Assert.Equal(feature.Top[0].Peak, (int)one["activations"]![0]!["qualifying_token_index"]!);
        Assert.Equal(feature.Histogram.Width / 2, (double)one["freq_hist_data_bar_values"]![0]!, 5);
        Assert.Equal(128, (int)one["n_tokens_in_prompt"]!);
        string all = await served.Site.Client.GetStringAsync("api/runs/sample/export/neuronpedia");
        string[] lines = all.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Enumerable.Range(0, 200), lines.Select(line => (int)JsonNode.Parse(line)!["feature_index"]!));
        Assert.True(JsonNode.DeepEquals(one, JsonNode.Parse(lines[7])));
    }

    [Fact]
    public async Task The_description_lists_every_route_with_its_words()
    {
        JsonNode document = await Get("api/openapi.json");
        Assert.StartsWith("3.", (string)document["openapi"]!, StringComparison.Ordinal);
        string[] expected =
        [
            "GET /api/runs",
            "GET /api/runs/{run}",
            "GET /api/runs/{run}/features",
            "GET /api/runs/{run}/features/{latent}",
            "GET /api/runs/{run}/features/{latent}/labels",
            "GET /api/runs/{run}/map",
            "GET /api/runs/{run}/search",
            "GET /api/runs/{run}/features/{latent}/annotation",
            "PUT /api/runs/{run}/features/{latent}/label",
            "PUT /api/runs/{run}/features/{latent}/note",
            "PUT /api/runs/{run}/features/{latent}/star",
            "DELETE /api/runs/{run}/features/{latent}/star",
            "GET /api/runs/{run}/lists",
            "DELETE /api/runs/{run}/lists/{list}",
            "PUT /api/runs/{run}/lists/{list}/{latent}",
            "DELETE /api/runs/{run}/lists/{list}/{latent}",
            "POST /api/runs/{run}/encode",
            "POST /api/runs/{run}/encode-vectors",
            "POST /api/runs/{run}/predict",
            "POST /api/runs/{run}/steer",
            "POST /api/runs/{run}/attribute",
            "GET /api/runs/{run}/export/features.csv",
            "GET /api/runs/{run}/export/features.tsv",
            "GET /api/runs/{run}/export/neuronpedia",
            "GET /api/runs/{run}/export/neuronpedia/{latent}",
        ];
        (string Name, JsonObject What)[] described =
        [
            .. document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(
                operation => ($"{operation.Key.ToUpperInvariant()} {path.Key}", operation.Value!.AsObject()))),
        ];
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            described.Select(operation => operation.Name).Order(StringComparer.Ordinal),
            StringComparer.Ordinal);
        JsonObject[] operations = [.. described.Select(operation => operation.What)];
        Assert.All(operations, operation => Assert.NotEmpty((string)operation["summary"]!));
        Assert.All(
            operations.SelectMany(operation => operation["parameters"]?.AsArray() ?? []),
            parameter => Assert.NotEmpty((string)parameter!["description"]!));
        Assert.All(operations, operation => Assert.Contains(operation["responses"]!.AsObject(), response => response.Key.StartsWith('2')));
        Assert.Equal(
            ["ordinary", "dead", "dense", "token", "position"],
            document["components"]!["schemas"]!["FeatureKind"]!["enum"]!.AsArray().Select(name => (string)name!),
            StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("GET", "api/nothing", null, 404)]
    [InlineData("GET", "api/runs/..%2f..%2fetc", null, 404)]
    [InlineData("GET", "api/runs/..%5c..%5cetc/features", null, 404)]
    [InlineData("GET", "api/runs/%1b%5b31m", null, 404)]
    [InlineData("GET", "api/runs/sample/../../etc/passwd", null, 404)]
    [InlineData("GET", Features + "/200", null, 404)]
    [InlineData("GET", Features + "/-1", null, 404)]
    [InlineData("GET", Features + "/99999999999999", null, 400)]
    [InlineData("GET", Features + "/abc", null, 400)]
    [InlineData("GET", Features + "?take=0", null, 400)]
    [InlineData("GET", Features + "?take=1001", null, 400)]
    [InlineData("GET", Features + "?skip=-1", null, 400)]
    [InlineData("GET", Features + "?minFrequency=NaN", null, 400)]
    [InlineData("GET", Features + "?kind=nosuch", null, 400)]
    [InlineData("GET", Features + "?kind=77", null, 400)]
    [InlineData("GET", Features + "?order=77", null, 400)]
    [InlineData("PUT", Features + "/200/star", null, 404)]
    [InlineData("PUT", Features + "/1/label", "{\"text\":", 400)]
    [InlineData("PUT", Features + "/1/label", "{\"txt\":\"a\"}", 400)]
    [InlineData("PUT", Features + "/1/label", "null", 400)]
    [InlineData("PUT", Features + "/1/label", "{\"text\":\"\\ud800\"}", 400)]
    [InlineData("PUT", "api/runs/sample/lists/%20/1", null, 400)]
    [InlineData("POST", Features, null, 405)]
    [InlineData("POST", "api/runs/sample/encode", "{\"text\":\"a\"}", 409)]
    [InlineData("POST", "api/runs/vectors/encode", "{\"text\":\"a\"}", 409)]
    [InlineData("POST", "api/runs/vectors/encode", "{\"text\":null}", 400)]
    [InlineData("POST", "api/runs/vectors/encode", "{\"text\":\"a\",\"top\":0}", 400)]
    [InlineData(
        "POST",
        "api/runs/vectors/steer",
        "{\"prompt\":\"a\",\"interventions\":[{\"latent\":1,\"kind\":\"steer\",\"strength\":\"NaN\"}]}",
        400)]
    [InlineData(
        "POST",
        "api/runs/vectors/steer",
        "{\"prompt\":\"a\",\"interventions\":[{\"latent\":1,\"kind\":\"steer\",\"strength\":1e999}]}",
        400)]
    [InlineData("POST", "api/runs/vectors/steer", "{\"prompt\":\"a\",\"interventions\":[{\"latent\":1,\"kind\":\"explode\"}]}", 400)]
    [InlineData("POST", "api/runs/vectors/encode-vectors", "{\"vectors\":[[1,2,3]]}", 400)]
    [InlineData("POST", "api/runs/vectors/encode-vectors", "{\"vectors\":[null]}", 400)]
    [InlineData("POST", "api/runs/vectors/encode-vectors", "{\"vectors\":[[\"NaN\"]]}", 400)]
    [InlineData(
        "POST",
        "api/runs/vectors/encode-vectors",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        400)]
    public async Task What_is_asked_wrongly_is_answered_with_a_sentence(string method, string path, string? body, int status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : Json(body) };
        using HttpResponseMessage response = await served.Site.Client.SendAsync(request);
        await AssertProblem(response, status);
    }

    [Fact]
    public async Task Too_much_is_refused_with_a_sentence()
    {
        HttpClient client = served.Site.Client;
        static StringContent Text(int length) => Json($$"""{"text":"{{new string('a', length)}}"}""");
        static StringContent Vectors(string rows) => Json($$"""{"vectors":[{{rows}}]}""");
        using HttpResponseMessage label = await client.PutAsync($"{Features}/1/label", Text(201));
        await AssertProblem(label, 413);
        using HttpResponseMessage text = await client.PostAsync("api/runs/vectors/encode", Text(20_001));
        await AssertProblem(text, 413);
        using HttpResponseMessage rows = await client.PostAsync(
            "api/runs/vectors/encode-vectors", Vectors(string.Join(',', Enumerable.Repeat("[]", 1025))));
        await AssertProblem(rows, 413);
        using HttpResponseMessage body = await client.PutAsync($"{Features}/1/note", Text(2 << 20));
        await AssertProblem(body, 413);
        using HttpResponseMessage vectors = await client.PostAsync(
            "api/runs/vectors/encode-vectors", Vectors($"[{new string(' ', 33 << 20)}]"));
        await AssertProblem(vectors, 413);
        // One sent in pieces does not say how long it is: it is cut off where it is too long, and a client that still sends may miss the
        // answer.
        using HttpRequestMessage pieces = new(HttpMethod.Put, $"{Features}/1/note") { Content = Text(2 << 20) };
        pieces.Headers.TransferEncodingChunked = true;
        try
        {
            using HttpResponseMessage inPieces = await served.Site.Client.SendAsync(pieces);
            await AssertProblem(inPieces, 413);
        }
        catch (HttpRequestException e) when (e.InnerException is IOException)
        {
        }

        Assert.Null((await Get($"{Features}/1/annotation"))["note"]);
    }

    [Fact]
    public async Task A_body_that_is_not_JSON_by_its_type_is_refused()
    {
        using var content = new StringContent("""{"text":"a"}""", Encoding.UTF8, "text/plain");
        using HttpResponseMessage response = await served.Site.Client.PutAsync($"{Features}/1/label", content);
        await AssertProblem(response, 415);
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static async Task AssertProblem(HttpResponseMessage response, int status)
    {
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode}: {text}");
        Assert.Equal(MediaTypeHeaderValue.Parse("application/problem+json").MediaType, response.Content.Headers.ContentType?.MediaType);
        JsonNode problem = JsonNode.Parse(text)!;
        Assert.Equal(status, (int)problem["status"]!);
        string detail = (string)problem["detail"]!;
        Assert.EndsWith(".", detail, StringComparison.Ordinal);
        Assert.DoesNotContain(detail, char.IsControl);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Unweave.Web", text, StringComparison.Ordinal);
    }

    private async Task<JsonNode> Get(string path) => JsonNode.Parse(await served.Site.Client.GetStringAsync(path))!;

    private async Task<JsonNode> Send(HttpMethod method, string path, string? body)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : Json(body) };
        using HttpResponseMessage response = await served.Site.Client.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }

    /// <summary>A server over a run with made-up features and one trained on vectors.</summary>
    public sealed class Served : IAsyncLifetime
    {
        internal Workplace Workplace { get; } = new();

        internal Site Site { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            SampleCatalog.Build(Workplace["runs/sample"]);
            using (FeatureCatalog catalog = FeatureCatalog.Open(Workplace["runs/sample"]))
                catalog.WriteMap([.. Enumerable.Range(0, 200).Select(latent => new MapPoint(latent, latent / 2f, -latent))]);
            string vectors = Workplace.WriteVectors("vectors.npy");
            Outcome trained = await Workplace.Run(
                "train", vectors, "--latents", "64", "--k", "4", "--tokens", "4000", "--batch", "100", "-o", Workplace["runs/vectors"]);
            Assert.True(trained.Code == 0, trained.Error);
            Site = await Site.Start(Workplace["runs"]);
        }

        public async ValueTask DisposeAsync()
        {
            await Site.DisposeAsync();
            Workplace.Dispose();
        }
    }
}
