namespace Unweave.Tests;

/// <summary>A folder of a test's own, gone when the test is.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    // In memory where the system has such a folder: tests write tens of thousands of files.
    private const string Memory = "/dev/shm";

    private static int made;

    public TemporaryFolder() => Path = Directory.Exists(Memory)
        ? Directory.CreateDirectory(
            System.IO.Path.Combine(Memory, $"unweave-{Environment.ProcessId}-{Interlocked.Increment(ref made)}")).FullName
        : Directory.CreateTempSubdirectory("unweave-test-").FullName;

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
