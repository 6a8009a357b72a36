using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Unweave.Tests.Onnx.Hub;

/// <summary>
/// A hub on this machine that answers as the real one does: the list of a model's files, small files itself, large (LFS) ones by a
/// redirect to a second server. A test may answer any request in its place.
/// </summary>
internal sealed class FakeHub : IDisposable
{
    public const string Model = "owner/name", Commit = "0123456789abcdef0123456789abcdef01234567";

    private const string Api = "/api/models/" + Model + "/revision/", Resolve = "/" + Model + "/resolve/" + Commit + "/";

    public FakeHub()
    {
        Content = new LoopbackServer(request => OfContent?.Invoke(request)
            ?? Part(request, Files[Uri.UnescapeDataString(request.Target[1..])]));
        Hub = new LoopbackServer(request => OfHub?.Invoke(request)
            ?? (request.Target.StartsWith(Api, StringComparison.Ordinal) ? Listing(request) : File(request)));
    }

    /// <summary>The hub, whose address the client is given.</summary>
    public LoopbackServer Hub { get; }

    /// <summary>The server of large files, which the hub redirects to.</summary>
    public LoopbackServer Content { get; }

    /// <summary>The model's files.</summary>
    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>Which of them are large.</summary>
    public HashSet<string> Large { get; } = new(StringComparer.Ordinal);

    /// <summary>Revisions of the model, all at <see cref="Commit"/>.</summary>
    public HashSet<string> Revisions { get; } = new(StringComparer.Ordinal) { "main", Commit };

    /// <summary>Answers requests to the hub in its place, unless it returns null.</summary>
    public Func<LoopbackRequest, LoopbackAnswer?>? OfHub { get; set; }

    /// <summary>Answers requests for large files in place of their server, unless it returns null.</summary>
    public Func<LoopbackRequest, LoopbackAnswer?>? OfContent { get; set; }

    /// <summary>Changes the listing before it is sent.</summary>
    public Action<JsonObject>? OfListing { get; set; }

    /// <summary>Adds a file of text.</summary>
    public FakeHub Add(string path, string text)
    {
        Files[path] = Encoding.UTF8.GetBytes(text);
        return this;
    }

    /// <summary>Adds a large file of bytes that no two places share.</summary>
    public FakeHub AddLarge(string path, int bytes)
    {
        Large.Add(path);
        Files[path] = [.. Enumerable.Range(0, bytes).Select(i => (byte)((i * 31) ^ (i >> 8) ^ path.Length))];
        return this;
    }

    /// <summary>A model as they mostly are: a graph, a quantized variant, the tokenizer's files and some that nobody needs.</summary>
    public static FakeHub Usual() => new FakeHub()
        .AddLarge("onnx/model.onnx", 300_000).AddLarge("onnx/model_quantized.onnx", 1000)
        .Add("config.json", """{"model_type":"gpt2"}""").Add("tokenizer.json", """{"version":"1.0"}""").Add("vocab.json", "{}")
        .Add("README.md", "# name").AddLarge("pytorch_model.bin", 5000);

    /// <summary>The requests for a file's content, of the server that has it.</summary>
    public IReadOnlyList<LoopbackRequest> RequestsFor(string path) =>
        [.. Large.Contains(path) ? Content.Requests.Where(request => Is(request, "/" + path)) : Hub.Requests.Where(request =>
            Is(request, Resolve + path))];

    /// <summary>All of a file, or the part that is asked for, as servers that know ranges answer.</summary>
    public static LoopbackAnswer Part(LoopbackRequest request, byte[] file)
    {
        string etag = ETag(file);
        var headers = new Dictionary<string, string>(StringComparer.Ordinal) { ["ETag"] = etag, ["Accept-Ranges"] = "bytes" };
        if (request["Range"] is not { } range
            || (request["If-Range"] is { } condition && !string.Equals(condition, etag, StringComparison.Ordinal)))
            return new LoopbackAnswer(200) { Headers = headers, Body = file };
        int from = int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture);
        headers["Content-Range"] = from < file.Length ? $"bytes {from}-{file.Length - 1}/{file.Length}" : $"bytes */{file.Length}";
        return from < file.Length
            ? new LoopbackAnswer(206) { Headers = headers, Body = file[from..] }
            : new LoopbackAnswer(416) { Headers = headers };
    }

    /// <summary>An ETag of the kind that stores of content give: not the sum that the hub lists.</summary>
    public static string ETag(byte[] file) => $"\"{file.Length:x}-{file.Sum(value => (long)value):x}\"";

    public static string Sha256(byte[] file) => Convert.ToHexStringLower(SHA256.HashData(file));

#pragma warning disable CA5350 // git names content by SHA-1
    public static string Blob(byte[] file) =>
        Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {file.Length}\0"), .. file]));
#pragma warning restore CA5350

    public static LoopbackAnswer Refusal(int status, string? code = null)
    {
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        if (code is not null) headers["X-Error-Code"] = code;
        return new LoopbackAnswer(status) { Headers = headers, Body = "{\"error\":\"no\"}"u8.ToArray() };
    }

    public void Dispose()
    {
        Hub.Dispose();
        Content.Dispose();
    }

    private static bool Is(LoopbackRequest request, string target) =>
        string.Equals(Uri.UnescapeDataString(request.Target), target, StringComparison.Ordinal);

    private LoopbackAnswer Listing(LoopbackRequest request)
    {
        if (!request.Target.EndsWith("?blobs=true", StringComparison.Ordinal)) return Refusal(400);
        if (!Revisions.Contains(Uri.UnescapeDataString(request.Target[Api.Length..^"?blobs=true".Length])))
            return Refusal(404, "RevisionNotFound");
        var siblings = new JsonArray();
        foreach ((string path, byte[] content) in Files)
        {
            var sibling = new JsonObject { ["rfilename"] = path, ["size"] = content.Length };
            string pointer = $"version https://git-lfs.github.com/spec/v1\noid sha256:{Sha256(content)}\nsize {content.Length}\n";
            sibling["blobId"] = Blob(Large.Contains(path) ? Encoding.ASCII.GetBytes(pointer) : content);
            if (Large.Contains(path))
                sibling["lfs"] = new JsonObject
                {
                    ["sha256"] = Sha256(content),
                    ["size"] = content.Length,
                    ["pointerSize"] = pointer.Length,
                };
            siblings.Add((JsonNode)sibling);
        }

        var listing = new JsonObject { ["id"] = Model, ["private"] = false, ["gated"] = false, ["sha"] = Commit, ["siblings"] = siblings };
        OfListing?.Invoke(listing);
        return new LoopbackAnswer(200)
        {
            Headers = { ["Content-Type"] = "application/json" },
            Body = JsonSerializer.SerializeToUtf8Bytes(listing),
        };
    }

    private LoopbackAnswer File(LoopbackRequest request)
    {
        if (!request.Target.StartsWith(Resolve, StringComparison.Ordinal)) return Refusal(404, "RepoNotFound");
        string path = Uri.UnescapeDataString(request.Target[Resolve.Length..]);
        if (!Files.TryGetValue(path, out byte[]? content)) return Refusal(404, "EntryNotFound");
        if (Large.Contains(path))
        {
            return new LoopbackAnswer(302)
            {
                Headers =
                {
                    ["X-Repo-Commit"] = Commit, ["X-Linked-Size"] = $"{content.Length}", ["X-Linked-Etag"] = $"\"{Sha256(content)}\"",
                    ["Location"] = new Uri(Content.Address, Uri.EscapeDataString(path)).AbsoluteUri,
                },
            };
        }

        LoopbackAnswer answer = Part(request, content);
        answer.Headers["X-Repo-Commit"] = Commit;
        answer.Headers["ETag"] = $"\"{Blob(content)}\"";
        return answer;
    }
}
