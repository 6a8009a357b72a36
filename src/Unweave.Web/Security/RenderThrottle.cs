using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Unweave.Web.Security;

/// <summary>
/// Pages are rendered a few at a time, and the others wait their turn: a page being rendered holds megabytes, and more of them at once than
/// there are processors are none the faster.
/// </summary>
internal static class RenderThrottle
{
    private const int AtOnce = 24;

    /// <summary>Adds the wait, in front of the pages.</summary>
    public static void UseRenderThrottle(this WebApplication app)
    {
        var turns = new SemaphoreSlim(AtOnce);
        app.Use(async (context, next) =>
        {
            if (!IsPage(context.Request))
            {
                await next(context);
                return;
            }

            await turns.WaitAsync(context.RequestAborted);
            try
            {
                await next(context);
            }
            finally
            {
                turns.Release();
            }
        });
    }

    // Connections of live pages (_blazor) stay open, and files and the API are no pages.
    private static bool IsPage(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && !Answer.IsApi(request)
        && request.Path.Value is { } path && !path.StartsWith("/_", StringComparison.Ordinal);
}
