namespace Unweave.Numerics;

/// <summary>
/// Scratch memory of kernels: grows when asked for more, keeps what it has, never shrinks. Contents are not kept when it grows. Its owner
/// disposes it; without a finalizer, no address in use can be given back.
/// </summary>
internal sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private nuint capacity;

    /// <summary>The memory, aligned to a cache line.</summary>
    public T* Pointer { get; private set; }

    /// <summary>Makes room for at least <paramref name="count"/> elements.</summary>
    public T* Ensure(long count)
    {
        nuint bytes = checked((nuint)count * (nuint)sizeof(T));
        if (Pointer == null || bytes > capacity)
        {
            Dispose();
            Pointer = (T*)PageMemory.Allocate(bytes);
            capacity = bytes;
        }

        return Pointer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Pointer == null) return;
        PageMemory.Free(Pointer);
        Pointer = null;
        capacity = 0;
    }
}
