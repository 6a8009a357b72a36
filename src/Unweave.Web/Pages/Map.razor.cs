using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Unweave.Catalog;
using Unweave.Web.Runs;

namespace Unweave.Web.Pages;

/// <summary>The map of latents. All readers of a run share its points; the page itself keeps the few rows that it lists.</summary>
public sealed partial class Map
{
    private const int Near = 12, MostFound = 300, LongestText = 200;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(150), Beat = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource left = new();
    private Task following = Task.CompletedTask;
    private ScriptModule script = null!;
    private DotNetObjectReference<Map>? self;
    private ElementReference box;
    private LatentMap? map;
    private MapSources? sources;
    private MapLayout layout;
    private IReadOnlyList<FeatureRow> near = [];
    private int[]? matches;
    private string words = "", color = "source";
    private int version, total;

    [Inject] private IJSRuntime Js { get; set; } = null!;

    [SupplyParameterFromQuery(Name = "q")] private string? Query { get; set; }

    [SupplyParameterFromQuery(Name = "color")] private string? ColorBy { get; set; }

    private string CanvasLabel =>
        $"Map of {map!.Count} latents: arrow keys move, plus and minus zoom, 0 shows all, Enter opens the nearest";

    private string Found
    {
        get
        {
            if (matches is null) return $"{Figures.Count(map!.Count)} latents";
            return matches.Length < total
                ? $"the best {Figures.Count(matches.Length)} of {Figures.Count(total)}"
                : $"{Figures.Count(total)} found";
        }
    }

    /// <summary>A point was chosen.</summary>
    [JSInvokable]
    public void Open(int latent)
    {
        if (map?.Contains(latent) == true) Navigation.NavigateTo(Links.Feature(Run.Name, latent));
    }

    /// <summary>What to say of a point: two lines.</summary>
    [JSInvokable]
    public string Words(int latent)
    {
        if (Rows([latent]) is not [FeatureRow row]) return "";
        string what = row.Label ?? (row.TopTokens.Length > 0 ? $"fires on {row.TopTokens}" : "no label");
        string score = row.Score is { } known ? $" · score {Figures.Score(known)}" : "";
        return $"{VisibleText.OneLine(what)}\n{Figures.Kind(row.Kind)} · fires on {Figures.Percent(row.Frequency)}{score}";
    }

    /// <summary>The latents nearest to the middle of what is shown.</summary>
    [JSInvokable]
    public void Nearest(int[] latents)
    {
        if (matches is not null || latents is null) return;
        near = Rows([.. latents.Take(Near)]);
        StateHasChanged();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        version++;
        await left.CancelAsync();
        left.Dispose();
        await script.Call("stop", box);
        await script.DisposeAsync();
        self?.Dispose();
    }

    /// <inheritdoc/>
    protected override void OnInitialized()
    {
        script = new ScriptModule(Js, "map.js");
        words = Query is { Length: <= LongestText } text ? text : "";
        color = Known(ColorBy);
        if (Run.Catalog is not { } catalog) return;
        map = Run.Maps.Of(catalog);
        if (Run.Making.Running) following = Follow();
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (map is null || self is not null) return;
        self = DotNetObjectReference.Create(this);
        LatentMap drawn = map;
        using var stream = new DotNetStreamReference(drawn.Open());
        await script.Call("start", box, self, stream, drawn.Count, color);
        if (!Run.Making.Running) await Name();
        if (words.Length > 0) await Search(words);
        await Color();
    }

    // What is written on the map while nothing is searched for.
    private Task Name() => Run.Catalog is { } catalog
        ? script.Call("name", box, Run.Maps.Names(catalog).Select(name => new { name.Latent, name.Text }))
        : Task.CompletedTask;

    // All features are read for it, so the map is there before its colors.
    private async Task Color()
    {
        if (Run.Catalog is not { } catalog) return;
        try
        {
            sources = await Run.Maps.Sources(catalog).WaitAsync(left.Token);
        }
        catch (Exception e) when (e is InputException or OperationCanceledException)
        {
            return; // the other colors do without it
        }

        if (sources is not null) await script.Call("sources", box, sources.OfLatents);
        else if (color is "source") color = "kind";
        StateHasChanged();
    }

    private static string Known(string? by) => by is "score" or "frequency" or "kind" ? by : "source";

    // The page keeps the few rows that it lists, never those of all points.
    private IReadOnlyList<FeatureRow> Rows(IReadOnlyCollection<int> latents) =>
        map is null || Run.Catalog is not { } catalog ? [] : catalog.Rows([.. latents.Where(map.Contains)]);

    private void Make()
    {
        Run.Making.Start(Run, layout);
        if (following.IsCompleted) following = Follow();
    }

    // Shows the map as it is made, whoever started it; it goes on when the reader leaves, because others may look.
    private async Task Follow()
    {
        using var timer = new PeriodicTimer(Beat);
        try
        {
            while (await timer.WaitForNextTickAsync(left.Token))
            {
                bool running = Run.Making.Running;
                LatentMap? now = Run.Catalog is not { } catalog ? null
                    : running ? Run.Maps.Of(catalog, Run.Making.Progress)
                    : Run.Maps.Of(catalog);
                if (now is not null && !ReferenceEquals(now, map))
                {
                    map = now;
                    if (self is not null) await Place(now);
                }

                StateHasChanged();
                if (running) continue;
                await Name();
                return;
            }
        }
        catch (OperationCanceledException)
        {
            // the page was left
        }
    }

    private async Task Place(LatentMap now)
    {
        using var stream = new DotNetStreamReference(now.Open());
        await script.Call("places", box, stream, now.Count);
    }

    private async Task Search(string? text)
    {
        words = text ?? "";
        int mine = ++version;
        await Task.Delay(Pause);
        if (mine != version || map is not { } shown || Run.Catalog is not { } catalog) return;
        if (string.IsNullOrWhiteSpace(words))
        {
            (matches, total, near) = (null, 0, []);
        }
        else
        {
            FeatureRows found = catalog.Find(new FeatureQuery { Text = words, Take = MostFound });
            FeatureRow[] there = [.. found.Rows.Where(row => shown.Contains(row.Latent))];
            (matches, total, near) = ([.. there.Select(row => row.Latent)], found.Total, [.. there.Take(Near)]);
        }

        StateHasChanged();
        await script.Call("highlight", box, matches);
        await Remember();
    }

    private async Task Recolor(string? by)
    {
        color = Known(by);
        await script.Call("color", box, color);
        await Remember();
    }

    private Task Show(int latent) => script.Call("show", box, latent);

    private Task Remember()
    {
        string? searched = string.IsNullOrWhiteSpace(words) ? null : words;
        return script.Call("address", PageAddress.Build(Links.Map(Run.Name), ("q", searched), ("color", color is "source" ? null : color)));
    }
}
