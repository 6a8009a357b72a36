using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Routing;
using Microsoft.JSInterop;
using Unweave.Catalog;
using Unweave.Interpretation;

namespace Unweave.Web.Pages;

/// <summary>The table of features: searched, filtered and sorted by its address.</summary>
public sealed partial class Features
{
    /// <summary>Height of a row, in pixels, as in <c>dashboard.css</c>.</summary>
    private const int RowHeight = 34;

    /// <summary>Rows kept beyond those that can be seen, to either side.</summary>
    private const int Margin = 30;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(120);

    private static readonly (FeatureOrder Order, string Name, string Style)[] Columns =
    [
        (FeatureOrder.Latent, "Latent", "c-latent"),
        (FeatureOrder.Label, "Label", "c-label"),
        (FeatureOrder.Score, "Score", "c-score"),
        (FeatureOrder.Frequency, "Frequency", "c-frequency"),
        (FeatureOrder.Max, "Strongest", "c-max"),
    ];

    private ElementReference view;
    private DotNetObjectReference<Features>? self;
    private FeatureCatalog? catalog;
    private FeatureQuery query = new();
    private FeatureRows shown = new(0, []);
    private IReadOnlyList<(string Name, int Members)> lists = [];
    private readonly List<int> picked = [];
    private string written = "", box = "", pickedList = "", pickedSaid = "";
    private string? sent;
    private int first, seen = 40;
    private bool begun, toTop, filtersOpen;
    private int typing;

    [Inject] private IJSRuntime Script { get; set; } = null!;

    private string Found
    {
        get
        {
            int all = catalog!.Source.Latents;
            return Figures.Count(shown.Total) + (shown.Total == all ? "" : $" of {Figures.Count(all)}");
        }
    }

    private string KindName => query.Kinds switch
    {
        null => "",
        { Count: 1 } one => one.First().ToString(),
        { Count: 4 } four when !four.Contains(FeatureKind.Dead) => "live",
        _ => "some",
    };

    private string LabelName => query.Labelled switch { true => "yes", false => "no", null => "" };

    private int RowsBelow => shown.Total - first - shown.Rows.Count;

    /// <summary>Called by the script with the rows that can be seen.</summary>
    [JSInvokable]
    public void Scrolled(int top, int count)
    {
        if (catalog is null) return;
        seen = Math.Clamp(count, 10, 200);
        int wanted = Math.Clamp(top, 0, Math.Max(0, shown.Total - 1)), end = first + shown.Rows.Count;
        bool held = wanted - (Margin / 3) >= first || first == 0;
        held &= wanted + seen + (Margin / 3) <= end || end >= shown.Total;
        if (held && wanted >= first && wanted < end) return;
        Load(Math.Max(0, wanted - Margin));
        StateHasChanged();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Navigation.LocationChanged -= Moved;
        self?.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    protected override void OnInitialized() => Navigation.LocationChanged += Moved;

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        catalog = Run.Catalog;
        if (catalog is not null) Follow();
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (catalog is null) return;
        try
        {
            if (self is null)
            {
                self = DotNetObjectReference.Create(this);
                await Script.InvokeVoidAsync("unweaveRows", view, self, RowHeight);
            }
            else if (toTop)
            {
                toTop = false;
                await Script.InvokeVoidAsync("unweaveRowsTop", view);
            }
        }
        catch (JSDisconnectedException)
        {
            // the reader has left
        }
    }

    private static IReadOnlyCollection<FeatureKind>? KindsOf(string? name) => name switch
    {
        "live" => [.. Enum.GetValues<FeatureKind>().Where(kind => kind != FeatureKind.Dead)],
        _ when Enum.TryParse(name, out FeatureKind kind) => [kind],
        _ => null,
    };

    private static bool? HasLabel(string? name) => name switch { "yes" => true, "no" => false, _ => null };

    private static string? Number(double? value) => value?.ToString("0.##", CultureInfo.InvariantCulture);

    private static double? Parse(object? value) =>
        double.TryParse(value as string, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    private static double? Share(object? value) => Parse(value) is > 0 and { } share ? Math.Min(share, 1) : null;

    private static string Log(double? frequency, double none)
    {
        double log = frequency is > 0 and { } some ? Math.Round(Math.Log10(some) * 4) / 4 : none;
        return log.ToString(CultureInfo.InvariantCulture);
    }

    // Three digits are as much as the slider says, and keep the address short.
    private static double? Power(object? value, double none)
    {
        if (Parse(value) is not { } log || log == none) return null;
        return double.Parse(Math.Pow(10, log).ToString("G3", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    // Another query on the same address sets no parameters, so the page listens itself.
    private void Moved(object? sender, LocationChangedEventArgs moved)
    {
        string path = new Uri(moved.Location).AbsolutePath;
        if (catalog is null || !string.Equals(path, Links.Features(Run.Name), StringComparison.Ordinal)) return;
        _ = InvokeAsync(async () =>
        {
            try
            {
                Follow();
                StateHasChanged();
            }
            catch (InputException e)
            {
                await DispatchExceptionAsync(e);
            }
        });
    }

    private void Follow()
    {
        FeatureQuery asked = FeatureAddress.Read(Navigation.Uri);
        string now = FeatureAddress.Write(asked);
        if (begun && !string.Equals(now, written, StringComparison.Ordinal)) (first, toTop) = (0, true);
        begun = true;
        (query, written) = (asked, now);
        // What was typed since is not taken back.
        if (!string.Equals(sent, asked.Text, StringComparison.Ordinal)) (sent, box) = (asked.Text, asked.Text ?? "");
        lists = catalog!.Lists();
        Load(first);
    }

    private void Load(int from)
    {
        first = from;
        shown = catalog!.Find(query with { Skip = from, Take = seen + (2 * Margin) });
    }

    private void OpenRandom()
    {
        if (shown.Total == 0) return;
        FeatureQuery one = query with { Skip = RandomNumberGenerator.GetInt32(shown.Total), Take = 1 };
        if (catalog!.Find(one).Rows is [FeatureRow row, ..])
            Navigation.NavigateTo(Links.Feature(Run.Name, row.Latent, written));
    }

    private async Task Typed()
    {
        int mine = ++typing;
        await Task.Delay(Pause);
        if (mine != typing) return;
        sent = string.IsNullOrWhiteSpace(box) ? null : box;
        Go(query with { Text = sent }, replace: true);
    }

    private void Go(FeatureQuery next, bool replace = false) =>
        Navigation.NavigateTo(Links.Features(Run.Name, FeatureAddress.Write(next)), replace: replace);

    // Numbers are more telling from the top, names from the start; a third click gives the usual order back.
    private void Sort(FeatureOrder order)
    {
        bool down = order.StartsLargest();
        if (query.Order != order) Go(query with { Order = order, Descending = down });
        else if (query.Descending == down) Go(query with { Descending = !down });
        else Go(query with { Order = FeatureOrder.Relevance, Descending = false });
    }

    private string? Sorted(FeatureOrder order) => query.Order != order ? null : query.Descending ? "descending" : "ascending";

    private string Arrow(FeatureOrder order) => query.Order != order ? "" : query.Descending ? " ↓" : " ↑";

    private void Star(FeatureRow row)
    {
        FeatureRow changed = row with { Starred = !row.Starred };
        catalog!.SetStar(row.Latent, changed.Starred);
        shown = shown with { Rows = [.. shown.Rows.Select(one => one.Latent == row.Latent ? changed : one)] };
    }

    private void Pick(int latent)
    {
        if (!picked.Remove(latent)) picked.Add(latent);
        pickedSaid = "";
    }

    private void ClearPicked() => picked.Clear();

    private void StarPicked(bool starred) =>
        Change(() => picked.ForEach(latent => catalog!.SetStar(latent, starred)), starred ? "Starred." : "Stars removed.");

    private void ListPicked()
    {
        string list = pickedList.Trim();
        if (list.Length == 0) return;
        pickedList = "";
        Change(() => picked.ForEach(latent => catalog!.AddToList(list, latent)), $"Put into {VisibleText.OneLine(list)}.");
    }

    // What cannot be written now (the file is locked) is said beside the buttons, and what is selected stays so.
    private void Change(Action write, string done)
    {
        try
        {
            write();
            pickedSaid = done;
        }
        catch (InputException e)
        {
            pickedSaid = $"Not saved: {e.Message}";
        }

        lists = catalog!.Lists();
        Load(first);
    }
}
