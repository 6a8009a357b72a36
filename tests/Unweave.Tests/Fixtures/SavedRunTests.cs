using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Formats;
using Unweave.Numerics;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Tests.Fixtures;

/// <summary>
/// Runs that version 0.1 was killed in go on to the weights that it would have reached, and a run file gives the weights that it gave,
/// to the last bit. Where a defect of that version is corrected the weights differ; the two lists name these runs and say why.
/// </summary>
public sealed class SavedRunTests
{
    private const string DeadSet = "AuxK's dead latents are those of the rows before the batch, no longer with it";
    private const string Noise = "noise is drawn from the mixed seed, so that runs of neighboring seeds share none";

    private static readonly Dictionary<string, string> StartsOtherwise = new(StringComparer.Ordinal)
    {
        ["relu"] = "decoder rows start at norm 0.1, not 1",
        ["relu-unit"] = "encoder rows start at norm 0.1, not 1",
        ["topk-dead"] = DeadSet,
        ["undercomplete"] = Noise,
        ["variational"] = Noise,
    };

    private static readonly Dictionary<string, string> GoesOnOtherwise = new(StringComparer.Ordinal)
    {
        ["topk-dead"] = DeadSet,
        ["undercomplete"] = Noise,
        ["variational"] = Noise,
    };

    public static TheoryData<string> Runs => [.. SavedFiles.Runs];

    public static TheoryData<string> Sparse => [.. SavedFiles.Runs.Where(run => File.Exists(SavedFiles.At($"golden/{run}.codes.npz")))];

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task An_interrupted_run_goes_on_to_the_same_weights(string run)
    {
        using var folder = new TemporaryFolder();
        string output = SavedFiles.Copy(run, folder["run"]);
        int logged = File.ReadAllLines(Path.Combine(output, "metrics.jsonl")).Length;
        List<StepReport> reports = await Train(run, output, resume: true);
        Assert.Equal((41, 200), (reports[0].Step, reports[^1].Step));
        Check(run, "resumed", output, GoesOnOtherwise);

        string[] saved = File.ReadAllLines(SavedFiles.At($"{run}/metrics.jsonl")),
            lines = File.ReadAllLines(Path.Combine(output, "metrics.jsonl"));
        Assert.True(lines.Length > logged, $"{lines.Length} lines");
        long[] steps = [.. lines.Select(line => (long)JsonNode.Parse(line)!["step"]!)];
        Assert.Equal(steps.Order().Distinct(), steps);
        string[] before = [.. saved.Where(line => (long)JsonNode.Parse(line)!["step"]! <= 40)];
        Assert.Equal(before, lines[..before.Length]);
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task The_same_run_file_gives_the_same_weights(string run)
    {
        using var folder = new TemporaryFolder();
        await Train(run, folder["run"], resume: false);
        Check(run, "fresh", folder["run"], StartsOtherwise);
    }

    [Theory]
    [MemberData(nameof(Sparse))]
    public void A_saved_autoencoder_gives_the_same_codes(string run)
    {
        using TensorFile golden = TensorFile.Open(SavedFiles.At($"golden/{run}.codes.npz"));
        long[] starts = Read<long>(golden, "starts");
        int[] latents = Read<int>(golden, "latents");
        float[] values = Read<float>(golden, "values");
        using SparseAutoencoder sae = SparseAutoencoder.Load(SavedFiles.At($"golden/{run}.safetensors"));
        using ActivationFile vectors = ActivationFile.Open(SavedFiles.At("vectors.npy"));
        using Matrix x = vectors.Rows(0, (int)vectors.Rows);
        SparseCodes codes = sae.Encode(x);
        Assert.Equal(starts.Length - 1, codes.Rows);
        for (int row = 0; row < codes.Rows; row++)
        {
            // Another instruction set rounds otherwise: an entry at the edge may be another one, so what is compared is the dense row.
            float[] expected = new float[sae.Latents], actual = new float[sae.Latents];
            for (long i = starts[row]; i < starts[row + 1]; i++) expected[latents[i]] = values[i];
            foreach ((int latent, float value) in codes.Latents(row).ToArray().Zip(codes.Values(row).ToArray())) actual[latent] = value;
            for (int latent = 0; latent < actual.Length; latent++) Assert.Equal(expected[latent], actual[latent], 1e-4);
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void A_saved_autoencoder_measures_the_same(string run)
    {
        JsonNode golden = SavedFiles.Golden($"{run}.eval")["autoencoder"]!;
        EvaluationReport report = Measure(SavedFiles.At($"golden/{run}.safetensors"));
        Assert.Equal((double)golden["fvu"]!, report.Fvu, 1e-5);
        Assert.Equal((double)golden["mse"]!, report.Mse, 1e-3);
        Assert.Equal((double)golden["cosine"]!, report.Cosine, 1e-5);
        Assert.Equal((double)golden["l2Ratio"]!, report.L2Ratio, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void A_run_file_and_the_settings_of_its_run_say_the_same(string run)
    {
        TrainingOptions given = RunFile.Read(SavedFiles.At($"{run}.json")), kept = RunFile.Read(SavedFiles.At($"{run}/config.json"));
        Assert.EndsWith($"v0.1/{run}", kept.Output!.Replace('\\', '/'), StringComparison.Ordinal);
        Assert.Equal(RunFile.Write(given with { Output = kept.Output }), RunFile.Write(kept));
        Assert.Equal(RunFile.Write(kept), RunFile.Write(RunFile.Parse(RunFile.Write(kept), "again")));
    }

    [Fact]
    public void A_run_file_with_few_settings_has_the_defaults()
    {
        TrainingOptions few = RunFile.Read(SavedFiles.At("few.json"));
        Assert.Equal(RunFile.Write(new TrainingOptions { Data = few.Data }), RunFile.Write(few));
        Assert.EndsWith("vectors.npy", Assert.Single(few.Data), StringComparison.Ordinal);
    }

    private static async Task<List<StepReport>> Train(string run, string output, bool resume)
    {
        using ActivationFile vectors = ActivationFile.Open(SavedFiles.At("vectors.npy"));
        var reports = new List<StepReport>();
        TrainingOptions options = RunFile.Read(SavedFiles.At($"{run}.json")) with { Output = output };
        await foreach (StepReport report in Trainer.Run(options, vectors, resume)) reports.Add(report);
        return reports;
    }

    // A run on the list must still be as good an autoencoder; every other has the weights that were kept for these instructions.
    private static void Check(string run, string kind, string output, Dictionary<string, string> otherwise)
    {
        if (otherwise.TryGetValue(run, out string? reason))
        {
            double was = (double)SavedFiles.Golden($"{run}.eval")["autoencoder"]!["fvu"]!, now = Measure(output).Fvu;
            Assert.True(now < was * 1.1, $"FVU {now:F4}, but {was:F4} in version 0.1, although only this has changed: {reason}");
            return;
        }

        // The kernels of version 0.1 for a processor of this kind; others, and kernels that were asked for by name, round otherwise.
        if (RuntimeInformation.ProcessArchitecture is not System.Runtime.InteropServices.Architecture.X64 || !OperatingSystem.IsLinux())
            Assert.Skip("The weights are those of Linux on x64.");
        if (Environment.GetEnvironmentVariable("UNWEAVE_KERNELS") is not null) Assert.Skip("Kernels are forced.");
        string set = Vector512.IsHardwareAccelerated ? "avx512" : Avx2.IsSupported ? "avx2" : Vector128.IsHardwareAccelerated
            ? "portable"
            : "scalar";
        JsonNode golden = JsonNode.Parse(File.ReadAllText(SavedFiles.At("weights.json")))![set]![kind]![run]!;
        using TensorFile file = TensorFile.Open(Path.Combine(output, "autoencoder.safetensors"));
        var weights = new JsonObject();
        foreach (TensorInfo tensor in file.Tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
            weights[tensor.Name] = Convert.ToHexStringLower(
                SHA256.HashData(MemoryMarshal.AsBytes<float>(Read<float>(file, tensor.Name))))[..16];
        Assert.Equal(golden.ToJsonString(), weights.ToJsonString());
    }

    private static EvaluationReport Measure(string path)
    {
        using Autoencoder autoencoder = Autoencoder.Load(path);
        using ActivationFile vectors = ActivationFile.Open(SavedFiles.At("vectors.npy"));
        return Evaluator.Run(autoencoder, vectors);
    }

    private static T[] Read<T>(TensorFile file, string name)
        where T : unmanaged
    {
        TensorInfo tensor = file[name];
        var values = new T[tensor.Shape.Aggregate(1L, (product, length) => product * length)];
        file.ReadBytes(tensor, 0, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
