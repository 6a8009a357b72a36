using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Web.Components;
using Unweave.Web.Runs;

namespace Unweave.Web.Pages;

/// <summary>Text that the model writes with and without changes of latents.</summary>
public sealed partial class Steer
{
    private const int Listed = 10, Compared = 500, Effects = 12, DrawEvery = 60;

    private const int UsualTokens = 60, HighestTemperature = 5;

    private const double UsualTemperature = 0.8, SmallestMove = 0.0005;

    private readonly CancellationTokenSource leaving = new();
    private readonly List<LatentEdit> edits = [];
    private readonly StringBuilder without = new(), with = new();
    private ScriptModule script = null!;
    private LatentRows rows = null!;
    private bool ready;
    private CancellationTokenSource? running, explaining;
    private string? missing, failed;
    private string prompt = "", shownPrompt = "", progress = "";
    private int tokens = UsualTokens, explained = -1;
    private double temperature = UsualTemperature, strongest = 1;
    private ulong seed;
    private bool withoutDone = true, withDone = true;
    private IReadOnlyList<ChangedToken> next = [];
    private IReadOnlyList<LatentEffect>? effects;
    private IReadOnlyList<SteeringPreset>? presets;
    private string? trying;
    private Reading? seenWithout, seenWith;
    private int seenLatent = -1;

    [Inject] private IJSRuntime Js { get; set; } = null!;

    [Inject] private ModelGate Gate { get; set; } = null!;

    [Inject] private TimeProvider Time { get; set; } = null!;

    [SupplyParameterFromQuery(Name = "prompt")] private string? PromptText { get; set; }

    [SupplyParameterFromQuery(Name = "change")] private string? Changes { get; set; }

    [SupplyParameterFromQuery(Name = "tokens")] private string? Tokens { get; set; }

    [SupplyParameterFromQuery(Name = "temperature")] private string? Temperature { get; set; }

    [SupplyParameterFromQuery(Name = "seed")] private string? Seed { get; set; }

    private GenerationOptions Options => new()
    {
        Tokens = Math.Clamp(tokens, 1, Limits.Tokens),
        Temperature = Math.Clamp(temperature, 0, HighestTemperature),
        Seed = seed,
    };

    private string Explained => VisibleText.OneLine(next.FirstOrDefault(token => token.Token == explained)?.Text ?? "");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await leaving.CancelAsync();
        leaving.Dispose();
        await script.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override void OnInitialized()
    {
        script = new ScriptModule(Js, "play.js");
        rows = new LatentRows(Run);
        prompt = PromptText is { Length: <= Limits.Text } text ? text : "";
        if (int.TryParse(Tokens, out int count)) tokens = Math.Clamp(count, 1, Limits.Tokens);
        if (double.TryParse(Temperature, NumberStyles.Float, CultureInfo.InvariantCulture, out double heat) && double.IsFinite(heat))
            temperature = Math.Clamp(heat, 0, HighestTemperature);
        if (ulong.TryParse(Seed, out ulong number)) seed = number;
        if (Run.Autoencoder is not { } autoencoder) return;
        edits.AddRange(LatentEdit.Parse(Changes, autoencoder.Latents));
        rows.Load(edits.Select(edit => edit.Latent));
        foreach (LatentEdit edit in edits) Measure(edit);
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;
        missing = await Task.Run(() => Run.HostMissing(predicting: true));
        ready = missing is null;
        if (Run.Steered is { } known && known.Source == Run.Catalog?.Source) presets = known.Presets;
        StateHasChanged();
        if (missing is null && (PromptText is not null || edits.Count > 0)) await Generate();
    }

    private static void Set(LatentEdit edit, InterventionKind kind)
    {
        edit.Kind = kind;
        if (kind == InterventionKind.Clamp) edit.Times = Math.Max(0, edit.Times);
    }

    private static string Spoken(LatentEdit edit) => $"{Times(edit)} times its strongest activation";

    private static string Times(LatentEdit edit) =>
        string.Create(CultureInfo.InvariantCulture, $"{edit.Times:0.##}×").Replace('-', '−');

    // Not listed is below the least that could be.
    private static string Share(double? probability) => probability is { } share and >= SmallestMove
        ? string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0}%")
        : "<0.1%";

    private static string? Direction(double move) => move > SmallestMove ? "up" : move < -SmallestMove ? "down" : null;

    private static string Moved(double move) => Math.Abs(move) < SmallestMove
        ? "0.0"
        : string.Create(CultureInfo.InvariantCulture, $"{(move > 0 ? "+" : "−")}{100 * Math.Abs(move):0.0}");

    /// <summary>A text's lines; an empty one for each line feed between them.</summary>
    private static IEnumerable<string> Lines(StringBuilder text)
    {
        string[] lines = text.ToString().Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (i > 0) yield return "";
            if (lines[i].Length > 0) yield return lines[i];
        }
    }

    private float StrongestOf(int latent) => rows[latent]?.Max ?? 0;

    private static string Said(int latent, FiringSummary summary) => summary.Fires == 0
        ? $"Latent {latent} does not fire in it."
        : $"Latent {latent} fires {summary.OnTokens}, mean {Figures.Activation(summary.Mean)}, peak {Figures.Activation(summary.Peak)}.";

    private bool CanAdd(int latent) => edits.Count < LatentEdit.Most && edits.TrueForAll(edit => edit.Latent != latent);

    private Task Add(int latent)
    {
        if (!CanAdd(latent)) return Task.CompletedTask;
        var added = new LatentEdit(latent);
        rows.Load([latent]);
        Measure(added);
        edits.Add(added);
        return Remember();
    }

    /// <summary>Tries promising latents one by one, and keeps what was found for all readers of the run.</summary>
    private async Task FindPresets()
    {
        if (Run.Catalog is not { } catalog || trying is not null) return;
        (trying, failed) = ("looking for candidates…", null);
        StateHasChanged();
        try
        {
            CatalogSource source = catalog.Source;
            IReadOnlyList<SteeringPreset> candidates = await Task.Run(
                () =>
                {
                    using CatalogSnapshot snapshot = catalog.Snapshot();
                    return SteeringPresets.Candidates(snapshot);
                },
                leaving.Token);
            var tried = new List<SteeringPreset>();
            foreach (SteeringPreset candidate in candidates)
            {
                trying = $"tried {tried.Count} of {candidates.Count}";
                StateHasChanged();
                // Others have their turn between two trials.
                using (await Gate.EnterAsync(leaving.Token))
                {
                    using Lease<ServedHost> host = await Task.Run(Run.LeaseHost, leaving.Token);
                    HostedAutoencoder model = host.Value.Autoencoder;
                    tried.Add(await Task.Run(() => SteeringPresets.Try(model, candidate, leaving.Token), leaving.Token));
                }
            }

            presets = SteeringPresets.Best(tried);
            Run.Steered = new SteeringTrials(source, presets);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (Exception e) when (e is InputException or BusyException)
        {
            failed = e.Message;
        }
        finally
        {
            trying = null;
        }

        StateHasChanged();
    }

    /// <summary>Starts with one latent at a strength that shows, in place of what was set.</summary>
    private Task Begin(SteeringPreset preset)
    {
        edits.Clear();
        rows.Load([preset.Row.Latent]);
        var edit = new LatentEdit(preset.Row.Latent) { Times = LatentEdit.Telling };
        Measure(edit);
        edits.Add(edit);
        return Generate();
    }

    private Task Remove(LatentEdit edit)
    {
        edits.Remove(edit);
        return Remember();
    }

    private void Measure(LatentEdit edit)
    {
        if (rows[edit.Latent] is { Max: > 0 } row) edit.Unit = row.Max;
    }

    private Task Again()
    {
        seed++;
        return Generate();
    }

    private void Stop() => running?.Cancel();

    /// <summary>Writes both texts at once, a token of each in turn, so that they can be compared while they grow.</summary>
    private async Task Generate()
    {
        if (!ready || running is not null) return;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(leaving.Token);
        running = stop;
        explaining?.Cancel();
        (failed, progress, shownPrompt, explained, effects, next) = (null, "waiting for the model…", prompt, -1, null, []);
        without.Clear();
        with.Clear();
        (withoutDone, withDone, seenWithout, seenWith) = (false, false, null, null);
        Intervention[] interventions = [.. edits.Select(edit => edit.ToIntervention())];
        GenerationOptions options = Options;
        string text = prompt;
        await Remember();
        StateHasChanged();
        try
        {
            using (await Gate.EnterAsync(stop.Token))
            {
                using Lease<ServedHost> host = await Task.Run(Run.LeaseHost, stop.Token);
                HostedAutoencoder model = host.Value.Autoencoder;
                progress = "";
                IReadOnlyList<NextToken> before = await Task.Run(() => model.Predict(text, [], Compared), stop.Token);
                IReadOnlyList<NextToken> after = interventions.Length == 0
                    ? before
                    : await Task.Run(() => model.Predict(text, interventions, Compared), stop.Token);
                next = ChangedToken.Join(before, after, Listed);
                StateHasChanged();
                await Task.Run(() => Write(model, text, interventions, options, stop.Token), stop.Token);
                if (edits.Count > 0 && edits.TrueForAll(edit => edit.Latent != seenLatent)) seenLatent = edits[0].Latent;
                (string plain, string changed) = (text + without, text + with);
                (seenWithout, seenWith) = await Task.Run(() => (new Reading(model.Encode(plain)), new Reading(model.Encode(changed))),
                    stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            progress = "stopped";
        }
        catch (Exception e) when (e is InputException or BusyException)
        {
            (failed, progress) = (e.Message, "");
        }
        finally
        {
            (withoutDone, withDone, running) = (true, true, null);
        }

        if (!leaving.IsCancellationRequested) StateHasChanged();
    }

    private async Task Write(
        HostedAutoencoder model, string text, Intervention[] interventions, GenerationOptions options, CancellationToken cancellationToken)
    {
        using IEnumerator<string> plain = model.Generate(text, [], options, cancellationToken).GetEnumerator();
        using IEnumerator<string> changed = model.Generate(text, interventions, options, cancellationToken).GetEnumerator();
        string? first = "", second = "";
        long drawn = Time.GetTimestamp();
        while (first is not null || second is not null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            first = first is not null && plain.MoveNext() ? plain.Current : null;
            second = second is not null && changed.MoveNext() ? changed.Current : null;
            bool draw = Time.GetElapsedTime(drawn).TotalMilliseconds >= DrawEvery;
            if (draw) drawn = Time.GetTimestamp();
            (string? plainToken, string? changedToken) = (first, second);
            await InvokeAsync(() =>
            {
                without.Append(plainToken);
                with.Append(changedToken);
                (withoutDone, withDone) = (plainToken is null, changedToken is null);
                if (draw) StateHasChanged();
            });
        }
    }

    private async Task Explain(ChangedToken token)
    {
        if (!ready) return;
        if (explaining is not null) await explaining.CancelAsync();
        using var mine = CancellationTokenSource.CreateLinkedTokenSource(leaving.Token);
        (explaining, explained, effects, failed) = (mine, token.Token, null, null);
        string text = shownPrompt;
        StateHasChanged();
        try
        {
            IReadOnlyList<LatentEffect> found;
            using (await Gate.EnterAsync(mine.Token))
            {
                using Lease<ServedHost> host = await Task.Run(Run.LeaseHost, mine.Token);
                HostedAutoencoder model = host.Value.Autoencoder;
                found = await Task.Run(() => model.Attribute(text, token.Token, Effects, cancellationToken: mine.Token), mine.Token);
            }

            if (explained != token.Token) return;
            rows.Load(found.Select(effect => effect.Latent));
            strongest = found.Select(effect => Math.Abs(effect.Effect)).DefaultIfEmpty(1).Max();
            effects = found;
        }
        catch (OperationCanceledException)
        {
            // another token was chosen, or the page was left
        }
        catch (Exception e) when (e is InputException or BusyException)
        {
            (failed, explained) = (e.Message, -1);
        }
        finally
        {
            if (ReferenceEquals(explaining, mine)) explaining = null;
        }
    }

    private Task Remember()
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        return script.Call("address", PageAddress.Build(
            Links.Steer(Run.Name),
            ("prompt", prompt.Length is > 0 and <= PageAddress.LongestText ? prompt : null),
            ("change", edits.Count > 0 ? string.Join(',', edits) : null),
            ("tokens", tokens == UsualTokens ? null : tokens.ToString(culture)),
            ("temperature", temperature == UsualTemperature ? null : temperature.ToString("0.##", culture)),
            ("seed", seed == 0 ? null : seed.ToString(culture))));
    }
}
