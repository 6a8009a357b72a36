using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Checkpoints.Dialects;
using Unweave.Formats;
using Unweave.Tests.Formats;

namespace Unweave.Tests.Checkpoints;

/// <summary>
/// What was read is written again: in its own dialect with the same tensors and keys, in every other that can hold it and natively with the
/// same codes and reconstructions; the others refuse it by the name of what they lack.
/// </summary>
public sealed class DialectRoundTripTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>Keys that say how a file was made or where it was used, and which a written file says anew or leaves out.</summary>
    private static readonly string[] NotKept = ["dtype", "device"];

    /// <summary>What training counted beside the weights; a written file has none of it.</summary>
    private static readonly string[] Statistics = ["stats_last_nonzero", "latents_activation_frequency", "latents_mean_square", "sparsity",
        "target_rms", "activation_std"];

    /// <summary>Dictionaries that weights lie in where they were saved in the midst of training; they are written without.</summary>
    private static readonly string[] Wrappers = ["ae.", "sae.", "state_dict.", "module."];

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Folders => [.. DialectFolders.All];

    // Which dialects can hold each of them: what one gains or loses is written there.
    private static readonly Dictionary<string, string[]> Conversions = File.ReadLines(Path.Combine(DialectFolders.Root, "conversions.txt"))
        .ToDictionary(line => line.Split(": ")[0], line => line.Split(": ")[1].Split(", "), StringComparer.Ordinal);

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Folders))]
    public void In_its_own_dialect_tensors_and_keys_are_the_same(string name)
    {
        var golden = new GoldenCheckpoint(name);
        using SparseAutoencoder autoencoder = golden.Read();
        IDialect dialect = Dialect.Find(autoencoder.Origin!.Dialect)!;
        string target = Directory.CreateDirectory(folder["own"]).FullName;
        dialect.Write(autoencoder, target);
        using (SparseAutoencoder again = Dialect.Read(target, golden.Given)) golden.Check(again, "written and read again");
        if (autoencoder.Origin.Folded.Count > 0) return; // the weights are others, the function is the same

        Dictionary<string, (long[] Shape, float[] Values)> before = Tensors(golden.Path), after = Tensors(target);
        if (before.ContainsKey("encoder.weight") && before.ContainsKey("decoder.linear.weight") && !after.ContainsKey("encoder.weight"))
            before.Remove("encoder.weight"); // one tensor under two names
        if (!after.ContainsKey("sparsity")) before.Remove("sparsity"); // a file of its own
        Assert.Equal(before.Keys.Order(StringComparer.Ordinal), after.Keys.Order(StringComparer.Ordinal), StringComparer.Ordinal);
        foreach ((string tensor, (long[] shape, float[] values)) in before)
        {
            Assert.Equal(shape, after[tensor].Shape);
            if (Statistics.Contains(tensor, StringComparer.Ordinal)) continue;
            if (tensor.Contains("log_", StringComparison.Ordinal)) // another logarithm may stand for the same threshold
                Assert.All(values.Zip(after[tensor].Values), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
            else
                Assert.True(values.AsSpan().SequenceEqual(after[tensor].Values), $"{tensor} differs");
        }

        Dictionary<string, string> keys = Keys(golden.Path), written = Keys(target);
        foreach ((string key, string value) in keys)
            if (!NotKept.Contains(key, StringComparer.Ordinal)) Assert.Equal((key, value), (key, written.GetValueOrDefault(key)));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void In_every_other_form_it_is_the_same_function_or_refused(string name)
    {
        var golden = new GoldenCheckpoint(name);
        using SparseAutoencoder autoencoder = golden.Read();
        autoencoder.Save(folder["native"]);
        using (SparseAutoencoder native = SparseAutoencoder.Load(folder["native"])) golden.Check(native, "kept natively");
        List<string> held = [], refused = [];
        foreach (IDialect dialect in Dialect.All)
        {
            string target = Directory.CreateDirectory(folder[dialect.Name]).FullName;
            try
            {
                dialect.Write(autoencoder, target);
            }
            catch (InputException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused.Add(e.Message);
                continue;
            }

            using SparseAutoencoder other = Dialect.Read(target);
            Assert.Equal(dialect.Name, other.Origin!.Dialect);
            golden.Check(other, $"in {dialect.Title}");
            if (autoencoder.Options is PretrainedOptions { Activation: CodeActivation.BatchTopK })
            {
                held.Add(dialect.Name); // SAELens reads none that selects by batch, so that none is written for it from elsewhere
                continue;
            }

            string back = Directory.CreateDirectory(folder[dialect.Name + "-back"]).FullName;
            Dialect.Find(autoencoder.Origin!.Dialect)!.Write(other, back);
            using SparseAutoencoder again = Dialect.Read(back);
            golden.Check(again, $"in {dialect.Title} and back");
            held.Add(dialect.Name);
        }

        output.WriteLine($"{name}: held by {string.Join(", ", held)}");
        foreach (string why in refused) output.WriteLine($"  {why}");
        Assert.Equal(Conversions[name], held, StringComparer.Ordinal);
    }

    private static Dictionary<string, (long[] Shape, float[] Values)> Tensors(string folder)
    {
        var tensors = new Dictionary<string, (long[] Shape, float[] Values)>(StringComparer.Ordinal);
        foreach (string path in Files(folder).Where(path =>
            Path.GetExtension(path) is ".safetensors" or ".pt" or ".pth" or ".bin" or ".npz"))
        {
            using TensorFile file = TensorFile.Open(path);
            foreach (TensorInfo tensor in file.Tensors) tensors.Add(Unwrapped(tensor.Name), ([.. tensor.Shape], file.Floats(tensor.Name)));
        }

        return tensors;
    }

    private static string Unwrapped(string name) =>
        Wrappers.Aggregate(name, (rest, wrapper) => rest.StartsWith(wrapper, StringComparison.Ordinal) ? rest[wrapper.Length..] : rest);

    private static Dictionary<string, string> Keys(string folder)
    {
        var keys = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string path in Files(folder))
        {
            if (Path.GetExtension(path) is ".json") Flatten(JsonNode.Parse(File.ReadAllBytes(path)), Path.GetFileName(path) + ":", keys);
        }

        return keys;
    }

    private static void Flatten(JsonNode? node, string name, Dictionary<string, string> keys)
    {
        if (node is JsonObject inner)
        {
            foreach ((string key, JsonNode? value) in inner) Flatten(value, name.EndsWith(':') ? key : $"{name}.{key}", keys);
        }
        else
        {
            keys[name] = node?.GetValueKind() == System.Text.Json.JsonValueKind.Number
                ? ((double)node).ToString(System.Globalization.CultureInfo.InvariantCulture)
                : node?.ToJsonString() ?? "null";
        }
    }

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Where(path => Path.GetFileName(path) is not "golden.safetensors" and not "notes.md");
}
