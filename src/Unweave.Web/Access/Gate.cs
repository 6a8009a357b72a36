using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace Unweave.Web.Access;

/// <summary>What every request passes before anything answers it: headers that confine the page, the host and origin, the token.</summary>
internal static class Gate
{
    /// <summary>Scripts, styles and connections of this server only; MudBlazor sets style attributes, hence inline styles.</summary>
    private const string Policy =
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    private static readonly HashSet<string> OwnNames = new(["localhost", "127.0.0.1", "[::1]"], StringComparer.OrdinalIgnoreCase);

    /// <summary>Adds the gate, in front of everything else.</summary>
    public static void UseGate(this WebApplication app, ServeOptions options)
    {
        Token? token = options.Token is { } secret ? new Token(secret) : null;
        app.Use(async (context, next) =>
        {
            Confine(context.Response.Headers);
            if (options.IsLoopback && !OwnNames.Contains(context.Request.Host.Host))
            {
                await Answer.Error(context, StatusCodes.Status421MisdirectedRequest, "This server answers to localhost only", $"It was asked for as {Plain(context.Request.Host.Host)}.");
                return;
            }

            if (IsForeign(context.Request))
            {
                await Answer.Error(context, StatusCodes.Status403Forbidden, "Another site asked for this", "A page of another site may not change anything here.");
                return;
            }

            if (!Fits(context, out long most))
            {
                await Answer.TooLarge(context, most);
                return;
            }

            if (token is not null && await Login.Answered(context, token)) return;
            await next(context);
        });
    }

    /// <summary>Whether the body is no longer than its operation takes; one sent in pieces is held to that while it is read.</summary>
    private static bool Fits(HttpContext context, out long most)
    {
        most = context.GetEndpoint()?.Metadata.GetMetadata<IRequestSizeLimitMetadata>()?.MaxRequestBodySize ?? Dashboard.LargestBody;
        bool fits = !(context.Request.ContentLength > most);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = fits ? most : Dashboard.LargestRead;
        return fits;
    }

    private static void Confine(IHeaderDictionary headers)
    {
        headers[HeaderNames.ContentSecurityPolicy] = Policy;
        headers[HeaderNames.XContentTypeOptions] = "nosniff";
        headers[HeaderNames.XFrameOptions] = "DENY";
        headers["Referrer-Policy"] = "same-origin"; // with none at all, forms of our own would come from the origin "null"
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
    }

    /// <summary>Whether a page of another site asks for something that changes state or opens a connection.</summary>
    private static bool IsForeign(HttpRequest request)
    {
        bool reads = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        if (reads && !request.HttpContext.WebSockets.IsWebSocketRequest && !request.Headers.ContainsKey(HeaderNames.Upgrade)) return false;
        string origin = request.Headers.Origin.ToString();
        if (origin.Length == 0) return string.Equals(request.Headers["Sec-Fetch-Site"].ToString(), "cross-site", StringComparison.OrdinalIgnoreCase);
        return !Uri.TryCreate(origin, UriKind.Absolute, out Uri? from) || !string.Equals(from.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase);
    }

    private static string Plain(string host) => host.Length is > 0 and <= 100 ? host : "another name";
}
