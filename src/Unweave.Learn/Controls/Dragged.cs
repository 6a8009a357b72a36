using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Unweave.Components;

namespace Unweave.Learn.Controls;

/// <summary>A part of a demonstration in which a pointer drags something: mouse, pen or finger.</summary>
public abstract class Dragged : ComponentBase, IAsyncDisposable
{
    private ScriptModule? script;
    private DotNetObjectReference<Dragged>? self;

    /// <summary>The reader's browser.</summary>
    [Inject] protected IJSRuntime Browser { get; set; } = null!;

    /// <summary>The box in which the pointer is followed.</summary>
    protected ElementReference Box { get; set; }

    /// <summary>The pointer went down in the box.</summary>
    /// <param name="x">Share of the box's width from the left; outside 0 to 1 when it is dragged out.</param>
    /// <param name="y">Share of its height from the top.</param>
    protected abstract Task Down(double x, double y);

    /// <summary>It moved, still held.</summary>
    /// <inheritdoc cref="Down"/>
    protected abstract Task Move(double x, double y);

    /// <summary>It was let go.</summary>
    /// <inheritdoc cref="Down"/>
    protected virtual Task Up(double x, double y) => Task.CompletedTask;

    /// <summary>Called by the browser.</summary>
    /// <param name="phase">What the pointer did.</param>
    /// <param name="x">Share of the box's width from the left.</param>
    /// <param name="y">Share of its height from the top.</param>
    [JSInvokable]
    public Task Pointer(string phase, double x, double y) => !double.IsFinite(x) || !double.IsFinite(y) ? Task.CompletedTask : phase switch
    {
        "down" => Down(x, y),
        "move" => Move(x, y),
        "up" => Up(x, y),
        _ => Task.CompletedTask,
    };

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;
        script = new ScriptModule(Browser, "learn/drag.js");
        self = DotNetObjectReference.Create(this);
        await script.Call("start", Box, self);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        self?.Dispose();
        if (script is not null) await script.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
