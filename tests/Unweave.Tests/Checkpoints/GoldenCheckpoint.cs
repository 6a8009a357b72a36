using Unweave.Autoencoders;
using Unweave.Checkpoints.Dialects;
using Unweave.Formats;
using Unweave.Numerics;
using Unweave.Tests.Formats;

namespace Unweave.Tests.Checkpoints;

/// <summary>A folder of <see cref="DialectFolders"/>: a checkpoint, and what the library that wrote it computes with it.</summary>
internal sealed class GoldenCheckpoint
{
    private const double Tolerance = 2e-5; // of the golden's scale

    private readonly string folder;
    private readonly Dictionary<string, (long[] Shape, float[] Values)> views = new(StringComparer.Ordinal);

    public GoldenCheckpoint(string folder)
    {
        this.folder = folder;
        Path = System.IO.Path.Combine(DialectFolders.Root, folder);
        using var file = new SafetensorsFile(System.IO.Path.Combine(Path, "golden.safetensors"));
        foreach (TensorInfo tensor in file.Tensors) views.Add(tensor.Name, ([.. tensor.Shape], file.Floats(tensor.Name)));
        Given = GivenWith(folder, file.Metadata);
    }

    public string Path { get; }

    /// <summary>What the files of some libraries do not say, as the user gives it.</summary>
    public IReadOnlyDictionary<string, string> Given { get; }

    public IEnumerable<string> Views => views.Keys;

    public SparseAutoencoder Read() => Dialect.Read(Path, Given);

    /// <summary>The values of a view.</summary>
    public float[] this[string view] => views[view].Values;

    /// <summary>The inputs as calls to an autoencoder: one call of rows, or a sequence a call; layers and heads side by side.</summary>
    public List<Matrix> Inputs(SparseAutoencoder autoencoder)
    {
        (long[] shape, float[] values) = views["x"];
        bool sequences = shape.Length == 3 && shape[2] == autoencoder.InputWidth;
        int calls = sequences ? (int)shape[0] : 1, rows = values.Length / calls / autoencoder.InputWidth;
        Assert.Equal(values.Length, calls * rows * autoencoder.InputWidth);
        Assert.True(sequences || rows == shape[0], $"{folder}: inputs of width {autoencoder.InputWidth}");
        return [.. Enumerable.Range(0, calls).Select(call =>
        {
            var x = new Matrix(rows, autoencoder.InputWidth);
            values.AsSpan(call * rows * autoencoder.InputWidth, rows * autoencoder.InputWidth).CopyTo(x.AsSpan());
            return x;
        })];
    }

    /// <summary>Compares an autoencoder's codes and reconstructions with the library's.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="what">What it is, for messages.</param>
    public void Check(SparseAutoencoder autoencoder, string what)
    {
        // The caller of this library scales the inputs by a factor that lies beside the weights; ours does it itself.
        string suffix = views.ContainsKey("reconstruction_scaled") ? "_scaled" : "";
        float[] latents = views["latents" + suffix].Values, reconstruction = views["reconstruction" + suffix].Values;
        int firstLatent = 0, firstValue = 0;
        List<float> found = [], decoded = [], whole = [], alone = [];
        foreach (Matrix x in Inputs(autoencoder))
        {
            using (x)
            using (var output = new Matrix(x.Rows, autoencoder.OutputWidth))
            {
                SparseCodes codes = autoencoder.Encode(x);
                Assert.Equal(x.Rows, codes.Rows);
                found.AddRange(Dense(codes));
                autoencoder.Decode(codes, x, output);
                decoded.AddRange(output.AsSpan());
                autoencoder.Reconstruct(x, output);
                whole.AddRange(output.AsSpan());
                if (views.ContainsKey("decode_novel_only"))
                {
                    autoencoder.Decode(codes, output);
                    alone.AddRange(output.AsSpan());
                }

                firstLatent += codes.Rows * codes.DictionarySize;
                firstValue += output.AsSpan().Length;
            }
        }

        Same(latents, [.. found], $"{what}: latents");
        for (int i = 0; i < latents.Length; i++)
        {
            if (latents[i] != 0 == (found[i] != 0)) continue;
            Assert.Fail($"{folder}, {what}: row {i / autoencoder.Latents}, latent {i % autoencoder.Latents} is {found[i]}, "
                + $"the library's {latents[i]}.");
        }

        Same(reconstruction, [.. decoded], $"{what}: decoded beside the input");
        Same(reconstruction, [.. whole], $"{what}: reconstruction");
        if (alone.Count > 0) Same(views["decode_novel_only"].Values, [.. alone], $"{what}: decoded alone");
    }

    /// <summary>Fails where values differ from a golden's by more than the tolerance.</summary>
    public void Same(ReadOnlySpan<float> golden, ReadOnlySpan<float> values, string what)
    {
        Assert.Equal(golden.Length, values.Length);
        double scale = 1;
        foreach (float value in golden) scale = Math.Max(scale, Math.Abs(value));
        for (int i = 0; i < golden.Length; i++)
        {
            double error = Math.Abs((double)golden[i] - values[i]) / scale;
            if (!(error <= Tolerance))
                Assert.Fail($"{folder}, {what}: {i}: {values[i]} where the library has {golden[i]} (error {error:G3}).");
        }
    }

    private static float[] Dense(SparseCodes codes)
    {
        float[] dense = new float[codes.Rows * codes.DictionarySize];
        for (int row = 0; row < codes.Rows; row++)
            for (int entry = 0; entry < codes.RowCount(row); entry++)
                dense[(row * codes.DictionarySize) + codes.Latents(row)[entry]] = codes.Values(row)[entry];
        return dense;
    }

    // The two libraries that store weights alone: k and normalize are in golden.safetensors, the rest in notes.md.
    private static Dictionary<string, string> GivenWith(string folder, IReadOnlyDictionary<string, string> metadata)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        if (folder.StartsWith("csr_adaptive_rep/", StringComparison.Ordinal))
        {
            given["k"] = metadata["k"];
            given["normalize"] = metadata["normalize"];
        }
        else if (folder.StartsWith("overcomplete/", StringComparison.Ordinal))
        {
            foreach ((string key, string value) in Overcomplete(folder["overcomplete/".Length..], metadata["k"])) given[key] = value;
        }

        return given;
    }

    private static IEnumerable<(string Key, string Value)> Overcomplete(string variant, string k)
    {
        yield return ("k", k);
        if (variant is not "ra_topk") // its rows are mixed, not normalized
            yield return ("normalization", variant switch { "topk_identity_norm" => "identity", "jump_multiplier" => "max_l2", _ => "l2" });
        yield return ("architecture", variant.Split('_')[0] switch { "ra" => "ratopk", "tied" => "sae", var name => name });
        yield return ("delta", "0.8");
        yield return ("max_iter", "60");
    }
}
