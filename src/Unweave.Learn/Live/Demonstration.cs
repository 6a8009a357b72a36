using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace Unweave.Learn.Live;

/// <summary>
/// A live part of a chapter. What it does in the background ends with <see cref="Left"/>, which is cancelled when the reader leaves the
/// page, closes it or loses the connection for good.
/// </summary>
public abstract class Demonstration : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource leaving = new();

    /// <summary>The reader's browser.</summary>
    [Inject] protected IJSRuntime Browser { get; set; } = null!;

    /// <summary>Cancelled when the reader has left.</summary>
    protected CancellationToken Left => leaving.Token;

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        // Tells scripts and tests that clicks are answered from now on.
        if (firstRender) await Browser.InvokeVoidAsync("unweaveAlive", Left);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the background work.</summary>
    /// <param name="disposing">Whether it is called from <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing) return;
        leaving.Cancel();
        leaving.Dispose();
    }
}
