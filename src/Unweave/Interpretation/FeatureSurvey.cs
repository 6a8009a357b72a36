using System.Diagnostics.CodeAnalysis;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>
/// One pass over texts or vectors that gathers what every latent of an autoencoder does: how often and how strongly it fires, where, on what, with
/// which others. Afterwards it gives the features one by one, with labels made from them.
/// </summary>
/// <remarks>
/// Memory does not grow with the rows: counts, a fixed number of examples a latent, a sample of rows. The texts of the windows go to a
/// temporary file of about ten bytes a token. What is drawn at random depends on the seed and the order of the texts alone, so the same pass
/// gives the same features on any number of threads.
/// </remarks>
public sealed class FeatureSurvey : IDisposable
{
    private const int LatentsAtOnce = 256, LatentsOfPart = 64;
    private const double DenseShare = 0.1, Most = 0.9, FewPositions = 0.1;

    private readonly SparseAutoencoder autoencoder;
    private readonly SurveyOptions options;
    private readonly LatentTally?[] tallies;
    private readonly WindowSpool spool = new();
    private readonly PatternWords words = new();
    private readonly TextSpots reader;
    private readonly TextPool pool;
    private readonly CoActivation together;
    private readonly long[] positionRows = new long[PositionRanges.Count];
    private Func<int, string> tokenText = static _ => "";

    private FeatureSurvey(SparseAutoencoder autoencoder, SurveyOptions? options, WordTopics? topics)
    {
        this.autoencoder = autoencoder;
        this.options = options ?? new SurveyOptions();
        tallies = new LatentTally?[autoencoder.Latents];
        reader = new TextSpots(words, topics ?? WordTopics.None);
        pool = new TextPool(this.options, reader);
        together = new CoActivation(autoencoder.Latents, this.options.Sample, this.options.Seed);
    }

    /// <summary>Rows read: tokens, or vectors.</summary>
    public long Rows { get; private set; }

    /// <summary>Windows read; of vectors, rows.</summary>
    public long Windows { get; private set; }

    /// <summary>Number of latents.</summary>
    public int Latents => tallies.Length;

    /// <summary>Width of the decoder rows.</summary>
    public int Width => autoencoder.InputWidth;

    /// <summary>Surveys texts that are run through a model.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="pass">The model at the autoencoder's hook, and no other.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="documents">The texts.</param>
    /// <param name="options">What is kept.</param>
    /// <param name="topics">Topics of words, for labels; none by default.</param>
    /// <param name="rows">Rows to stop after, at the end of a document.</param>
    /// <param name="progress">Told the rows done.</param>
    /// <param name="cancellation">Ends the pass.</param>
    /// <exception cref="InputException">The hook has another width than the autoencoder, or the texts have no token.</exception>
    public static FeatureSurvey OfTexts(SparseAutoencoder autoencoder, ActivationPass pass, ITokenizer tokenizer, IEnumerable<(long Number, Document Document)> documents, SurveyOptions? options = null, WordTopics? topics = null, long rows = long.MaxValue, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(pass);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(documents);
        var survey = new FeatureSurvey(autoencoder, options, topics) { tokenText = new TokenPieces(tokenizer).Of };
        return survey.Read(SurveySources.Texts(pass, documents, rows, cancellation), progress, cancellation);
    }

    /// <summary>Surveys activations that were harvested before.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="source">A hook of a harvest.</param>
    /// <param name="tokenizer">The tokenizer that the harvest was made with.</param>
    /// <param name="options">What is kept.</param>
    /// <param name="topics">Topics of words, for labels; none by default.</param>
    /// <param name="progress">Told the rows done.</param>
    /// <param name="cancellation">Ends the pass.</param>
    public static FeatureSurvey OfHarvest(SparseAutoencoder autoencoder, HarvestSource source, ITokenizer tokenizer, SurveyOptions? options = null, WordTopics? topics = null, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (!string.Equals(source.Harvest.Manifest.Tokenizer.Sha256, tokenizer.Hash, StringComparison.Ordinal))
            throw new InputException($"{source.Name} was harvested with another tokenizer ({source.Harvest.Manifest.Tokenizer.Name}) than {tokenizer.Name}; name that one with --tokenizer.");
        var survey = new FeatureSurvey(autoencoder, options, topics) { tokenText = new TokenPieces(tokenizer).Of };
        return survey.Read(SurveySources.Harvest(source, tokenizer, cancellation), progress, cancellation);
    }

    /// <summary>Surveys a set of vectors.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="source">The vectors.</param>
    /// <param name="text">The text of a row; null where there are no texts.</param>
    /// <param name="options">What is kept.</param>
    /// <param name="topics">Topics of words, for labels; none by default.</param>
    /// <param name="progress">Told the rows done.</param>
    /// <param name="cancellation">Ends the pass.</param>
    public static FeatureSurvey OfVectors(SparseAutoencoder autoencoder, IActivationSource source, Func<long, string>? text = null, SurveyOptions? options = null, WordTopics? topics = null, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(source);
        var survey = new FeatureSurvey(autoencoder, options, topics);
        return survey.Read(SurveySources.Vectors(source, text, cancellation), progress, cancellation);
    }

    /// <summary>The features, every latent once, in ascending order, each with the label that was made for it, or none.</summary>
    /// <param name="lens">Shows what decoder rows do to the logits; null leaves that out.</param>
    /// <param name="cancellation">Ends it.</param>
    public IEnumerable<(Feature Feature, FeatureLabel? Label)> Features(LogitLens? lens = null, CancellationToken cancellation = default)
    {
        RelatedLatent[][] nearest = NearestLatents.Of(autoencoder.Decoder, options.Listed);
        var labels = new LabelMaker(words, reader, pool, options);
        var scratch = new ThreadLocal<int[]>(() => new int[Latents]);
        for (int first = 0; first < Latents; first += LatentsAtOnce)
        {
            cancellation.ThrowIfCancellationRequested();
            int start = first, count = Math.Min(LatentsAtOnce, Latents - first);
            using var directions = new Matrix(count, autoencoder.Decoder.Columns, autoencoder.Decoder.AsSpan().Slice(first * autoencoder.Decoder.Columns, count * autoencoder.Decoder.Columns));
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
    private FeatureSurvey Read(IEnumerable<SurveyBlock> blocks, IProgress<long>? progress, CancellationToken cancellation)
    {
        try
        {
            var codes = new SparseCodes(Latents);
            var sorted = new EntriesByLatent(Latents);
            foreach (SurveyBlock block in blocks)
            {
                using (block)
                {
                    cancellation.ThrowIfCancellationRequested();
                    autoencoder.Encode(block.Rows, codes);
                    Add(block, codes, sorted);
                }

                progress?.Report(Rows);
            }

            if (Rows == 0) throw new InputException("The texts have no token to survey; give texts with words in them.");
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

    private void Add(SurveyBlock block, SparseCodes codes, EntriesByLatent sorted)
    {
        float threshold = autoencoder.FiringThreshold;
        int[] windowOf = new int[block.Rows.Rows];
        long[] places = new long[block.Windows.Count];
        for (int w = 0; w < places.Length; w++)
        {
            SurveyWindow window = block.Windows[w];
            places[w] = spool.Add(window);
            Array.Fill(windowOf, w, window.First, window.Count);
            pool.Offer(window, places[w], codes, threshold);
        }

        foreach (int position in block.Positions) positionRows[PositionRanges.Of(position)]++;
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
                    (tallies[latent] ??= new LatentTally(latent, options)).Add(block.Windows[window], places[window], rows[from..end], values[from..end], block);
                    from = end;
                }
            }
        });
        Rows += block.Rows.Rows;
        Windows += places.Length;
    }

    private Feature Describe(int latent)
    {
        LatentTally tally = tallies[latent] ?? new LatentTally(latent, options);
        FeatureExample[] top = [.. tally.Strongest().Select(Example)];
        TokenShare[] tokens = [.. tally.TopTokens().Take(options.Listed).Select(token => new TokenShare(token.Token, tokenText(token.Token), token.Count, token.Sum / tally.Sum))];
        return new Feature
        {
            Latent = latent,
            Kind = Kind(tally),
            Fired = tally.Fired,
            Frequency = (double)tally.Fired / Rows,
            Density = (double)tally.Windows / Windows,
            Max = tally.Max,
            Mean = tally.Fired == 0 ? 0 : tally.Sum / tally.Fired,
            Histogram = tally.Histogram,
            Top = top,
            Quantiles = [.. tally.Bands.Filled().Select(band => new ExampleGroup(band.From, band.To, (double)band.Count / tally.Windows, [.. band.Examples.Select(Example)]))],
            Contrasts = [],
            Tokens = tokens,
            Raised = [],
            Lowered = [],
            Nearest = [],
            Partners = [],
            Positions = Positions(tally),
        };
    }

    private FeatureExample Example(KeptExample kept)
    {
        (string document, string[] pieces) = spool.Read(kept.Place);
        int from = Math.Max(0, kept.Peak - options.Before), end = Math.Min(pieces.Length, kept.Peak + options.After + 1);
        float[] activations = new float[end - from];
        foreach (Firing firing in kept.Firings) activations[firing.At - from] = firing.Value;
        return new FeatureExample(document, kept.Row, kept.Position, pieces[from..end], activations, kept.Peak - from);
    }

    private PositionShare[] Positions(LatentTally tally)
    {
        var shares = new List<PositionShare>();
        for (int range = 0; range < PositionRanges.Count; range++)
        {
            if (positionRows[range] == 0) continue;
            shares.Add(new PositionShare(PositionRanges.First(range), PositionRanges.First(range + 1) - 1, (double)tally.PositionCounts[range] / positionRows[range]));
        }

        return [.. shares];
    }

    private FeatureKind Kind(LatentTally tally)
    {
        if (tally.Fired == 0) return FeatureKind.Dead;
        if (tally.Fired > DenseShare * Rows) return FeatureKind.Dense;
        if (tally.TopTokens().FirstOrDefault().Sum >= Most * tally.Sum) return FeatureKind.Token;
        if (positionRows.Sum() == 0) return FeatureKind.Ordinary;

        // The ranges with most of its activation to a row, until they have most of it together: are they few of all rows?
        double sum = 0;
        long rows = 0;
        foreach (int range in Enumerable.Range(0, PositionRanges.Count).Where(range => positionRows[range] > 0).OrderByDescending(range => tally.PositionSums[range] / positionRows[range]))
        {
            sum += tally.PositionSums[range];
            rows += positionRows[range];
            if (sum >= Most * tally.Sum) break;
        }

        return rows <= FewPositions * Rows ? FeatureKind.Position : FeatureKind.Ordinary;
    }
}
