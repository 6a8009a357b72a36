using Microsoft.Extensions.AI;
using Unweave.Extensions;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Tests.Onnx.Embedding;

namespace Unweave.Tests.Extensions;

/// <summary>Embedders as generators of Microsoft.Extensions.AI, and generators as embedders.</summary>
public sealed class EmbeddingExtensionsTests
{
    [Fact]
    public async Task An_embedder_is_a_generator_that_says_what_it_is()
    {
        using var made = new MadeEncoder();
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder);
        using (IEmbeddingGenerator<string, Embedding<float>> generator = embedder.AsEmbeddingGenerator("letters"))
        {
            GeneratedEmbeddings<Embedding<float>> given = await generator.GenerateAsync(
                ["abc", "d"], cancellationToken: TestContext.Current.CancellationToken);
            using Matrix expected = embedder.Embed(["abc", "d"], TestContext.Current.CancellationToken);
            Assert.Equal(2, given.Count);
            for (int i = 0; i < 2; i++)
            {
                Assert.Equal(expected.Row(i).ToArray(), given[i].Vector.ToArray());
                Assert.Equal("letters", given[i].ModelId);
            }

            var metadata = (EmbeddingGeneratorMetadata)generator.GetService(typeof(EmbeddingGeneratorMetadata))!;
            Assert.Equal(("letters", embedder.Width), (metadata.DefaultModelId, metadata.DefaultModelDimensions));
            Assert.Same(embedder, generator.GetService(typeof(ITextEmbedder)));
            Assert.Same(generator, generator.GetService(typeof(IEmbeddingGenerator)));
            Assert.Null(generator.GetService(typeof(ITextEmbedder), "other"));
            InputException refused = await Assert.ThrowsAsync<InputException>(() => generator.GenerateAsync(
                ["abc"], new EmbeddingGenerationOptions { Dimensions = 3 }, TestContext.Current.CancellationToken));
            Assert.Contains("3 dimensions", refused.Message, StringComparison.Ordinal);
        }

        using Matrix still = embedder.Embed(["abc"], TestContext.Current.CancellationToken); // it was not disposed
        Assert.Equal(1, still.Rows);
    }

    [Fact]
    public async Task A_generator_is_an_embedder_whose_rows_have_unit_length()
    {
        using var service = new FakeGenerator("model");
        ITextEmbedder embedder = await service.AsTextEmbedderAsync(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(2, embedder.Width);
        string[] texts = [.. Enumerable.Range(0, 600).Select(i => i == 7 ? "" : new string('a', i + 1))];
        service.Largest = 0;
        using Matrix rows = embedder.Embed(texts, TestContext.Current.CancellationToken);
        Assert.InRange(service.Largest, 1, 256);
        for (int i = 0; i < texts.Length; i++)
        {
            if (i == 7) Assert.Equal([0f, 0f], rows.Row(i).ToArray()); // an empty text is not sent
            else Assert.Equal([(float)((i + 1) / Math.Sqrt(1 + Math.Pow(i + 1, 2))), (float)(1 / Math.Sqrt(1 + Math.Pow(i + 1, 2)))],
                rows.Row(i).ToArray(), (one, other) => Math.Abs(one - other) < 1e-5);
        }

        Assert.DoesNotContain("", service.Seen, StringComparer.Ordinal);
    }

    [Fact]
    public async Task The_identity_tells_models_apart_and_stays_the_same_for_one()
    {
        using FakeGenerator one = new("one"), again = new("one"), other = new("other"), nameless = new(null);
        CancellationToken stop = TestContext.Current.CancellationToken;
        string identity = (await one.AsTextEmbedderAsync(cancellationToken: stop)).Identity;
        Assert.Equal(identity, (await again.AsTextEmbedderAsync(cancellationToken: stop)).Identity);
        Assert.NotEqual(identity, (await other.AsTextEmbedderAsync(cancellationToken: stop)).Identity, StringComparer.Ordinal);
        Assert.Contains("give the model's name", (await Assert.ThrowsAsync<InputException>(
            () => nameless.AsTextEmbedderAsync(cancellationToken: stop))).Message, StringComparison.Ordinal);
        Assert.Equal(identity, (await nameless.AsTextEmbedderAsync("one", stop)).Identity);
    }

    [Theory]
    [InlineData("wide", "3 numbers; 2 were expected")]
    [InlineData("nan", "NaN")]
    [InlineData("lost", "1 texts and gave 0 vectors")]
    public async Task What_a_generator_gives_wrong_is_refused(string text, string expected)
    {
        using var service = new FakeGenerator("model");
        ITextEmbedder embedder = await service.AsTextEmbedderAsync(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Contains(expected, Assert.Throws<InputException>(
            () => embedder.Embed([text], TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    // A text's vector is its length and 1.
    private sealed class FakeGenerator(string? model) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public int Largest { get; set; }

        public List<string> Seen { get; } = [];

        public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            string[] texts = [.. values];
            Largest = Math.Max(Largest, texts.Length);
            Seen.AddRange(texts);
            return [.. texts.Where(text => text is not "lost").Select(text => new Embedding<float>(text switch
            {
                "wide" => [1, 2, 3],
                "nan" => [float.NaN, 1],
                _ => new float[] { text.Length, 1 },
            }))];
        }

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("fake", defaultModelId: model) : null;

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
