using Microsoft.AspNetCore.Http;

namespace Unweave.Web.Api;

/// <summary>A request that is answered with an error: its status, and one sentence that says what, where, and the likely fix.</summary>
internal sealed class Refusal(int status, string message) : Exception(message)
{
    /// <summary>The status.</summary>
    public int Status => status;

    /// <summary>There is no such thing.</summary>
    public static Refusal NotFound(string message) => new(StatusCodes.Status404NotFound, message);

    /// <summary>The run cannot do that.</summary>
    public static Refusal Conflict(string message) => new(StatusCodes.Status409Conflict, message);

    /// <summary>It is more than one request may ask for.</summary>
    public static Refusal TooLarge(string message) => new(StatusCodes.Status413PayloadTooLarge, message);
}
