using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.AI;
using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Extensions;

/// <summary>Embedders of Unweave as generators of Microsoft.Extensions.AI, and the other way round.</summary>
public static class EmbeddingExtensions
{
    /// <summary>An embedder as a generator, for whatever takes one: a vector store, a pipeline, a cache around it.</summary>
    /// <param name="embedder">The embedder. It stays the caller's: disposing the generator does not dispose it.</param>
    /// <param name="modelId">The model's name in the generator's metadata; null takes the embedder's identity.</param>
    /// <remarks>
    /// The generator computes on a thread of the pool. It refuses options that ask for another number of dimensions than the embedder's
    /// width, and takes no notice of others.
    /// </remarks>
    public static IEmbeddingGenerator<string, Embedding<float>> AsEmbeddingGenerator(
        this ITextEmbedder embedder, string? modelId = null)
    {
        ArgumentNullException.ThrowIfNull(embedder);
        return new EmbedderGenerator(embedder, modelId ?? embedder.Identity);
    }

    /// <summary>A generator as an embedder, for Unweave to index, search and train with. One text is sent, to learn the width.</summary>
    /// <param name="generator">The generator. It stays the caller's.</param>
    /// <param name="modelId">
    /// The model's name; null takes the one in the generator's metadata. The embedder's identity is made of it, the provider and the
    /// width, so two models must not share it.
    /// </param>
    /// <param name="cancellationToken">Stops waiting for the generator.</param>
    /// <returns>
    /// The embedder: rows have unit length, an empty text is not sent and has a row of zeros, and calls wait for the generator.
    /// </returns>
    /// <exception cref="InputException">The generator does not say which model it asks, or gives no vector.</exception>
    public static async Task<ITextEmbedder> AsTextEmbedderAsync(
        this IEmbeddingGenerator<string, Embedding<float>> generator, string? modelId = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(generator);
        var metadata = generator.GetService(typeof(EmbeddingGeneratorMetadata)) as EmbeddingGeneratorMetadata;
        string model = modelId ?? metadata?.DefaultModelId
            ?? throw new InputException("The embedding generator does not say which model it asks; give the model's name.");
        Embedding<float> first = await generator.GenerateAsync("width", cancellationToken: cancellationToken);
        if (first.Vector.IsEmpty) throw new InputException($"The embedding generator of {model} gives empty vectors.");
        string[] parts = [metadata?.ProviderName ?? "", metadata?.ProviderUri?.ToString() ?? "", model, $"{first.Vector.Length}"];
        return new GeneratorEmbedder(generator, model, first.Vector.Length,
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', parts)))));
    }

    private sealed class EmbedderGenerator(ITextEmbedder embedder, string model)
        : IEmbeddingGenerator<string, Embedding<float>>
    {
        private readonly EmbeddingGeneratorMetadata metadata =
            new("unweave", defaultModelId: model, defaultModelDimensions: embedder.Width);

        public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(values);
            if (options?.Dimensions is { } asked && asked != embedder.Width)
                throw new InputException($"Vectors of {asked} dimensions are asked for; {model} gives {embedder.Width}.");
            string[] texts = [.. values];
            return await Task.Run(() =>
            {
                using Matrix rows = embedder.Embed(texts, cancellationToken);
                return new GeneratedEmbeddings<Embedding<float>>(Enumerable.Range(0, rows.Rows)
                    .Select(row => new Embedding<float>(rows.Row(row).ToArray()) { ModelId = model }));
            }, cancellationToken);
        }

        public object? GetService(Type serviceType, object? serviceKey = null)
        {
            ArgumentNullException.ThrowIfNull(serviceType);
            if (serviceKey is not null) return null;
            return serviceType == typeof(EmbeddingGeneratorMetadata) ? metadata
                : serviceType.IsInstanceOfType(this) ? this
                : serviceType.IsInstanceOfType(embedder) ? embedder : null;
        }

        public void Dispose()
        {
            // The embedder is the caller's.
        }
    }

    private sealed class GeneratorEmbedder(
        IEmbeddingGenerator<string, Embedding<float>> generator, string model, int width, string identity) : ITextEmbedder
    {
        // Services limit what one call takes.
        private const int BatchTexts = 256;

        public int Width => width;

        public string Identity => identity;

        public Matrix Embed(IReadOnlyList<string> texts, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(texts);
            var rows = new Matrix(texts.Count, width);
            try
            {
                foreach (int[] places in Enumerable.Range(0, texts.Count).Where(place => texts[place].Length > 0).Chunk(BatchTexts))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    string[] sent = [.. places.Select(place => texts[place])];

                    // On the pool, where no context waits for this thread.
                    GeneratedEmbeddings<Embedding<float>> given = Task.Run(
                        () => generator.GenerateAsync(sent, cancellationToken: cancellationToken), cancellationToken)
                        .GetAwaiter().GetResult();
                    if (given.Count != sent.Length)
                    {
                        throw new InputException($"The embedding generator of {model} was given {sent.Length} texts and gave {given.Count} "
                            + "vectors.");
                    }

                    for (int i = 0; i < sent.Length; i++) Take(given[i].Vector.Span, rows.Row(places[i]), places[i]);
                }

                return rows;
            }
            catch
            {
                rows.Dispose();
                throw;
            }
        }

        private void Take(ReadOnlySpan<float> vector, Span<float> row, int place)
        {
            if (vector.Length != width)
            {
                throw new InputException($"The embedding generator of {model} gave text {place} {vector.Length} numbers; {width} were "
                    + "expected.");
            }

            vector.CopyTo(row);
            double length = Norms.L2(row);
            if (!double.IsFinite(length))
                throw new InputException($"The embedding generator of {model} gave text {place} a vector with NaN or infinity.");
            if (length == 0) return;
            float scale = (float)(1 / length);
            foreach (ref float value in row) value *= scale;
        }
    }
}
