using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace Unweave.Learn.Live;

/// <summary>Where the live parts of a chapter run.</summary>
internal static class LivePart
{
    /// <summary>
    /// On the server, connected to the page; null in the browser, where the chapters are static files and the page itself is live.
    /// </summary>
    public static IComponentRenderMode? Mode { get; } = OperatingSystem.IsBrowser() ? null : RenderMode.InteractiveServer;
}
