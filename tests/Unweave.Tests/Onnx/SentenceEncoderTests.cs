using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Runs;
using Unweave.Tests.Packages;
using Unweave.Training;

namespace Unweave.Tests.Onnx;

/// <summary>A sentence encoder that others trained and exported, all the way: hooks, harvest, training, catalog, reading.</summary>
public sealed class SentenceEncoderTests
{
    private const int Unknown = 100;

    [Fact]
    public void Its_hooks_are_named_and_its_words_are_known_whatever_their_case()
    {
        string folder = MiniLM.Folder();
        using OnnxHost host = OnnxHost.Open(folder);
        ITokenizer tokenizer = TokenizerFile.Open(folder);
        for (int block = 0; block < 6; block++)
            Assert.Equal(384, host.FindOne($"blocks.{block}").Width);
        Assert.True(host.Input is { Tokens: true, Masked: true, Causal: false } && !host.PredictsTokens);
        Assert.Equal(tokenizer.VocabularySize, host.Vocabulary);
        Assert.Equal((101, 102, 0), (tokenizer.Start, tokenizer.End, tokenizer.Padding));
        foreach (string text in (string[])["Congress declared War", "The WHITE Whale", "Ångström İstanbul", "President Lincoln's Cabinet"])
        {
            Assert.DoesNotContain(tokenizer.Encode(text), token => token.Id == Unknown);
            Assert.Equal(
                tokenizer.Encode(text.ToLowerInvariant()).Select(token => token.Id), tokenizer.Encode(text).Select(token => token.Id));
        }
    }

    [Fact]
    public async Task It_is_harvested_as_the_runtime_computes_it_trained_on_described_and_read()
    {
        string model = MiniLM.Folder();
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(model);
        ITokenizer tokenizer = TokenizerFile.Open(model);
        Hook hook = host.FindOne("blocks.5");
        var corpus = TextCorpus.Open(Path.Combine(Repository.Root, "data", "corpus", "held-out.jsonl.gz"));
        var options = new PassOptions { Context = 64, KeepSpecial = true };
        using (var pass = new ActivationPass(host, tokenizer, [hook], options))
        using (HarvestWriter writer = HarvestWriter.Create(folder["acts"],
            Harvester.Describe(host, tokenizer, [hook], corpus, options, ElementType.Float32)))
            Harvester.Run(pass, corpus, writer, 3000);

        using (var harvest = Harvest.Open(folder["acts"]))
        using (HarvestSource source = harvest.Source())
        {
            Assert.InRange(Difference(source, corpus, tokenizer, Path.Combine(model, "model.onnx"), options.Context!.Value), 0, 1e-5);
            await Trainer.TrainAsync(new TrainingOptions
            {
                Autoencoder = new TopKOptions { Latents = 512, K = 8 },
                Batch = 256,
                Rows = 60_000,
                Validation = 0,
                Output = folder["sae"],
            }, source);
        }

        var run = RunFolder.Open(folder["sae"]);
        using SparseAutoencoder autoencoder = run.LoadSparseAutoencoder();
        using (var harvest = Harvest.Open(folder["acts"]))
        using (HarvestSource source = harvest.Source())
        using (FeatureStatistics statistics = FeatureStatistics.FromHarvest(autoencoder, source, tokenizer))
        {
            FeatureCatalog.Build(run.CatalogPath, new CatalogSource
            {
                Latents = statistics.Latents,
                Rows = statistics.Rows,
                Windows = statistics.Windows,
                Texts = corpus.Name,
                AutoencoderSha256 = run.AutoencoderHash,
                Built = TimeProvider.System.GetUtcNow(),
            }, statistics.Features(null).Select(found =>
                (found.Feature, (IReadOnlyList<FeatureLabel>)(found.Label is null ? [] : [found.Label]))));
        }

        using (FeatureCatalog catalog = FeatureCatalog.Open(run)) Assert.Equal(512, catalog.Source.Latents);
        using var again = RunHost.Open(run, new HostChoice());
        using var hosted = new HostedAutoencoder(again.Model, again.Tokenizer, again.Hook, autoencoder, again.Pass.Context);
        TextCodes read = hosted.Encode("Congress declared War.");
        Assert.Equal(["Congress", " declared", " War", "."], read.Pieces, StringComparer.Ordinal);
        Assert.All(Enumerable.Range(0, 4), row => Assert.Equal(8, read.Codes.RowCount(row)));
        Assert.NotEqual(read.Codes.Latents(0).ToArray(), read.Codes.Latents(2).ToArray()); // two words, not one unknown
        Assert.Equal(read.Codes.Latents(0).ToArray(), hosted.Encode("congress declared war.").Codes.Latents(0).ToArray());
    }

    // The largest difference of an element from ONNX Runtime's on each window alone, over the largest value there.
    private static double Difference(HarvestSource source, TextCorpus corpus, ITokenizer tokenizer, string file, int context)
    {
        using var session = new InferenceSession(file);
        double worst = 0, largest = 0;
        long row = 0;
        using var rows = new Matrix(1, source.Width);
        foreach ((long number, Document document) in corpus.Documents())
        {
            foreach (TokenWindow window in TokenWindow.Cut(0, tokenizer.Encode(document.Text), tokenizer, context))
            {
                if (row == source.Rows) return worst / largest;
                using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run(
                    [.. session.InputNames.Select(name => NamedOnnxValue.CreateFromTensor(name, Input(name, window)))]);
                float[] expected = [.. outputs.First(value => value.AsTensor<float>().Rank == 3).AsTensor<float>()];
                for (int position = 0; position < window.Ids.Length; position++, row++)
                {
                    source.Read([row], rows);
                    for (int c = 0; c < source.Width; c++)
                    {
                        worst = Math.Max(worst, Math.Abs(rows.Row(0)[c] - expected[(position * source.Width) + c]));
                        largest = Math.Max(largest, Math.Abs(expected[(position * source.Width) + c]));
                    }
                }
            }
        }

        return worst / largest;
    }

    private static DenseTensor<long> Input(string name, TokenWindow window)
    {
        long[] values = name switch
        {
            "input_ids" => [.. window.Ids.ToArray().Select(id => (long)id)],
            "attention_mask" => [.. Enumerable.Repeat(1L, window.Ids.Length)],
            _ => new long[window.Ids.Length],
        };
        return new DenseTensor<long>(values, [1, values.Length]);
    }
}
