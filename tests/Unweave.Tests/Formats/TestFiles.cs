using System.Runtime.CompilerServices;
using Unweave.Formats;

namespace Unweave.Tests.Formats;

/// <summary>A folder of its own for a test, removed after it, and what tests of files share.</summary>
internal sealed class TestFolder : IDisposable
{
    // In memory where the system has such a folder: tests write tens of thousands of files.
    private const string Memory = "/dev/shm";

    private static int made;

    public TestFolder() => Path = Directory.Exists(Memory)
        ? Directory.CreateDirectory(System.IO.Path.Combine(Memory, $"unweave-{Environment.ProcessId}-{Interlocked.Increment(ref made)}")).FullName
        : Directory.CreateTempSubdirectory("unweave-").FullName;

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

internal static class TestFiles
{
    /// <summary>A committed file that NumPy or torch wrote; the script is in <c>golden/make.py.txt</c>'s place, above the tests that read it.</summary>
    public static string Golden(string name, [CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "golden", name);

    public static float[] Floats(this TensorFile file, string name)
    {
        TensorInfo tensor = file[name];
        float[] values = new float[tensor.Count];
        file.Read(tensor, 0, values);
        return values;
    }

    public static byte[] RawBytes(this TensorFile file, string name)
    {
        TensorInfo tensor = file[name];
        byte[] bytes = new byte[tensor.Count * tensor.Type.Size()];
        file.ReadBytes(tensor, 0, bytes);
        return bytes;
    }

    /// <summary>An error as the user must see it: one line that begins with the path.</summary>
    public static string Refused(string path, Action action)
    {
        string message = Assert.Throws<InputException>(action).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        return message;
    }

    public static string RefusedOpen(string path) => Refused(path, () => TensorFile.Open(path).Dispose());
}
