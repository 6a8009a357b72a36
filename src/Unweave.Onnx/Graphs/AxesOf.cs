using System.Globalization;
using Unweave.Hosts;

namespace Unweave.Onnx.Graphs;

/// <summary>Tells what the axes of a tensor are, by its shapes in two runs of different sizes.</summary>
internal static class AxesOf
{
    /// <summary>The axes of a tensor of a model that is fed arrays.</summary>
    public static string[] Arrays(long[] one, long[] two, ArrayBatch small, ArrayBatch large)
    {
        string[] axes = Compared(one, two, (a, b) => a == small.Count && b == large.Count ? Axes.Batch : Axes.Unknown);

        // A batch that never changes is the first axis.
        if (small.Count == large.Count && axes.Length > 1 && one[0] == small.Count && axes[0] is not Axes.Unknown) axes[0] = Axes.Batch;
        return axes;
    }

    /// <summary>The axes of a tensor of a model that is fed texts.</summary>
    /// <param name="one">Its shape in the run of the first batch.</param>
    /// <param name="two">Its shape in that of the second.</param>
    /// <param name="small">The first batch.</param>
    /// <param name="large">The second.</param>
    /// <param name="layout">The batch and the length that never change are known by their place alone.</param>
    public static string[] Texts(long[] one, long[] two, TokenBatch small, TokenBatch large, Feeding layout)
    {
        string[] axes = Compared(one, two, (a, b) => (a, b) switch
        {
            _ when layout.Batch is null && a == small.Count && b == large.Count => Axes.Batch,
            _ when layout.Length is null && a == small.Length && b == large.Length => Axes.Sequence,
            _ when a == (long)small.Count * small.Length && b == (long)large.Count * large.Length => Axes.BatchSequence,
            _ => Axes.Unknown,
        });
        if (layout is { Batch: null, Length: null } || axes.Length < 2 || axes.Contains(Axes.BatchSequence)) return axes;
        if (axes.Length == 2 && one[0] == (long)small.Count * small.Length && two[0] == (long)large.Count * large.Length
            && (axes[0] is Axes.Sequence || layout.Length is not null) && layout.Batch is not null)
        {
            axes[0] = Axes.BatchSequence;
            return axes;
        }

        // The last axis is that of the features.
        if (layout.Batch is { } batch && !axes.Contains(Axes.Batch)) Mark(Axes.Batch, batch, layout.SequenceFirst ? 1 : 0);
        if (layout.Length is { } length && !axes.Contains(Axes.Sequence)) Mark(Axes.Sequence, length, layout.SequenceFirst ? 0 : 1);
        return axes;

        // At its usual place, or at the first other one.
        void Mark(string axis, int length, int usual)
        {
            foreach (int place in Enumerable.Range(0, axes.Length - 1).OrderBy(place => place == usual ? 0 : 1))
            {
                if (one[place] != length || !char.IsAsciiDigit(axes[place][0]) || (axis is Axes.Batch && place > 1)) continue;
                axes[place] = axis;
                return;
            }
        }
    }

    private static string[] Compared(long[] one, long[] two, Func<long, long, string> changing) => one.Length != two.Length
        ? [.. one.Select(_ => Axes.Unknown)]
        : [.. one.Zip(two, (a, b) => a == b ? a.ToString(CultureInfo.InvariantCulture) : changing(a, b))];
}
