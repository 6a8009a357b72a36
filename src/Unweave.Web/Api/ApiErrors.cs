using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;
using Unweave.Web.Security;

namespace Unweave.Web.Api;

/// <summary>Errors of the API as <c>application/problem+json</c> (RFC 9457): a status and a sentence, never more.</summary>
internal static partial class ApiErrors
{
    private const string TooLarge = "The body is larger than this operation takes; send less at a time.";

    /// <summary>Turns what goes wrong under <c>/api</c> into problems.</summary>
    public static void UseApiErrors(this IApplicationBuilder app) => app.UseWhen(
        context => Answer.IsApi(context.Request),
        api => api.Use(async (context, next) =>
        {
            try
            {
                await next(context);
                if (context.Response is { HasStarted: false, StatusCode: >= 400, ContentType: null })
                    await Write(context, context.Response.StatusCode, Sentence(context));
            }
            catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
            {
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            }
            catch (Exception e) when (!context.Response.HasStarted)
            {
                (int status, string detail) = Explain(e);
                if (e is BusyException) context.Response.Headers.RetryAfter = "5";
                await Write(context, status, detail);
            }
        }));

    private static (int Status, string Detail) Explain(Exception failure) => failure switch
    {
        Refusal refusal => (refusal.Status, refusal.Message),
        InputException => (StatusCodes.Status400BadRequest, failure.Message),
        BusyException => (StatusCodes.Status503ServiceUnavailable, failure.Message),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => (StatusCodes.Status413PayloadTooLarge, TooLarge),
        BadHttpRequestException { InnerException: JsonException json } => (StatusCodes.Status400BadRequest, Explain(json)),
        // Only a body that is null or missing makes the framework ask this.
        BadHttpRequestException bad when bad.Message.Contains("Did you mean to", StringComparison.Ordinal) =>
            (StatusCodes.Status400BadRequest, "The body is missing; /api/openapi.json describes it."),
        BadHttpRequestException bad => (bad.StatusCode, Explain(bad)),
        _ => (StatusCodes.Status500InternalServerError, "This is a defect of Unweave; please report it with the request."),
    };

    private static string Explain(BadHttpRequestException bad) => Unbound().Match(bad.Message) is { Success: true } match
        ? $"{JsonNamingPolicy.CamelCase.ConvertName(match.Groups["name"].Value)} is {ApiRoutes.Quoted(match.Groups["value"].Value)}, which "
            + "is not what belongs there; /api/openapi.json describes it."
        : bad.Message;

    // The framework's own sentence names the parameter's type, which says nothing to a client.
    [GeneratedRegex(
        """^Failed to bind parameter ".* (?<name>\w+)" from "(?<value>.*)"\.$""",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Unbound();

    private static string Explain(JsonException json)
    {
        const string Missing = "including: ";
        int missing = json.Message.IndexOf(Missing, StringComparison.Ordinal);
        string what = missing >= 0 ? $"it lacks {json.Message[(missing + Missing.Length)..].TrimEnd('.')}"
            : json.Path is { Length: > 1 } path ? $"{path} is not what belongs there"
            : "it is not well formed";
        string where = json.LineNumber is { } line ? $" (line {line + 1})" : "";
        return $"The body is not the JSON that this operation takes: {what}{where}. /api/openapi.json describes it.";
    }

    private static string Sentence(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => "There is no such operation; /api/openapi.json lists them all.",
        StatusCodes.Status405MethodNotAllowed => $"{context.Request.Method} is not possible here; /api/openapi.json says what is.",
        StatusCodes.Status413PayloadTooLarge => TooLarge,
        StatusCodes.Status415UnsupportedMediaType => "The body must be JSON, and its Content-Type application/json.",
        int status => $"{ReasonPhrases.GetReasonPhrase(status)}.",
    };

    /// <summary>Answers with a problem.</summary>
    public static Task Write(HttpContext context, int status, string detail)
    {
        context.Response.StatusCode = status;
        var problem = new ProblemDetails { Status = status, Title = ReasonPhrases.GetReasonPhrase(status), Detail = detail };
        return context.Response.WriteAsJsonAsync(problem, ApiJson.Default.ProblemDetails, "application/problem+json");
    }
}
