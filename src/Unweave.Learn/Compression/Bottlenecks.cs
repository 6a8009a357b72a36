using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Numerics;
using Unweave.Training;
using Unweave.Learn.Live;

namespace Unweave.Learn.Compression;

/// <summary>A codec with how well it does on pictures that it was not made from.</summary>
/// <param name="Codec">The codec.</param>
/// <param name="Errors">FVU on the held-out pictures for each of <see cref="Bottlenecks.Widths"/>; of an autoencoder, at its own width
/// only.</param>
internal sealed record MeasuredCodec(ICodec Codec, IReadOnlyDictionary<int, double> Errors);

/// <summary>
/// Autoencoders of several widths, each trained when the first reader asks for it, beside principal components and the cosine transform.
/// </summary>
internal sealed class Bottlenecks
{
    /// <summary>Pictures that training sees: the first ones.</summary>
    public const int Trained = 9_000;

    /// <summary>Pictures that errors are measured on: those after them.</summary>
    public const int HeldOut = 500;

    private const int Rows = 150_000, Hidden = 192;

    private static readonly int[] widths = [1, 2, 4, 8, 16, 32, 64];

    private readonly TrainingSlots slots;
    private readonly Dictionary<int, SharedResult<MeasuredCodec>> autoencoders;

    /// <summary>Trains nothing yet.</summary>
    /// <param name="slots">Where training takes turns.</param>
    public Bottlenecks(TrainingSlots slots)
    {
        this.slots = slots;
        autoencoders =
            widths.ToDictionary(width => width, width =>
            new SharedResult<MeasuredCodec>((progress, cancellationToken) => Train(width, progress, cancellationToken)));
        Components = new SharedResult<MeasuredCodec>((progress, cancellationToken) => FitComponents(progress, cancellationToken));
        Cosine = new Lazy<MeasuredCodec>(() => Measured(new CosineCodec()));
    }

    /// <summary>The widths of the bottleneck, ascending.</summary>
    public static IReadOnlyList<int> Widths => widths;

    /// <summary>Principal components of the training pictures.</summary>
    public SharedResult<MeasuredCodec> Components { get; }

    /// <summary>The cosine transform.</summary>
    public Lazy<MeasuredCodec> Cosine { get; }

    /// <summary>The autoencoder of a width.</summary>
    /// <param name="width">One of <see cref="Widths"/>.</param>
    public SharedResult<MeasuredCodec> Autoencoder(int width) => autoencoders[width];

    /// <summary>Settings of the training of a width.</summary>
    public static TrainingOptions Settings(int width) => new()
    {
        Autoencoder = new UndercompleteOptions { Bottleneck = width, Hidden = [Hidden], Activation = Activation.Relu },
        InputScaling = InputScaling.None,
        Batch = 128,
        Rows = Rows,
        LearningRate = 2e-3,
        Validation = 0,
    };

    private static Dictionary<int, double> Errors(ICodec codec, IEnumerable<int> at)
    {
        using Matrix held = FashionImages.Rows(Trained, HeldOut);
        return at.ToDictionary(width => width, width =>
        {
            using Matrix rebuilt = codec.Rebuild(held, width);
            return Evaluator.Compare(held, rebuilt, "held-out pictures").Fvu;
        });
    }

    private static MeasuredCodec Measured(ICodec codec) => new(codec, Errors(codec, widths));

    private async Task<MeasuredCodec> Train(int width, IProgress<Preparation> progress, CancellationToken cancellationToken)
    {
        using IDisposable slot =
            await slots.Take(place => progress.Report(new Preparation($"Waiting: {place} ahead of this one", 0)), cancellationToken);
        using var pictures = new MatrixSource(FashionImages.Rows(0, Trained), "pictures", ownsMatrix: true);
        using TrainingRun run = TrainingRun.Start(Settings(width), pictures);
        while (!run.Finished)
        {
            cancellationToken.ThrowIfCancellationRequested();
            run.Next();
            progress.Report(new Preparation($"Training an autoencoder with a bottleneck of {width}", (double)run.Rows / Rows));
        }

        // Only the weights are kept; the run goes, with its gradients and moments.
        var kept = (UndercompleteAutoencoder)run.Options.Autoencoder.Build(FashionImages.Pixels, new Rng(0));
        for (int i = 0; i < kept.Parameters.Count; i++) run.Autoencoder.Parameters[i].Value.CopyTo(kept.Parameters[i].Value);
        var codec = new TrainedCodec(kept);
        return new MeasuredCodec(codec, Errors(codec, [width]));
    }

    private async Task<MeasuredCodec> FitComponents(IProgress<Preparation> progress, CancellationToken cancellationToken)
    {
        using IDisposable slot =
            await slots.Take(place => progress.Report(new Preparation($"Waiting: {place} ahead of this one", 0)),
                cancellationToken);
        progress.Report(new Preparation("Finding the principal components", 0.5));
        using var pictures = new MatrixSource(FashionImages.Rows(0, Trained), "pictures", ownsMatrix: true);
        return Measured(new ComponentsCodec(Baseline.Fit(BaselineKind.Pca, pictures, widths[^1], 0, cancellationToken: cancellationToken)));
    }
}
