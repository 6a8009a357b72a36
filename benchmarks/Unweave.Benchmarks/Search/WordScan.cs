using Unweave.Retrieval;

namespace Unweave.Benchmarks.Search;

/// <summary>BM25 over the words of the texts: an inverted list with a weight for each word and row, not compressed.</summary>
internal sealed class WordScan : Rival
{
    private readonly Best best = new();
    private readonly WordSplitter splitter = new();
    private readonly Dictionary<string, int> terms = new(StringComparer.Ordinal);
    private SearchSet set = null!;
    private (int Row, float Weight)[][] postings = [];
    private float[] scores = [];

    public override string Name => "BM25";

    public override void Build(SearchSet set)
    {
        this.set = set;
        var lookup = terms.GetAlternateLookup<ReadOnlySpan<char>>();
        var lists = new List<List<(int Row, int Count)>>();
        int[] lengths = new int[set.Texts!.Length];
        for (int row = 0; row < lengths.Length; row++)
        {
            foreach (Word word in splitter.Split(set.Texts[row]))
            {
                if (!lookup.TryGetValue(word.Term, out int term))
                {
                    lookup[word.Term] = term = lists.Count;
                    lists.Add([]);
                }

                List<(int Row, int Count)> list = lists[term];
                if (list.Count > 0 && list[^1].Row == row) list[^1] = (row, list[^1].Count + 1);
                else list.Add((row, 1));
                lengths[row]++;
            }
        }

        double average = lengths.Average();
        postings =
        [
            .. lists.Select(list =>
            {
                double idf = Bm25.Idf(lengths.Length, list.Count);
                return list.Select(each =>
                    (each.Row, (float)(idf * Bm25.Saturation(each.Count, lengths[each.Row], average)))).ToArray();
            }),
        ];
        scores = new float[lengths.Length];
    }

    public override int Search(int query, int setting, Span<int> found)
    {
        var lookup = terms.GetAlternateLookup<ReadOnlySpan<char>>();
        List<int> asked = [];
        foreach (Word word in splitter.Split(set.QueryTexts![query]))
            if (lookup.TryGetValue(word.Term, out int term)) asked.Add(term);
        int[] with = [.. asked.Select(term => postings[term].Length)];
        bool[] counts = new bool[with.Length];
        Bm25.Choose(with, scores.Length, counts);
        for (int i = 0; i < counts.Length; i++)
        {
            if (!counts[i]) continue;
            foreach ((int row, float weight) in postings[asked[i]]) scores[row] += weight;
        }

        best.Clear(found.Length);
        for (int row = 0; row < scores.Length; row++)
            if (scores[row] > 0 && scores[row] > best.Threshold) best.Offer(scores[row], row);
        scores.AsSpan().Clear();
        return best.Take(found);
    }

    public override double BytesPerRow(int setting) => postings.Sum(list => (double)list.Length) * 8 / scores.Length;
}
