using System.Net;
using Microsoft.AspNetCore.Http;
using Unweave.Web.Api;

namespace Unweave.Web.Security;

/// <summary>
/// Answers that do not come from a page of the dashboard: errors, and the form to log in. To programs they are JSON, to people a page that
/// needs nothing else.
/// </summary>
internal static class Answer
{
    /// <summary>Whether a request only reads.</summary>
    public static bool IsRead(HttpRequest request) => HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);

    /// <summary>Whether a person's browser asks for a page.</summary>
    public static bool WantsPage(HttpRequest request) =>
        IsRead(request) && !IsApi(request) && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Whether it is a request of the HTTP API, whose description at <c>/api</c> itself is a page. Routes do not tell capitals from small
    /// letters, so neither does this.
    /// </summary>
    public static bool IsApi(HttpRequest request) =>
        request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase, out PathString rest)
        && rest.Value is not (null or "" or "/");

    /// <summary>Says what is wrong: as a problem (RFC 9457) or as a page.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">Status.</param>
    /// <param name="title">What is wrong, in a few words.</param>
    /// <param name="message">One sentence: what, where, the likely fix.</param>
    public static Task Error(HttpContext context, int status, string title, string message)
    {
        context.Response.StatusCode = status;
        if (!WantsPage(context.Request)) return ApiErrors.Write(context, status, $"{title}: {message}");
        return Page(context, title, $"""
            <h1>{WebUtility.HtmlEncode(title)}</h1>
            <p>{WebUtility.HtmlEncode(message)}</p>
            <p><a href="/">Back to the start</a></p>
            """);
    }

    /// <summary>Says that a request is too large.</summary>
    /// <param name="context">The request.</param>
    /// <param name="most">Bytes that it may hold.</param>
    public static Task TooLarge(HttpContext context, long most = Dashboard.LargestBody) => Error(
        context, StatusCodes.Status413PayloadTooLarge, "That is too much", $"A request may hold {most >> 20} MiB.");

    /// <summary>Writes a page that needs no other file.</summary>
    /// <param name="context">The request.</param>
    /// <param name="title">Title, not yet encoded.</param>
    /// <param name="body">Body, as HTML.</param>
    public static Task Page(HttpContext context, string title, string body)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync($$"""
            <!DOCTYPE html>
            <html lang="en"><head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <link rel="icon" href="data:,">
            <title>{{WebUtility.HtmlEncode(title)}} · Unweave</title>
            <style>
            :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
            body { max-width: 26rem; margin: 18vh auto 0; padding: 0 1rem; }
            h1 { font-size: 1.5rem; }
            label, input, button { display: block; font: inherit; }
            input { width: 100%; box-sizing: border-box; padding: .5rem; margin: .25rem 0 1rem; }
            button { padding: .5rem 1.25rem; }
            code { overflow-wrap: anywhere; }
            .wrong { color: #c62828; } .quiet { opacity: .75; font-size: .875rem; }
            @media (prefers-color-scheme: dark) { .wrong { color: #ff8a80; } }
            </style></head><body><main>{{body}}</main></body></html>
            """);
    }
}
