using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;
using Unweave.Autoencoders;
using Unweave.Indexing;
using Unweave.Retrieval;

namespace Unweave.VectorData;

/// <summary>
/// A vector store whose collections are indexes of concepts and words, a folder each. Records go in with dense vectors, are stored by the
/// latents of an autoencoder that was trained on vectors of the same model, and are found by cosine.
/// </summary>
public sealed class ConceptVectorStore : Microsoft.Extensions.VectorData.VectorStore
{
    internal const string SystemName = "unweave";

    private readonly string folder;
    private readonly SparseAutoencoder autoencoder;
    private readonly ConceptDictionary dictionary;
    private readonly IndexOptions options;
    private readonly IEmbeddingGenerator? generator;
    private readonly VectorStoreMetadata metadata = new() { VectorStoreSystemName = SystemName };

    /// <summary>Opens or makes a store.</summary>
    /// <param name="folder">Where its collections are, a folder each.</param>
    /// <param name="autoencoder">What encodes vectors; stays the caller's, and is to be there as long as the store.</param>
    /// <param name="options">What new collections keep; null for the defaults.</param>
    /// <param name="generator">Embeds what is no vector, where a collection names no generator of its own; null for none.</param>
    public ConceptVectorStore(
        string folder, SparseAutoencoder autoencoder, IndexOptions? options = null, IEmbeddingGenerator? generator = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(autoencoder);
        (this.folder, this.autoencoder, this.options, this.generator) = (folder, autoencoder, options ?? new IndexOptions(), generator);
        dictionary = autoencoder.CreateConcepts();
    }

    /// <inheritdoc/>
    /// <remarks>Keys are texts.</remarks>
    public override VectorStoreCollection<TKey, TRecord> GetCollection<TKey, TRecord>(
        string name, VectorStoreCollectionDefinition? definition = null)
    {
        if (typeof(TRecord) == typeof(Dictionary<string, object?>))
            throw new ArgumentException("Records that are dictionaries are had by GetDynamicCollection, which takes their definition.");
        return new ConceptCollection<TKey, TRecord>(
            FolderOf(name), name, autoencoder, dictionary, options, RecordModel.Of(typeof(TRecord), typeof(TKey), definition, generator));
    }

    /// <inheritdoc/>
    public override VectorStoreCollection<object, Dictionary<string, object?>> GetDynamicCollection(
        string name, VectorStoreCollectionDefinition definition) =>
        new ConceptCollection<object, Dictionary<string, object?>>(
            FolderOf(name), name, autoencoder, dictionary, options, RecordModel.Dynamic(definition, generator));

    /// <inheritdoc/>
    public override async IAsyncEnumerable<string> ListCollectionNamesAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask;
        if (!Directory.Exists(folder)) yield break;
        foreach (string collection in Directory.EnumerateDirectories(folder).Where(IsIndex).Order(StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return Path.GetFileName(collection);
        }
    }

    /// <inheritdoc/>
    public override Task<bool> CollectionExistsAsync(string name, CancellationToken cancellationToken = default) =>
        Task.FromResult(IsIndex(FolderOf(name)));

    /// <inheritdoc/>
    public override Task EnsureCollectionDeletedAsync(string name, CancellationToken cancellationToken = default)
    {
        string collection = FolderOf(name);
        if (IsIndex(collection)) Directory.Delete(collection, recursive: true);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(VectorStoreMetadata) ? metadata
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) dictionary.Dispose();
        base.Dispose(disposing);
    }

    internal static bool IsIndex(string collection) => File.Exists(Path.Combine(collection, "index.json"));

    private string FolderOf(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        bool path = name.AsSpan().IndexOfAny(Path.GetInvalidFileNameChars()) >= 0 || name.Contains('\\', StringComparison.Ordinal);
        if (path || name is "." or "..")
            throw new ArgumentException($"'{name}' cannot be the name of a folder, which that of a collection has to be.", nameof(name));
        return Path.Combine(folder, name);
    }
}
