using MudBlazor;

namespace Unweave.Web.Components;

/// <summary>Letters of MudBlazor's parts: those of the reader's machine, nothing is fetched. Colours are in <c>dashboard.css</c>.</summary>
internal static class Look
{
    private static readonly string[] Sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif"];

    /// <summary>The theme.</summary>
    public static MudTheme Theme { get; } = new()
    {
        Typography = new Typography { Default = new DefaultTypography { FontFamily = Sans } },
    };
}
