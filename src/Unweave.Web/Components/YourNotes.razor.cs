using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Unweave.Catalog;
using Unweave.Web.Runs;

namespace Unweave.Web.Components;

/// <summary>
/// What a person writes about a latent. Texts are saved while they are typed, and never over what was written elsewhere meanwhile; until
/// the server has them, the browser keeps them, so that neither a reload nor a lost server loses a word.
/// </summary>
public sealed partial class YourNotes
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500), Beat = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource left = new();
    private readonly EditedText label = new(), note = new();
    private Annotation annotation = new(null, null, false, []);
    private IReadOnlyList<(string Name, int Members)> lists = [];
    private string newList = "", said = "";
    private int keys;

    /// <summary>The run.</summary>
    [Parameter, EditorRequired] public required ServedRun Run { get; set; }

    /// <summary>Number of the latent.</summary>
    [Parameter, EditorRequired] public int Latent { get; set; }

    /// <summary>Told what is stored whenever that has changed, here or elsewhere.</summary>
    [Parameter] public EventCallback<Annotation> Changed { get; set; }

    [Inject] private IJSRuntime Script { get; set; } = null!;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Write();
        await left.CancelAsync();
        left.Dispose();
    }

    /// <inheritdoc/>
    protected override void OnInitialized() => See(Run.Catalog);

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;
        try
        {
            await Resume("label", label);
            await Resume("note", note);
        }
        catch (Exception e) when (e is JSDisconnectedException or OperationCanceledException)
        {
            return;
        }

        _ = Watch();
    }

    private async Task Resume(string name, EditedText field)
    {
        if (await Script.InvokeAsync<string[]?>("unweaveDraft", left.Token, name) is not [string text, string from]) return;
        field.Resume(text, from.Length == 0 ? null : from);
        await SaveNow();
        StateHasChanged();
    }

    private Task TypeLabel(string? text) => Typed(label, text);

    private Task TypeNote(string? text) => Typed(note, text);

    private async Task Typed(EditedText field, string? text)
    {
        field.Type(text);
        int mine = ++keys;
        said = "";
        try
        {
            await Task.Delay(Pause, left.Token);
        }
        catch (OperationCanceledException)
        {
            return; // saved when the page was left
        }

        if (mine == keys) await SaveNow();
    }

    private Task Choose(Action choice)
    {
        choice();
        return SaveNow();
    }

    private async Task SaveNow()
    {
        bool unsaved = label.Unsaved || note.Unsaved;
        Write();
        if (unsaved) await Tell();
        await Saved("label", label);
        await Saved("note", note);
    }

    // The browser need not keep any longer what is stored.
    private async Task Saved(string name, EditedText field)
    {
        if (field.Unsaved) return;
        try
        {
            await Script.InvokeVoidAsync("unweaveStored", left.Token, name, field.Typed);
        }
        catch (Exception e) when (e is JSDisconnectedException or OperationCanceledException)
        {
        }
    }

    // What cannot be written now (the file is locked) is said where it was typed, and stays there to be saved again.
    private void Write()
    {
        if (Run.Catalog is not { } catalog || !(label.Unsaved || note.Unsaved)) return;
        try
        {
            bool stored = label.TrySave((string text, string? seen, out string? now) => catalog.TrySetLabel(Latent, text, seen, out now));
            stored &= note.TrySave((string text, string? seen, out string? now) => catalog.TrySetNote(Latent, text, seen, out now));
            said = stored ? "Saved." : "";
        }
        catch (InputException e)
        {
            said = $"Not saved: {e.Message}";
        }
    }

    private async Task Watch()
    {
        using var timer = new PeriodicTimer(Beat);
        try
        {
            while (await timer.WaitForNextTickAsync(left.Token)) await InvokeAsync(Look);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // the page was left
        }
    }

    private async Task Look()
    {
        try
        {
            if (See(Run.Catalog)) await Tell();
        }
        catch (InputException)
        {
            // the file cannot be read now: what is shown stays
        }
    }

    private Task Tell()
    {
        StateHasChanged();
        if (Run.Catalog is { } catalog) See(catalog);
        return Changed.InvokeAsync(annotation);
    }

    private bool See(FeatureCatalog? catalog)
    {
        if (catalog is null) return false;
        Annotation now = catalog.Annotation(Latent);
        bool changed = now.Starred != annotation.Starred || !now.Lists.SequenceEqual(annotation.Lists, StringComparer.Ordinal)
            || !string.Equals(now.Label, annotation.Label, StringComparison.Ordinal)
            || !string.Equals(now.Note, annotation.Note, StringComparison.Ordinal);
        annotation = now;
        if (changed || lists.Count == 0) lists = catalog.Lists();
        return changed | label.See(now.Label) | note.See(now.Note);
    }

    private string ListLink(string list) => Links.Features(Run.Name, FeatureAddress.Write(new FeatureQuery { List = list }));

    private Task PutIn()
    {
        string list = newList.Trim();
        newList = "";
        return list.Length == 0
            ? Task.CompletedTask
            : Change(catalog => catalog.AddToList(list, Latent), $"Put into {VisibleText.OneLine(list)}.");
    }

    private Task TakeOut(string list) =>
        Change(catalog => catalog.RemoveFromList(list, Latent), $"Taken out of {VisibleText.OneLine(list)}.");

    private Task Change(Action<FeatureCatalog> write, string done)
    {
        if (Run.Catalog is not { } catalog) return Task.CompletedTask;
        try
        {
            write(catalog);
            said = done;
        }
        catch (InputException e)
        {
            said = $"Not saved: {e.Message}";
        }

        return Tell();
    }
}
