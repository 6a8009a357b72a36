namespace Unweave.Numerics;

/// <summary>Scratch memory of kernels: grows when asked for more, keeps what it has, never shrinks. Contents are not kept when it grows.</summary>
internal sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private nuint capacity;

    /// <summary>Gives the memory back when <see cref="Dispose"/> was forgotten.</summary>
    ~NativeBuffer() => Free();

    /// <summary>The memory, aligned to a cache line.</summary>
    public T* Pointer { get; private set; }

    /// <summary>Makes room for at least <paramref name="count"/> elements.</summary>
    public T* Ensure(long count)
    {
        nuint bytes = checked((nuint)count * (nuint)sizeof(T));
        if (Pointer == null || bytes > capacity)
        {
            Free();
            Pointer = (T*)PageMemory.Allocate(bytes);
            capacity = bytes;
        }

        return Pointer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (Pointer == null) return;
        PageMemory.Free(Pointer);
        Pointer = null;
        capacity = 0;
    }
}
