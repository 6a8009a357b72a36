using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Unweave.Numerics;

/// <summary>
/// Zeroed memory for matrices: aligned to a cache line, and, when large, to 2 MiB with a request for huge pages, because a
/// product that streams gigabytes through 4 KiB pages spends its time in the page walker.
/// </summary>
internal static unsafe partial class PageMemory
{
    private const nuint CacheLine = 64, HugePage = 2u << 20, HugeThreshold = 8u << 20;
    private const int Readable = 1, Writable = 2, Private = 2, Anonymous = 0x20; // sys/mman.h on Linux
    private const int AdviseDontNeed = 4, AdviseHugePage = 14; // MADV_DONTNEED and MADV_HUGEPAGE, linux/mman.h

    // What was mapped, by the address that was handed out.
    private static readonly ConcurrentDictionary<nint, (nint Start, nuint Length)> Mapped = new();

    public static void* Allocate(nuint bytes)
    {
        bool huge = bytes >= HugeThreshold;
        if (huge && OperatingSystem.IsLinux() && TryMap(bytes) is var mapped && mapped != null) return mapped;
        void* address = NativeMemory.AlignedAlloc(Math.Max(bytes, CacheLine), huge ? HugePage : CacheLine);
        NativeMemory.Clear(address, bytes);
        return address;
    }

    public static void Free(void* address)
    {
        if (Mapped.TryRemove((nint)address, out (nint Start, nuint Length) range)) _ = Unmap((void*)range.Start, range.Length);
        else NativeMemory.AlignedFree(address);
    }

    // Pages that the system hands out are zero already, and come when they are first touched, by whichever thread fills them.
    private static void* TryMap(nuint bytes)
    {
        nuint length = bytes + HugePage;
        if (length < bytes) return null;
        void* start = Map(null, length, Readable | Writable, Private | Anonymous, -1, 0);
        if ((nint)start == -1) return null;
        nint address = (nint)(((nuint)start + HugePage - 1) & ~(HugePage - 1));
        _ = Advise((void*)address, bytes, AdviseHugePage); // advice only: without it the memory is the same, slower
        Mapped[address] = ((nint)start, length);
        return (void*)address;
    }

    /// <summary>Gives back the pages of a file that is mapped for reading; they are read again where they are needed again.</summary>
    /// <param name="address">Start of the mapping, on a page.</param>
    /// <param name="bytes">Its length.</param>
    public static void Forget(void* address, nuint bytes)
    {
        if (OperatingSystem.IsLinux()) _ = Advise(address, bytes, AdviseDontNeed);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
