using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Unweave.Tests.Onnx.Hub;

/// <summary>What a client asked.</summary>
/// <param name="Target">Path and query, escaped as they came.</param>
/// <param name="Headers">The headers, by name without regard to case.</param>
internal sealed record LoopbackRequest(string Target, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>A header, or null.</summary>
    public string? this[string header] => Headers.GetValueOrDefault(header);
}

/// <summary>What it is answered.</summary>
/// <param name="Status">Status code.</param>
internal sealed record LoopbackAnswer(int Status)
{
    public Dictionary<string, string> Headers { get; init; } = [];

    public byte[] Body { get; init; } = [];

    /// <summary>The connection is cut after so many bytes of the body; its length is told in full.</summary>
    public int? CutAfter { get; init; }

    /// <summary>Awaited where the body is cut, with the connection still open.</summary>
    public Func<Task>? AtCut { get; init; }

    /// <summary>The body's end is told by its closing the connection, not by a length.</summary>
    public bool WithoutLength { get; init; }
}

/// <summary>
/// An HTTP server on this machine that does to its clients what a test wants: it can cut an answer anywhere, or never end it.
/// </summary>
internal sealed class LoopbackServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource closing = new();
    private readonly ConcurrentQueue<LoopbackRequest> requests = new();
    private readonly Func<LoopbackRequest, LoopbackAnswer> answer;
    private readonly Task accepting;

    public LoopbackServer(Func<LoopbackRequest, LoopbackAnswer> answer)
    {
        this.answer = answer;
        listener.Start();
        accepting = Accept();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

    /// <summary>All requests so far, in the order they came.</summary>
    public IReadOnlyList<LoopbackRequest> Requests => [.. requests];

    public void Dispose()
    {
        closing.Cancel();
        accepting.Wait();
        listener.Stop();
        closing.Dispose();
    }

    private async Task Accept()
    {
        var serving = new List<Task>();
        try
        {
            while (true) serving.Add(Serve(await listener.AcceptTcpClientAsync(closing.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task Serve(TcpClient client)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                if (await Read(stream) is not { } request) return;
                requests.Enqueue(request);
                await Write(stream, answer(request));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // The client hung up, or the test is over.
            }
        }
    }

    private async Task<LoopbackRequest?> Read(NetworkStream stream)
    {
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, closing.Token) == 0) return null;
            head.Append((char)one[0]);
        }

        string[] lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        return new LoopbackRequest(lines[0].Split(' ')[1], lines[1..].Select(line => line.Split(':', 2))
            .ToDictionary(pair => pair[0], pair => pair[1].Trim(), StringComparer.OrdinalIgnoreCase));
    }

    private async Task Write(NetworkStream stream, LoopbackAnswer reply)
    {
        var head = new StringBuilder($"HTTP/1.1 {reply.Status} Status\r\nConnection: close\r\n");
        if (!reply.WithoutLength) head.Append($"Content-Length: {reply.Body.Length}\r\n");
        foreach ((string name, string value) in reply.Headers) head.Append($"{name}: {value}\r\n");
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), closing.Token);
        await stream.WriteAsync(reply.Body.AsMemory(0, reply.CutAfter ?? reply.Body.Length), closing.Token);
        await stream.FlushAsync(closing.Token);
        if (reply.AtCut is { } atCut) await atCut().WaitAsync(closing.Token);
    }
}
