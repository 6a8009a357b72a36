using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Unweave.Onnx;

/// <summary>
/// Asks the hub over HTTP. Redirects are followed here, not by the platform, so that the token goes to the hub's own host alone and
/// the headers that the hub adds on the way are seen.
/// </summary>
internal sealed class HubConnection : IDisposable
{
    private const int MostRedirects = 10;

    private readonly HubOptions options;
    private readonly TimeProvider time;
    private readonly HttpClient client;

    /// <summary>
    /// Whether the hub has ever answered: before that, a host that is not there is a mistake or no network, after it a failure that may
    /// pass.
    /// </summary>
    private volatile bool reached;

    public HubConnection(HubOptions options, TimeProvider time)
    {
        (this.options, this.time) = (options, time);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None, // sizes and checksums are of the bytes as they are
            ConnectTimeout = TimeSpan.FromSeconds(30),
            UseProxy = !options.Endpoint.IsLoopback,
        };
        client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.Add(
            new ProductInfoHeaderValue("unweave", typeof(HubConnection).Assembly.GetName().Version?.ToString(3) ?? "0"));
        client.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
    }

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();

    /// <summary>An address on the hub.</summary>
    /// <param name="path">Its path after the base address, escaped.</param>
    public Uri Address(string path) => new($"{options.Endpoint.AbsoluteUri.TrimEnd('/')}/{path}");

    /// <summary>Asks for an address and follows redirects to the answer, whatever its status.</summary>
    /// <param name="address">An address on the hub.</param>
    /// <param name="from">The first byte wanted of the body, or null for all of it.</param>
    /// <param name="ifETag">
    /// With <paramref name="from"/>: all of the body is wanted where it no longer has this ETag; null where none is known.
    /// </param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="HubFault">The connection failed in a way that may pass.</exception>
    /// <exception cref="InputException">It failed in a way that will not.</exception>
    public async Task<HubAnswer> Get(Uri address, long? from, EntityTagHeaderValue? ifETag, CancellationToken cancellationToken)
    {
        var notes = new HubNotes();
        bool atHub = true;
        for (int redirects = 0; redirects <= MostRedirects; redirects++)
        {
            // Whoever the hub sends us to does not get the token, and does not get it by sending us back.
            atHub = atHub && IsHub(address);
            HttpResponseMessage response = await Send(address, atHub, from, ifETag, cancellationToken);
            if (atHub) notes.Read(response);
            if (response.StatusCode is not (
                    HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect
                        or HttpStatusCode.PermanentRedirect))
                return new HubAnswer(response, notes, atHub, options, time);
            Uri? location = response.Headers.Location;
            response.Dispose();
            if (location is null) throw new HubFault($"{address.Host} answered with a redirect to nowhere");
            if (!Uri.TryCreate(address, location, out Uri? next) || next.Scheme is not ("http" or "https"))
            {
                throw new InputException($"{address.Host} redirects to {HubName.Shown(location.OriginalString)}, which is not on the "
                    + "web; check that UNWEAVE_HUB or HF_ENDPOINT is the address of a hub.");
            }

            if (address.Scheme is "https" && next.Scheme is "http")
            {
                throw new InputException($"{address.Host} redirects to {next.Host} without encryption (http), which is refused; check "
                    + "the network: a login page of the network may stand between.");
            }

            address = next;
        }

        throw new InputException($"{options.Endpoint.Host} redirects more than {MostRedirects} times; check that UNWEAVE_HUB or "
            + $"HF_ENDPOINT is the address of a hub.");
    }

    private bool IsHub(Uri address) =>
        string.Equals(address.Scheme, options.Endpoint.Scheme, StringComparison.Ordinal)
            && string.Equals(address.IdnHost, options.Endpoint.IdnHost, StringComparison.OrdinalIgnoreCase)
                && address.Port == options.Endpoint.Port;

    private async Task<HttpResponseMessage> Send(
        Uri address, bool atHub, long? from, EntityTagHeaderValue? ifETag, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (atHub && options.Token is { } token) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (from is { } first)
        {
            request.Headers.Range = new RangeHeaderValue(first, null);
            if (ifETag is not null) request.Headers.IfRange = new RangeConditionHeaderValue(ifETag);
        }

        using var silence = new CancellationTokenSource(options.Silence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
        try
        {
            HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            reached = true;
            return response;
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HubFault($"{address.Host} did not answer", e);
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.SecureConnectionError)
        {
            throw new InputException($"{address.Host}: no secure connection can be made: {Innermost(e)}; check the machine's clock and "
                + $"certificates, or that UNWEAVE_HUB begins with the right http or https.", e);
        }
        catch (HttpRequestException e) when (
            !reached && (e.HttpRequestError is HttpRequestError.NameResolutionError || e.InnerException is SocketException))
        {
            throw new InputException($"{address.Authority} cannot be reached: {Innermost(e)}; check the network (and UNWEAVE_HUB or "
                + $"HF_ENDPOINT, if set), or use what is cached with --offline.", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new HubFault($"{address.Host}: {Innermost(e)}", e);
        }
    }

    private static string Innermost(Exception exception) => HubName.Shown(exception.GetBaseException().Message.TrimEnd('.'));
}

/// <summary>What the hub says about a file in headers, before it redirects to where the content is.</summary>
internal sealed class HubNotes
{
    /// <summary>The commit that the file is of.</summary>
    public string? Commit { get; private set; }

    /// <summary>The sum of the content, where the ETag is one.</summary>
    public HubChecksum? Checksum { get; private set; }

    /// <summary>The size of the content.</summary>
    public long? Size { get; private set; }

    /// <summary>What went wrong, as the hub's code for it: RepoNotFound, GatedRepo, RevisionNotFound, EntryNotFound.</summary>
    public string? ErrorCode { get; private set; }

    /// <summary>Takes what an answer of the hub itself says; what was said first stays.</summary>
    public void Read(HttpResponseMessage response)
    {
        Commit ??= Header(response, "X-Repo-Commit");
        ErrorCode ??= Header(response, "X-Error-Code");
        if (response.StatusCode >= HttpStatusCode.BadRequest) return;
        string? etag = Header(response, "X-Linked-Etag") ?? Header(response, "ETag");
        // Weak or strong does not matter here: only the sum in it does.
        Checksum ??= HubChecksum.Parse(etag?.Replace("W/", "", StringComparison.Ordinal).Trim('"'));
        if (Size is null && long.TryParse(Header(response, "X-Linked-Size"), out long size) && size >= 0) Size = size;
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault() : null;
}

/// <summary>The answer at the end of the redirects.</summary>
internal sealed class HubAnswer(
    HttpResponseMessage response, HubNotes notes, bool atHub, HubOptions options, TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource silence = new(Timeout.InfiniteTimeSpan, time);
    private Stream? body;

    /// <summary>The status.</summary>
    public HttpStatusCode Status => response.StatusCode;

    /// <summary>What the hub said on the way.</summary>
    public HubNotes Notes => notes;

    /// <summary>True when the hub itself answered, false when it was another host.</summary>
    public bool AtHub => atHub;

    /// <summary>The host that answered.</summary>
    public string Host => response.RequestMessage?.RequestUri?.Host ?? options.Endpoint.Host;

    /// <summary>The ETag of the body, where it names exactly these bytes.</summary>
    public EntityTagHeaderValue? ETag => response.Headers.ETag is { IsWeak: false } strong ? strong : null;

    /// <summary>The length of this body, where it is told.</summary>
    public long? Length => response.Content.Headers.ContentLength;

    /// <summary>The part of the whole that this body is (status 206).</summary>
    public ContentRangeHeaderValue? Range => response.Content.Headers.ContentRange;

    /// <summary>How long the host asks to wait, or null.</summary>
    public TimeSpan? RetryAfter
    {
        get
        {
            RetryConditionHeaderValue? asked = response.Headers.RetryAfter;
            TimeSpan? wait = asked?.Delta ?? (asked?.Date is { } date ? date - time.GetUtcNow() : null);
            return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
        }
    }

    /// <summary>Reads some of the body.</summary>
    /// <returns>The number of bytes; 0 at the end.</returns>
    /// <exception cref="HubFault">The connection was cut or fell silent.</exception>
    public async ValueTask<int> Read(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        silence.CancelAfter(options.Silence);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
        try
        {
            body ??= await response.Content.ReadAsStreamAsync(either.Token);
            return await body.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HubFault($"{Host} sent nothing for {options.Silence.TotalSeconds:0} s", e);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new HubFault($"the connection to {Host} was cut", e);
        }
        finally
        {
            silence.CancelAfter(Timeout.InfiniteTimeSpan); // what happens between two reads is not the host's silence
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        silence.Dispose();
        response.Dispose();
    }
}
