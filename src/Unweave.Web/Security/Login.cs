using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Extensions.Primitives;

namespace Unweave.Web.Security;

/// <summary>
/// Lets in who has the token: programs that send it as a header, and browsers, which trade it for a session by opening an address that
/// holds it or by a form of plain HTML.
/// </summary>
internal sealed class Login(AccessToken token, Sessions sessions, GuessGate guesses)
{
    /// <summary>Where a reader logs out, with the method POST.</summary>
    public const string LogoutPath = "/logout";

    private const string Path = "/login";
    private const int LongestForm = 8 << 10;

    /// <summary>Passes a request on to what answers it if it may pass; answers it here otherwise.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        HttpRequest request = context.Request;
        if (request.Path.Equals(Path, StringComparison.OrdinalIgnoreCase))
        {
            await (HttpMethods.IsPost(request.Method) ? ReadForm(context) : WriteForm(context, Local(request.Query["back"]), wrong: false));
            return;
        }

        // That it is a page of this server that logs the reader out was checked before, as for every request that changes something.
        if (request.Path.Equals(LogoutPath, StringComparison.OrdinalIgnoreCase) && HttpMethods.IsPost(request.Method))
        {
            sessions.End(context);
            context.Response.Redirect(Path);
            return;
        }

        using IDisposable? session = sessions.Use(context);
        if (Answer.WantsPage(request) && request.Query.TryGetValue(AccessToken.Parameter, out StringValues offered))
        {
            await Open(context, offered.ToString(), session is not null);
            return;
        }

        if (session is not null)
        {
            await next(context);
            return;
        }

        string? sent = AccessToken.SentBy(request);
        if (sent is not null && token.Matches(sent)) await next(context);
        else if (sent is not null && !await guesses.PassAsync(context.RequestAborted)) await TooMany(context);
        else if (Answer.WantsPage(request)) AskFor(context, request.Path + request.QueryString);
        else await Unauthorized(context);
    }

    /// <summary>A place on this server, or its start: an address that leads elsewhere is not gone to.</summary>
    internal static string Local(string? address) =>
        address is ['/', ..] && address.Length < 2048
            && !address.StartsWith("//", StringComparison.Ordinal)
            && !address.StartsWith(Path, StringComparison.OrdinalIgnoreCase)
            && !address.Contains('\\', StringComparison.Ordinal)
            && !address.Any(char.IsControl)
            ? address
            : "/";

    /// <summary>
    /// Answers an address that holds the token with the same one without it, so that no history and no other site gets to see it.
    /// </summary>
    private async Task Open(HttpContext context, string offered, bool known)
    {
        HttpRequest request = context.Request;
        var rest = new QueryBuilder(
            request.Query.Where(pair => !string.Equals(pair.Key, AccessToken.Parameter, StringComparison.OrdinalIgnoreCase)));
        string back = Local($"{request.Path.ToUriComponent()}{rest}");
        context.Response.Headers.CacheControl = "no-store";
        if (known || token.Matches(offered))
        {
            if (!known) sessions.Begin(context);
            context.Response.Redirect(back);
        }
        else if (await guesses.PassAsync(context.RequestAborted))
        {
            AskFor(context, back);
        }
        else
        {
            await TooMany(context);
        }
    }

    private async Task ReadForm(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (request.ContentLength is null or > LongestForm || !request.HasFormContentType)
        {
            await Answer.Error(context, StatusCodes.Status400BadRequest, "This is not the form", "Send the form of this page.");
            return;
        }

        IFormCollection form = await request.ReadFormAsync(context.RequestAborted);
        string back = Local(form["back"]);
        if (token.Matches(form["token"].ToString()))
        {
            sessions.Begin(context);
            context.Response.Redirect(back);
        }
        else if (await guesses.PassAsync(context.RequestAborted))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            await WriteForm(context, back, wrong: true);
        }
        else
        {
            await TooMany(context);
        }
    }

    private static void AskFor(HttpContext context, string back) =>
        context.Response.Redirect($"{Path}?back={Uri.EscapeDataString(back)}");

    private static Task Unauthorized(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return Answer.Error(
            context,
            StatusCodes.Status401Unauthorized,
            "A token is needed",
            "Send the header Authorization: Bearer with the token that the server printed when it was started, "
                + $"or that {ServeOptions.TokenVariable} held then.");
    }

    private static Task TooMany(HttpContext context)
    {
        context.Response.Headers.RetryAfter = GuessGate.Patience.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
        return Answer.Error(
            context,
            StatusCodes.Status429TooManyRequests,
            "Too many wrong tokens",
            "Others are being answered; try again in a few seconds.");
    }

    private static Task WriteForm(HttpContext context, string back, bool wrong) => Answer.Page(context, "Log in", $"""
        <h1>Unweave</h1>
        <form method="post" action="{Path}">
          <input type="hidden" name="back" value="{WebUtility.HtmlEncode(back)}">
          <label for="token">Token</label>
          <input id="token" name="token" type="password" autocomplete="current-password"
            required autofocus{(wrong ? " aria-invalid=\"true\" aria-describedby=\"wrong\"" : "")}>
          {(wrong ? "<p id=\"wrong\" class=\"wrong\" role=\"alert\">That is not the token.</p>" : "")}
          <button>Log in</button>
        </form>
        <p class="quiet">
          The token is in the address that the server printed when it was started; a server that was started
          with <code>{ServeOptions.TokenVariable}</code> takes what that held.
        </p>
        """);
}
