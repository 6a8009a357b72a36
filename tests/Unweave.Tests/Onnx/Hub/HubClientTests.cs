using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Hub;

public sealed class HubClientTests : IDisposable
{
    private const string Graph = "onnx/model.onnx";

    private readonly TemporaryFolder place = new();
    private readonly FakeHub hub = FakeHub.Usual();
    private readonly TestClock clock = new();

    private string Folder => Path.Combine(place["cache"], "models--owner--name", FakeHub.Commit);

    public void Dispose()
    {
        hub.Dispose();
        place.Dispose();
    }

    [Fact]
    public async Task A_pull_brings_the_graph_and_the_tokenizer_and_names_the_other_graphs()
    {
        HubModel model = await Pull();
        Assert.Equal((FakeHub.Model, "main", FakeHub.Commit, Folder), (model.Name, model.Revision, model.Commit, model.Folder));
        Assert.Equal(["config.json", Graph, "tokenizer.json", "vocab.json"], model.Files.Select(file => file.Path), StringComparer.Ordinal);
        Assert.All(model.Files, file => Assert.Equal((PulledState.Downloaded, hub.Files[file.Path].Length), (file.State, file.Bytes)));
        Assert.Equal(["onnx/model_quantized.onnx"], model.OtherGraphs, StringComparer.Ordinal);
        Assert.Equal(["config.json", "onnx/model.onnx", "tokenizer.json", "vocab.json"], FilesIn(Folder), StringComparer.Ordinal);
        Assert.All(model.Files, file => Assert.Equal(hub.Files[file.Path], File.ReadAllBytes(Path.Combine(Folder, file.Path))));
    }

    [Fact]
    public async Task What_is_cached_is_not_fetched_again()
    {
        await Pull();
        int asked = hub.Hub.Requests.Count;
        HubModel again = await Pull();
        Assert.All(again.Files, file => Assert.Equal(PulledState.Cached, file.State));
        Assert.Equal(asked + 1, hub.Hub.Requests.Count); // the listing, to see whether the branch has moved
        Assert.Single(hub.Content.Requests);
    }

    [Fact]
    public async Task A_commit_that_is_cached_is_not_even_asked_for()
    {
        await Pull(revision: FakeHub.Commit);
        int asked = hub.Hub.Requests.Count;
        await Pull(revision: FakeHub.Commit);
        Assert.Equal(asked, hub.Hub.Requests.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_that_was_damaged_in_the_cache_is_fetched_again(bool sameSize)
    {
        await Pull();
        byte[] damaged = [.. hub.Files[Graph]];
        damaged[77] ^= 1;
        await File.WriteAllBytesAsync(Path.Combine(Folder, Graph), sameSize ? damaged : damaged[..100]);
        Assert.Contains(Graph, await Refused(Offline()), StringComparison.Ordinal);

        HubModel again = await Pull();
        Assert.Equal([Graph], again.Files.Where(file => file.State == PulledState.Downloaded).Select(file => file.Path),
            StringComparer.Ordinal);
        AssertGraphIsRight();
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_alone()
    {
        // The content's server sends on, to itself and then back to the hub; neither gets the token after that.
        hub.OfContent = request => request.Target.StartsWith("/second", StringComparison.Ordinal)
            ? Redirect(new Uri(hub.Hub.Address, "/back").AbsoluteUri)
            : Redirect("/second");
        hub.OfHub = request => request.Target is "/back" ? FakeHub.Part(request, hub.Files[Graph]) : null;
        await Pull(options: Options() with { Token = "hf_secret" });
        Assert.Equal(2, hub.Content.Requests.Count);
        Assert.All(hub.Content.Requests, request => Assert.Null(request["Authorization"]));
        Assert.Null(Assert.Single(hub.Hub.Requests, request => request.Target is "/back")["Authorization"]);
        Assert.All(hub.Hub.Requests.Where(request => request.Target is not "/back"), request =>
            Assert.Equal("Bearer hf_secret", request["Authorization"]));
        AssertGraphIsRight();
    }

    [Fact]
    public async Task Relative_redirects_of_a_renamed_model_are_followed_with_the_token()
    {
        const string Old = "old-name";
        hub.OfHub = request => request.Target.Contains(Old, StringComparison.Ordinal)
            ? Redirect(request.Target.Replace(Old, FakeHub.Model, StringComparison.Ordinal), status: 307)
            : null;
        using var client = new HubClient(Options() with { Token = "hf_secret" }, clock);
        HubModel model = await client.Pull(new HubRequest { Name = Old });
        Assert.Equal(hub.Files[Graph],
            await File.ReadAllBytesAsync(Path.Combine(place["cache"], "models--old-name", FakeHub.Commit, Graph)));
        Assert.Equal(Old, model.Name);
        Assert.All(hub.Hub.Requests, request => Assert.Equal("Bearer hf_secret", request["Authorization"]));
    }

    [Fact]
    public async Task Redirects_without_end_and_redirects_off_the_web_are_refused()
    {
        hub.OfContent = request => Redirect(request.Target);
        Assert.Contains("redirects more than 10 times", await Refused(), StringComparison.Ordinal);
        hub.OfContent = _ => Redirect("file:///etc/passwd");
        Assert.Contains("not on the web", await Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cut_connection_is_made_again_and_goes_on_where_it_was_cut()
    {
        CutFirst(100_000);
        HubModel model = await Pull();
        AssertGraphIsRight();
        IReadOnlyList<LoopbackRequest> requests = hub.RequestsFor(Graph);
        Assert.Equal(2, requests.Count);
        Assert.Null(requests[0]["Range"]);
        Assert.Equal(("bytes=100000-", FakeHub.ETag(hub.Files[Graph])), (requests[1]["Range"], requests[1]["If-Range"]));
        Assert.Equal([TimeSpan.FromSeconds(1)], clock.Waits);
        Assert.Equal(PulledState.Downloaded, model.Files.Single(file => file.Path is Graph).State);
        Assert.Equal(["config.json", "onnx/model.onnx", "tokenizer.json", "vocab.json"], FilesIn(Folder), StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_is_cut_again_and_again_comes_to_its_end_as_long_as_there_is_progress()
    {
        hub.OfContent = request =>
            FakeHub.Part(request, hub.Files[Graph]) is { Body.Length: > 20_000 } part ? part with { CutAfter = 20_000 } : null;
        await Pull();
        Assert.Equal(15, hub.RequestsFor(Graph).Count);
        AssertGraphIsRight();
    }

    [Fact]
    public async Task A_server_that_knows_no_ranges_and_is_always_cut_at_the_same_place_is_given_up()
    {
        hub.OfContent = request => new LoopbackAnswer(200) { Body = hub.Files[Graph], CutAfter = 1000 };
        string message = await Refused();
        Assert.Contains("owner/name, onnx/model.onnx: the connection to 127.0.0.1 was cut", message, StringComparison.Ordinal);
        Assert.InRange(hub.RequestsFor(Graph).Count, 5, 6); // five without progress, the first of which brought some
    }

    [Fact]
    public async Task A_pull_that_was_stopped_is_gone_on_with_by_the_next()
    {
        await Stop(after: 120_000);
        Assert.Equal(hub.Files[Graph][..120_000], await File.ReadAllBytesAsync(Path.Combine(Folder, Graph + ".partial")));
        Assert.False(File.Exists(Path.Combine(Folder, Graph)));

        HubModel model = await Pull();
        Assert.Equal(PulledState.Resumed, model.Files.Single(file => file.Path is Graph).State);
        Assert.Equal(("bytes=120000-", FakeHub.ETag(hub.Files[Graph])),
            (hub.RequestsFor(Graph)[^1]["Range"], hub.RequestsFor(Graph)[^1]["If-Range"]));
        AssertGraphIsRight();
        Assert.Equal(["config.json", "onnx/model.onnx", "tokenizer.json", "vocab.json"], FilesIn(Folder), StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_whole_file_that_was_not_yet_renamed_is_checked_and_not_fetched()
    {
        await Stop(after: 300_000 - 1);
        await File.WriteAllBytesAsync(Path.Combine(Folder, Graph + ".partial"), hub.Files[Graph]);
        int asked = hub.RequestsFor(Graph).Count;
        await Pull();
        Assert.Equal(asked, hub.RequestsFor(Graph).Count);
        AssertGraphIsRight();
    }

    [Fact]
    public async Task A_server_that_ignores_the_range_has_the_file_start_again()
    {
        await Stop(after: 120_000);
        hub.OfContent = _ => new LoopbackAnswer(200) { Body = hub.Files[Graph] };
        HubModel model = await Pull();
        Assert.Equal(PulledState.Downloaded, model.Files.Single(file => file.Path is Graph).State);
        Assert.NotNull(hub.RequestsFor(Graph)[^1]["Range"]);
        AssertGraphIsRight();
    }

    [Fact]
    public async Task A_server_that_sends_another_part_than_was_asked_for_has_the_file_start_again()
    {
        await Stop(after: 120_000);
        hub.OfContent = request =>
            request["Range"] is null
                ? null
                : new LoopbackAnswer(206)
                {
                    Headers = { ["Content-Range"] = "bytes 100000-299999/300000" },
                    Body = hub.Files[Graph][100_000..],
                };
        await Pull();
        Assert.Equal([TimeSpan.FromSeconds(1)], clock.Waits); // seen from the header, before it was added and its checksum wrong
        Assert.Null(hub.RequestsFor(Graph)[^1]["Range"]);
        AssertGraphIsRight();
    }

    [Fact]
    public async Task A_range_that_cannot_be_satisfied_has_the_file_start_again()
    {
        await Stop(after: 120_000);
        hub.OfContent = request =>
            request["Range"] is null ? null : new LoopbackAnswer(416) { Headers = { ["Content-Range"] = "bytes */300000" } };
        await Pull();
        Assert.Null(hub.RequestsFor(Graph)[^1]["Range"]);
        AssertGraphIsRight();
    }

    [Fact]
    public async Task A_server_that_refuses_ranges_and_cuts_all_else_is_given_up()
    {
        hub.OfContent = request =>
            request["Range"] is null ? new LoopbackAnswer(200) { Body = hub.Files[Graph], CutAfter = 1000 } : FakeHub.Refusal(416);
        Assert.Contains("5 times in a row", await Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_earlier_part_that_was_damaged_is_found_and_fetched_afresh()
    {
        await Stop(after: 120_000);
        string partial = Path.Combine(Folder, Graph + ".partial");
        byte[] damaged = await File.ReadAllBytesAsync(partial);
        damaged[^1] ^= 1;
        await File.WriteAllBytesAsync(partial, damaged);
        HubModel model = await Pull();
        Assert.Equal(PulledState.Downloaded, model.Files.Single(file => file.Path is Graph).State);
        Assert.Equal(["bytes=120000-", null], hub.RequestsFor(Graph).Skip(1).Select(request => request["Range"]), StringComparer.Ordinal);
        AssertGraphIsRight();
    }

    [Theory]
    [InlineData(Graph)]
    [InlineData("tokenizer.json")]
    public async Task A_wrong_checksum_is_tried_once_more_and_then_named_with_the_right_one(string path)
    {
        byte[] right = hub.Files[path], wrong = [.. right];
        wrong[3] ^= 0x40;
        Func<LoopbackRequest, LoopbackAnswer?> send = request =>
            request.Target.EndsWith(Uri.EscapeDataString(path), StringComparison.Ordinal)
                || request.Target.EndsWith(path, StringComparison.Ordinal) ? new LoopbackAnswer(200) { Body = wrong } : null;
        if (path is Graph) hub.OfContent = send;
        else hub.OfHub = send;
        string message = await Refused();
        Assert.Contains($"owner/name, {path}: ", message, StringComparison.Ordinal);
        Assert.Contains(path is Graph ? $"SHA-256 {FakeHub.Sha256(wrong)}" : $"git SHA-1 {FakeHub.Blob(wrong)}", message,
            StringComparison.Ordinal);
        Assert.Contains(path is Graph ? FakeHub.Sha256(right) : FakeHub.Blob(right), message, StringComparison.Ordinal);
        Assert.Equal(2, hub.RequestsFor(path).Count);
        Assert.DoesNotContain(FilesIn(Folder), file => file.StartsWith(path, StringComparison.Ordinal));

        int served = 0;
        Func<LoopbackRequest, LoopbackAnswer?> once = request => send(request) is { } bad && served++ == 0 ? bad : null;
        if (path is Graph) hub.OfContent = once;
        else hub.OfHub = once;
        await Pull();
        Assert.Equal(right, await File.ReadAllBytesAsync(Path.Combine(Folder, path)));
    }

    [Fact]
    public async Task More_than_was_listed_is_not_taken()
    {
        hub.OfContent = _ => new LoopbackAnswer(200) { Body = new byte[20_000_000] };
        var seen = new Seen();
        var e = await Assert.ThrowsAsync<InputException>(() => Pull(progress: seen));
        Assert.Contains("its size is", e.Message, StringComparison.Ordinal);
        Assert.InRange(seen.All.Max(report => report.Bytes), 300_001, 2_000_000);
        Assert.DoesNotContain(FilesIn(Folder), file => file.StartsWith(Graph, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Less_than_was_listed_is_a_cut_connection_even_where_the_server_ends_it_in_order()
    {
        hub.OfContent = request =>
            request["Range"] is null ? new LoopbackAnswer(200) { Body = hub.Files[Graph][..1234], WithoutLength = true } : null;
        await Pull();
        Assert.Equal([null, "bytes=1234-"], hub.RequestsFor(Graph).Select(request => request["Range"]), StringComparer.Ordinal);
        AssertGraphIsRight();
    }

    [Fact]
    public async Task An_empty_file_comes_as_an_empty_file()
    {
        hub.Add("merges.txt", "");
        HubModel model = await Pull();
        // `git hash-object /dev/null`
        Assert.Equal("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", model.Files.Single(file => file.Path is "merges.txt").Checksum);
        Assert.Empty(await File.ReadAllBytesAsync(Path.Combine(Folder, "merges.txt")));
    }

    [Fact]
    public async Task A_silent_connection_is_given_up_and_made_again()
    {
        var silent = new TaskCompletionSource();
        int served = 0;
        hub.OfContent = request => served++ > 0 ? null : FakeHub.Part(request, hub.Files[Graph]) with
        {
            CutAfter = 5000,
            AtCut = () =>
            {
                clock.Expire();
                return silent.Task; // never
            },
        };
        await Pull(options: Options() with { Silence = TimeSpan.FromHours(1) });
        Assert.Equal(2, hub.RequestsFor(Graph).Count);
        AssertGraphIsRight();
    }

    [Fact]
    public async Task A_busy_hub_is_waited_for_as_long_as_it_asks()
    {
        var answers = new Queue<LoopbackAnswer>([
            Busy(429, "7"),
            // 50 s after the first wait
            Busy(503, (clock.GetUtcNow() + TimeSpan.FromSeconds(7 + 50)).ToString("r", CultureInfo.InvariantCulture)),
            Busy(503, "Thu, 01 Jan 1998 00:00:00 GMT"),
            Busy(503, "soon"),
        ]);
        hub.OfHub = _ => answers.TryDequeue(out LoopbackAnswer? answer) ? answer : null;
        var seen = new Seen();
        await Pull(progress: seen);
        // A date that is over asks for no wait, which is none; what cannot be read gets the client's own of 1, 2, 4, 8 s.
        Assert.Equal([7, 50, 8], clock.Waits.Select(wait => wait.TotalSeconds));
        Assert.Contains(seen.All, report => report.Waiting?.Contains("127.0.0.1 answers 429", StringComparison.Ordinal) == true
            && report.Waiting.Contains("7 s", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wait_that_is_too_long_ends_the_pull()
    {
        hub.OfHub = _ => Busy(429, "3600");
        Assert.Contains("asks to wait 3600 s, longer than the 120 s", await Refused(), StringComparison.Ordinal);
        Assert.Empty(clock.Waits);
    }

    [Fact]
    public async Task A_hub_that_stays_broken_is_given_up_after_waits_that_grow()
    {
        hub.OfHub = _ => FakeHub.Refusal(500);
        Assert.Contains("owner/name: 127.0.0.1 answers 500 InternalServerError, 5 times in a row", await Refused(),
            StringComparison.Ordinal);
        Assert.Equal([1, 2, 4, 8], clock.Waits.Select(wait => wait.TotalSeconds));
    }

    [Fact]
    public async Task An_address_of_content_that_has_expired_is_asked_for_again()
    {
        int served = 0;
        hub.OfContent = _ => served++ == 0 ? FakeHub.Refusal(403) : null;
        await Pull();
        Assert.Equal(2, hub.Hub.Requests.Count(request => request.Target.EndsWith(Graph, StringComparison.Ordinal)));
        AssertGraphIsRight();
    }

    [Theory]
    [InlineData(401, null, false, "check the name (owner/name), or set HF_TOKEN")]
    [InlineData(401, null, true, "does not take the token in HF_TOKEN")]
    [InlineData(401, "RepoNotFound", false,
        "has no model owner/name that is public; check the name (owner/name), or set HF_TOKEN if the model is private")]
    [InlineData(404, "RepoNotFound", true, "has no model owner/name that the token in HF_TOKEN may read; check the name")]
    [InlineData(401, "GatedRepo", false, "is gated: agree to its conditions")]
    [InlineData(403, "GatedRepo", true, "with the account whose token HF_TOKEN holds")]
    [InlineData(403, null, true, "give the token the right to read it")]
    [InlineData(403, null, false, "set HF_TOKEN")]
    [InlineData(404, "RevisionNotFound", false, "has no revision 'main'")]
    [InlineData(404, null, false, "has no model owner/name that is public")]
    [InlineData(418, null, false, "answers 418")]
    public async Task A_refusal_says_what_is_at_fault_and_what_to_do(int status, string? code, bool token, string expected)
    {
        hub.OfHub = _ => FakeHub.Refusal(status, code);
        string message = await Refused(Options() with { Token = token ? "hf_secret" : null });
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains($"{status}", message, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_secret", message, StringComparison.Ordinal);
        Assert.Single(hub.Hub.Requests);
    }

    [Fact]
    public async Task A_gated_file_and_a_missing_one_are_named_though_the_list_was_open()
    {
        hub.OfHub = request => request.Target.Contains("/resolve/", StringComparison.Ordinal) ? FakeHub.Refusal(401, "GatedRepo") : null;
        Assert.Contains($"agree to its conditions on {hub.Hub.Address}owner/name", await Refused(), StringComparison.Ordinal);
        hub.OfHub = null;
        hub.OfContent = _ => FakeHub.Refusal(404);
        Assert.Contains("where the hub has onnx/model.onnx, answers 404", await Refused(), StringComparison.Ordinal);
        hub.OfContent = null;
        hub.OfHub = request =>
            request.Target.EndsWith("vocab.json", StringComparison.Ordinal) ? FakeHub.Refusal(404, "EntryNotFound") : null;
        Assert.Contains("has no file vocab.json", await Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revision_that_does_not_exist_is_named()
    {
        Assert.Contains("has no revision 'v9'", await Refused(revision: "v9"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revision_with_a_slash_is_one_name_in_the_address_and_in_the_cache()
    {
        hub.Revisions.Add("refs/pr/1");
        await Pull(revision: "refs/pr/1");
        Assert.Equal("/api/models/owner/name/revision/refs%2Fpr%2F1?blobs=true", hub.Hub.Requests[0].Target);
        using var client = new HubClient(Offline(), clock);
        Assert.Equal(Folder, client.Resolve(FakeHub.Model, "refs/pr/1"));
        Assert.Throws<InputException>(() => client.Resolve(FakeHub.Model));
    }

    [Theory]
    [InlineData("../evil.onnx")]
    [InlineData("a/../../evil.onnx")]
    [InlineData("/etc/evil.onnx")]
    [InlineData("C:/evil.onnx")]
    [InlineData("C:evil.onnx")]
    [InlineData("..\\evil.onnx")]
    [InlineData("a//evil.onnx")]
    [InlineData("./evil.onnx")]
    [InlineData("stream.onnx:evil.onnx")]
    [InlineData("nul.onnx")]
    [InlineData("COM1/evil.onnx")]
    [InlineData("a./evil.onnx")]
    [InlineData("a /evil.onnx")]
    [InlineData("evil\u0000.onnx")]
    [InlineData("evil\u001b[2J.onnx")]
    [InlineData("evil\n.onnx")]
    [InlineData("evil\u202e.onnx")]
    public async Task A_file_name_that_leads_elsewhere_is_refused_before_anything_is_fetched(string path)
    {
        hub.Files.Remove(Graph);
        hub.Files.Remove("onnx/model_quantized.onnx");
        hub.Add(path, "evil");
        string message = await Refused();
        Assert.Contains("which could be written outside its folder", message, StringComparison.Ordinal);
        Assert.DoesNotContain(message, char.IsControl);
        Assert.Single(hub.Hub.Requests);
        Assert.False(Directory.Exists(place["cache"]));
    }

    [Fact]
    public async Task A_hostile_name_that_is_not_fetched_does_no_harm()
    {
        hub.Add("../../README.md", "evil").Add("../x\u001b.onnx", "evil");
        HubModel model = await Pull();
        Assert.Equal(["onnx/model_quantized.onnx"], model.OtherGraphs, StringComparer.Ordinal);
        Assert.Equal(["cache"], Directory.EnumerateFileSystemEntries(place.Path).Select(Path.GetFileName), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("owner/")]
    [InlineData("a/b/c")]
    [InlineData("../name")]
    [InlineData("owner/..")]
    [InlineData("owner/.name")]
    [InlineData("owner/na--me")]
    [InlineData("owner/näme")]
    [InlineData("owner/name?x=1")]
    [InlineData("owner\\name")]
    [InlineData("https://huggingface.co/owner/name")]
    public async Task A_name_that_is_none_is_refused(string name)
    {
        using var client = new HubClient(Options(), clock);
        var e = await Assert.ThrowsAsync<InputException>(() => client.Pull(new HubRequest { Name = name }));
        Assert.Contains("is not the name of a model; it must be owner/name", e.Message, StringComparison.Ordinal);
        Assert.Throws<InputException>(() => client.Resolve(name));
        Assert.Empty(hub.Hub.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData("../main")]
    [InlineData("-x")]
    [InlineData("ma in")]
    [InlineData("main?")]
    public async Task A_revision_that_is_none_is_refused(string revision)
    {
        Assert.Contains("is not a revision", await Refused(revision: revision), StringComparison.Ordinal);
        Assert.Empty(hub.Hub.Requests);
    }

    [Fact]
    public async Task Offline_all_that_is_cached_works_and_the_network_is_not_used()
    {
        await Pull();
        int asked = hub.Hub.Requests.Count;
        HubModel model = await Pull(options: Offline());
        Assert.Equal((FakeHub.Commit, Folder, 4), (model.Commit, model.Folder, model.Files.Count));
        Assert.Equal(["onnx/model_quantized.onnx"], model.OtherGraphs, StringComparer.Ordinal);
        using var client = new HubClient(Offline(), clock);
        Assert.Equal(Folder, client.Resolve(FakeHub.Model));
        Assert.Equal(asked, hub.Hub.Requests.Count);
    }

    [Fact]
    public async Task Offline_what_is_missing_is_named()
    {
        Assert.Contains("owner/name at 'main' is not in the cache", await Refused(Offline()), StringComparison.Ordinal);
        await Pull();
        File.Delete(Path.Combine(Folder, "vocab.json"));
        Assert.Contains("owner/name: vocab.json is not in the cache", await Refused(Offline()), StringComparison.Ordinal);
        Assert.Contains("owner/name: onnx/model_quantized.onnx and 1 more is not in the cache",
            await Refused(Offline(), include: ["*_quantized.onnx"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_was_not_pulled_or_not_to_its_end_is_not_resolved()
    {
        using var client = new HubClient(Offline(), clock);
        Assert.Contains("`unweave pull owner/name`", Assert.Throws<InputException>(() => client.Resolve(FakeHub.Model)).Message,
            StringComparison.Ordinal);
        await Stop(after: 1000);
        Assert.Contains("`unweave pull owner/name --revision v2`",
            Assert.Throws<InputException>(() => client.Resolve(FakeHub.Model, "v2")).Message, StringComparison.Ordinal);
        Assert.Throws<InputException>(() => client.Resolve(FakeHub.Model));
        await Pull();
        Assert.Equal(Folder, client.Resolve(FakeHub.Model));
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("<html>Welcome to the hotel</html>", "JSON")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("""{"siblings":[]}""", "no commit")]
    [InlineData("""{"sha":"../../../../../../../../../../../etc/passwd","siblings":[]}""", "no commit")]
    [InlineData("""{"sha":"0123456789abcdef0123456789abcdef01234567"}""", "no list of files")]
    [InlineData("""{"sha":"0123456789abcdef0123456789abcdef01234567","siblings":{}}""", "no list of files")]
    [InlineData("""{"sha":"0123456789abcdef0123456789abcdef01234567","siblings":[3]}""", "a file without a name")]
    [InlineData("""{"sha":"0123456789abcdef0123456789abcdef01234567","siblings":[{"rfilename":"m.onnx","size":-1}]}""",
        "m.onnx has no whole size")]
    [InlineData("""{"sha":"0123456789abcdef0123456789abcdef01234567","siblings":[{"rfilename":"m.onnx","size":1e400}]}""",
        "m.onnx has no whole size")]
    [InlineData("""{"sha":"0123456789abcdef0123456789abcdef01234567","siblings":[{"rfilename":"\ud800"}]}""", "not Unicode")]
    public async Task An_answer_that_is_no_listing_is_refused(string body, string expected)
    {
        hub.OfHub = _ => new LoopbackAnswer(200) { Body = Encoding.UTF8.GetBytes(body) };
        string message = await Refused();
        Assert.Contains("not the listing of a model", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_listing_in_the_cache_is_named()
    {
        await Pull();
        string listing = Folder + ".json";
        byte[] kept = await File.ReadAllBytesAsync(listing);
        await File.WriteAllBytesAsync(listing, kept[..^9]);
        Assert.Contains($"{listing}: is damaged; delete it", await Refused(Offline()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sums_and_sizes_that_the_listing_lacks_are_taken_from_the_headers_and_kept()
    {
        hub.OfListing = listing =>
        {
            foreach (JsonNode? sibling in listing["siblings"]!.AsArray())
            {
                foreach (string key in (string[])["size", "blobId", "lfs"]) sibling!.AsObject().Remove(key);
            }
        };
        HubModel model = await Pull();
        Assert.Equal(FakeHub.Sha256(hub.Files[Graph]), model.Files.Single(file => file.Path is Graph).Checksum);
        Assert.Equal(FakeHub.Blob(hub.Files["config.json"]), model.Files.Single(file => file.Path is "config.json").Checksum);
        Assert.All((await Pull()).Files, file => Assert.Equal(PulledState.Cached, file.State));
        Assert.All((await Pull(options: Offline())).Files, file => Assert.Equal(PulledState.Cached, file.State));
    }

    [Fact]
    public async Task A_file_without_any_checksum_is_refused()
    {
        hub.OfListing = listing => Sibling(listing, "config.json").Remove("blobId");
        hub.OfHub = request => request.Target.EndsWith("config.json", StringComparison.Ordinal)
            ? new LoopbackAnswer(200) { Body = hub.Files["config.json"] }
            : null;
        Assert.Contains("owner/name, config.json: the hub gives no checksum", await Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_that_contradict_the_listing_are_refused()
    {
        hub.OfListing = listing => Sibling(listing, Graph)["size"] = 299_999;
        Assert.Contains("lists it with 299999 bytes and sends it with 300000", await Refused(), StringComparison.Ordinal);
        hub.OfListing = null;
        hub.OfHub = request => request.Target.EndsWith("vocab.json", StringComparison.Ordinal)
            ? new LoopbackAnswer(200) { Body = hub.Files["vocab.json"], Headers = { ["X-Repo-Commit"] = "other" } }
            : null;
        Assert.Contains("of commit other instead of", await Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_does_not_fit_on_the_disk_is_refused_before_it_is_fetched()
    {
        hub.OfListing = listing => Sibling(listing, Graph)["size"] = long.MaxValue;
        Assert.Contains("free space, or set UNWEAVE_CACHE", await Refused(), StringComparison.Ordinal);
        Assert.Empty(hub.Content.Requests);
    }

    [Fact]
    public async Task Two_pulls_at_once_fetch_every_file_once()
    {
        // The first holds the model until the second has begun to wait for it.
        var second = new TaskCompletionSource();
        hub.OfContent = request => FakeHub.Part(request, hub.Files[Graph]) with { CutAfter = 1000, AtCut = () => second.Task };
        Task<HubModel> first = Pull();
        while (hub.Content.Requests.Count == 0) await Task.Yield();
        hub.OfContent = null;
        var seen = new Seen(report =>
        {
            if (report.Waiting?.Contains("another process is pulling owner/name", StringComparison.Ordinal) == true) second.TrySetResult();
        });
        HubModel later = await Pull(progress: seen);
        HubModel earlier = await first;
        Assert.Contains(earlier.Files, file => file.State == PulledState.Downloaded);
        Assert.All(later.Files, file => Assert.Equal(PulledState.Cached, file.State));
        Assert.Equal([null, "bytes=1000-"], hub.RequestsFor(Graph).Select(request => request["Range"]), StringComparer.Ordinal);
        AssertGraphIsRight();
    }

    [Fact]
    public async Task The_files_are_copied_to_the_folder_that_is_asked_for()
    {
        HubModel model = await Pull(output: place["copy"]);
        Assert.Equal(place["copy"], model.Folder);
        Assert.Equal(["config.json", "onnx/model.onnx", "tokenizer.json", "vocab.json"], FilesIn(place["copy"]), StringComparer.Ordinal);
        await File.WriteAllTextAsync(place["copy/config.json"], "mine");
        await Pull(output: place["copy"]);
        Assert.Equal(hub.Files["config.json"], await File.ReadAllBytesAsync(place["copy/config.json"]));
        Assert.Contains("is a file", await Refused(output: place["copy/config.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cache_that_cannot_be_made_is_named()
    {
        await File.WriteAllTextAsync(place["cache"], "a file");
        Assert.Contains(place["cache"], await Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hub_that_is_not_there_is_said_at_once_with_the_way_out()
    {
        using var nobody = new TcpListener(IPAddress.Loopback, 0);
        nobody.Start();
        int port = ((IPEndPoint)nobody.LocalEndpoint).Port;
        nobody.Stop();
        Assert.Contains($"127.0.0.1:{port} cannot be reached",
            await Refused(Options() with { Endpoint = new Uri($"http://127.0.0.1:{port}") }), StringComparison.Ordinal);
        Assert.Empty(clock.Waits);
    }

    [Fact]
    public async Task A_hub_under_a_path_is_asked_under_it()
    {
        hub.OfHub = request => request.Target.StartsWith("/mirror/", StringComparison.Ordinal) ? null : FakeHub.Refusal(404);
        await Refused(Options() with { Endpoint = new Uri(hub.Hub.Address, "/mirror/") });
        Assert.Equal("/mirror/api/models/owner/name/revision/main?blobs=true", hub.Hub.Requests[0].Target);
    }

    private static LoopbackAnswer Redirect(string location, int status = 302) => new(status) { Headers = { ["Location"] = location } };

    private static LoopbackAnswer Busy(int status, string retryAfter) => new(status) { Headers = { ["Retry-After"] = retryAfter } };

    private static JsonObject Sibling(JsonObject listing, string path) =>
        listing["siblings"]!.AsArray().Select(sibling => sibling!.AsObject())
            .Single(sibling => string.Equals((string?)sibling["rfilename"], path, StringComparison.Ordinal));

    private static string[] FilesIn(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    private HubOptions Options() => new() { Endpoint = hub.Hub.Address, Cache = place["cache"], Silence = TimeSpan.FromHours(1) };

    private HubOptions Offline() => Options() with { Offline = true };

    private async Task<HubModel> Pull(HubOptions? options = null, string revision = "main", string[]? include = null, string? output = null,
        IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using var client = new HubClient(options ?? Options(), clock);
        return await client.Pull(new HubRequest { Name = FakeHub.Model, Revision = revision, Include = include ?? [], Output = output },
            progress, cancellationToken);
    }

    private async Task<string> Refused(HubOptions? options = null, string revision = "main", string[]? include = null,
        string? output = null)
    {
        var e = await Assert.ThrowsAsync<InputException>(() => Pull(options, revision, include, output));
        Assert.DoesNotContain('\n', e.Message);
        return e.Message;
    }

    private void CutFirst(int bytes)
    {
        int served = 0;
        hub.OfContent = request => served++ == 0 ? FakeHub.Part(request, hub.Files[Graph]) with { CutAfter = bytes } : null;
    }

    /// <summary>A pull that the user stops when so much of the graph has come.</summary>
    private async Task Stop(int after)
    {
        using var cancellationToken = new CancellationTokenSource();
        var never = new TaskCompletionSource();
        hub.OfContent = request => FakeHub.Part(request, hub.Files[Graph]) with { CutAfter = after, AtCut = () => never.Task };
        var seen = new Seen(report =>
        {
            if (report.Path is Graph && report.Bytes == after) cancellationToken.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Pull(progress: seen, cancellationToken: cancellationToken.Token));
        hub.OfContent = null;
    }

    private void AssertGraphIsRight() => Assert.Equal(hub.Files[Graph], File.ReadAllBytes(Path.Combine(Folder, Graph)));

    private sealed class Seen(Action<HubProgress>? look = null) : IProgress<HubProgress>
    {
        public List<HubProgress> All { get; } = [];

        public void Report(HubProgress value)
        {
            All.Add(value);
            look?.Invoke(value);
        }
    }
}
