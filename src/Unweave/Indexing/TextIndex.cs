using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Retrieval;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Indexing;

/// <summary>
/// An index of texts: a folder with a <see cref="SearchIndex"/>, the run of the autoencoder whose latents it is over (<c>sae/</c>, with the
/// catalog that names them), and what embeds texts. Texts go in, and hits that say which concepts and words they share come out.
/// </summary>
public sealed class TextIndex : IDisposable
{
    /// <summary>Ending of the folder in which an index is made before it is renamed to its place.</summary>
    internal const string BuildingEnding = ".building";

    private const string AutoencoderFolder = "sae";
    private const int Batch = 2048;

    private readonly SparseAutoencoder sae;
    private readonly ConceptDictionary concepts;
    private readonly ITextEmbedder documents, queries;

    private TextIndex(
        string folder, SparseAutoencoder autoencoder, ConceptDictionary dictionary, SearchIndex index, ITextEmbedder documents,
        ITextEmbedder queries)
    {
        (Path, sae, concepts, Index) = (folder, autoencoder, dictionary, index);
        (this.documents, this.queries) = (documents, queries);
        Run = RunOf(folder);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The index.</summary>
    public SearchIndex Index { get; }

    /// <summary>The run of its autoencoder.</summary>
    public RunFolder Run { get; }

    /// <summary>The run of the autoencoder of an index, whether it is there or not.</summary>
    /// <param name="folder">The folder of the index.</param>
    public static RunFolder RunOf(string folder) => RunFolder.Open(System.IO.Path.Combine(folder, AutoencoderFolder));

    /// <summary>How an autoencoder is trained on a collection where nothing is said.</summary>
    /// <param name="rows">Number of texts.</param>
    /// <param name="folder">The folder of the index.</param>
    /// <returns>
    /// TopK with k = 32 over an eighth as many latents as texts, rounded up to a power of two, from 256 to 8,192; each text is seen 25
    /// times, from 200,000 to 3 million in all.
    /// </returns>
    public static TrainingOptions Settings(long rows, string folder)
    {
        int latents = (int)Math.Clamp(System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)Math.Max(1, rows / 8)), 256, 8192);
        return new TrainingOptions
        {
            Autoencoder = new TopKOptions { Latents = latents, K = 32 },
            Rows = Math.Clamp(25 * rows, 200_000, 3_000_000),
            Batch = 1024,
            Validation = rows >= 10_000 ? 0.01 : 0,
            Output = System.IO.Path.Combine(folder, AutoencoderFolder),
        };
    }

    /// <summary>Opens an index.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="documents">What embeds further texts; stays the caller's.</param>
    /// <param name="queries">What embeds queries; null where documents and queries are embedded alike.</param>
    /// <exception cref="InputException">There is none, it is damaged, or it was made with another embedder.</exception>
    public static TextIndex Open(string folder, ITextEmbedder documents, ITextEmbedder? queries = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(documents);
        var recipe = IndexRecipe.Read(folder);
        if (!string.Equals(recipe.Identity, documents.Identity, StringComparison.Ordinal))
            throw new InputException($"{folder} was made with another embedder ({recipe.Embedder ?? "the one that comes with Unweave"}) or "
                + "other settings of it; vectors of two embedders cannot be compared.");
        SparseAutoencoder autoencoder = RunOf(folder).LoadSparseAutoencoder();
        ConceptDictionary? dictionary = null;
        try
        {
            dictionary = autoencoder.CreateConcepts();
            return new TextIndex(folder, autoencoder, dictionary, SearchIndex.Open(folder, dictionary), documents, queries ?? documents);
        }
        catch
        {
            dictionary?.Dispose();
            autoencoder.Dispose();
            throw;
        }
    }

    /// <summary>Makes the index in a folder in which the autoencoder has been trained on its vectors.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="recipe">What it is made with.</param>
    /// <param name="texts">The texts, in order of the vectors.</param>
    /// <param name="vectors">Their vectors.</param>
    /// <param name="options">What the index keeps.</param>
    /// <param name="progress">Is told how many texts are done.</param>
    /// <param name="cancellationToken">Stops it; the index is not finished then.</param>
    /// <returns>Number of texts in the index: of several with one key, the last.</returns>
    public static long Fill(
        string folder, IndexRecipe recipe, IEnumerable<IndexDocument> texts, IActivationSource vectors, IndexOptions options,
        IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(vectors);
        using SparseAutoencoder autoencoder = RunOf(folder).LoadSparseAutoencoder();
        using ConceptDictionary dictionary = autoencoder.CreateConcepts();
        using SearchIndex index = SearchIndex.Create(folder, dictionary, options);
        using (SearchWriter writer = index.OpenWriter())
        {
            long done = 0;
            foreach (IndexDocument[] batch in texts.Chunk(Batch))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (done + batch.Length > vectors.Rows)
                    throw new InputException($"There are more texts than the {vectors.Rows} that were embedded; they changed meanwhile. "
                        + "Build the index again.");
                using Matrix rows = vectors.Rows(done, batch.Length);
                writer.Add(batch, autoencoder.Encode(rows), rows);
                progress?.Report(done += batch.Length);
            }

            writer.Commit();
        }

        recipe.Write(folder);
        return index.Rows;
    }

    /// <summary>Adds texts; one whose key the index has already replaces that. All of them count at the end, or none.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="progress">Is told how many are done.</param>
    /// <param name="cancellationToken">Stops it; the index is as before then.</param>
    /// <returns>How many were added.</returns>
    /// <exception cref="InputException">Another writer is at the index, or a text cannot be embedded.</exception>
    public long Add(IEnumerable<IndexDocument> texts, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        using SearchWriter writer = Index.OpenWriter();
        long done = 0;
        foreach (IndexDocument[] batch in texts.Chunk(Batch))
        {
            using Matrix vectors = documents.Embed([.. batch.Select(text => text.Text)], cancellationToken);
            writer.Add(batch, sae.Encode(vectors), vectors);
            progress?.Report(done += batch.Length);
        }

        writer.Commit();
        return done;
    }

    /// <summary>Searches for a text by its concepts and its words.</summary>
    /// <param name="text">The text; of nothing but white space, what <paramref name="query"/> says alone.</param>
    /// <param name="query">What else is sought and how; null for the defaults. Its vector and words are the text's.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public SearchResults Search(string text, SearchQuery? query = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        query ??= new SearchQuery();
        if (string.IsNullOrWhiteSpace(text)) return Index.Search(query);
        using Matrix vector = queries.Embed([text], cancellationToken);
        return Index.Search(query with { Vector = vector.Row(0).ToArray(), Words = text });
    }

    /// <summary>A record of a corpus as a document of an index.</summary>
    internal static IndexDocument Document(Document record) => new(record.Id, record.Text,
        record.Fields.ToDictionary(field => field.Key, field => field.Value switch
        {
            double number => FieldValue.FromDouble(number),
            bool truth => FieldValue.FromBoolean(truth),
            string[] tags => FieldValue.FromTexts(tags),
            var text => FieldValue.FromString((string)text),
        }, StringComparer.Ordinal));

    /// <inheritdoc/>
    public void Dispose()
    {
        Index.Dispose();
        concepts.Dispose();
        sae.Dispose();
    }
}
