using System.Runtime.CompilerServices;
using Unweave.Formats;

namespace Unweave.Tests.Formats;

/// <summary>What tests of files share.</summary>
internal static class TestFiles
{
    /// <summary>A committed file that NumPy or torch wrote; the script is above the tests that read it.</summary>
    public static string Golden(string name) => Path.Combine(Path.GetDirectoryName(Here())!, "golden", name);

    private static string Here([CallerFilePath] string here = "") => here;

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
