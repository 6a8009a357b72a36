using Microsoft.ML.OnnxRuntime;
using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Onnx.Export;
using Unweave.Tests.Checkpoints;

namespace Unweave.Tests.Onnx;

/// <summary>ONNX Runtime computes the codes and reconstructions of an exported autoencoder.</summary>
public sealed class AutoencoderExportTests(ITestOutputHelper output) : IDisposable
{
    private const double Tolerance = 2e-5;

    private readonly TemporaryFolder folder = new();

    /// <summary>Folders whose formula is none of a row by itself, or none of a single dictionary: refused by name.</summary>
    private static readonly string[] Refused =
    [
        "circuit_tracer/clt_jumprelu", "circuit_tracer/clt_relu", "crosscoder_learning/crosscoder_batchtopk_decoupled",
        "llamascopium/batch_wise", "llamascopium/batchtopk_dataset", "llamascopium/clt_jumprelu", "llamascopium/clt_layertopk",
        "llamascopium/clt_relu", "llamascopium/clt_topk", "llamascopium/crosscoder_jumprelu", "llamascopium/crosscoder_relu",
        "llamascopium/crosscoder_topk", "overcomplete/mp", "overcomplete/omp", "overcomplete/qsae_hard",
        "saelens_v6/batchtopk_training_checkpoint", "saelens_v6/matching_pursuit_bdec_in", "saelens_v6/matching_pursuit_bdec_out",
        "saelens_v6/matching_pursuit_duplicates_limit", "saelens_v6/matching_pursuit_max_iterations",
        "saelens_v6/matching_pursuit_nonunit", "saelens_v6/temporal_tied_topk", "saelens_v6/temporal_untied_relu",
    ];

    public static TheoryData<string> Folders => [.. DialectFolders.All];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Folders))]
    public void What_another_library_trained_is_the_same_in_ONNX_Runtime_or_refused(string name)
    {
        var golden = new GoldenCheckpoint(name);
        using SparseAutoencoder autoencoder = golden.Read();
        if (Refused.Contains(name, StringComparer.Ordinal))
        {
            string message = Assert.Throws<InputException>(() => AutoencoderExport.Write(autoencoder, folder.Path)).Message;
            Assert.Contains("ONNX", message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
            Assert.Empty(Directory.EnumerateFiles(folder.Path));
            output.WriteLine(message);
            return;
        }

        using Matrix x = Assert.Single(golden.Inputs(autoencoder));
        Check(autoencoder, x);
    }

    [Fact]
    public void Our_own_are_the_same_at_their_own_scale()
    {
        var rng = new Rng(5);
        AutoencoderOptions[] kinds =
            [new TopKOptions { Latents = 48, K = 5 }, new ReluOptions { Latents = 48 }, new BatchTopKOptions { Latents = 48, K = 5 }];
        foreach (AutoencoderOptions options in kinds)
        {
            using var autoencoder = (SparseAutoencoder)options.Build(12, rng);
            (autoencoder.InputScale, autoencoder.OutputScale) = (0.4f, 0.4f);
            foreach (Parameter parameter in autoencoder.Parameters)
                foreach (ref float value in parameter.Value.AsSpan()) value += 0.2f * (float)rng.NextNormal();
            using var x = new Matrix(20, 12);
            foreach (ref float value in x.AsSpan()) value = 3 * (float)rng.NextNormal();
            Check(autoencoder, x);
        }

        using var kl = (SparseAutoencoder)new KlOptions { Latents = 8 }.Build(4, rng);
        Assert.Contains("ONNX", Assert.Throws<InputException>(() => AutoencoderExport.Write(kl, folder.Path)).Message,
            StringComparison.Ordinal);
    }

    private void Check(SparseAutoencoder autoencoder, Matrix x)
    {
        AutoencoderExport.Write(autoencoder, folder.Path);
        SparseCodes codes = autoencoder.Encode(x);
        float[] latents = new float[x.Rows * autoencoder.Latents];
        for (int row = 0; row < codes.Rows; row++)
            for (int i = 0; i < codes.RowCount(row); i++)
                latents[(row * autoencoder.Latents) + codes.Latents(row)[i]] = codes.Values(row)[i];
        using var reconstruction = new Matrix(x.Rows, autoencoder.OutputWidth);
        autoencoder.Decode(codes, x, reconstruction);

        Dictionary<string, (float[] Values, int Width)> given = new(StringComparer.Ordinal)
        {
            ["x"] = (x.AsSpan().ToArray(), autoencoder.InputWidth),
            ["latents"] = (latents, autoencoder.Latents),
        };
        Dictionary<string, float[]> encoded = Run(AutoencoderExport.EncodeName, given, x.Rows);
        Dictionary<string, float[]> decoded = Run(AutoencoderExport.DecodeName, given, x.Rows);
        Dictionary<string, float[]> both = Run(AutoencoderExport.BothName, given, x.Rows);
        Same(latents, encoded["latents"], support: true);
        Same(latents, both["latents"], support: true);
        Same(reconstruction.AsSpan(), decoded["reconstruction"], support: false);
        Same(reconstruction.AsSpan(), both["reconstruction"], support: false);
        Assert.Equal((1, 1, 2), (encoded.Count, decoded.Count, both.Count));
    }

    private Dictionary<string, float[]> Run(string file, Dictionary<string, (float[] Values, int Width)> given, int rows)
    {
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        using var session = new InferenceSession(folder[file], options);
        using var run = new RunOptions();
        OrtValue[] inputs = [.. session.InputNames.Select(name =>
            OrtValue.CreateTensorValueFromMemory(given[name].Values, [rows, given[name].Width]))];
        try
        {
            using IDisposableReadOnlyCollection<OrtValue> results = session.Run(run, session.InputNames, inputs, session.OutputNames);
            return session.OutputNames.Zip(results).ToDictionary(
                pair => pair.First, pair => pair.Second.GetTensorDataAsSpan<float>().ToArray(), StringComparer.Ordinal);
        }
        finally
        {
            foreach (OrtValue input in inputs) input.Dispose();
        }
    }

    private static void Same(ReadOnlySpan<float> expected, ReadOnlySpan<float> found, bool support)
    {
        Assert.Equal(expected.Length, found.Length);
        double scale = 1;
        foreach (float value in expected) scale = Math.Max(scale, Math.Abs(value));
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - found[i]) / scale <= Tolerance, $"{i}: {found[i]} where {expected[i]} is ours");
            if (support) Assert.True(expected[i] == 0 == (found[i] == 0), $"{i}: {found[i]} where {expected[i]} is ours");
        }
    }
}
