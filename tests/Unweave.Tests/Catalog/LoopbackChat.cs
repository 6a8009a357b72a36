using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Unweave.Tests.Catalog;

/// <summary>A request to a chat server.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Headers">Its headers, as they were sent.</param>
/// <param name="Model">The model asked for.</param>
/// <param name="System">Words of the system message.</param>
/// <param name="User">Words of the user's message.</param>
internal sealed record ChatRequest(string Path, string Headers, string Model, string System, string User);

/// <summary>What a chat server does with a request.</summary>
/// <param name="Status">Status.</param>
/// <param name="Body">Body of the response.</param>
/// <param name="Headers">Further headers, a line each.</param>
/// <param name="Cut">Whether the connection is cut in the middle of the body.</param>
/// <param name="Silent">Whether nothing is ever answered.</param>
internal sealed record ChatReply(int Status, string Body, string Headers = "", bool Cut = false, bool Silent = false)
{
    /// <summary>A right answer of the protocol.</summary>
    public static ChatReply Says(string text, string finish = "stop") => new(200, new JsonObject
    {
        ["id"] = "1",
        ["object"] = "chat.completion",
        ["created"] = 1,
        ["model"] = "toy",
        ["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["finish_reason"] = finish,
            ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text },
        }),
        ["usage"] = new JsonObject { ["prompt_tokens"] = 1, ["completion_tokens"] = 1, ["total_tokens"] = 2 },
    }.ToJsonString());
}

/// <summary>
/// A server on this machine that speaks OpenAI's chat completions over plain sockets, so that it can also speak them badly.
/// </summary>
internal sealed class LoopbackChat : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Func<ChatRequest, int, ChatReply> reply;
    private readonly ConcurrentQueue<ChatRequest> requests = new();
    private int running;

    /// <summary>Starts a server.</summary>
    /// <param name="reply">What it does with a request, which has a number from 1 on.</param>
    public LoopbackChat(Func<ChatRequest, int, ChatReply> reply)
    {
        this.reply = reply;
        listener.Start();
        _ = Accept();
    }

    /// <summary>Its address.</summary>
    public string Address => $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/v1";

    /// <summary>What was asked.</summary>
    public IReadOnlyList<ChatRequest> Requests => [.. requests];

    /// <summary>Most requests that were there at once.</summary>
    public int MostAtOnce { get; private set; }

    /// <summary>Milliseconds that an answer takes.</summary>
    public int Slowness { get; set; }

    public void Dispose()
    {
        stop.Cancel();
        listener.Dispose();
        stop.Dispose();
    }

    private async Task Accept()
    {
        try
        {
            while (true) _ = Serve(await listener.AcceptTcpClientAsync(stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task Serve(TcpClient connection)
    {
        using TcpClient mine = connection;
        try
        {
            using NetworkStream stream = mine.GetStream();
            (string head, string body) = await Read(stream);
            lock (requests) MostAtOnce = Math.Max(MostAtOnce, ++running);
            try
            {
                JsonElement json = JsonDocument.Parse(body).RootElement;
                var request = new ChatRequest(head.Split(' ')[1], head, json.GetProperty("model").GetString()!, Words(json, "system"),
                    Words(json, "user"));
                int number;
                lock (requests)
                {
                    requests.Enqueue(request);
                    number = requests.Count;
                }

                if (Slowness > 0) await Task.Delay(Slowness, stop.Token);
                ChatReply answer = reply(request, number);
                if (answer.Silent) await Task.Delay(Timeout.Infinite, stop.Token);
                byte[] bytes = Encoding.UTF8.GetBytes(answer.Body);
                await stream.WriteAsync(
                    Encoding.ASCII.GetBytes(
                        $"HTTP/1.1 {answer.Status} Status\r\nContent-Type: application/json\r\n{answer.Headers}Content-Length: "
                        + $"{bytes.Length}\r\nConnection: close\r\n\r\n"));
                await stream.WriteAsync(answer.Cut ? bytes.AsMemory(0, bytes.Length / 2) : bytes);
            }
            finally
            {
                lock (requests) running--;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private static string Words(JsonElement json, string role) =>
        string.Concat(
            json.GetProperty("messages").EnumerateArray().Where(message => message.GetProperty("role").ValueEquals(role))
                .Select(message => message.GetProperty("content")).Select(
        content =>
            content.ValueKind == JsonValueKind.String
                ? content.GetString()
                : string.Concat(content.EnumerateArray().Select(part => part.GetProperty("text").GetString()))));

    private static async Task<(string Head, string Body)> Read(NetworkStream stream)
    {
        var bytes = new List<byte>();
        byte[] buffer = new byte[8192];
        int end = -1, length = 0;
        while (end < 0 || bytes.Count < end + length)
        {
            int read = await stream.ReadAsync(buffer);
            if (read == 0) throw new IOException("closed");
            bytes.AddRange(buffer.AsSpan(0, read));
            if (end >= 0) continue;
            string text = Encoding.Latin1.GetString([.. bytes]);
            int at = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (at < 0) continue;
            end = at + 4;
            const string Name = "content-length:";
            int value = text.IndexOf(Name, StringComparison.OrdinalIgnoreCase) + Name.Length;
            length = int.Parse(text.AsSpan(value, text.IndexOf('\r', value) - value));
        }

        byte[] all = [.. bytes];
        return (Encoding.Latin1.GetString(all, 0, end), Encoding.UTF8.GetString(all, end, length));
    }
}
