using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using Unweave.Numerics;
using Unweave.Retrieval.Segments;
using Unweave.Retrieval.Vectors;

namespace Unweave.Retrieval.Queries;

/// <summary>
/// Answers queries over a state of an index. Concepts: the query is projected on all latents; rows that share the best of them are scored
/// over postings, the best of these by all latents of their codes, and the best of these by what is kept of their vectors. Words: BM25.
/// Where both are sought, their ranks are fused.
/// </summary>
internal sealed class SearchEngine(ConceptDictionary dictionary, StoredVectors? vectors) : IDisposable
{
    private const int Fused = 100, FacetRows = 100, Ahead = 12, MostShown = 64; // rows whose memory is fetched while others are scored
    private const double ReciprocalRank = 60; // Cormack, Clarke and Büttcher 2009

    private readonly ConcurrentBag<Scratch> idle = [];

    /// <summary>Answers a query.</summary>
    public SearchResults Search(IndexSnapshot state, SearchQuery query)
    {
        Check(state, query);
        Scratch scratch = idle.TryTake(out Scratch? known) ? known : new Scratch(dictionary.Latents);
        try
        {
            var run = new Run(this, scratch, state, query);
            return run.Answer();
        }
        finally
        {
            idle.Add(scratch);
        }
    }

    /// <summary>The document of a row.</summary>
    public static IndexDocument Document(IndexSnapshot state, uint row)
    {
        (Segment segment, int own) = state.Find(row);
        return new IndexDocument(Encoding.UTF8.GetString(segment.Key(own)), Encoding.UTF8.GetString(segment.Text(own)),
            FieldValue.Read(segment.FieldText(own)));
    }

    /// <summary>The code of a row.</summary>
    public static unsafe IReadOnlyList<LatentShare> Code(IndexSnapshot state, uint row)
    {
        (Segment segment, int own) = state.Find(row);
        CodeRow code = segment.Code(own);
        var shares = new LatentShare[code.Count];
        for (int i = 0; i < shares.Length; i++) shares[i] = new LatentShare(code.Latent(i), code.Values[i] * (double)code.Scale);
        Array.Sort(shares, static (a, b) => b.Share.CompareTo(a.Share));
        return shares;
    }

    /// <summary>The vector of a row at unit length: as kept, or as its code says.</summary>
    public float[] Vector(IndexSnapshot state, uint row)
    {
        (Segment segment, int own) = state.Find(row);
        float[] x = new float[dictionary.Width];
        new RowVectors(dictionary, vectors).Read(segment, own, x);
        return x;
    }

    public void Dispose()
    {
        while (idle.TryTake(out Scratch? scratch)) scratch.Dispose();
    }

    private void Check(IndexSnapshot state, SearchQuery query)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(query.Count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(query.QueryLatents);
        ArgumentOutOfRangeException.ThrowIfNegative(query.Rescored);
        ArgumentOutOfRangeException.ThrowIfNegative(query.Reranked);
        ArgumentOutOfRangeException.ThrowIfNegative(query.RowsLookedAt);
        if (!(query.WordWeight is >= 0 and <= 1))
            throw new InputException($"The weight of words is {query.WordWeight}; it is from 0 (concepts alone) to 1 (words alone).");
        if (!query.Vector.IsEmpty && query.Vector.Length != dictionary.Width)
            throw new InputException($"The query is a vector of width {query.Vector.Length}, but the index is over vectors of width "
                + $"{dictionary.Width}; embed the query with the model that the index was made with.");
        bool edited = query.Latents.Count + query.Factors.Count + query.Require.Count + query.Exclude.Count > 0;
        foreach (int latent in edited ? query.Latents.Keys.Concat(query.Factors.Keys).Concat(query.Require).Concat(query.Exclude) : [])
            if ((uint)latent >= (uint)dictionary.Latents)
                throw new InputException($"The query names latent {latent}; the index has latents 0 to {dictionary.Latents - 1}.");
        foreach (float weight in edited ? query.Latents.Values.Concat(query.Factors.Values) : [])
            if (!float.IsFinite(weight)) throw new InputException($"The query gives a latent the weight {weight}; weights are finite "
                + "numbers.");
        foreach (string field in query.Filter?.Fields ?? [])
        {
            if (state.Parts.Count == 0 || state.Parts.Any(part => part.Segment.Field(field) is not null)) continue;
            string known = string.Join(", ", state.Parts.SelectMany(part => part.Segment.Fields).Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal).Take(20));
            throw new InputException($"No document of the index has a field '{field}'; "
                + (known.Length == 0 ? "documents have no fields." : $"fields are {known}."));
        }
    }

    /// <summary>Memory of one search at a time.</summary>
    private sealed class Scratch(int latents) : IDisposable
    {
        public ConceptScan Concepts { get; } = new();

        public WordScan Words { get; } = new();

        public BestRows Best { get; } = new(0);

        public float[] Plain { get; } = new float[latents];

        public float[] Edited { get; } = new float[latents];

        /// <summary>Number of the last search that made the product of a latent.</summary>
        public int[] Made { get; } = new int[latents];

        public int Searches { get; set; }

        public void Dispose()
        {
            Concepts.Dispose();
            Words.Dispose();
        }
    }

    /// <summary>A row on its way to a hit.</summary>
    private readonly record struct Found(uint Row, double Score);

    /// <summary>One query.</summary>
    private sealed class Run
    {
        private readonly SearchEngine engine;
        private readonly Scratch scratch;
        private readonly IndexSnapshot state;
        private readonly SearchQuery query;
        private readonly float[]? vector;      // at unit length
        private readonly HashSet<uint> hidden = [];
        private readonly ShortlistMatrix.Vector8? estimated; // the vector in 8 bits, where the largest products are enough
        private readonly bool edited, concepts;
        private readonly double bias;
        private readonly WordScan.Term[] words = [];

        public Run(SearchEngine engine, Scratch scratch, IndexSnapshot state, SearchQuery query)
        {
            (this.engine, this.scratch, this.state, this.query) = (engine, scratch, state, query);
            scratch.Searches++;
            vector = Sought();
            concepts = (vector is not null || query.Latents.Count > 0) && (query.Words is null || query.WordWeight < 1);
            edited = query.Latents.Count > 0 || query.Factors.Values.Any(static factor => factor != 1);

            // Where no row is scored by its code, the largest products are enough, and estimates tell which these are.
            bool byCodes = !Reranks || query.Rescored > 0 || edited || engine.Store is SignVectors;
            if (concepts && !byCodes) engine.Concepts.Estimate(estimated = engine.Concepts.Quantize(vector), scratch.Plain);
            else if (concepts && vector is not null) engine.Concepts.Project(vector, scratch.Plain);
            else Array.Clear(scratch.Plain);
            if (vector is not null) bias = engine.Concepts.BiasProduct(vector);
            if (estimated is null) scratch.Plain.CopyTo(scratch.Edited, 0);

            // A latent that points away from the query is not turned towards it by counting more.
            foreach ((int latent, float factor) in query.Factors) scratch.Edited[latent] *= factor;
            foreach ((int latent, float weight) in query.Latents) scratch.Edited[latent] += weight;
            if (query.Words is { } text && (query.WordWeight > 0 || !concepts)) words = scratch.Words.Terms(state, text);
        }

        public SearchResults Answer()
        {
            ConceptScan.Term[] terms = concepts ? Terms() : [];
            bool fused = concepts && words.Length > 0;
            int wanted = Math.Max(query.Count, query.Facets > 0 ? FacetRows : 0);
            long depths = Math.Max(query.Distinct < 1 ? 4L * wanted : wanted, fused ? Fused : 0);
            int depth = (int)Math.Min(depths, state.Offsets[^1]);
            Found[] byConcepts = concepts ? ByConcepts(terms, depth) : [];
            Found[] byWords = words.Length > 0 ? ByWords(depth) : [];
            Found[] best = fused ? Fuse(byConcepts, byWords) : concepts ? byConcepts : byWords;
            if (query.Distinct < 1) best = WithoutLike(best);
            var conceptScores = byConcepts.ToDictionary(found => found.Row, found => found.Score);
            var wordScores = byWords.ToDictionary(found => found.Row, found => found.Score);
            var hits = new List<SearchHit>();
            foreach (Found found in best.Take(query.Count))
            {
                IndexDocument document = Document(state, found.Row);
                hits.Add(new SearchHit(document.Key, found.Score, document.Text, document.Fields!,
                    conceptScores.TryGetValue(found.Row, out double cosine) ? cosine : null,
                    wordScores.TryGetValue(found.Row, out double score) ? score : null,
                    concepts ? Shared(found.Row) : [],
                    words.Length > 0 ? scratch.Words.Shares(state, words, document.Text) : []));
            }

            return new SearchResults(hits, [.. terms.Select(term => new LatentShare(term.Latent, term.Product))],
                [.. words.OrderByDescending(word => word.Weight).Select(word => word.Word)], Facets(best));
        }

        // The vector, and the mean of the rows to be like.
        private float[]? Sought()
        {
            if (query.Vector.IsEmpty && query.Like.Count == 0) return null;
            if (query.Like.Count == 0) return Unit(query.Vector.Span);
            double[] sum = new double[engine.Width];
            if (!query.Vector.IsEmpty) Add(Unit(query.Vector.Span), sum);
            foreach (string key in query.Like)
            {
                uint row = state.Find(Encoding.UTF8.GetBytes(key))
                    ?? throw new InputException($"The index has no document '{key}' to be like.");
                hidden.Add(row);
                Add(Unit(engine.Vector(state, row)), sum);
            }

            double length = Norms.L2(sum);
            if (length == 0) throw new InputException("The query's vectors add up to 0, which has no direction; give another.");
            return [.. sum.Select(value => (float)(value / length))];
        }

        private static float[] Unit(ReadOnlySpan<float> vector)
        {
            double length = Norms.L2(vector);
            if (!double.IsFinite(length)) throw new InputException("The query is a vector with a number that is not finite; give another.");
            if (length == 0) throw new InputException("The query is a vector of zeros, which has no direction; give another.");
            float[] unit = new float[vector.Length];
            for (int i = 0; i < unit.Length; i++) unit[i] = (float)(vector[i] / length);
            return unit;
        }

        private static void Add(ReadOnlySpan<float> part, double[] sum)
        {
            for (int i = 0; i < sum.Length; i++) sum[i] += part[i];
        }

        private ConceptScan.Term[] Terms()
        {
            scratch.Best.Begin(estimated is null ? query.QueryLatents : query.QueryLatents + (query.QueryLatents / 4));
            scratch.Best.AddPositive(estimated is null ? scratch.Edited : scratch.Plain);
            int[] latents = Array.ConvertAll(scratch.Best.Take(), static found => (int)found.Row);
            if (estimated is not null)
            {
                Project(latents);
                Array.Sort(Array.ConvertAll(latents, latent => -scratch.Edited[latent]), latents);
                int count = 0;
                while (count < Math.Min(latents.Length, query.QueryLatents) && scratch.Edited[latents[count]] > 0) count++;
                latents = latents[..count];
            }

            return Array.ConvertAll(latents, latent => new ConceptScan.Term(latent, scratch.Edited[latent]));
        }

        // Products of some latents, where only estimates of all are known.
        private void Project(ReadOnlySpan<int> latents)
        {
            engine.Concepts.Project(estimated!, latents, scratch.Edited);
            foreach (int latent in latents) scratch.Made[latent] = scratch.Searches;
        }

        // Rows are scored by what is kept of their vectors at last.
        private bool Reranks => vector is not null && engine.Store is not null && query.Reranked > 0;

        private Found[] ByConcepts(ConceptScan.Term[] terms, int depth)
        {
            if (depth == 0) return [];
            int rescored = Math.Max(query.Rescored, depth), reranked = engine.Store is null ? 0 : Math.Max(query.Reranked, depth);
            bool rerank = Reranks;
            int first = query.Rescored == 0 ? (rerank ? reranked : depth) : Math.Max(rescored, rerank ? reranked : 0);
            BestRows best = scratch.Best.Begin(first);
            scratch.Concepts.Run(state, terms, best, Passes, query.RowsLookedAt == 0 ? null : Cells);
            Found[] found = Array.ConvertAll(best.TakeUnordered(), static row => new Found(row.Row, row.Score));
            if (query.Rescored > 0 || !rerank)
            {
                var places = Places(found);
                for (int i = 0; i < found.Length; i++)
                {
                    if (i + (2 * Ahead) < places.Length) places[i + (2 * Ahead)].Segment.FetchPlace(places[i + (2 * Ahead)].Row);
                    if (i + Ahead < places.Length) places[i + Ahead].Segment.FetchCode(places[i + Ahead].Row);
                    found[i] = new Found(found[i].Row, places[i].Segment.Code(places[i].Row).Score(scratch.Edited, bias));
                }

                Sort(found);
            }

            if (!rerank) return found.Length <= depth ? found : found[..depth];
            if (found.Length > reranked) found = found[..reranked];
            float[] prepared = engine.Store!.Prepare(vector);
            bool coded = engine.Store is SignVectors || edited;
            (Segment Segment, int Row)[] kept = Places(found);
            for (int i = 0; i < found.Length; i++)
            {
                if (coded && i + (2 * Ahead) < kept.Length) kept[i + (2 * Ahead)].Segment.FetchPlace(kept[i + (2 * Ahead)].Row);
                if (i + Ahead < kept.Length)
                {
                    kept[i + Ahead].Segment.FetchStored(kept[i + Ahead].Row);
                    if (coded) kept[i + Ahead].Segment.FetchCode(kept[i + Ahead].Row);
                }

                (Segment segment, int row) = kept[i];
                double plain = coded ? segment.Code(row).Score(scratch.Plain, bias) : 0;
                double score = engine.Store.Score(prepared, segment.Stored(row), segment.StoredScale(row), plain);
                if (edited) score += segment.Code(row).Score(scratch.Edited, bias) - plain;
                found[i] = new Found(found[i].Row, score);
            }

            return Best(found, depth);
        }

        private Found[] ByWords(int depth)
        {
            BestRows best = scratch.Best.Begin(depth);
            scratch.Words.Run(state, words, best, Passes);
            return [.. best.Take().Select(row => new Found(row.Row, Unsafe.BitCast<uint, float>(row.Score)))];
        }

        private Found[] Fuse(Found[] byConcepts, Found[] byWords)
        {
            var scores = new Dictionary<uint, double>();
            Add(byConcepts, 1 - query.WordWeight);
            Add(byWords, query.WordWeight);
            Found[] all = [.. scores.Select(score => new Found(score.Key, score.Value))];
            Sort(all);
            return all;

            void Add(Found[] ranked, double weight)
            {
                foreach ((int rank, Found found) in ranked.Index())
                    scores[found.Row] = scores.GetValueOrDefault(found.Row) + (weight / (ReciprocalRank + rank + 1));
            }
        }

        // The first few in order, without ordering the others.
        private static Found[] Best(Found[] found, int depth)
        {
            if (found.Length <= 4 * depth)
            {
                Sort(found);
                return found.Length <= depth ? found : found[..depth];
            }

            var best = new Found[depth];
            int count = 0;
            foreach (Found each in found)
            {
                if (count == depth && !IsBefore(each, best[depth - 1])) continue;
                int at = count < depth ? count++ : depth - 1;
                for (; at > 0 && IsBefore(each, best[at - 1]); at--) best[at] = best[at - 1];
                best[at] = each;
            }

            return best;
        }

        private static bool IsBefore(Found a, Found b) => a.Score > b.Score || (a.Score == b.Score && a.Row < b.Row);

        private static void Sort(Found[] found) => Array.Sort(found, static (a, b) =>
            a.Score.CompareTo(b.Score) is var order and not 0 ? -order : a.Row.CompareTo(b.Row));

        private (Segment Segment, int Row)[] Places(Found[] found)
        {
            var places = new (Segment Segment, int Row)[found.Length];
            for (int i = 0; i < places.Length; i++) places[i] = state.Find(found[i].Row);
            return places;
        }

        private Predicate<int>? Passes(SegmentPart part)
        {
            Segment segment = part.Segment;
            Predicate<int>? filter = query.Filter is null ? null : RowFilter.For(segment, query.Filter);
            uint offset = state.Offsets[state.Parts.Index().First(own => ReferenceEquals(own.Item, part)).Index];
            bool latents = query.Require.Count > 0 || query.Exclude.Count > 0;
            if (filter is null && !latents && part.Deleted is null && hidden.Count == 0) return null;
            return row => !part.IsDeleted(row) && (hidden.Count == 0 || !hidden.Contains(offset + (uint)row))
                && (!latents || HasLatents(segment.Code(row))) && (filter is null || filter(row));
        }

        private bool HasLatents(CodeRow code)
        {
            foreach (int latent in query.Require)
                if (!Has(code, latent)) return false;
            foreach (int latent in query.Exclude)
                if (Has(code, latent)) return false;
            return true;
        }

        private static bool Has(CodeRow code, int latent)
        {
            for (int i = 0; i < code.Count; i++)
                if (code.Latent(i) >= latent) return code.Latent(i) == latent;
            return false;
        }

        // The rows of the cells nearest to the query, as many cells as it takes for the rows that are to be looked at.
        private List<(int First, int End)>? Cells(Segment segment)
        {
            if (segment.Cells is not { } cells || vector is null) return null;
            long budget = Math.Max(1, query.RowsLookedAt * (long)segment.Rows / Math.Max(1, state.Offsets[^1]));
            int count = cells.Starts.Length - 1;
            float[] products = new float[count];
            int[] order = new int[count];
            cells.Centers.Multiply(vector, products);
            for (int cell = 0; cell < count; cell++) order[cell] = cell;

            // So many of the nearest that their rows are enough, twice as many as rows and cells on average say; or all.
            int first = (int)Math.Min(count, 16 + (2 * budget * count / Math.Max(1, segment.Rows)));
            float least = Selection.KthLargest([.. products], first);
            int[] near = Array.FindAll(order, cell => products[cell] >= least);
            List<(int First, int End)> ranges = Nearest(near, out bool enough);
            if (!enough) ranges = Nearest(order, out _);
            ranges.Sort();
            return ranges;

            List<(int First, int End)> Nearest(int[] among, out bool enough)
            {
                Array.Sort(Array.ConvertAll(among, cell => -products[cell]), among);
                var found = new List<(int First, int End)>();
                long rows = 0;
                foreach (int cell in among)
                {
                    if (rows >= budget) break;
                    found.Add((cells.Starts[cell], cells.Starts[cell + 1]));
                    rows += cells.Starts[cell + 1] - cells.Starts[cell];
                }

                enough = rows >= budget;
                return found;
            }
        }

        private unsafe LatentShare[] Shared(uint row)
        {
            if (query.Shares == 0) return [];
            (Segment segment, int own) = state.Find(row);
            CodeRow code = segment.Code(own);
            if (estimated is not null)
            {
                Span<int> latents = stackalloc int[Math.Min(code.Count, MostShown)];
                int missing = 0;
                for (int i = 0; i < code.Count; i++)
                {
                    int latent = code.Latent(i);
                    if (scratch.Made[latent] == scratch.Searches) continue;
                    latents[missing++] = latent;
                    if (missing < latents.Length) continue;
                    Project(latents);
                    missing = 0;
                }

                Project(latents[..missing]);
            }

            var shares = new LatentShare[code.Count];
            int count = 0;
            for (int i = 0; i < code.Count; i++)
            {
                int latent = code.Latent(i);
                double share = code.Values[i] * (double)code.Scale * scratch.Edited[latent];
                if (share > 0) shares[count++] = new LatentShare(latent, share);
            }

            shares.AsSpan(0, count).Sort(static (a, b) => b.Share.CompareTo(a.Share) is var order and not 0 ? order : a.Latent - b.Latent);
            return shares[..Math.Min(count, query.Shares)];
        }

        private unsafe Found[] WithoutLike(Found[] best)
        {
            var kept = new List<Found>();
            var codes = new List<Dictionary<int, double>>();
            foreach (Found found in best)
            {
                (Segment segment, int row) = state.Find(found.Row);
                CodeRow code = segment.Code(row);
                var own = new Dictionary<int, double>();
                double length = 0;
                for (int i = 0; i < code.Count; i++) length += (double)code.Values[i] * code.Values[i];
                for (int i = 0; i < code.Count; i++) own.Add(code.Latent(i), code.Values[i] / Math.Sqrt(length));
                if (codes.Exists(other => own.Sum(entry => entry.Value * other.GetValueOrDefault(entry.Key)) >= query.Distinct)) continue;
                kept.Add(found);
                codes.Add(own);
            }

            return [.. kept];
        }

        private Facet[] Facets(Found[] best)
        {
            if (query.Facets == 0) return [];
            int of = Math.Min(best.Length, FacetRows);
            var counts = new Dictionary<int, int>();
            foreach (Found found in best.Take(of))
                foreach (LatentShare share in Code(state, found.Row)) counts[share.Latent] = counts.GetValueOrDefault(share.Latent) + 1;
            double all = state.Offsets[^1];
            return [.. counts.Where(count => count.Value > 1).Select(count =>
                {
                    double share = state.Parts.Sum(part => part.Segment.Concepts.Count(count.Key)) / all;
                    double deviation = Math.Sqrt(Math.Max(of * share * (1 - share), 1e-9));
                    return new Facet(count.Key, count.Value, of, share, (count.Value - (of * share)) / deviation);
                })
                .Where(facet => facet.Hits > facet.Of * facet.ShareOfAll)
                .OrderByDescending(facet => facet.Z).ThenBy(facet => facet.Latent).Take(query.Facets)];
        }
    }

    private int Width => dictionary.Width;

    private StoredVectors? Store => vectors;

    private ConceptDictionary Concepts => dictionary;
}
