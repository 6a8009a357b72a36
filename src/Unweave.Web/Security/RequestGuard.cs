using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace Unweave.Web.Security;

/// <summary>
/// What every request passes before anything answers it: headers that confine the page, the host and origin, the size, the token.
/// </summary>
internal static class RequestGuard
{
    /// <summary>Scripts, styles and connections of this server only; bars and shades are style attributes, hence inline styles.</summary>
    private const string Policy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        + "font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>Adds the guard, in front of everything else.</summary>
    public static void UseRequestGuard(this WebApplication app, ServeOptions options, TimeProvider time)
    {
        HashSet<string>? names = HostNames(options);
        Login? login = options.Token is { } secret ? new Login(new AccessToken(secret), new Sessions(time), new GuessGate(time)) : null;
        app.Use(async (context, next) =>
        {
            HttpRequest request = context.Request;
            Confine(context);
            if (names is not null && !names.Contains(request.Host.Host))
            {
                await Answer.Error(
                    context,
                    StatusCodes.Status421MisdirectedRequest,
                    "This server answers to its own address only",
                    $"It was asked for as {Plain(request.Host.Host)}; open it as {options.HostName}.");
            }
            else if (IsForeign(request))
            {
                await Answer.Error(
                    context,
                    StatusCodes.Status403Forbidden,
                    "Another site asked for this",
                    "Pages of other sites may link to the pages here; they may neither read nor change anything.");
            }
            else if (!Fits(context, out long most))
            {
                await Answer.TooLarge(context, most);
            }
            else if (login is not null)
            {
                await login.InvokeAsync(context, next);
            }
            else
            {
                await next(context);
            }
        });
    }

    /// <summary>
    /// The names that a server of this machine alone answers to, so that no other site can lead a browser here under a name of its own
    /// (DNS rebinding). Null where other machines reach it, under names that are not known here; there the token stands in for the check.
    /// </summary>
    private static HashSet<string>? HostNames(ServeOptions options) =>
        options.IsReachedByOthers ? null : new(["localhost", "127.0.0.1", "[::1]", options.HostName], StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the body is no longer than its operation takes; one sent in pieces is held to that while it is read.</summary>
    private static bool Fits(HttpContext context, out long most)
    {
        most = context.GetEndpoint()?.Metadata.GetMetadata<IRequestSizeLimitMetadata>()?.MaxRequestBodySize ?? Dashboard.LargestBody;
        bool fits = !(context.Request.ContentLength > most);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = fits ? most : Dashboard.LargestRead;
        return fits;
    }

    private static void Confine(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers[HeaderNames.ContentSecurityPolicy] = Policy;
        headers[HeaderNames.XContentTypeOptions] = "nosniff";
        headers[HeaderNames.XFrameOptions] = "DENY";
        headers["Referrer-Policy"] = "same-origin"; // with none at all, forms of our own would come from the origin "null"
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
        if (Answer.IsApi(context.Request)) headers[HeaderNames.CacheControl] = "no-store";
    }

    /// <summary>
    /// Whether a page of another site, or of another port of this machine, asks for anything but to open a page in a tab. Browsers say so
    /// in Sec-Fetch-Site where they trust the connection, else in Origin; programs that are no browsers send neither.
    /// </summary>
    private static bool IsForeign(HttpRequest request)
    {
        string site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site is not ("" or "same-origin" or "none")) return !OpensPage(request);
        string origin = request.Headers[HeaderNames.Origin].ToString();
        return origin.Length > 0
            && !(Uri.TryCreate(origin, UriKind.Absolute, out Uri? from)
                && string.Equals(from.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }

    private static bool OpensPage(HttpRequest request) =>
        Answer.IsRead(request) && !Answer.IsApi(request)
        && request.Headers["Sec-Fetch-Mode"] == "navigate" && request.Headers["Sec-Fetch-Dest"] == "document";

    private static string Plain(string host) => host.Length is > 0 and <= 100 ? host : "another name";
}
