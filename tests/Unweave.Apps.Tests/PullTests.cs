using System.Diagnostics;
using System.Text.Json.Nodes;
using Unweave.Tests.Onnx.Hub;

namespace Unweave.Apps.Tests;

public sealed class PullTests : IDisposable
{
    private const string Graph = "onnx/model.onnx";

    private readonly Workplace place = new();
    private readonly FakeHub hub = FakeHub.Usual();

    private string Folder => Path.Combine(place["cache"], "models--owner--name", FakeHub.Commit);

    public void Dispose()
    {
        hub.Dispose();
        place.Dispose();
    }

    [Fact]
    public async Task The_folder_is_the_result_and_the_table_is_for_who_watches()
    {
        Outcome pulled = (await Pull(FakeHub.Model)).Succeeded();
        Assert.Equal(Folder + "\n", pulled.Output);
        Assert.Equal(hub.Files[Graph], await File.ReadAllBytesAsync(Path.Combine(Folder, Graph)));
        string row = Assert.Single(pulled.Error.Split('\n'), line => line.Contains(Graph, StringComparison.Ordinal));
        Assert.Contains("293.0 KiB", row, StringComparison.Ordinal); // 300,000 / 1,024
        Assert.Contains("downloaded", row, StringComparison.Ordinal);
        Assert.Contains("Not fetched, for --include: onnx/model_quantized.onnx", pulled.Error, StringComparison.Ordinal);

        Outcome again = (await Pull(FakeHub.Model, "--offline")).Succeeded();
        Assert.Equal(Folder + "\n", again.Output);
        Assert.DoesNotContain("downloaded", again.Error, StringComparison.Ordinal);
        Assert.Contains("cached", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_is_one_object_with_the_files_and_their_states()
    {
        Outcome pulled = (await Pull(FakeHub.Model, "--json", "--include", "model_quantized.onnx", "--include", "README*", "-o", "copy"))
            .Succeeded();
        Assert.Equal("", pulled.Error);
        JsonNode json = pulled.Json;
        Assert.Equal(("owner/name", "main", FakeHub.Commit), ((string?)json["name"], (string?)json["revision"], (string?)json["commit"]));
        Assert.Equal(Path.GetFullPath(place["copy"]), (string?)json["folder"]);
        Assert.Equal(["README.md", "config.json", "onnx/model_quantized.onnx", "tokenizer.json", "vocab.json"],
            json["files"]!.AsArray().Select(file => (string)file!["path"]!), StringComparer.Ordinal);
        JsonNode graph = json["files"]![2]!;
        Assert.Equal(("downloaded", 1000, FakeHub.Sha256(hub.Files["onnx/model_quantized.onnx"])),
            ((string?)graph["state"], (int)graph["bytes"]!, (string?)graph["checksum"]));
        Assert.Equal([Graph], json["otherGraphs"]!.AsArray().Select(path => (string)path!), StringComparer.Ordinal);
        Assert.Equal(hub.Files["onnx/model_quantized.onnx"], await File.ReadAllBytesAsync(place["copy/onnx/model_quantized.onnx"]));
    }

    [Fact]
    public async Task Mistakes_are_one_line()
    {
        (await Pull()).Refused("pull needs NAME");
        (await Pull("name with spaces")).Refused("is not the name of a model");
        (await Pull(FakeHub.Model, "--revision", "v9")).Refused("has no revision 'v9'");
        (await Pull(FakeHub.Model, "--offline")).Refused("is not in the cache");
        (await Pull(FakeHub.Model, "--include", "*.gguf")).Refused("no file matches --include '*.gguf'");
        Outcome json = await Pull("owner/other", "--json");
        json.Refused("has no model owner/other that is public");
        Assert.Equal(2, (int)json.Json["exitCode"]!);
    }

    [Fact]
    public async Task The_token_is_sent_and_never_shown()
    {
        hub.OfHub = _ => FakeHub.Refusal(401);
        using Process process = Start([FakeHub.Model], ("UNWEAVE_HUB", ""), ("HF_ENDPOINT", hub.Hub.Address.AbsoluteUri),
            ("HF_TOKEN", "hf_secret"), ("UNWEAVE_TRACE", "1"));
        Outcome refused = await Cli.End(process);
        refused.Refused("does not take the token in HF_TOKEN");
        Assert.Equal("Bearer hf_secret", hub.Hub.Requests[0]["Authorization"]);
        Assert.DoesNotContain("hf_secret", refused.Output + refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_stops_cleanly_and_the_next_pull_goes_on()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no signal that reaches one process alone.");
        var held = new TaskCompletionSource();
        var never = new TaskCompletionSource();
        hub.OfContent = request => FakeHub.Part(request, hub.Files[Graph]) with
        {
            CutAfter = 100_000,
            AtCut = () =>
            {
                held.TrySetResult();
                return never.Task;
            },
        };
        using Process process = Start([FakeHub.Model]);
        Task<Outcome> end = Cli.End(process);
        await held.Task;
        string partial = Path.Combine(Folder, Graph + ".partial");
        while (!end.IsCompleted && !(File.Exists(partial) && new FileInfo(partial).Length == 100_000)) await Task.Yield();
        Cli.Interrupt(process);
        Outcome stopped = await end;
        Assert.Equal((130, "", "unweave: stopped.\n"), (stopped.Code, stopped.Output, stopped.Error));

        hub.OfContent = null;
        Outcome pulled = (await Pull(FakeHub.Model, "--json")).Succeeded();
        Assert.Equal("resumed", (string?)pulled.Json["files"]!.AsArray().Single(file => (string?)file!["path"] is Graph)!["state"]);
        Assert.Equal("bytes=100000-", hub.RequestsFor(Graph)[^1]["Range"]);
        Assert.Equal(hub.Files[Graph], await File.ReadAllBytesAsync(Path.Combine(Folder, Graph)));
    }

    [Fact]
    public async Task Two_processes_at_once_fetch_every_file_once()
    {
        Process[] both = [Start([FakeHub.Model, "--json"]), Start([FakeHub.Model, "--json"])];
        try
        {
            Outcome[] outcomes = await Task.WhenAll(both.Select(Cli.End));
            Assert.All(outcomes, outcome => Assert.Equal(Folder, (string?)outcome.Succeeded().Json["folder"]));
        }
        finally
        {
            foreach (Process process in both) process.Dispose();
        }

        Assert.Single(hub.RequestsFor(Graph));
        Assert.Single(hub.RequestsFor("vocab.json"));
        Assert.Equal(hub.Files[Graph], await File.ReadAllBytesAsync(Path.Combine(Folder, Graph)));
    }

    [Fact]
    public async Task A_disk_that_fills_up_is_one_line_and_what_has_come_is_kept()
    {
        using (new SmallDisk(place["cache"], "512k"))
        {
            // There is room when the pull looks, and none when it has begun.
            hub.OfContent = request =>
            {
                FillUp(place["cache/other"]);
                return FakeHub.Part(request, hub.Files[Graph]);
            };
            (await Pull(FakeHub.Model)).Refused("the disk is full. What has come is kept: free space");
            File.Delete(place["cache/other"]);
            hub.OfContent = null;
            (await Pull(FakeHub.Model)).Succeeded();
            Assert.Equal(hub.Files[Graph], await File.ReadAllBytesAsync(Path.Combine(Folder, Graph)));
        }
    }

    [Fact]
    public async Task Help_names_the_settings_and_has_examples()
    {
        Outcome help = (await Pull("--help")).Succeeded();
        foreach (string part in (string[])["NAME", "--revision", "--include", "--output", "--offline", "HF_TOKEN", "UNWEAVE_CACHE",
            "  unweave pull "])
            Assert.Contains(part, help.Output, StringComparison.Ordinal);
    }

    private static void FillUp(string path)
    {
        try
        {
            File.WriteAllBytes(path, new byte[400_000]);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private async Task<Outcome> Pull(params string[] arguments)
    {
        using Process process = Start(arguments);
        return await Cli.End(process);
    }

    /// <summary>Starts a pull from the test's hub, in an environment of the test's.</summary>
    private Process Start(string[] arguments, params (string Name, string Value)[] environment)
    {
        var variables = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["HF_ENDPOINT"] = null,
            ["HF_TOKEN"] = null,
            ["UNWEAVE_OFFLINE"] = null,
            ["UNWEAVE_HUB"] = hub.Hub.Address.AbsoluteUri,
            ["UNWEAVE_CACHE"] = place["cache"],
        };
        foreach ((string name, string value) in environment) variables[name] = value;
        return Cli.Start(place.Folder, variables, ["pull", .. arguments]);
    }
}
