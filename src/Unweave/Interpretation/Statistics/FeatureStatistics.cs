using System.Diagnostics.CodeAnalysis;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>
/// Statistics of every latent of an autoencoder, gathered in one pass over texts or vectors: how often and how strongly it fires, where, on
/// what, with which others. Afterwards it gives the features one by one, with labels made from them.
/// </summary>
/// <remarks>
/// Memory does not grow with the rows: counts, a fixed number of examples a latent, a sample of rows. The texts of the windows go to a
/// temporary file of about 14 bytes a token of English (two a character, four a length). What is drawn at random depends on the seed and
/// the order of the texts alone, so the same pass gives the same features on any number of threads.
/// </remarks>
public sealed class FeatureStatistics : IDisposable
{
    private const int LatentsAtOnce = 256, LatentsOfPart = 64, FewestTokens = 256;
    private const double DenseShare = 0.1, Most = 0.9, FewPositions = 0.1;

    private readonly SparseAutoencoder autoencoder;
    private readonly FeatureStatisticsOptions options;
    private readonly LatentStatistics?[] latents;
    private readonly int tokenCapacity;
    private readonly WindowSpool spool = new();
    private readonly PatternWords words = new();
    private readonly WordTopics topics;
    private readonly TextSpots reader;
    private readonly TextPool pool;
    private readonly CoActivation together;
    private readonly long[] positionRows = new long[PositionRanges.Count];
    private Func<int, string> tokenName = static _ => "";

    private FeatureStatistics(SparseAutoencoder autoencoder, FeatureStatisticsOptions? options, WordTopics? topics)
    {
        this.autoencoder = autoencoder;
        this.options = options ?? new FeatureStatisticsOptions();
        latents = new LatentStatistics?[autoencoder.Latents];
        tokenCapacity = Math.Max(FewestTokens, this.options.TokenCounts / autoencoder.Latents);
        this.topics = topics ?? WordTopics.None;
        reader = new TextSpots(words, this.topics);
        pool = new TextPool(this.options, reader);
        together = new CoActivation(autoencoder.Latents, this.options.Sample, this.options.Seed);
    }

    /// <summary>Rows read: tokens, or vectors.</summary>
    public long Rows { get; private set; }

    /// <summary>Windows read; of vectors, rows.</summary>
    public long Windows { get; private set; }

    /// <summary>Number of latents.</summary>
    public int Latents => latents.Length;

    /// <summary>Width of the decoder rows.</summary>
    public int Width => autoencoder.InputWidth;

    /// <summary>Gathers them from texts that are run through a model.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="pass">The model at the autoencoder's hook, and no other.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="documents">The texts.</param>
    /// <param name="options">What is kept.</param>
    /// <param name="topics">Topics of words, for labels; none by default.</param>
    /// <param name="rows">Rows to stop after, at the end of a document.</param>
    /// <param name="progress">Told the rows done.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    /// <exception cref="InputException">The hook has another width than the autoencoder, or the texts have no token.</exception>
    public static FeatureStatistics FromTexts(
        SparseAutoencoder autoencoder, ActivationPass pass, ITokenizer tokenizer, IEnumerable<(long Number, Document Document)> documents,
        FeatureStatisticsOptions? options = null, WordTopics? topics = null, long rows = long.MaxValue, IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(pass);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(documents);
        var statistics = new FeatureStatistics(autoencoder, options, topics) { tokenName = tokenizer.TokenName };
        return statistics.Read(WindowBlocks.FromTexts(pass, documents, rows, cancellationToken), progress, cancellationToken);
    }

    /// <summary>Gathers them from activations that were harvested before.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="source">A hook of a harvest.</param>
    /// <param name="tokenizer">The tokenizer that the harvest was made with.</param>
    /// <param name="options">What is kept.</param>
    /// <param name="topics">Topics of words, for labels; none by default.</param>
    /// <param name="documents">The texts, where each has one row; the tokens of other harvests tell theirs.</param>
    /// <param name="progress">Told the rows done.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    /// <exception cref="InputException">The tokenizer is another one, or texts are needed and not given.</exception>
    public static FeatureStatistics FromHarvest(
        SparseAutoencoder autoencoder, HarvestSource source, ITokenizer tokenizer, FeatureStatisticsOptions? options = null,
        WordTopics? topics = null, IEnumerable<(long Number, Document Document)>? documents = null, IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (!string.Equals(source.Harvest.Manifest.Tokenizer.Sha256, tokenizer.Hash, StringComparison.Ordinal))
        {
            throw new InputException($"{source.Name} was harvested with another tokenizer ({source.Harvest.Manifest.Tokenizer.Name}) than "
                + $"{tokenizer.Name}; name that one with --tokenizer.");
        }

        var statistics = new FeatureStatistics(autoencoder, options, topics) { tokenName = tokenizer.TokenName };
        if (!Harvester.IsPerText(source.Harvest.Manifest))
            return statistics.Read(WindowBlocks.FromHarvest(source, tokenizer, cancellationToken), progress, cancellationToken);
        if (documents is null)
        {
            throw new InputException($"{source.Name} has one row for each text, whose tokens it does not keep; give the texts that it was "
                + "made of.");
        }

        return statistics.Read(WindowBlocks.FromHarvest(source, tokenizer, documents, cancellationToken), progress, cancellationToken);
    }

    /// <summary>Gathers them from a set of vectors.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="source">The vectors; open until <see cref="Features"/> is done, which compares rows.</param>
    /// <param name="text">The text of a row; null where there are no texts.</param>
    /// <param name="options">What is kept.</param>
    /// <param name="topics">Topics of words, for labels; none by default.</param>
    /// <param name="progress">Told the rows done.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    public static FeatureStatistics FromVectors(
        SparseAutoencoder autoencoder, IActivationSource source, Func<long, string>? text = null, FeatureStatisticsOptions? options = null,
        WordTopics? topics = null, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(source);
        var statistics = new FeatureStatistics(autoencoder, options, topics);
        statistics.Read(WindowBlocks.FromVectors(source, text, cancellationToken), progress, cancellationToken);
        if (text is not null) statistics.pool.Attach(source);
        return statistics;
    }

    /// <summary>The features, every latent once, in ascending order, each with the label that was made for it, or none.</summary>
    /// <param name="lens">Shows what decoder rows do to the logits; null leaves that out.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public IEnumerable<(
        Feature Feature, FeatureLabel? Label)> Features(LogitLens? lens = null, CancellationToken cancellationToken = default)
    {
        RelatedLatent[][] nearest = NearestLatents.Find(autoencoder.Decoder, options.Listed);
        var labels = new LabelMaker(words, topics, reader, pool, options);
        var scratch = new ThreadLocal<int[]>(() => new int[Latents]);
        for (int first = 0; first < Latents; first += LatentsAtOnce)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int start = first, count = Math.Min(LatentsAtOnce, Latents - first);
            using Matrix directions = autoencoder.Decoder.CopyRows(first, count);
            (IReadOnlyList<TokenLogit> Raised, IReadOnlyList<TokenLogit> Lowered)[] looked = lens?.Look(directions, options.Listed) ?? [];
            var made = new (Feature, FeatureLabel?)[count];
            Workers.Shared.Run(count, i =>
            {
                int latent = start + i;
                Feature feature = Describe(latent) with
                {
                    Nearest = nearest[latent],
                    Partners = together.Partners(latent, options.Listed, scratch.Value!),
                    Raised = looked.Length == 0 ? [] : looked[i].Raised,
                    Lowered = looked.Length == 0 ? [] : looked[i].Lowered,
                };
                made[i] = labels.Describe(feature);
            });
            foreach ((Feature, FeatureLabel?) one in made) yield return one;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => spool.Dispose();

    [SuppressMessage("Reliability", "CA2000", Justification = "The sources' blocks are disposed here one by one.")]
    private FeatureStatistics Read(IEnumerable<WindowBlock> blocks, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        try
        {
            var codes = new SparseCodes(Latents);
            var sorted = new EntriesByLatent(Latents);
            foreach (WindowBlock block in blocks)
            {
                using (block)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    autoencoder.Encode(block.Rows, codes);
                    Add(block, codes, sorted);
                }

                progress?.Report(Rows);
            }

            if (Rows == 0) throw new InputException("The texts have no token to count; give texts with words in them.");
            spool.Complete();
            pool.Complete(spool);
            together.Complete();
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private void Add(WindowBlock block, SparseCodes codes, EntriesByLatent sorted)
    {
        float threshold = autoencoder.FiringThreshold;
        int[] windowOf = new int[block.Rows.Rows];
        long[] places = new long[block.Windows.Count];
        for (int w = 0; w < places.Length; w++)
        {
            RowWindow window = block.Windows[w];
            places[w] = spool.Add(window);
            Array.Fill(windowOf, w, window.First, window.Count);
            pool.Offer(window, places[w], codes, threshold);
        }

        foreach (int position in block.Positions) positionRows[PositionRanges.IndexOf(position)]++;
        together.Offer(codes, threshold);
        sorted.Sort(codes, threshold);

        // A latent's counts belong to one thread, which takes its entries in the order of the rows.
        Workers.Shared.Run((Latents + LatentsOfPart - 1) / LatentsOfPart, part =>
        {
            for (int latent = part * LatentsOfPart; latent < Math.Min(Latents, (part + 1) * LatentsOfPart); latent++)
            {
                ReadOnlySpan<int> rows = sorted.Rows(latent);
                ReadOnlySpan<float> values = sorted.Values(latent);
                for (int from = 0; from < rows.Length;)
                {
                    int window = windowOf[rows[from]], end = from + 1;
                    while (end < rows.Length && windowOf[rows[end]] == window) end++;
                    LatentStatistics statistics = latents[latent] ??= new LatentStatistics(latent, tokenCapacity, options);
                    statistics.Add(block.Windows[window], places[window], rows[from..end], values[from..end], block);
                    from = end;
                }
            }
        });
        Rows += block.Rows.Rows;
        Windows += places.Length;
    }

    private Feature Describe(int latent)
    {
        LatentStatistics statistics = latents[latent] ?? new LatentStatistics(latent, tokenCapacity, options);
        IReadOnlyList<KeptExample> strongest = statistics.Strongest();
        (double From, double To, long Count, IReadOnlyList<KeptExample> Examples)[] bands = [.. statistics.Bands.Filled()];
        TokenShare[] tokens = [.. statistics.Tokens.Largest().Take(options.Listed)
            .Select(token => new TokenShare(token.Token, tokenName(token.Token), token.Count, token.Sum / statistics.Sum))];
        ExampleGroup[] quantiles = [.. bands.Select(band =>
            new ExampleGroup(band.From, band.To, (double)band.Count / statistics.Windows, [.. band.Examples.Select(Example)]))];
        return new Feature
        {
            Latent = latent,
            Kind = Kind(statistics),
            Fired = statistics.Fired,
            Frequency = (double)statistics.Fired / Rows,
            Density = (double)statistics.Windows / Windows,
            Max = statistics.Max,
            Mean = statistics.Fired == 0 ? 0 : statistics.Sum / statistics.Fired,
            Histogram = statistics.Histogram,
            Top = [.. strongest.Select(Example)],
            Quantiles = quantiles,
            Contrasts = [],
            Tokens = tokens,
            Raised = [],
            Lowered = [],
            Nearest = [],
            Partners = [],
            Positions = Positions(statistics),
            Windows = new ExampleWindows(spool, options, [.. strongest, .. bands.SelectMany(band => band.Examples)]),
        };
    }

    private FeatureExample Example(KeptExample kept)
    {
        (string document, string[] pieces) = spool.Read(kept.Place);
        int from = Math.Max(0, kept.Peak - options.Before), end = Math.Min(pieces.Length, kept.Peak + options.After + 1);
        float[] activations = new float[end - from];
        foreach (PieceActivation piece in kept.Pieces)
            if (piece.At >= from && piece.At < end) activations[piece.At - from] = piece.Value;
        return new FeatureExample(document, kept.Row, kept.Position, pieces[from..end], activations, kept.Peak - from);
    }

    private PositionShare[] Positions(LatentStatistics statistics)
    {
        var shares = new List<PositionShare>();
        for (int range = 0; range < PositionRanges.Count; range++)
        {
            if (positionRows[range] == 0) continue;
            double frequency = (double)statistics.PositionCounts[range] / positionRows[range];
            shares.Add(new PositionShare(PositionRanges.First(range), PositionRanges.First(range + 1) - 1, frequency));
        }

        return [.. shares];
    }

    private FeatureKind Kind(LatentStatistics statistics)
    {
        if (statistics.Fired == 0) return FeatureKind.Dead;
        if (statistics.Fired > DenseShare * Rows) return FeatureKind.Dense;
        if (statistics.Tokens.Largest().FirstOrDefault().Sum >= Most * statistics.Sum) return FeatureKind.Token;
        if (positionRows.Sum() == 0) return FeatureKind.Ordinary;

        // Take the ranges with most activation a row until they have nine tenths of it together: are they few of all rows?
        double sum = 0;
        long rows = 0;
        foreach (int range in Enumerable.Range(0, PositionRanges.Count).Where(range => positionRows[range] > 0)
            .OrderByDescending(range => statistics.PositionSums[range] / positionRows[range]))
        {
            sum += statistics.PositionSums[range];
            rows += positionRows[range];
            if (sum >= Most * statistics.Sum) break;
        }

        return rows <= FewPositions * Rows ? FeatureKind.Position : FeatureKind.Ordinary;
    }
}
