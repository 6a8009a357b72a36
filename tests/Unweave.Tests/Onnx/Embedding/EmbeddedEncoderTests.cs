using System.Security.Cryptography;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Tests.Packages;

namespace Unweave.Tests.Onnx.Embedding;

/// <summary>The sentence encoder that ships with Unweave: what its card says of it.</summary>
public sealed class EmbeddedEncoderTests
{
    private const int Width = 384;

    private static readonly string[] Texts =
    [
        "a person who teaches in a school", "someone whose job is to give lessons to pupils", "a building where goods are stored",
        "a warehouse for keeping merchandise", "the season between winter and summer", "the time of year after winter, when flowers bloom",
        "", "Ångström measured the wavelength of light", "x",
    ];

    private static string Folder => Path.Combine(Repository.Root, "models", "minilm-int8");

    [Fact]
    public void Its_files_say_how_it_is_used()
    {
        using OnnxEmbedder embedder = OnnxEmbedder.Open(Folder);
        Assert.Equal((Width, TextPooling.Mean, 256, "", ""),
            (embedder.Width, embedder.Pooling, embedder.Length, embedder.DocumentPrefix, embedder.QueryPrefix));
        Assert.Empty(embedder.Notes);
    }

    [Theory]
    [InlineData("model.onnx")]
    [InlineData("vocab.txt")]
    [InlineData("LICENSE.txt")]
    public void The_card_has_the_checksums_of_its_files(string file)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(Folder, file))));
        Assert.Contains($"| `{file}` | {new FileInfo(Path.Combine(Folder, file)).Length:N0} | `{hash}` |",
            File.ReadAllText(Path.Combine(Folder, "CARD.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_has_the_mean_of_what_the_runtime_gives_to_it_alone()
    {
        using OnnxEmbedder embedder = OnnxEmbedder.Open(Folder);
        using var session = new InferenceSession(Path.Combine(Folder, "model.onnx"));
        ITokenizer tokenizer = TokenizerFile.Open(Folder);
        foreach (string text in Texts)
        {
            using Matrix vector = embedder.Embed([text], TestContext.Current.CancellationToken);
            OnnxEmbedderTests.AssertNear(Alone(session, tokenizer, text), vector.Row(0));
        }
    }

    [Fact]
    public void Beside_other_texts_a_text_has_nearly_the_vector_that_it_has_alone()
    {
        using OnnxEmbedder embedder = OnnxEmbedder.Open(Folder);
        string[] many = [.. Texts, .. Enumerable.Range(0, 300).Select(i => $"number {i} of {300 - i} different sentences of one kind")];
        using Matrix together = embedder.Embed(many, TestContext.Current.CancellationToken);
        for (int i = 0; i < Texts.Length; i++)
        {
            using Matrix alone = embedder.Embed([Texts[i]], TestContext.Current.CancellationToken);
            Assert.InRange(Cosine(together.Row(i), alone.Row(0)), 0.97, 1.00001);
        }
    }

    [Fact]
    public void Its_vectors_are_near_those_of_the_model_in_32_bits()
    {
        using OnnxEmbedder embedder = OnnxEmbedder.Open(Folder), whole = OnnxEmbedder.Open(
            MiniLM.Folder(), new EmbedderOptions { Pooling = TextPooling.Mean });
        using Matrix eight = embedder.Embed(Texts, TestContext.Current.CancellationToken),
            thirtyTwo = whole.Embed(Texts, TestContext.Current.CancellationToken);
        double[] cosines = [.. Enumerable.Range(0, Texts.Length).Select(i => Cosine(eight.Row(i), thirtyTwo.Row(i)))];
        Assert.InRange(cosines.Average(), 0.985, 1);
        Assert.InRange(cosines.Min(), 0.96, 1);
        Assert.NotEqual(whole.Identity, embedder.Identity, StringComparer.Ordinal);
    }

    [Fact]
    public void The_embedded_definitions_have_its_vectors()
    {
        const int step = 640;
        string data = Path.Combine(Repository.Root, "data", "wordnet");
        using OnnxEmbedder embedder = OnnxEmbedder.Open(Folder);
        using ActivationFile stored = ActivationFile.Open(Path.Combine(data, "embeddings.safetensors"));
        string[] texts = [.. TextCorpus.Open(Path.Combine(data, "texts.tsv"), "gloss").Texts()];
        Assert.Equal((32_000L, 32_000, Width), (stored.Rows, texts.Length, stored.Width));
        int[] rows = [.. Enumerable.Range(0, texts.Length / step).Select(i => i * step)];
        using Matrix made = embedder.Embed([.. rows.Select(row => texts[row])], TestContext.Current.CancellationToken);
        for (int i = 0; i < rows.Length; i++)
        {
            using Matrix kept = stored.Rows(rows[i], 1);
            Assert.InRange(Cosine(made.Row(i), kept.Row(0)), 0.97, 1.001);
        }
    }

    [Fact]
    public void Texts_of_like_meaning_are_nearer_than_others()
    {
        using OnnxEmbedder embedder = OnnxEmbedder.Open(Folder);
        using Matrix vectors = embedder.Embed(Texts[..6], TestContext.Current.CancellationToken);
        for (int i = 0; i < 6; i++)
        {
            for (int j = 0; j < i; j++)
            {
                double cosine = Cosine(vectors.Row(i), vectors.Row(j));
                if (i / 2 == j / 2) Assert.InRange(cosine, 0.45, 1);
                else Assert.InRange(cosine, -1, 0.4);
            }
        }
    }

    [Fact]
    public void What_is_beyond_256_tokens_is_left_out()
    {
        using OnnxEmbedder embedder = OnnxEmbedder.Open(Folder);
        string words = string.Join(' ', Enumerable.Repeat("word", 254));
        using Matrix cut = embedder.Embed([words + " of another kind"], TestContext.Current.CancellationToken);
        Assert.Equal(1, embedder.TextsCut);
        using Matrix whole = embedder.Embed([words], TestContext.Current.CancellationToken);
        Assert.Equal(1, embedder.TextsCut);
        Assert.Equal(whole.Row(0).ToArray(), cut.Row(0).ToArray());
    }

    private static float[] Alone(InferenceSession session, ITokenizer tokenizer, string text)
    {
        long[] ids = [tokenizer.Start!.Value, .. tokenizer.Encode(text).Select(token => (long)token.Id), tokenizer.End!.Value];
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run(
            [.. session.InputNames.Select(name => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<long>(name switch
            {
                "input_ids" => ids,
                "attention_mask" => [.. ids.Select(_ => 1L)],
                _ => new long[ids.Length],
            }, [1, ids.Length])))]);
        float[] all = [.. outputs.Single().AsTensor<float>()];
        return MadeEncoder.Unit(MadeEncoder.Mean(all.Chunk(Width)));
    }

    private static double Cosine(ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        double sum = 0;
        for (int i = 0; i < one.Length; i++) sum += (double)one[i] * other[i];
        return sum;
    }
}
