using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Checkpoints.Dialects;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Tests.Checkpoints;

/// <summary>Autoencoders of our own in other libraries' dialects, and what those cannot say.</summary>
public sealed class GeneralFormTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public static TheoryData<string, AutoencoderOptions> Exports
    {
        get
        {
            var exports = new TheoryData<string, AutoencoderOptions>();
            foreach (string dialect in (string[])["saelens", "saelens_pre6", "dictionary_learning", "llamascopium", "lm_saes"])
            {
                exports.Add(dialect, new TopKOptions { Latents = 60, K = 5 });
                exports.Add(dialect, new BatchTopKOptions { Latents = 60, K = 5 });
                exports.Add(dialect, new ReluOptions { Latents = 60, L1Coefficient = 0.4 });
                exports.Add(dialect, new MatryoshkaOptions { Latents = 60, K = 5 });
                exports.Add(dialect, new HierarchicalTopKOptions { Latents = 60, K = 5 });
                exports.Add(dialect, new JumpReluOptions { Latents = 60, TargetL0 = 5 });
            }

            foreach (string dialect in (string[])["saelens", "dictionary_learning"])
                exports.Add(dialect, new GatedOptions { Latents = 60, L1Coefficient = 0.4 });
            exports.Add("gemma_scope", new JumpReluOptions { Latents = 60, TargetL0 = 5 });

            exports.Add("sparsify", new TopKOptions { Latents = 60, K = 5 });
            exports.Add("gemma_scope", new BatchTopKOptions { Latents = 60, K = 5 });
            exports.Add("llama_scope", new TopKOptions { Latents = 60, K = 5 });
            exports.Add("openai", new ReluOptions { Latents = 60, L1Coefficient = 0.4 });
            exports.Add("goodfire", new ReluOptions { Latents = 60, L1Coefficient = 0.4 });
            exports.Add("circuit_tracer", new ReluOptions { Latents = 60, L1Coefficient = 0.4 });
            return exports;
        }
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Exports))]
    public void What_was_trained_here_has_its_codes_in_another_librarys_files(string dialect, AutoencoderOptions options)
    {
        using var source = new SyntheticFeatures(new() { Width = 12, Features = 60, Rows = 2000 });
        using TrainingRun run = TrainingRun.Start(new TrainingOptions { Autoencoder = options, Batch = 100, Rows = 4000 }, source);
        while (!run.Finished) run.Next();
        var trained = (SparseAutoencoder)run.Autoencoder;
        Assert.NotEqual(1, trained.InputScale); // which none of these files says: it goes into the weights
        Dialect.Find(dialect)!.Write(trained, folder.Path);
        using SparseAutoencoder read = SparseAutoencoder.Load(folder.Path);
        Assert.Equal(dialect, read.Origin!.Dialect);
        using Matrix x = source.Rows(0, 300), before = new(300, 12), after = new(300, 12);
        SparseCodes ours = trained.Encode(x), theirs = read.Encode(x);
        Assert.True(ours.Count > 300);
        Assert.Equal(ours.AllLatents, theirs.AllLatents);
        for (int i = 0; i < ours.Count; i++) Assert.Equal(ours.AllValues[i], theirs.AllValues[i], 1e-4f);
        trained.Reconstruct(x, before);
        read.Reconstruct(x, after);
        for (int i = 0; i < before.Count; i++) Assert.Equal(before.AsSpan()[i], after.AsSpan()[i], 1e-4f);
    }

    [Theory]
    [InlineData("saelens_v6/jumprelu_bdec_in", "sparsify", "the activation JumpReLU")]
    [InlineData("saelens_v6/jumprelu_bdec_in", "llama_scope", "a threshold for each latent")]
    [InlineData("saelens_v6/jumprelu_skip_transcoder", "dictionary_learning", "skip")]
    [InlineData("saelens_v6/standard_layer_norm", "goodfire", "normalization")]
    [InlineData("saelens_v6/topk_plain_inference", "openai", "layer norm")]
    [InlineData("saelens_v6/topk_plain_inference", "sentence_transformers", "W_enc of its own")]
    [InlineData("saelens_v6/transcoder", "sparsify", "the activation ReLU")]
    [InlineData("saelens_v6/transcoder", "dictionary_learning", "outputs of width 18")]
    [InlineData("saelens_v6/matching_pursuit_bdec_in", "dictionary_learning", "the activation Matching pursuit")]
    [InlineData("saelens_v6/temporal_tied_topk", "sparsify", "Temporal")]
    [InlineData("openai/topk_identity_ln", "saelens", "signed")]
    [InlineData("sparsify/sae_skip", "saelens", "skip")]
    [InlineData("circuit_tracer/transcoder_topk", "sparsify", "signed")]
    [InlineData("circuit_tracer/clt_relu", "saelens", "Cross-layer transcoder")]
    [InlineData("overcomplete/jump", "gemma_scope", "inclusive")]
    [InlineData("overcomplete/mp", "saelens", "signed")]
    [InlineData("gemma_scope/jumprelu_sae", "overcomplete", "b_dec")]
    [InlineData("llamascopium/glu_encoder", "saelens", "glu")]
    [InlineData("llamascopium/topk_dataset", "saelens", "weight")]
    [InlineData("llamascopium/batchtopk_dataset", "saelens", "BatchTopK")]
    [InlineData("crosscoder_learning/crosscoder_batchtopk", "saelens", "parts")]
    public void What_a_dialect_cannot_say_is_refused_by_its_name(string from, string to, string named)
    {
        using SparseAutoencoder read = new GoldenCheckpoint(from).Read();
        string message = Assert.Throws<InputException>(() => Dialect.Find(to)!.Write(read, folder.Path)).Message;
        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Where_it_comes_from_is_kept_by_our_own_format_and_said_in_the_next_dialect()
    {
        using SparseAutoencoder read = new GoldenCheckpoint("saelens_v6/jumprelu_skip_transcoder").Read();
        read.Save(folder["own"]);
        using SparseAutoencoder kept = SparseAutoencoder.Load(folder["own"]);
        Assert.Equal(read.Origin!.Dialect, kept.Origin!.Dialect);
        Assert.Equal(read.Origin.Conventions, kept.Origin.Conventions);
        Assert.Equal(read.Origin.Settings, kept.Origin.Settings);
        Directory.CreateDirectory(folder["gemma"]);
        new GemmaScopeDialect().Write(new SquareOf(kept).Autoencoder, folder["gemma"]);
        string settings = File.ReadAllText(folder["gemma/config.json"]);
        Assert.Contains("\"model_name\": \"toy-model\"", settings, StringComparison.Ordinal);
        Assert.Contains("\"hf_hook_point_out\": \"blocks.3.hook_mlp_out\"", settings, StringComparison.Ordinal);
    }

    // A few rows are screened by a copy of the encoder in 8 bits, where many are not.
    [Theory]
    [MemberData(nameof(DialectGoldenTests.Folders), MemberType = typeof(DialectGoldenTests))]
    public void A_row_has_the_same_code_alone_as_among_others(string name)
    {
        var golden = new GoldenCheckpoint(name);
        using SparseAutoencoder read = golden.Read();
        if (read is TemporalAutoencoder) return; // a row alone is another sequence
        if (read.Options is PretrainedOptions { Activation: CodeActivation.BatchTopK }
            or PretrainedOptions { Normalization: InputNormalization.BatchLength })
            return; // a batch is selected, or normalized, as one
        using Matrix x = Assert.Single(golden.Inputs(read));
        SparseCodes all = read.Encode(x);
        for (int r = 0; r < x.Rows; r++)
        {
            using Matrix one = x.CopyRows(r, 1);
            SparseCodes alone = read.Encode(one);
            Assert.Equal(all.Latents(r), alone.Latents(0));
            for (int i = 0; i < alone.Count; i++) Assert.Equal(all.Values(r)[i], alone.AllValues[i], 1e-5f);
        }
    }

    [Fact]
    public void Shapes_that_claim_more_than_a_file_holds_are_refused_before_memory_is_asked_for()
    {
        // A skip of a million by a million, which this encoder's width would need.
        var tensors = new List<TensorToWrite>
        {
            TensorToWrite.From("encoder.weight", new float[2_000_000], [2, 1_000_000]), TensorToWrite.From("encoder.bias", new float[2]),
            TensorToWrite.From("W_dec", new float[2_000_000], [2, 1_000_000]), TensorToWrite.From("b_dec", new float[1_000_000]),
            TensorToWrite.From("W_skip", new float[1]),
        };
        SafetensorsWriter.Write(folder["sae.safetensors"], tensors);
        File.WriteAllText(folder["cfg.json"], """{ "k": 1 }""");
        Assert.Contains("do not fit each other", Assert.Throws<InputException>(() => SparseAutoencoder.Load(folder.Path)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(DialectGoldenTests.Folders), MemberType = typeof(DialectGoldenTests))]
    public void A_checkpoint_may_be_named_by_its_file(string name)
    {
        var golden = new GoldenCheckpoint(name);
        string[] files = [.. Directory.EnumerateFiles(golden.Path, "*", SearchOption.AllDirectories).Where(path =>
            Path.GetExtension(path) is ".safetensors" or ".pt" or ".pth" or ".bin" or ".npz"
            && Path.GetFileName(path) is not "golden.safetensors" and not "sparsity.safetensors")];
        if (name.StartsWith("circuit_tracer/clt", StringComparison.Ordinal)) return; // a file a layer
        foreach (string file in files.Where(file => files.Length == 1 || Path.GetFileName(file) is "model.pth"))
        {
            using SparseAutoencoder read = Dialect.Read(file, golden.Given);
            golden.Check(read, "named by its file");
        }

        Assert.Contains(files, file => files.Length == 1 || Path.GetFileName(file) is "model.pth");
    }

    [Theory]
    [InlineData("gemma_scope/jumprelu_sae", "71")]
    [InlineData("gemma_scope/scope2_transcoder", "60")]
    public void What_the_authors_measured_is_kept(string name, string l0)
    {
        using SparseAutoencoder read = new GoldenCheckpoint(name).Read();
        Assert.Equal(l0, read.Origin!.Facts["authors' l0"]);
    }

    [Fact]
    public void What_is_torn_says_so()
    {
        string from = Path.Combine(DialectFolders.Root, "saelens_v6", "standard_bdec_in");
        File.Copy(Path.Combine(from, "cfg.json"), folder["cfg.json"]);
        byte[] weights = File.ReadAllBytes(Path.Combine(from, "sae_weights.safetensors"));
        File.WriteAllBytes(folder["sae_weights.safetensors"], weights[..^100]);
        string message = Assert.Throws<InputException>(() => SparseAutoencoder.Load(folder.Path)).Message;
        Assert.Contains("sae_weights.safetensors", message, StringComparison.Ordinal);
        using var torn = new TemporaryFolder();
        File.WriteAllBytes(torn["x.safetensors"], weights[..^100]);
        string own = Assert.Throws<InputException>(() => new SafetensorsFile(torn["x.safetensors"])).Message;
        Assert.Contains(own[(own.IndexOf(": ", StringComparison.Ordinal) + 2)..].TrimEnd('.'), message, StringComparison.Ordinal);
    }

    [Fact]
    public void Codes_alone_decode_without_what_only_the_input_tells()
    {
        using SparseAutoencoder read = new GoldenCheckpoint("sparsify/sae_skip").Read();
        using Matrix x = new(3, read.InputWidth), alone = new(3, read.OutputWidth), beside = new(3, read.OutputWidth), y = new(3,
            read.OutputWidth);
        new Rng(2).FillNormal(x.AsSpan());
        SparseCodes codes = read.Encode(x);
        read.Decode(codes, alone);
        read.Decode(codes, x, beside);
        read.Reconstruct(x, y);
        Assert.Equal(y.AsSpan(), beside.AsSpan());
        Matrix skip = Assert.IsType<PretrainedAutoencoder>(read).Skip!;
        for (int r = 0; r < 3; r++)
            for (int c = 0; c < y.Columns; c++)
            {
                double added = 0;
                for (int i = 0; i < x.Columns; i++) added += skip[c, i] * x[r, i];
                Assert.Equal(alone[r, c] + added, y[r, c], 1e-4);
            }
    }

    /// <summary>An autoencoder whose outputs are as wide as inputs, of one that is a map.</summary>
    private sealed class SquareOf
    {
        public SquareOf(SparseAutoencoder map)
        {
            var options = (PretrainedOptions)map.Options;
            Autoencoder = (SparseAutoencoder)options.Build(map.InputWidth, map.InputWidth, rng: null);
            Autoencoder.Origin = map.Origin;
        }

        public SparseAutoencoder Autoencoder { get; }
    }
}
