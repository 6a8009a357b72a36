using Unweave.Retrieval.Segments;

namespace Unweave.Retrieval.Postings;

/// <summary>The lists of all items of a segment, a block of rows after another, as <see cref="PostingsWriter"/> wrote them.</summary>
internal sealed unsafe class PackedPostings
{
    private readonly byte* lists;
    private readonly uint* starts;
    private readonly long* blockStarts, blockLists;

    /// <summary>Finds the lists in a segment, and checks them whole.</summary>
    /// <param name="segment">The open file.</param>
    /// <param name="prefix">What the names of the tensors begin with.</param>
    /// <param name="rows">Rows of the segment.</param>
    public PackedPostings(SegmentTensors segment, string prefix, int rows)
    {
        Blocks = (rows + PostingList.Block - 1) / PostingList.Block;
        blockStarts = segment.Longs(prefix + "blockStarts", Blocks + 1);
        blockLists = segment.Longs(prefix + "blockLists", Blocks + 1);
        starts = segment.UInts(prefix + "starts", out long startCount);
        lists = segment.Bytes(prefix + "lists", out Length);
        segment.Check(blockStarts[0] == 0 && blockStarts[Blocks] == startCount && blockLists[0] == 0
            && blockLists[Blocks] == Length - PostingList.Slack, prefix + "blocks do not fill their lists");
        for (int block = 0; block < Blocks; block++)
        {
            segment.Check(blockStarts[block + 1] > blockStarts[block] && blockLists[block + 1] >= blockLists[block],
                prefix + "blocks do not ascend");
            int bound = Math.Min(PostingList.Block, rows - (block * PostingList.Block)), items = Items(block);
            uint* own = starts + blockStarts[block];
            long room = blockLists[block + 1] - blockLists[block];
            segment.Check(own[0] == 0 && own[items] == room, prefix + "lists do not fill their block");
            for (int item = 0; item < items; item++)
            {
                long length = (long)own[item + 1] - own[item];
                segment.Check(length >= 0 && own[item + 1] <= room, prefix + "lists do not ascend");
                segment.Check(length == 0 || PostingList.IsWhole(lists + blockLists[block] + own[item], length, bound),
                    $"{prefix}lists: that of item {item} in block {block} is not well formed");
            }
        }
    }

    /// <summary>Number of blocks.</summary>
    public int Blocks { get; }

    /// <summary>Bytes of the lists.</summary>
    public readonly long Length;

    /// <summary>The list of an item in a block; null where no row has it.</summary>
    public byte* List(int block, int item)
    {
        if (item >= Items(block)) return null;
        uint* own = starts + blockStarts[block] + item;
        return own[0] == own[1] ? null : lists + blockLists[block] + own[0];
    }

    /// <summary>How many rows have an item.</summary>
    public int Count(int item)
    {
        int count = 0;
        for (int block = 0; block < Blocks; block++)
        {
            byte* list = List(block, item);
            if (list != null) count += PostingList.Count(list);
        }

        return count;
    }

    private int Items(int block) => (int)(blockStarts[block + 1] - blockStarts[block] - 1);
}
