using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Unweave.Interpretation;
using Unweave.Web.Components;
using Unweave.Web.Runs;

namespace Unweave.Web.Pages;

/// <summary>What latents see in a text, or in two.</summary>
public sealed partial class Try
{
    private const int OfToken = 12, OfText = 12, Pins = 12, AddressText = 1500, OfEveryToken = 3, LabeledTokens = 200;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(150);

    private static readonly string[] Examples =
    [
        "The king rode out with two hundred soldiers.",
        "She earned a degree in chemistry at the university.",
        "Water boils at 100 degrees and freezes at 0.",
    ];

    private readonly Side[] sides = [new(0, "Text") { Open = true }, new(1, "Second text")];
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
    private IReadOnlyList<Firing> ofToken = [], ofText = [];
    private int[] everyToken = [];

    [Inject] private IJSRuntime Js { get; set; } = null!;

    [Inject] private ModelGate Gate { get; set; } = null!;

    [SupplyParameterFromQuery(Name = "t")] private string? FirstText { get; set; }

    [SupplyParameterFromQuery(Name = "u")] private string? SecondText { get; set; }

    [SupplyParameterFromQuery(Name = "pin")] private string? PinnedLatents { get; set; }

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
        sides[0].Text = Cut(FirstText);
        sides[1].Text = Cut(SecondText);
        sides[1].Open = SecondText is not null;
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
        foreach (Side side in sides.Where(side => side.Text.Length > 0)) await Read(side, wait: false);
    }

    private static string? Remembered(Side side) => side.Text.Length is > 0 and <= AddressText ? side.Text : null;

    private static string Cut(string? text) => text is null ? "" : text.Length > Limits.Text ? text[..Limits.Text] : text;

    private static (float Peak, int Tokens) Summary(Side side, int latent)
    {
        float[] activations = side.Reading?.Activations(latent) ?? [];
        return (activations.DefaultIfEmpty().Max(), activations.Count(activation => activation > 0));
    }

    private Task Typed(Side side, string? text)
    {
        side.Text = Cut(text);
        return Read(side, wait: true);
    }

    private Task Put(Side side, string text)
    {
        side.Text = text;
        return Read(side, wait: false);
    }

    /// <summary>Reads a text in the model, unless another one is typed meanwhile: only the latest is shown.</summary>
    private async Task Read(Side side, bool wait)
    {
        int version = ++side.Version;
        bool Stale() => version != side.Version || leaving.IsCancellationRequested;
        try
        {
            if (wait) await Task.Delay(Pause, leaving.Token);
            if (Stale() || !ready) return;
            (string text, side.Busy, side.Failed) = (side.Text, true, null);
            Reading? reading = null;
            if (text.Length > 0)
            {
                StateHasChanged();
                using (await Gate.EnterAsync(leaving.Token))
                {
                    if (Stale()) return;
                    using Lease<ServedHost> host = await Task.Run(Run.LeaseHost, leaving.Token);
                    reading = new Reading(await Task.Run(() => host.Value.Autoencoder.Encode(text), leaving.Token));
                }
            }

            if (Stale()) return;
            side.Reading = reading;
            if (at.Side == side.Number && !held) at = (side.Number, (reading?.Pieces.Count ?? 0) - 1);
            Arrange();
        }
        catch (OperationCanceledException) when (leaving.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (e is InputException or BusyException)
        {
            if (!Stale()) side.Failed = e.Message;
        }
        finally
        {
            if (version == side.Version) side.Busy = false;
        }

        StateHasChanged();
        await Remember();
    }

    /// <summary>Sets everything that follows from the texts and the pins.</summary>
    private void Arrange()
    {
        IReadOnlyList<Firing> peaks = Peaks();
        rows.Load(peaks.Select(firing => firing.Latent).Concat(pinned));
        // Latents that fire nearly everywhere are strong in every text and say nothing about this one.
        List<Firing> telling = [.. peaks.Where(firing => rows[firing.Latent]?.Kind is not FeatureKind.Dense)];
        ofText = [.. (telling.Count > 0 ? telling : peaks).Take(OfText)];
        foreach (Side side in sides) side.Colors = Colors(side.Reading);
        float most = sides.SelectMany(side => side.Colors).DefaultIfEmpty().Max();
        scale = Math.Max(colorBy is { } by && rows[by] is { } row ? Math.Max(row.Max, most) : most, 1e-9f);
        everyToken = [.. Enumerable.Range(0, sides[0].Reading?.Pieces.Count ?? 0)];
        IEnumerable<Firing> labeled = everyToken.Take(LabeledTokens).SelectMany(token => sides[0].Reading!.Strongest(token, OfEveryToken));
        rows.Load(labeled.Select(firing => firing.Latent));
        Select(at.Side, at.Token);
    }

    // More than are listed, because some are left out.
    private IReadOnlyList<Firing> Peaks() =>
    [
        .. OpenSides.Where(side => side.Reading is not null)
            .SelectMany(side => side.Reading!.Peaks(OfText * 4))
            .GroupBy(firing => firing.Latent)
            .Select(group => group.MaxBy(firing => firing.Activation))
            .OrderByDescending(firing => firing.Activation),
    ];

    private float[] Colors(Reading? reading)
    {
        if (reading is null) return [];
        if (colorBy is { } latent) return reading.Activations(latent);
        float Strongest(int token) => reading.Strongest(token, 1) is [Firing firing] ? firing.Activation : 0;
        return [.. Enumerable.Range(0, reading.Pieces.Count).Select(Strongest)];
    }

    private void Select(int side, int token)
    {
        if (side is not (0 or 1)) return;
        at = (side, token);
        ofToken = At?.Reading!.Strongest(token, OfToken) ?? [];
        rows.Load(ofToken.Select(firing => firing.Latent));
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

    private void OpenSecond()
    {
        sides[1].Open = true;
        Arrange();
    }

    private Task CloseSecond()
    {
        (sides[1].Open, sides[1].Text, sides[1].Reading) = (false, "", null);
        sides[1].Version++;
        if (at.Side == 1) (at, held) = ((0, -1), false);
        Arrange();
        return Remember();
    }

    private Task Remember() => script.Call("address", PageAddress.Build(
        Links.Try(Run.Name),
        ("t", Remembered(sides[0])),
        ("u", sides[1].Open ? Remembered(sides[1]) : null),
        ("pin", pinned.Count > 0 ? string.Join(',', pinned) : null)));

    private string Progress(Side side)
    {
        if (side.Busy || (!ready && side.Text.Length > 0)) return "reading…";
        return side.Reading is { Pieces.Count: > 0 and var count } ? $"{Figures.Count(count)} token{(count == 1 ? "" : "s")}" : "";
    }

    private string? Words(int latent) => rows.Words(latent) is { } words ? VisibleText.OneLine(words) : null;

    private sealed class Side(int number, string name)
    {
        public int Number => number;

        public string Name => name;

        public bool Open { get; set; }

        public string Text { get; set; } = "";

        public Reading? Reading { get; set; }

        public float[] Colors { get; set; } = [];

        public int Version { get; set; }

        public bool Busy { get; set; }

        public string? Failed { get; set; }
    }
}
