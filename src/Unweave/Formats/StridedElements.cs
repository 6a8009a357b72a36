using System.Buffers;

namespace Unweave.Formats;

/// <summary>
/// Elements of a tensor in bytes: where the first lies and how far apart neighbors are along each axis. What every format that
/// stores plain elements comes down to, contiguous or not.
/// </summary>
internal sealed class StridedElements
{
    private const int Block = 1 << 16;

    private readonly Func<FileBytes> source;
    private readonly long start;
    private readonly long[] shape, strides;
    private readonly int size;
    private readonly bool contiguous;

    /// <summary>Places elements; they are inside <paramref name="source"/> (see <see cref="Reach"/>).</summary>
    /// <param name="info">Type and shape.</param>
    /// <param name="source">Gives the bytes, the same at each call.</param>
    /// <param name="start">Offset of the first element, in bytes.</param>
    /// <param name="strides">Elements from one to the next along each axis; null when they lie row-major without gaps.</param>
    public StridedElements(TensorInfo info, Func<FileBytes> source, long start, long[]? strides = null)
    {
        Info = info;
        this.source = source;
        this.start = start;
        shape = [.. info.Shape];
        size = info.Type.Size();
        this.strides = strides ?? RowMajor(shape);
        contiguous = strides is null || IsContiguous(shape, strides);
    }

    /// <summary>Name, type and shape.</summary>
    public TensorInfo Info { get; }

    /// <summary>Strides of elements that lie row-major without gaps.</summary>
    public static long[] RowMajor(ReadOnlySpan<long> shape)
    {
        long[] packed = new long[shape.Length];
        long stride = 1;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            packed[axis] = stride;
            stride *= Math.Max(shape[axis], 1);
        }

        return packed;
    }

    /// <summary>Number of elements of a shape, or −1 when an axis is negative or the bytes would not fit 63 bits.</summary>
    public static long Count(ReadOnlySpan<long> shape, int size)
    {
        // Each partial product is bounded, as TensorInfo.Count multiplies in this order too.
        long count = 1;
        foreach (long length in shape)
        {
            if (length < 0 || (length > 0 && count > long.MaxValue / size / length)) return -1;
            count *= length;
        }

        return count;
    }

    /// <summary>
    /// Number of elements that a strided tensor spans, from its first to its last, or −1 on overflow or a negative stride.
    /// </summary>
    public static long Reach(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides)
    {
        long last = 0;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (shape[axis] == 0) return 0;
            if (strides[axis] < 0 || shape[axis] < 0) return -1;
            long steps = shape[axis] - 1;
            if (steps > 0 && strides[axis] > (long.MaxValue - 1 - last) / steps) return -1;
            last += steps * strides[axis];
        }

        return last + 1;
    }

    /// <summary>Makes the bytes ready to be read.</summary>
    public void Prepare() => source();

    /// <summary>Reads elements as floats.</summary>
    public void Read(long first, Span<float> destination)
    {
        if (destination.IsEmpty) return;
        using FileBytes.View view = source().Hold();
        if (contiguous)
        {
            for (int done = 0; done < destination.Length;)
            {
                // A span ends at 2³¹−1 bytes, which wide elements reach before the destination does.
                int count = Math.Min(destination.Length - done, 1 << 24);
                ElementConversion.ToSingle(Info.Type, view.Span(start + ((first + done) * size), count * size),
                    destination.Slice(done, count));
                done += count;
            }

            return;
        }

        byte[] block = ArrayPool<byte>.Shared.Rent(Block * size);
        for (int done = 0; done < destination.Length;)
        {
            int count = Math.Min(destination.Length - done, Block);
            Span<byte> gathered = block.AsSpan(0, count * size);
            Gather(view, first + done, gathered);
            ElementConversion.ToSingle(Info.Type, gathered, destination.Slice(done, count));
            done += count;
        }

        ArrayPool<byte>.Shared.Return(block);
    }

    /// <summary>Reads elements as they are stored.</summary>
    public void ReadBytes(long first, Span<byte> destination)
    {
        if (destination.IsEmpty) return;
        using FileBytes.View view = source().Hold();
        if (contiguous) view.Span(start + (first * size), destination.Length).CopyTo(destination);
        else Gather(view, first, destination);
    }

    private static bool IsContiguous(long[] shape, long[] strides)
    {
        // The stride of an axis of length 1 is never taken, so it may be anything.
        long[] packed = RowMajor(shape);
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (shape[axis] > 1 && strides[axis] != packed[axis]) return false;
        }

        return true;
    }

    /// <summary>
    /// Copies runs of elements that lie together: the innermost packed axes are a run, an odometer counts over the others.
    /// </summary>
    private void Gather(FileBytes.View view, long first, Span<byte> destination)
    {
        int axes = shape.Length;
        long run = 1;
        while (axes > 0 && (shape[axes - 1] == 1 || strides[axes - 1] == run)) run *= shape[--axes];

        long[] position = new long[axes];
        long inRun = first % run, rest = first / run, offset = 0;
        for (int axis = axes - 1; axis >= 0; axis--)
        {
            (rest, position[axis]) = Math.DivRem(rest, shape[axis]);
            offset += position[axis] * strides[axis];
        }

        for (int done = 0; done < destination.Length;)
        {
            int bytes = (int)Math.Min((run - inRun) * size, destination.Length - done);
            view.Span(start + ((offset + inRun) * size), bytes).CopyTo(destination[done..]);
            done += bytes;
            inRun = 0;
            for (int axis = axes - 1; axis >= 0; axis--)
            {
                offset += strides[axis];
                if (++position[axis] < shape[axis]) break;
                offset -= strides[axis] * shape[axis];
                position[axis] = 0;
            }
        }
    }
}
