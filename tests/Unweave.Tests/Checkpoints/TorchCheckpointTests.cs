using System.Globalization;
using Unweave.Formats;
using Unweave.Tests.Formats;

namespace Unweave.Tests.Checkpoints;

/// <summary>Every checkpoint of torch among the dialects has the tensors and values that torch itself reads from it.</summary>
public sealed class TorchCheckpointTests
{
    private static readonly Dictionary<string, List<string>> Expected = ReadList();

    public static TheoryData<string> Files => [.. Expected.Keys];

    [Fact]
    public void The_list_has_every_checkpoint() =>
        Assert.Equal(
            Directory.EnumerateFiles(DialectFolders.Root, "*", SearchOption.AllDirectories)
                .Where(file => Path.GetExtension(file) is ".pt" or ".pth" or ".bin")
                .Select(file => Path.GetRelativePath(DialectFolders.Root, file).Replace('\\', '/'))
                .Order(StringComparer.Ordinal),
            Expected.Keys.Order(StringComparer.Ordinal), StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(Files))]
    public void Tensors_and_values_are_torchs(string name)
    {
        using TensorFile file = TensorFile.Open(Path.Combine(DialectFolders.Root, name));
        Assert.IsType<TorchFile>(file).RefuseForeign();
        Assert.Equal(
            Expected[name].Where(line => !IsValue(line)),
            file.Tensors.Select(tensor =>
            {
                byte[] bytes = file.RawBytes(tensor.Name);
                return $"{tensor} {Crc32.Append(0, bytes):x8}";
            }),
            StringComparer.Ordinal);
        Assert.Equal(
            Expected[name].Where(IsValue).Select(line => Number(line[(line.IndexOf('=') + 2)..])),
            file.Metadata.Values.Select(Number), StringComparer.Ordinal);
        Assert.Equal(
            Expected[name].Where(IsValue).Select(line => line[..(line.IndexOf('=') - 1)]),
            file.Metadata.Keys, StringComparer.Ordinal);
    }

    private static bool IsValue(string line) => line.Contains(" = ", StringComparison.Ordinal);

    // 1e-05 and 1E-05 are one number.
    private static string Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number.ToString(CultureInfo.InvariantCulture)
            : text;

    private static Dictionary<string, List<string>> ReadList()
    {
        var files = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        List<string>? current = null;
        foreach (string line in File.ReadLines(Path.Combine(DialectFolders.Root, "torch.txt")))
        {
            if (line.StartsWith("# ", StringComparison.Ordinal)) files.Add(line[2..], current = []);
            else if (!line.StartsWith(';')) current!.Add(line);
        }

        return files;
    }
}
