using System.Runtime.CompilerServices;
using Unweave.Numerics;
using Unweave.Retrieval.Postings;
using Unweave.Retrieval.Segments;

namespace Unweave.Retrieval.Queries;

/// <summary>Scores all rows that have a word of a query, by BM25. Deleted rows count in what is known of words until they are merged
/// away.</summary>
internal sealed unsafe class WordScan : IDisposable
{
    private readonly NativeBuffer<float> memory = new();
    private readonly ushort[] rows = new ushort[PostingList.Block];
    private readonly byte[] levels = new byte[PostingList.Block];
    private readonly WordSplitter splitter = new();

    /// <summary>A word of a query that counts.</summary>
    /// <param name="Word">The word, folded.</param>
    /// <param name="Weight">What it adds at most: its inverse document frequency times how often the query has it.</param>
    internal readonly record struct Term(string Word, double Weight);

    /// <summary>The words of a query that count in a state of an index.</summary>
    public Term[] Terms(IndexSnapshot snapshot, string query)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (Word word in splitter.Split(query)) counts[word.Term.ToString()] = counts.GetValueOrDefault(word.Term.ToString()) + 1;
        string[] words = [.. counts.Keys];
        int[] with = [.. words.Select(word => snapshot.Parts.Sum(part => With(part.Segment, word)))];
        bool[] counted = new bool[words.Length];
        int all = (int)snapshot.Offsets[^1];
        Bm25.Choose(with, all, counted);
        return [.. words.Index().Where(word => counted[word.Index])
            .Select(word => new Term(word.Item, Bm25.Idf(all, with[word.Index]) * counts[word.Item]))];
    }

    /// <summary>Adds the best rows of a state to <paramref name="best"/>; scores are the bits of positive floats.</summary>
    public void Run(IndexSnapshot snapshot, IReadOnlyList<Term> terms, BestRows best, Func<SegmentPart, Predicate<int>?> passes)
    {
        float* scores = memory.Ensure(PostingList.Block);
        double average = AverageLength(snapshot);
        for (int part = 0; part < snapshot.Parts.Count; part++)
        {
            Segment segment = snapshot.Parts[part].Segment;
            int[] numbers = [.. terms.Select(term => segment.Term(term.Word))];
            Predicate<int>? passing = passes(snapshot.Parts[part]);
            for (int block = 0; block < segment.Words.Blocks; block++)
            {
                int first = block * PostingList.Block, count = Math.Min(PostingList.Block, segment.Rows - first);
                new Span<float>(scores, count).Clear();
                bool any = false;
                for (int i = 0; i < numbers.Length; i++)
                {
                    byte* list = numbers[i] < 0 ? null : segment.Words.List(block, numbers[i]);
                    if (list == null) continue;
                    any = true;
                    int length = PostingList.Read(list, rows, levels);
                    for (int at = 0; at < length; at++)
                        scores[rows[at]] += (float)(terms[i].Weight * Bm25.Saturation(levels[at], segment.Lengths[first + rows[at]],
                            average));
                }

                if (!any) continue;
                uint offset = snapshot.Offsets[part] + (uint)first;
                for (int row = 0; row < count; row++)
                {
                    uint bits = Unsafe.BitCast<float, uint>(scores[row]);
                    if (bits > best.Threshold && (passing is null || passing(first + row))) best.Add(bits, offset + (uint)row);
                }

                best.Cut();
            }
        }
    }

    /// <summary>What each word of a query adds to a row's score, largest first, and where the row's text has it.</summary>
    public IReadOnlyList<WordShare> Shares(IndexSnapshot snapshot, IReadOnlyList<Term> terms, string text)
    {
        var places = new Dictionary<string, List<TextSpan>>(StringComparer.Ordinal);
        int length = 0;
        foreach (Word word in splitter.Split(text))
        {
            length++;
            foreach (Term term in terms)
            {
                if (!word.Term.SequenceEqual(term.Word)) continue;
                if (!places.TryGetValue(term.Word, out List<TextSpan>? own)) places.Add(term.Word, own = []);
                own.Add(new TextSpan(word.Start, word.Length));
            }
        }

        double average = AverageLength(snapshot);
        return [.. terms.Where(term => places.ContainsKey(term.Word)).Select(term => new WordShare(
                term.Word,
                term.Weight * Bm25.Saturation(Math.Min(places[term.Word].Count, PostingList.Levels), length, average),
                places[term.Word]))
            .OrderByDescending(share => share.Share)];
    }

    public void Dispose() => memory.Dispose();

    private static int With(Segment segment, string word)
    {
        int term = segment.Term(word);
        return term < 0 ? 0 : segment.Words.Count(term);
    }

    private static double AverageLength(IndexSnapshot snapshot)
    {
        long words = snapshot.Parts.Sum(part => part.Segment.WordCount), texts = snapshot.Offsets[^1];
        return texts == 0 ? 0 : (double)words / texts;
    }
}
