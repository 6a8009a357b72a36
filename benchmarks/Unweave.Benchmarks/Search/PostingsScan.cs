using Unweave.Autoencoders;
using Unweave.Indexing;
using Unweave.Numerics;
using Unweave.Retrieval;
using Unweave.Retrieval.Postings;
using Unweave.Retrieval.Queries;
using Unweave.Retrieval.Segments;

namespace Unweave.Benchmarks.Search;

/// <summary>The scan over postings alone, packed as the index has them or as plain numbers: what packing costs.</summary>
/// <param name="autoencoder">The autoencoder.</param>
/// <param name="packed">Whether postings stay packed; else each is a row in 16 bits and a level in 8.</param>
internal sealed unsafe class PostingsScan(SparseAutoencoder autoencoder, bool packed) : Rival
{
    private const int QueryLatents = 128;

    private readonly NativeBuffer<ushort> memory = new();
    private readonly Best best = new(), latents = new();
    private readonly int[] chosen = new int[QueryLatents];
    private SearchSet set = null!;
    private ConceptDictionary? dictionary;
    private SearchIndex? index;
    private IndexSnapshot state = null!;
    private (ushort[] Rows, byte[] Levels)?[][] plain = []; // by block and latent
    private float[] products = [];
    private long postings;

    public override string Name => packed ? "postings, packed" : "postings, plain";

    public override void Build(SearchSet set)
    {
        this.set = set;
        dictionary = autoencoder.CreateConcepts();
        products = new float[dictionary.Latents];
        IndexDocument[] documents = [.. Enumerable.Range(0, set.Rows.Rows).Select(row => new IndexDocument($"{row}", ""))];
        index = SearchIndex.InMemory(
            dictionary, documents, autoencoder.Encode(set.Rows), set.Rows, new IndexOptions { Store = VectorStore.None });
        state = index.Hold();
        Segment segment = state.Parts[0].Segment;
        ushort[] rows = new ushort[PostingList.Block];
        byte[] levels = new byte[PostingList.Block];
        plain = new (ushort[], byte[])?[segment.Concepts.Blocks][];
        for (int block = 0; block < plain.Length; block++)
        {
            plain[block] = new (ushort[], byte[])?[dictionary.Latents];
            for (int latent = 0; latent < dictionary.Latents; latent++)
            {
                byte* list = segment.Concepts.List(block, latent);
                if (list == null) continue;
                int count = PostingList.Read(list, rows, levels);
                postings += count;
                plain[block][latent] = (rows[..count], levels[..count]);
            }
        }
    }

    public override int Search(int query, int setting, Span<int> found)
    {
        dictionary!.Project(set.Queries.Row(query), products);
        latents.Clear(QueryLatents);
        for (int latent = 0; latent < products.Length; latent++)
            if (products[latent] > 0 && products[latent] > latents.Threshold) latents.Offer(products[latent], latent);
        var terms = new ConceptScan.Term[latents.Take(chosen)];
        for (int i = 0; i < terms.Length; i++) terms[i] = new ConceptScan.Term(chosen[i], products[chosen[i]]);
        Segment segment = state.Parts[0].Segment;
        uint[] weights = ConceptScan.Weights(segment, terms, ConceptScan.Unit(state, terms));
        ushort* scores = memory.Ensure(PostingList.Block);
        best.Clear(found.Length);
        for (int block = 0; block < plain.Length; block++)
        {
            int first = block * PostingList.Block, rows = Math.Min(PostingList.Block, segment.Rows - first);
            new Span<ushort>(scores, rows).Clear();
            for (int i = 0; i < terms.Length; i++)
            {
                if (packed)
                {
                    byte* list = segment.Concepts.List(block, terms[i].Latent);
                    if (list != null) PostingList.Accumulate(list, weights[i], scores);
                }
                else if (plain[block][terms[i].Latent] is { } list)
                {
                    Accumulate(list.Rows, list.Levels, (ushort)weights[i], scores);
                }
            }

            for (int row = 0; row < rows; row++)
                if (scores[row] > best.Threshold && scores[row] > 0) best.Offer(scores[row], first + row);
        }

        return best.Take(found);
    }

    public override double BytesPerRow(int setting) => packed
        ? (double)index!.BytesByPart["concepts"] / set.Rows.Rows : 3.0 * postings / set.Rows.Rows;

    public override void Dispose()
    {
        base.Dispose();
        state?.Release();
        index?.Dispose();
        dictionary?.Dispose();
        memory.Dispose();
    }

    private static void Accumulate(ushort[] rows, byte[] levels, ushort weight, ushort* scores)
    {
        for (int i = 0; i < rows.Length; i++) scores[rows[i]] += (ushort)(levels[i] * weight);
    }
}
