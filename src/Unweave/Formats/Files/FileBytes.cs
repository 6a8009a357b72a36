using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Unweave.Numerics;

namespace Unweave.Formats;

/// <summary>
/// Read-only bytes outside the managed heap: a file mapped whole, or what was inflated from one. A view holds the memory in
/// place while it is read, so that bytes disposed of under a reader are an <see cref="ObjectDisposedException"/>, not a crash.
/// </summary>
internal sealed class FileBytes : IDisposable
{
    private readonly SafeBuffer memory;
    private readonly long offset;
    private readonly IDisposable[] owned;

    private FileBytes(SafeBuffer memory, long offset, long length, params IDisposable[] owned)
    {
        this.memory = memory;
        this.offset = offset;
        this.owned = owned;
        Length = length;
    }

    /// <summary>Number of bytes.</summary>
    public long Length { get; }

    /// <summary>Maps a file, or says why it cannot be.</summary>
    public static FileBytes Map(string path)
    {
        FileStream stream = TensorFile.OpenStream(path);
        long length = stream.Length;
        try
        {
            var file = MemoryMappedFile.CreateFromFile(stream, mapName: null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None,
                leaveOpen: false);
            MemoryMappedViewAccessor view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            return new FileBytes(view.SafeMemoryMappedViewHandle, view.PointerOffset, length, view, file);
        }
        catch (IOException e)
        {
            stream.Dispose();
            throw new InputException($"{path}: cannot be mapped into memory: {e.Message}", e);
        }
    }

    /// <summary>
    /// Gives back the memory that reading a mapped file has filled, for a reader who goes through many files once; what is read again later
    /// is fetched again, and nobody else who reads notices.
    /// </summary>
    public unsafe void Forget()
    {
        if (memory is not SafeMemoryMappedViewHandle || owned.Length == 0 || Length == 0) return; // memory of our own would be lost
        using View view = Hold();
        fixed (byte* first = view.Span(0, 1)) PageMemory.Forget(first, (nuint)Length);
    }

    /// <summary>Sets aside memory and has it filled; what <paramref name="fill"/> throws passes through.</summary>
    public static FileBytes Fill(long length, Action<UnmanagedMemoryStream> fill)
    {
        var heap = new HeapMemory(length);
        try
        {
            using (var stream = new UnmanagedMemoryStream(heap, 0, length, FileAccess.Write)) fill(stream);
            return new FileBytes(heap, 0, length, heap);
        }
        catch
        {
            heap.Dispose();
            throw;
        }
    }

    /// <summary>A range as bytes of its own, valid while these are.</summary>
    public FileBytes Slice(long start, long length)
    {
        if (start < 0 || length < 0 || start > Length - length)
            throw new ArgumentOutOfRangeException(nameof(start), start, $"{length} bytes from there pass the end at {Length}.");
        return new FileBytes(memory, offset + start, length);
    }

    /// <summary>Holds the bytes in place to be read; dispose of the view when done.</summary>
    public View Hold() => new(memory, offset, Length);

    /// <summary>Holds the bytes in place for a reader who keeps their address; dispose of it when nobody reads there any more.</summary>
    public Pinned Pin() => new(memory, offset);

    /// <summary>A stream over the bytes, for decoders.</summary>
    public UnmanagedMemoryStream Stream() => new(memory, offset, Length, FileAccess.Read);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in owned) part.Dispose();
    }

    /// <summary>Bytes held in place.</summary>
    internal readonly unsafe ref struct View
    {
        private readonly SafeBuffer memory;
        private readonly byte* first;
        private readonly long length;

        public View(SafeBuffer memory, long offset, long length)
        {
            byte* pointer = null;
            memory.AcquirePointer(ref pointer);
            this.memory = memory;
            this.length = length;
            first = pointer + offset;
        }

        /// <summary>A range of the bytes; valid until the view is disposed.</summary>
        public ReadOnlySpan<byte> Span(long start, int count)
        {
            if (start < 0 || count < 0 || start > length - count)
                throw new ArgumentOutOfRangeException(nameof(start), start, $"{count} bytes from there pass the end at {length}.");
            return new ReadOnlySpan<byte>(first + start, count);
        }

        public void Dispose() => memory.ReleasePointer();
    }

    /// <summary>Bytes held in place, by address.</summary>
    internal sealed unsafe class Pinned : IDisposable
    {
        private SafeBuffer? memory;

        public Pinned(SafeBuffer memory, long offset)
        {
            byte* pointer = null;
            memory.AcquirePointer(ref pointer);
            this.memory = memory;
            First = pointer + offset;
        }

        /// <summary>The first byte.</summary>
        public byte* First { get; }

        public void Dispose() => Interlocked.Exchange(ref memory, null)?.ReleasePointer();
    }

    private sealed unsafe class HeapMemory : SafeBuffer
    {
        public HeapMemory(long length)
            : base(ownsHandle: true)
        {
            Initialize((ulong)length);
            SetHandle((nint)NativeMemory.AllocZeroed((nuint)Math.Max(length, 1)));
        }

        protected override bool ReleaseHandle()
        {
            NativeMemory.Free((void*)handle);
            return true;
        }
    }
}
