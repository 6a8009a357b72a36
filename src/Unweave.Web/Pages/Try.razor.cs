using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Unweave.Web.Components;

namespace Unweave.Web.Pages;

/// <summary>What latents see in a text, or in two.</summary>
public sealed partial class Try
{
    private const int OfToken = 12, OfText = 12, Pins = 12, OfEveryToken = 3, LabeledTokens = 200, Differing = 12;

    /// <summary>Latents of a text that are weighed, those with the strongest peaks.</summary>
    private const int Weighed = 2000;

    /// <summary>Latents that have a color of their own.</summary>
    private const int Hues = 5;

    private static readonly string[] Examples =
    [
        "The king rode out with two hundred soldiers.",
        "She earned a degree in chemistry at the university.",
        "Water boils at 100 degrees and freezes at 0.",
    ];

    private Side[] sides = [];
    private readonly List<int> pinned = [];
    private readonly CancellationTokenSource leaving = new();
    private ElementReference root;
    private DotNetObjectReference<Try>? self;
    private ScriptModule script = null!;
    private LatentRows rows = null!;
    private bool ready;
    private string? missing;
    private (int Side, int Token) at = (0, -1);
    private bool held;
    private int? colorBy;
    private float scale = 1;
    private bool raw, dense;
    private FiringRank rank = null!;
    private IReadOnlyList<Firing> ofToken = [], ofText = [];
    private IReadOnlyList<(int Latent, float First, float Second)> differing = [];
    private int[] everyToken = [];

    [Inject] private IJSRuntime Js { get; set; } = null!;

    [Inject] private ModelGate Gate { get; set; } = null!;

    [SupplyParameterFromQuery(Name = "t")] private string? FirstText { get; set; }

    [SupplyParameterFromQuery(Name = "u")] private string? SecondText { get; set; }

    [SupplyParameterFromQuery(Name = "pin")] private string? PinnedLatents { get; set; }

    [SupplyParameterFromQuery(Name = "order")] private string? Order { get; set; }

    [SupplyParameterFromQuery(Name = "dense")] private string? Dense { get; set; }

    private IEnumerable<Side> OpenSides => sides.Where(side => side.Open);

    private Side? At =>
        sides[at.Side] is { Reading: { } reading } side && at.Token >= 0 && at.Token < reading.Pieces.Count ? side : null;

    /// <summary>The pointer or the focus is on a token.</summary>
    [JSInvokable]
    public void Point(int side, int token)
    {
        if (held) return;
        Select(side, token);
        StateHasChanged();
    }

    /// <summary>A token was clicked: its list stays until it, or another, is clicked.</summary>
    [JSInvokable]
    public void Hold(int side, int token)
    {
        held = !held || at != (side, token);
        Select(side, token);
        StateHasChanged();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await leaving.CancelAsync();
        leaving.Dispose();
        await script.DisposeAsync();
        self?.Dispose();
    }

    /// <inheritdoc/>
    protected override void OnInitialized()
    {
        script = new ScriptModule(Js, "play.js");
        rows = new LatentRows(Run);
        (raw, dense) = (Order is "raw", Dense is "yes");
        rank = new FiringRank(rows, raw, dense);
        sides =
        [
            new Side(0, "Text", new TypedText(Run, Gate)) { Open = true, IsExample = FirstText is null && SecondText is null },
            new Side(1, "Second text", new TypedText(Run, Gate)) { Open = SecondText is not null },
        ];
        sides[0].Typed.Set(sides[0].IsExample ? Examples[0] : FirstText);
        sides[1].Typed.Set(SecondText);
        if (Run.Autoencoder is { } autoencoder)
            pinned.AddRange(PageAddress.ParseNumbers(PinnedLatents, autoencoder.Latents).Take(Pins));
        colorBy = pinned.Count > 0 ? pinned[0] : null;
        rows.Load(pinned);
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;

        // The first model to be asked for takes a moment to open: not on the page's own thread.
        missing = await Task.Run(() => Run.HostMissing());
        ready = missing is null;
        if (missing is not null)
        {
            StateHasChanged();
            return;
        }

        self = DotNetObjectReference.Create(this);
        await script.Call("watch", root, self);
        foreach (Side side in sides.Where(side => side.Typed.Text.Length > 0)) await Read(side, wait: false);
    }

    private static string? Remembered(Side side) =>
        side.IsExample || side.Typed.Text.Length is 0 or > PageAddress.LongestText ? null : side.Typed.Text;

    private Task Typed(Side side, string? text)
    {
        side.IsExample = false;
        side.Typed.Set(text);
        return Read(side, wait: true);
    }

    private Task Put(Side side, string text)
    {
        side.IsExample = false;
        side.Typed.Set(text);
        return Read(side, wait: false);
    }

    /// <summary>Reads a text in the model, unless another one is typed meanwhile: only the latest is shown.</summary>
    private async Task Read(Side side, bool wait)
    {
        if (!ready || !await side.Typed.Read(wait, StateHasChanged, leaving.Token)) return;
        Arrange();
        if (at.Side == side.Number && !held)
        {
            // While one types, the last token; of a text that is there at once, that of its most unusual latent.
            int unusual = wait ? -1 : Array.IndexOf(side.Hues, 1);
            Select(side.Number, unusual >= 0 ? unusual : side.Hues.Length - 1);
        }

        StateHasChanged();
        await Remember();
    }

    /// <summary>Sets everything that follows from the texts, the pins and the order.</summary>
    private void Arrange()
    {
        rank = new FiringRank(rows, raw, dense);
        rows.Load(pinned);
        Dictionary<int, float>[] peaks = [.. sides.Select(side => Peaks(side.Open ? side.Reading : null))];
        Firing[] all = [.. peaks.SelectMany(side => side.Keys).Distinct().Select(latent => new Firing(latent,
            peaks.Max(side => side.GetValueOrDefault(latent))))];
        ofText = rank.First(all, OfText);
        foreach (Side side in sides) Color(side);
        float most = sides.SelectMany(side => side.Colors).DefaultIfEmpty().Max();
        scale = Math.Max(colorBy is { } by ? Math.Max(rows[by]?.Max ?? 0, most) : 1, 1e-9f);
        differing = sides.All(side => side.Open && side.Reading is not null) ? Differences(all, peaks[0], peaks[1]) : [];
        everyToken = [.. Enumerable.Range(0, sides[0].Reading?.Pieces.Count ?? 0)];
        rows.Load(everyToken.Take(LabeledTokens).SelectMany(token => sides[0].Reading!.All(token)).Select(firing => firing.Latent));
        Select(at.Side, at.Token);
    }

    private static Dictionary<int, float> Peaks(Reading? reading) =>
        reading?.Peaks(Weighed).ToDictionary(firing => firing.Latent, firing => firing.Activation) ?? [];

    // Latents that are in one text and not in the other, or much stronger, the clearest first.
    private IReadOnlyList<(int, float, float)> Differences(Firing[] all, Dictionary<int, float> one, Dictionary<int, float> two)
    {
        (float First, float Second) Of(int latent) => (one.GetValueOrDefault(latent), two.GetValueOrDefault(latent));
        Firing[] apart = [.. all.Select(firing => firing with { Activation = Math.Abs(Of(firing.Latent).First - Of(firing.Latent).Second) })
            .Where(firing => firing.Activation > 0)];
        return [.. rank.First(apart, Differing).Select(firing => (firing.Latent, Of(firing.Latent).First, Of(firing.Latent).Second))];
    }

    // A pinned latent by its activation; else the few most unusual latents of the text, a color each, by the share of their strongest.
    private void Color(Side side)
    {
        int[] hued = [.. ofText.Take(Hues).Select(firing => firing.Latent)];
        (side.Colors, side.Hues) = (new float[side.Reading?.Pieces.Count ?? 0], new int[side.Reading?.Pieces.Count ?? 0]);
        if (side.Reading is not { } reading) return;
        if (colorBy is { } latent)
        {
            side.Colors = reading.Activations(latent);
            return;
        }

        double[] heaviest = new double[side.Colors.Length];
        for (int hue = 0; hue < hued.Length; hue++)
        {
            float[] activations = reading.Activations(hued[hue]);
            float whole = rows[hued[hue]] is { Max: > 0 } row ? row.Max : ofText[hue].Activation;
            for (int token = 0; token < activations.Length; token++)
            {
                double weight = activations[token] > 0 ? rank.Weight(new Firing(hued[hue], activations[token])) : 0;
                if (weight <= heaviest[token]) continue;
                (heaviest[token], side.Colors[token], side.Hues[token]) = (weight, Math.Min(1, activations[token] / whole), hue + 1);
            }
        }
    }

    private void Select(int side, int token)
    {
        if (side is not (0 or 1)) return;
        at = (side, token);
        ofToken = At is { } shown ? rank.First(shown.Reading!.All(token), OfToken) : [];
    }

    private Task Pin(int latent)
    {
        if (pinned.Contains(latent)) return Unpin(latent);
        if (pinned.Count < Pins) pinned.Add(latent);
        return ColorBy(latent);
    }

    private Task Unpin(int latent)
    {
        pinned.Remove(latent);
        if (colorBy != latent) return ColorBy(colorBy);
        return ColorBy(pinned.Count > 0 ? pinned[^1] : null);
    }

    private Task ColorBy(int? latent)
    {
        colorBy = latent;
        Arrange();
        return Remember();
    }

    private Task SetOrder(ChangeEventArgs change)
    {
        raw = change.Value is "raw";
        Arrange();
        return Remember();
    }

    private Task SetDense(ChangeEventArgs change)
    {
        dense = change.Value is true;
        Arrange();
        return Remember();
    }

    private void OpenSecond()
    {
        sides[1].Open = true;
        Arrange();
    }

    private Task CloseSecond()
    {
        sides[1].Open = false;
        sides[1].Typed.Set("");
        if (at.Side == 1) (at, held) = ((0, -1), false);
        Arrange();
        return Remember();
    }

    private Task Remember() => script.Call("address", PageAddress.Build(
        Links.Try(Run.Name),
        ("t", Remembered(sides[0])),
        ("u", sides[1].Open ? Remembered(sides[1]) : null),
        ("pin", pinned.Count > 0 ? string.Join(',', pinned) : null),
        ("order", raw ? "raw" : null),
        ("dense", dense ? "yes" : null)));

    private string Progress(Side side) => !ready && side.Typed.Text.Length > 0 ? "reading…" : side.Typed.Progress;

    // The class of a bar: the color that the latent has in the text, or none.
    private string HueOf(int latent)
    {
        int hue = colorBy is null ? ofText.Take(Hues).Select(firing => firing.Latent).ToList().IndexOf(latent) : -1;
        return hue < 0 ? "plain-bar" : $"hue-{hue + 1}";
    }

    private string Standing(Firing firing) => rows[firing.Latent] is { Max: > 0 } row
        ? $"{Figures.Percent(Math.Min(1, firing.Activation / row.Max))} of its strongest; it fires on {Figures.Percent(row.Frequency)} of "
            + "all"
        : "";

    private string? Words(int latent) => rows.Words(latent) is { } words ? VisibleText.OneLine(words) : null;

    private sealed class Side(int number, string name, TypedText typed)
    {
        public int Number => number;

        public string Name => name;

        public TypedText Typed => typed;

        public Reading? Reading => typed.Reading;

        public bool Open { get; set; }

        /// <summary>Whether it is the example that an empty page starts with: it is read, and its box is empty.</summary>
        public bool IsExample { get; set; }

        public float[] Colors { get; set; } = [];

        public int[] Hues { get; set; } = [];
    }
}
