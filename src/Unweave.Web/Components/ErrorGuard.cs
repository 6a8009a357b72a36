using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using Microsoft.AspNetCore.Http;

namespace Unweave.Web.Components;

/// <summary>Shows its content, or why that failed; the rest of the page stays as it is.</summary>
public sealed class ErrorGuard : ErrorBoundaryBase
{
    [CascadingParameter] private HttpContext? Context { get; set; }

    /// <inheritdoc/>
    protected override Task OnErrorAsync(Exception exception)
    {
        if (Context is { Response.HasStarted: false } context)
        {
            context.Response.StatusCode = exception is InputException
                ? StatusCodes.Status503ServiceUnavailable
                : StatusCodes.Status500InternalServerError;
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        if (CurrentException is null)
        {
            builder.AddContent(0, ChildContent);
            return;
        }

        builder.OpenComponent<ErrorState>(1);
        builder.AddComponentParameter(2, nameof(ErrorState.Message), ErrorState.Explain(CurrentException));
        builder.CloseComponent();
    }
}
