using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.JSInterop;
using Unweave.Components;
using Unweave.Evaluation;
using Unweave.Learn.Live;
using Unweave.Numerics;

namespace Unweave.Learn.Compression;

/// <summary>A picture squeezed through a bottleneck and built again; beside it, the curve of numbers kept against what is lost.</summary>
public sealed partial class CompressionDemo : Demonstration, IAsyncDisposable
{
    [Inject] private Bottlenecks Shared { get; set; } = null!;

    private const int Opening = 3;

    private static readonly string[] places = [.. Bottlenecks.Widths.Select(width => $"{width}")];

    // One of each kind, none of them trained on.
    private static readonly int[] Gallery =
        [.. Enumerable.Range(Bottlenecks.Trained, Bottlenecks.HeldOut).GroupBy(FashionImages.Label).OrderBy(group => group.Key)
        .Select(group => group.First())];

    private int chosen = Gallery[^1], place = Opening, penX = 14, penY = 14;
    private float[] pixels = new float[FashionImages.Pixels], byCosines = new float[FashionImages.Pixels];
    private float[]? rebuilt, byComponents;
    private float[] code = [];
    private Preparation? preparation;
    private string? problem;
    private IReadOnlyList<ChartSeries> curves = [];
    private CancellationTokenSource? waiting;
    private ElementReference figure;
    private ScriptModule? script;
    private DotNetObjectReference<CompressionDemo>? self;

    private int Width => Bottlenecks.Widths[place];

    private static string PenAt(int pixel) => $"{Figures.Css(100.0 * pixel / FashionImages.Side)}%";

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        Pick(chosen);
        Draw();
        if (!RendererInfo.IsInteractive) return;
        await Task.WhenAll(Wait(), Compare());
    }

    /// <summary>The reader's hand has painted a pixel.</summary>
    [JSInvokable]
    public void Paint(double x, double y, bool rub)
    {
        if (chosen >= 0 || !double.IsFinite(x) || !double.IsFinite(y)) return;
        Dab(x * FashionImages.Side, y * FashionImages.Side, rub);
        Rebuild();
        StateHasChanged();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        if (script is not null) await script.DisposeAsync();
        self?.Dispose();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) waiting?.Cancel();
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (firstRender)
        {
            script = new ScriptModule(Browser, "learn/compression.js");
            self = DotNetObjectReference.Create(this);
            await script.Call("paint", figure, self);
        }

        await base.OnAfterRenderAsync(firstRender);
    }

    private void Pick(int index)
    {
        chosen = index;
        using Matrix rows = FashionImages.Rows(index, 1);
        pixels = rows.Row(0).ToArray();
        Rebuild();
    }

    private void Blank()
    {
        chosen = -1;
        Clear();
    }

    private void Clear()
    {
        pixels = new float[FashionImages.Pixels];
        Rebuild();
    }

    private async Task Choose(int to)
    {
        if (to == place) return;
        place = to;
        Rebuild();
        await Wait();
    }

    // Waits for the width that is shown, then for the others, so that the curve is whole; another choice leaves that wait.
    private async Task Wait()
    {
        waiting?.Cancel();
        using var own = CancellationTokenSource.CreateLinkedTokenSource(Left);
        waiting = own;
        (preparation, problem) = (null, null);
        try
        {
            await Shared.Autoencoder(Width).Get(new ThrottledProgress<Preparation>(Tell), own.Token);
            Rebuild();
            Draw();
            foreach (int width in Bottlenecks.Widths)
            {
                StateHasChanged();
                await Shared.Autoencoder(width).Get(new Progress<Preparation>(), own.Token);
                Draw();
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (InputException e)
        {
            problem = e.Message;
        }
        finally
        {
            if (ReferenceEquals(waiting, own)) waiting = null;
        }
    }

    private async Task Compare()
    {
        try
        {
            await Shared.Components.Get(new Progress<Preparation>(), Left);
            Rebuild();
            Draw();
            StateHasChanged();
        }
        catch (Exception e) when (e is OperationCanceledException or InputException)
        {
        }
    }

    private void Rebuild()
    {
        using var row = new Matrix(1, FashionImages.Pixels);
        pixels.CopyTo(row.Row(0));
        byCosines = One(Shared.Cosine.Value.Codec, row);
        byComponents = Shared.Components.Ready is { } components ? One(components.Codec, row) : null;
        rebuilt = null;
        code = [];
        if (Shared.Autoencoder(Width).Ready?.Codec is not TrainedCodec codec) return;
        rebuilt = One(codec, row);
        using Matrix numbers = codec.Code(row);
        code = numbers.Row(0).ToArray();
    }

    private float[] One(ICodec codec, Matrix row)
    {
        using Matrix again = codec.Rebuild(row, Width);
        return again.Row(0).ToArray();
    }

    private void Draw()
    {
        (double, double)[] Points(IReadOnlyDictionary<int, double> errors) =>
            [.. errors.OrderBy(pair => pair.Key).Select(pair => ((double)Array.IndexOf(places, $"{pair.Key}"), pair.Value))];
        var trained = Bottlenecks.Widths.Select(width => Shared.Autoencoder(width).Ready).OfType<MeasuredCodec>()
            .SelectMany(measured => measured.Errors).ToDictionary();
        curves =
        [
            new ChartSeries("autoencoder", Points(trained)),
            new ChartSeries("PCA", Shared.Components.Ready is { } components ? Points(components.Errors) : []),
            new ChartSeries("cosine waves", Points(Shared.Cosine.Value.Errors)),
        ];
    }

    private void Press(KeyboardEventArgs key)
    {
        (int dx, int dy) =
            key.Key switch { "ArrowLeft" => (-1, 0), "ArrowRight" => (1, 0), "ArrowUp" => (0, -1), "ArrowDown" => (0, 1), _ => (0, 0) };
        (penX, penY) = (Math.Clamp(penX + dx, 0, FashionImages.Side - 1), Math.Clamp(penY + dy, 0, FashionImages.Side - 1));
        if (key.Key is not (" " or "Delete" or "Backspace")) return;
        Dab(penX + 0.5, penY + 0.5, rub: key.Key is not " ");
        Rebuild();
    }

    // A soft dab, two pixels wide: a hand's stroke at this size.
    private void Dab(double x, double y, bool rub)
    {
        const double Reach = 1.6;
        for (int row = Math.Max(0, (int)(y - 2)); row <= Math.Min(FashionImages.Side - 1, (int)(y + 2)); row++)
        {
            for (int column = Math.Max(0, (int)(x - 2)); column <= Math.Min(FashionImages.Side - 1, (int)(x + 2)); column++)
            {
                double distance = Math.Sqrt(Math.Pow(column + 0.5 - x, 2) + Math.Pow(row + 0.5 - y, 2));
                float strength = (float)Math.Clamp(1.2 * (1 - (distance / Reach)), 0, 1);
                ref float pixel = ref pixels[(row * FashionImages.Side) + column];
                pixel = rub ? Math.Min(pixel, 1 - strength) : Math.Max(pixel, strength);
            }
        }
    }

    // The error of this picture over how much pictures vary: the share that is lost, as in the curve.
    private double Share(float[] again) => SquaredError(again) / Spread.Value;

    private string Error(float[] again) => Figures.Short(SquaredError(again) / FashionImages.Pixels);

    private double SquaredError(float[] again)
    {
        using Matrix x = new(1, FashionImages.Pixels), y = new(1, FashionImages.Pixels);
        pixels.CopyTo(x.Row(0));
        again.CopyTo(y.Row(0));
        return Evaluator.Compare(x, y, "picture").Mse;
    }

    // Mean squared distance of pictures from their mean: the error of a code of nothing.
    private static readonly Lazy<double> Spread = new(() =>
    {
        using Matrix held = FashionImages.Rows(Bottlenecks.Trained, Bottlenecks.HeldOut), mean = new(held.Rows, held.Columns);
        for (int c = 0; c < held.Columns; c++)
        {
            double sum = 0;
            for (int r = 0; r < held.Rows; r++) sum += held[r, c];
            for (int r = 0; r < held.Rows; r++) mean[r, c] = (float)(sum / held.Rows);
        }

        return Evaluator.Compare(held, mean, "mean").Mse;
    });

    private static byte[] Bytes(float[] picture) => [.. picture.Select(pixel => (byte)Math.Round(255 * Math.Clamp(pixel, 0, 1)))];

    // Red where it is too bright, blue where it is too dark, on gray.
    private byte[] Difference(float[] again)
    {
        byte[] rgb = new byte[3 * again.Length];
        for (int i = 0; i < again.Length; i++)
        {
            double difference = Math.Clamp(1.4 * (again[i] - pixels[i]), -1, 1), gray = 226 * (1 - Math.Abs(difference));
            rgb[3 * i] = (byte)(gray + (Math.Max(0, difference) * 200));
            rgb[(3 * i) + 1] = (byte)gray;
            rgb[(3 * i) + 2] = (byte)(gray + (Math.Max(0, -difference) * 200));
        }

        return rgb;
    }

    private void Tell(Preparation now)
    {
        preparation = now;
        _ = InvokeAsync(StateHasChanged);
    }
}
