using System.Buffers;
using System.Runtime.InteropServices;
using Unweave.Formats;

namespace Unweave.Retrieval.Postings;

/// <summary>
/// Turns rows around, a block of 65,536 at a time: from the items of each row to the rows of each item. Items may appear as rows are added.
/// </summary>
internal sealed class PostingsWriter
{
    private readonly ArrayBufferWriter<byte> lists = new(1 << 16);
    private readonly List<uint> starts = [];                   // within a block: of each of its items, and the end of the last
    private readonly List<long> blockStarts = [0], blockLists = [0];
    private readonly List<int> items = [], ends = [];          // of the rows of the block
    private readonly List<byte> levels = [];

    /// <summary>Adds the next row.</summary>
    /// <param name="row">Its items, each once, in any order.</param>
    /// <param name="strengths">A level from 0 to 31 for each.</param>
    public void Add(ReadOnlySpan<int> row, ReadOnlySpan<byte> strengths)
    {
        items.AddRange(row);
        levels.AddRange(strengths);
        ends.Add(items.Count);
        if (ends.Count == PostingList.Block) WriteBlock();
    }

    /// <summary>The postings of all rows, as the tensors of a segment.</summary>
    /// <param name="prefix">What their names begin with.</param>
    public IEnumerable<TensorToWrite> Complete(string prefix)
    {
        if (ends.Count > 0) WriteBlock();
        lists.GetSpan(PostingList.Slack)[..PostingList.Slack].Clear();
        lists.Advance(PostingList.Slack);
        yield return TensorToWrite.From(prefix + "blockStarts", blockStarts.ToArray());
        yield return TensorToWrite.From(prefix + "blockLists", blockLists.ToArray());
        yield return TensorToWrite.Made(prefix + "starts", ElementType.UInt32, [starts.Count],
            take => take(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(starts))));
        yield return TensorToWrite.Made(prefix + "lists", ElementType.UInt8, [lists.WrittenCount], take => take(lists.WrittenSpan));
    }

    private void WriteBlock()
    {
        ReadOnlySpan<int> all = CollectionsMarshal.AsSpan(items);
        int count = 0;
        foreach (int item in all) count = Math.Max(count, item + 1);
        int[] next = new int[count + 1];
        foreach (int item in all) next[item + 1]++;
        for (int item = 0; item < count; item++) next[item + 1] += next[item];
        int[] first = [.. next];
        ushort[] rows = new ushort[all.Length];
        byte[] strengths = new byte[all.Length];
        for (int row = 0, at = 0; row < ends.Count; row++)
        {
            for (; at < ends[row]; at++)
            {
                int place = next[all[at]]++;
                (rows[place], strengths[place]) = ((ushort)row, levels[at]);
            }
        }

        int start = lists.WrittenCount;
        for (int item = 0; item < count; item++)
        {
            starts.Add((uint)(lists.WrittenCount - start));
            int length = first[item + 1] - first[item];
            if (length > 0) PostingList.Write(lists, rows.AsSpan(first[item], length), strengths.AsSpan(first[item], length));
        }

        starts.Add((uint)(lists.WrittenCount - start));
        blockStarts.Add(starts.Count);
        blockLists.Add(lists.WrittenCount);
        items.Clear();
        levels.Clear();
        ends.Clear();
    }
}
