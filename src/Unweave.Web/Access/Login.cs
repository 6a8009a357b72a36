using System.Net;
using Microsoft.AspNetCore.Http;

namespace Unweave.Web.Access;

/// <summary>Lets requests with the token pass, and asks people for it with a form of plain HTML.</summary>
internal static class Login
{
    private const string Path = "/login";
    private const int LongestForm = 8 << 10;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Answers a request that may not pass; false lets it pass.</summary>
    public static async Task<bool> Answered(HttpContext context, Token token)
    {
        HttpRequest request = context.Request;
        string back = Local(request.Query["back"]);
        if (!request.Path.Equals(Path, StringComparison.Ordinal))
        {
            if (token.IsBroughtBy(request)) return false;
            if (Answer.WantsPage(request)) context.Response.Redirect($"{Path}?back={Uri.EscapeDataString(request.Path + request.QueryString)}");
            else await Unauthorized(context);
            return true;
        }

        if (HttpMethods.IsPost(request.Method))
        {
            if (request.ContentLength is null or > LongestForm || !request.HasFormContentType)
            {
                await Answer.Error(context, StatusCodes.Status400BadRequest, "This is not the form", "Send the form of this page.");
                return true;
            }

            IFormCollection form = await request.ReadFormAsync(context.RequestAborted);
            if (token.Matches(form["token"].ToString()))
            {
                token.Remember(context);
                context.Response.Redirect(Local(form["back"]));
                return true;
            }

            await Task.Delay(Pause, context.RequestAborted); // guessing is slow
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            await Write(context, Local(form["back"]), wrong: true);
            return true;
        }

        await Write(context, back, wrong: false);
        return true;
    }

    /// <summary>A place on this server, or its start: an address that leads elsewhere is not gone to.</summary>
    internal static string Local(string? address) =>
        address is ['/', ..] && address.Length < 2048 && !address.StartsWith("//", StringComparison.Ordinal) && !address.Contains('\\', StringComparison.Ordinal) && !address.Any(char.IsControl) && !address.StartsWith(Path, StringComparison.Ordinal)
            ? address
            : "/";

    private static Task Unauthorized(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return Answer.Error(context, StatusCodes.Status401Unauthorized, "A token is needed", $"Send the header Authorization: Bearer with the token of {ServeOptions.TokenVariable}.");
    }

    private static Task Write(HttpContext context, string back, bool wrong) => Answer.Page(context, "Log in", $"""
        <h1>Unweave</h1>
        <form method="post" action="{Path}">
          <input type="hidden" name="back" value="{WebUtility.HtmlEncode(back)}">
          <label for="token">Token</label>
          <input id="token" name="token" type="password" autocomplete="current-password" required autofocus{(wrong ? " aria-invalid=\"true\" aria-describedby=\"wrong\"" : "")}>
          {(wrong ? "<p id=\"wrong\" class=\"wrong\" role=\"alert\">That is not the token.</p>" : "")}
          <button>Log in</button>
        </form>
        <p class="quiet">The token is what {ServeOptions.TokenVariable} held when the server was started.</p>
        """);
}
