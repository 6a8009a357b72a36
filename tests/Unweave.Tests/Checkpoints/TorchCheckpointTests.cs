using System.Globalization;
using System.Text;
using Unweave.Checkpoints.Dialects;
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

    // A nested call among them, whose result is thrown away, and one in the place of a number.
    [Theory]
    [InlineData("dictionary_learning/topk", "ae.pt", "cos\nsystem\nX\x02\0\0\0id\x85R0", "os.system")]
    [InlineData("openai/topk_ln", "3.pt", "cbuiltins\neval\ncbuiltins\ngetattr\nX\x01\0\0\0xX\x01\0\0\0y\x86R\x85R0", "builtins.eval")]
    [InlineData("overcomplete/topk_pickled_module", "model.pth", "csubprocess\nPopen\nX\x02\0\0\0id\x85R0", "subprocess.Popen")]
    public void An_autoencoder_whose_file_would_run_code_is_refused_by_its_name(string name, string file, string program, string called)
    {
        using var folder = new TemporaryFolder();
        foreach (string source in Directory.EnumerateFiles(Path.Combine(DialectFolders.Root, name)))
            if (Path.GetExtension(source) is not ".md") File.Copy(source, folder[Path.GetFileName(source)]);
        List<(string Name, byte[] Content)> entries = ZipFiles.Unpack(folder[file]);
        int pickle = entries.FindIndex(entry => entry.Name.EndsWith("data.pkl", StringComparison.Ordinal));
        byte[] content = entries[pickle].Content; // its protocol takes two bytes
        entries[pickle] = (entries[pickle].Name, [.. content[..2], .. Encoding.Latin1.GetBytes(program), .. content[2..]]);
        ZipFiles.Write(folder[file], entries);
        var golden = new GoldenCheckpoint(name);
        string message = Assert.Throws<InputException>(() => Dialect.Read(folder[file], golden.Given)).Message;
        Assert.Contains($"asks for '{called}'; a pickle is parsed, never executed", message, StringComparison.Ordinal);
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
