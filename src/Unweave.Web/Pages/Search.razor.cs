using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Routing;
using Microsoft.JSInterop;
using Unweave.Catalog;
using Unweave.Onnx;
using Unweave.Retrieval;
using Unweave.Web.Components;
using Unweave.Web.Runs;

namespace Unweave.Web.Pages;

/// <summary>Texts of an index, found by concepts and words: its address says what is sought and how the query was edited.</summary>
public sealed partial class Search
{
    private const int Facets = 10, Shares = 16, FewShares = 4, FewWords = 6, QueryConcepts = 12, Beginnings = 10, LessOf = 3;

    /// <summary>UTF-16 units of a name that is shown, and of a field's value that a click filters by.</summary>
    private const int LongestName = 60, LongestValue = 60;

    // A concept that more texts have makes a poor beginning.
    private const double Commonest = 0.05;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(120);

    private readonly CancellationTokenSource leaving = new();
    private readonly Stack<TextSearch> edits = new();
    private readonly HashSet<string> whole = new(StringComparer.Ordinal);
    private LatentRows rows = null!;
    private ServedRun? shownRun;
    private IndexFacts? index;
    private TextSearch search = new();
    private Answer? answer;
    private IReadOnlyList<int> beginnings = [];
    private (string Key, int Latent)? opened;
    private string? problem, broken;
    private string box = "", written = "";
    private string? sent;
    private bool busy, sideOpen, arrived;
    private int version, typing;

    [Inject] private IJSRuntime Script { get; set; } = null!;

    [Inject] private ModelGate Gate { get; set; } = null!;

    private SearchResults? Found => answer?.Results;

    private string Status => this switch
    {
        { broken: not null } or { problem: not null } => "",
        { index: null } => "opening the index…",
        { answer: null, busy: true } => "searching…",
        { answer: { Results.Hits.Count: var hits, Took: var took } } =>
            $"{Counted(hits, "hit")} of {Counted(index.Rows, "text")} · {Milliseconds(took)}",
        _ => Counted(index.Rows, "text"),
    };

    private bool MayHaveMore => Found is { } found && found.Hits.Count == search.Count && search.Count < Limits.Hits;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Navigation.LocationChanged -= Moved;
        await leaving.CancelAsync();
        leaving.Dispose();
    }

    /// <inheritdoc/>
    protected override void OnInitialized() => Navigation.LocationChanged += Moved;

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (ReferenceEquals(shownRun, Run)) return;
        (shownRun, rows, index, answer, problem, broken, written, sent) = (Run, new LatentRows(Run), null, null, null, null, "", null);
        edits.Clear();
        version++;
        search = SearchAddress.Read(Navigation.Uri, int.MaxValue);
        box = search.Text;
        arrived = false;
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (arrived || !Run.HasIndex) return;
        arrived = true;
        await Call("unweaveSearch");

        // The first to ask for an index waits a moment for its encoder: not on the page's own thread.
        try
        {
            index = await Task.Run(OpenIndex, leaving.Token);
            beginnings = Begin();
            rows.Load(beginnings);
            await Follow();
        }
        catch (InputException e)
        {
            broken = e.Message;
        }
        catch (OperationCanceledException)
        {
            return;
        }

        StateHasChanged();
    }

    private static string Counted(long count, string what) => $"{Figures.Count(count)} {what}{(count == 1 ? "" : "s")}";

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds < 10
        ? $"{time.TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture)} ms"
        : $"{Figures.Count((long)time.TotalMilliseconds)} ms";

    private static string Short(string text) => VisibleText.OneLine(text.Length <= LongestName ? text
        : text[..(char.IsLowSurrogate(text[LongestName]) ? LongestName - 1 : LongestName)] + "…");

    // The values of a hit's fields that a filter can name.
    private static IEnumerable<string> Filterable(FieldValue value) => (value.Kind is FieldKind.Number or FieldKind.Truth
        ? [value.ToString()]
        : value.Texts).Where(text => text.Length is > 0 and <= LongestValue && !text.Contains('|', StringComparison.Ordinal)
            && !text.Contains("..", StringComparison.Ordinal));

    private IndexFacts OpenIndex()
    {
        using Lease<IndexedTexts> lease = Run.LeaseIndex()!;
        SearchIndex texts = lease.Value.Texts.Index;
        return new IndexFacts(texts.Rows, texts.Dictionary.Latents, texts.Fields, RunDescription.ShortPath(lease.Value.Recipe.Texts));
    }

    private int[] Begin()
    {
        var interesting = new FeatureQuery { Labelled = true, MaxFrequency = Commonest, Order = FeatureOrder.Interest, Take = Beginnings };
        return [.. (Run.Catalog?.Find(interesting).Rows ?? []).Select(row => row.Latent)];
    }

    // Another query on the same address sets no parameters, so the page listens itself.
    private void Moved(object? sender, LocationChangedEventArgs moved)
    {
        string path = new Uri(moved.Location).AbsolutePath;
        if (index is null || !string.Equals(path, Links.Search(Run.Name), StringComparison.Ordinal)) return;
        _ = InvokeAsync(async () =>
        {
            try
            {
                await Follow();
            }
            catch (Exception e)
            {
                await DispatchExceptionAsync(e);
            }
        });
    }

    private async Task Follow()
    {
        TextSearch asked = SearchAddress.Read(Navigation.Uri, index!.Latents);
        // A text that is too long for an address is only on the page.
        if (asked.Text.Length == 0 && search.Text.Length > PageAddress.LongestText) asked = asked with { Text = search.Text };
        written = SearchAddress.Write(asked);
        // What was typed since is not taken back.
        if (!string.Equals(sent, asked.Text, StringComparison.Ordinal)) (sent, box) = (asked.Text, asked.Text);
        await Show(asked);
    }

    private async Task Typed()
    {
        int mine = ++typing;
        await Task.Delay(Pause);
        if (mine != typing || leaving.IsCancellationRequested) return;
        sent = box;
        await Go(search with { Text = box, Count = TextSearch.FirstHits }, replace: true);
    }

    private Task Edit(TextSearch next)
    {
        edits.Push(search);
        opened = null;
        return Go(next);
    }

    private Task Undo() => edits.TryPop(out TextSearch? before) ? Go(before with { Text = search.Text }) : Task.CompletedTask;

    private Task Go(TextSearch next, bool replace = false)
    {
        string address = SearchAddress.Write(next);
        search = next;
        if (string.Equals(address, written, StringComparison.Ordinal)) return Show(next);
        busy = true; // until the address has come back from the browser
        Navigation.NavigateTo(Links.Search(Run.Name, address), replace: replace);
        return Task.CompletedTask;
    }

    /// <summary>Searches, unless something else is sought by then: only the latest is shown.</summary>
    private async Task Show(TextSearch asked)
    {
        int mine = ++version;
        (search, problem) = (asked, null);
        if (asked.IsEmpty)
        {
            (answer, busy) = (null, false);
            StateHasChanged();
            return;
        }

        busy = true;
        StateHasChanged();
        try
        {
            using (await Gate.EnterAsync(leaving.Token))
            {
                if (mine != version) return;
                Answer now = await Task.Run(() => Ask(asked), leaving.Token);
                if (mine != version) return;
                answer = now;
            }

            index = index! with { Rows = answer.Rows, Fields = answer.Fields };
            rows.Load(Named(answer.Results).Concat(asked.Required).Concat(asked.Excluded).Concat(asked.Latents).Concat(asked.Factors.Keys));
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (Exception e) when (e is InputException or BusyException)
        {
            if (mine != version) return;
            (answer, problem) = (null, e.Message);
        }
        finally
        {
            if (mine == version) busy = false;
        }

        StateHasChanged();
        await Call("unweaveHits");
    }

    private Answer Ask(TextSearch asked)
    {
        using Lease<IndexedTexts> lease = Run.LeaseIndex()
            ?? throw new InputException($"The index in {Run.IndexFolder} is gone; build it again with `unweave index`.");
        SearchIndex searched = lease.Value.Texts.Index;
        long began = Stopwatch.GetTimestamp();
        SearchResults results = lease.Value.Texts.Search(asked.Text, asked.ToQuery(Facets, Shares), leaving.Token);
        TimeSpan took = Stopwatch.GetElapsedTime(began);
        return new Answer(results, took, searched.Rows, searched.Fields,
            asked.Like.ToDictionary(key => key, key => searched.Document(key)?.Text ?? key, StringComparer.Ordinal));
    }

    private static IEnumerable<int> Named(SearchResults results) => results.Hits.SelectMany(hit => hit.Latents)
        .Concat(results.Query.Take(QueryConcepts)).Select(share => share.Latent).Concat(results.Facets.Select(facet => facet.Latent));

    // What it was found by counts nothing any more; the rest of the query stays.
    private TextSearch LessLike(SearchHit hit) =>
        hit.Latents.Take(LessOf).Aggregate(search, (next, share) => next.Weigh(share.Latent, 0));

    private void ShowWhole(string key)
    {
        if (!whole.Remove(key)) whole.Add(key);
    }

    private void Open(string key, int latent) => opened = opened == (key, latent) ? null : (key, latent);

    private Task More() => Go(search with { Count = Math.Min(Limits.Hits, search.Count + TextSearch.MoreHits) }, replace: true);

    private Task SetWords(ChangeEventArgs change) =>
        double.TryParse(change.Value as string, NumberStyles.Float, CultureInfo.InvariantCulture, out double weight)
            ? Go(search with { WordWeight = weight }) : Task.CompletedTask;

    private Dictionary<string, IReadOnlyList<string>> ValuesOfHits() => (Found?.Hits ?? []).SelectMany(hit => hit.Fields)
        .GroupBy(field => field.Key, StringComparer.Ordinal)
        .ToDictionary(field => field.Key, field => (IReadOnlyList<string>)[.. field.SelectMany(own => Filterable(own.Value))
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)], StringComparer.Ordinal);

    private string Words(int latent) => rows.Words(latent) is { } words ? VisibleText.OneLine(words) : $"latent {latent}";

    private async Task Call(string function)
    {
        try
        {
            await Script.InvokeVoidAsync(function);
        }
        catch (Exception e) when (e is JSDisconnectedException or OperationCanceledException)
        {
            // the reader has left
        }
    }

    /// <summary>What an index has.</summary>
    private sealed record IndexFacts(long Rows, int Latents, IReadOnlyList<string> Fields, string Texts);

    /// <summary>What was found, how long it took, what the index had then, and the texts to be like, by id.</summary>
    private sealed record Answer(
        SearchResults Results, TimeSpan Took, long Rows, IReadOnlyList<string> Fields, IReadOnlyDictionary<string, string> Liked);
}
