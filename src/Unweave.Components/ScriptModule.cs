using Microsoft.JSInterop;

namespace Unweave.Components;

/// <summary>A JavaScript module of a page, imported when first called; when the reader has gone, calls do nothing.</summary>
/// <param name="runtime">The reader's browser.</param>
/// <param name="file">Name of the module among the dashboard's assets.</param>
internal sealed class ScriptModule(IJSRuntime runtime, string file) : IAsyncDisposable
{
    private Task<IJSObjectReference>? module;

    /// <summary>Calls a function of the module.</summary>
    public async Task Call(string function, params object?[] arguments)
    {
        try
        {
            module ??= runtime.InvokeAsync<IJSObjectReference>("import", $"./_content/Unweave.Web/{file}").AsTask();
            await (await module).InvokeVoidAsync(function, arguments);
        }
        catch (Exception e) when (e is JSDisconnectedException or OperationCanceledException)
        {
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (module is null) return;
        try
        {
            await (await module).DisposeAsync();
        }
        catch (Exception e) when (e is JSDisconnectedException or OperationCanceledException)
        {
        }
    }
}
