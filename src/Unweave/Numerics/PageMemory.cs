using System.Runtime.InteropServices;

namespace Unweave.Numerics;

/// <summary>
/// Zeroed memory for matrices: aligned to a cache line, and, when large, to 2 MiB with a request for huge pages, because a
/// product that streams gigabytes through 4 KiB pages spends its time in the page walker.
/// </summary>
internal static unsafe partial class PageMemory
{
    private const nuint CacheLine = 64, HugePage = 2u << 20, HugeThreshold = 8u << 20;
    private const int AdviseDontNeed = 4, AdviseHugePage = 14; // MADV_DONTNEED and MADV_HUGEPAGE, linux/mman.h

    public static void* Allocate(nuint bytes)
    {
        bool huge = bytes >= HugeThreshold;
        void* address = NativeMemory.AlignedAlloc(Math.Max(bytes, CacheLine), huge ? HugePage : CacheLine);
        if (huge && OperatingSystem.IsLinux())
            _ = Advise(address, bytes, AdviseHugePage); // advice only: without it the memory is the same, slower
        NativeMemory.Clear(address, bytes);
        return address;
    }

    public static void Free(void* address) => NativeMemory.AlignedFree(address);

    /// <summary>Gives back the pages of a file that is mapped for reading; they are read again where they are needed again.</summary>
    /// <param name="address">Start of the mapping, on a page.</param>
    /// <param name="bytes">Its length.</param>
    public static void Forget(void* address, nuint bytes)
    {
        if (OperatingSystem.IsLinux()) _ = Advise(address, bytes, AdviseDontNeed);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
