using System.Numerics.Tensors;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// What an autoencoder has to beat: a dictionary made without it, and a rule that writes each row with at most k numbers. All baselines
/// reconstruct a row as the center of the rows that they were fitted to plus a sum of unit directions.
/// </summary>
/// <remarks>Definitions, sizes of the samples and sources: <c>docs/measures.md</c>.</remarks>
public abstract class Baseline : IDisposable, IRowCoder
{
    private readonly float[] center;

    /// <summary>Sets what every baseline has.</summary>
    /// <param name="name">What it is, for tables.</param>
    /// <param name="numbers">Numbers of a row's code, at most.</param>
    /// <param name="directions">Unit rows, <c>[latents, d]</c>; disposed with the baseline.</param>
    /// <param name="center">Added to every reconstruction, d values.</param>
    private protected Baseline(string name, int numbers, Matrix directions, float[] center) =>
        (Name, Numbers, Directions, this.center) = (name, numbers, directions, center);

    /// <summary>What it is, with its sizes: "PCA, 32 components".</summary>
    public string Name { get; }

    /// <summary>Numbers of a row's code, at most: k.</summary>
    public int Numbers { get; }

    /// <summary>Width d of the rows.</summary>
    public int Width => Directions.Columns;

    /// <summary>Directions that a code may use.</summary>
    public int Latents => Directions.Rows;

    /// <inheritdoc/>
    int IRowCoder.InputWidth => Width;

    /// <inheritdoc/>
    int IRowCoder.OutputWidth => Width;

    /// <summary>The directions, unit rows, <c>[latents, d]</c>.</summary>
    internal Matrix Directions { get; }

    /// <summary>Fits a baseline to rows: all of them, or a random sample where there are more than it needs.</summary>
    /// <param name="kind">Which one.</param>
    /// <param name="source">The training rows, as the autoencoder had them.</param>
    /// <param name="k">Numbers of a row's code: the L0 of the autoencoder that it stands beside.</param>
    /// <param name="latents">
    /// Latents of that autoencoder: the size of a random dictionary, and, up to 4,096 and a quarter of the sampled rows, of k-SVD's.
    /// </param>
    /// <param name="seed">Seed of the sample and of what is drawn.</param>
    /// <param name="cancellationToken">Ends the fit.</param>
    /// <exception cref="InputException">k is not possible.</exception>
    public static Baseline Fit(BaselineKind kind, IActivationSource source, int k, int latents, ulong seed = 0,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        int d = source.Width;
        int most = kind == BaselineKind.RandomDictionary ? latents : d;
        if (k < 1 || k > most)
        {
            string of = kind == BaselineKind.RandomDictionary ? "A random dictionary" : "A baseline";
            throw new InputException($"{of} of width {d} writes a row with 1 to {most} numbers; {k} were asked for.");
        }

        return kind switch
        {
            BaselineKind.Pca => PcaBaseline.Fit(source, k, k, seed),
            BaselineKind.PcaByRow => PcaBaseline.Fit(source, k, Math.Max(k, Math.Min(d, PcaBaseline.MostComponents)), seed),
            BaselineKind.Ica => IcaBaseline.Fit(source, k, seed, cancellationToken),
            BaselineKind.SemiNonnegative => SemiNonnegativeBaseline.Fit(source, k, seed, cancellationToken),
            BaselineKind.KSvd => KSvdBaseline.Fit(source, k, latents, seed, cancellationToken),
            BaselineKind.RandomDictionary => RandomDictionaryBaseline.Fit(source, k, latents, seed),
            BaselineKind.Identity => IdentityBaseline.Fit(source, k, seed),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such baseline."),
        };
    }

    /// <summary>Writes rows as codes of at most <see cref="Numbers"/> entries, of any sign.</summary>
    /// <param name="x">The rows, <c>[rows, d]</c>.</param>
    /// <param name="codes">Overwritten; over <see cref="Latents"/> directions.</param>
    /// <exception cref="InputException">The rows are of another width.</exception>
    public void Encode(Matrix x, SparseCodes codes)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(codes);
        CheckWidth(x.Columns, "The rows");
        using Matrix centered = x.Clone();
        for (int r = 0; r < centered.Rows; r++) TensorPrimitives.Subtract(centered.Row(r), center, centered.Row(r));
        EncodeCentered(centered, codes);
    }

    /// <summary>Makes rows of codes.</summary>
    /// <param name="codes">Codes over these directions.</param>
    /// <param name="reconstruction">Overwritten, <c>[rows, d]</c>.</param>
    public void Decode(SparseCodes codes, Matrix reconstruction)
    {
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentNullException.ThrowIfNull(reconstruction);
        Workers.Shared.Run(codes.Rows, r =>
        {
            Span<float> row = reconstruction.Row(r);
            center.CopyTo(row);
            ReadOnlySpan<int> latents = codes.Latents(r);
            ReadOnlySpan<float> values = codes.Values(r);
            for (int j = 0; j < latents.Length; j++)
                TensorPrimitives.MultiplyAdd(Directions.Row(latents[j]), values[j], row, row);
        });
    }

    /// <inheritdoc/>
    void IRowCoder.Decode(SparseCodes codes, Matrix input, Matrix reconstruction) => Decode(codes, reconstruction);

    /// <summary>Measures it on every row of a source, with the metrics of <see cref="Evaluator"/>.</summary>
    /// <param name="source">The held-out rows.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    /// <exception cref="InputException">The rows are of another width, or cannot be read.</exception>
    public EvaluationReport Run(IActivationSource source, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        CheckWidth(source.Width, source.Name);
        var sums = new ReconstructionSums(Width);
        var codes = new SparseCodes(Latents);
        long[] fired = new long[Latents];
        double entries = 0;
        foreach (Matrix x in Evaluator.Blocks(source, progress: null, cancellationToken))
        {
            using var reconstruction = new Matrix(x.Rows, x.Columns);
            Encode(x, codes);
            Decode(codes, reconstruction);
            sums.Add(x, reconstruction);
            entries += codes.Count;
            foreach (int latent in codes.AllLatents) fired[latent]++;
        }

        EvaluationReport report = sums.Report(Name) with { L0 = entries / source.Rows };
        return Latents == Numbers ? report : report with // where a row may choose
        {
            Firing = entries / source.Rows,
            Latents = Latents,
            Dead = fired.Count(times => times == 0),
            Density = DensityHistogram.From(fired, source.Rows),
            Fired = fired,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Directions.Dispose();
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Writes rows less the center as codes.</summary>
    private protected abstract void EncodeCentered(Matrix centered, SparseCodes codes);

    /// <summary>Gives back what a baseline keeps beside its directions.</summary>
    private protected virtual void Release()
    {
    }

    /// <summary>Writes codes row by row, on all threads.</summary>
    private protected static void EncodeRows(int rows, Func<int, List<(int Latent, float Value)>> encode, SparseCodes codes)
    {
        var made = new List<(int Latent, float Value)>[rows];
        Workers.Shared.Run(rows, r => made[r] = encode(r));
        NarrowedCodes.FromRows(made, codes);
    }

    private void CheckWidth(int width, string what)
    {
        if (width != Width) throw new InputException($"{what}: the width is {width}; the baseline was fitted to width {Width}.");
    }
}
