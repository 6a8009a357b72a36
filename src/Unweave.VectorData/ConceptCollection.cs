using System.Linq.Expressions;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;
using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Retrieval;

namespace Unweave.VectorData;

/// <summary>
/// A collection of records in an index of concepts and words. Vectors are compared by cosine and come back at unit length, as near as the
/// index keeps them. One writer at a time changes a collection; readers see each change once it is done.
/// </summary>
internal sealed class ConceptCollection<TKey, TRecord> : VectorStoreCollection<TKey, TRecord>, IKeywordHybridSearchable<TRecord>
    where TKey : notnull
    where TRecord : class
{
    private readonly string folder;
    private readonly SparseAutoencoder autoencoder;
    private readonly ConceptDictionary dictionary;
    private readonly IndexOptions options;
    private readonly RecordModel model;
    private readonly Lock gate = new();
    private readonly VectorStoreCollectionMetadata metadata;
    private SearchIndex? opened;

    public ConceptCollection(
        string folder, string name, SparseAutoencoder autoencoder, ConceptDictionary dictionary, IndexOptions options, RecordModel model)
    {
        (this.folder, Name, this.autoencoder, this.dictionary) = (folder, name, autoencoder, dictionary);
        (this.options, this.model) = (options, model);
        metadata = new() { VectorStoreSystemName = ConceptVectorStore.SystemName, CollectionName = name };
        if (typeof(TKey) != typeof(string) && typeof(TKey) != typeof(object))
            throw new NotSupportedException($"Keys are texts; {name} is asked for with keys of the type {typeof(TKey).Name}.");
        if (model.Vector.Dimensions != dictionary.Width)
        {
            throw new ArgumentException($"The vector property {model.Vector.ModelName} has {model.Vector.Dimensions} dimensions, but the "
                + $"autoencoder of the store was trained on {dictionary.Width}.");
        }
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override Task<bool> CollectionExistsAsync(CancellationToken cancellationToken = default) =>
        Task.FromResult(ConceptVectorStore.IsIndex(folder));

    /// <inheritdoc/>
    public override Task EnsureCollectionExistsAsync(CancellationToken cancellationToken = default) => Do("EnsureCollectionExists", () =>
    {
        lock (gate)
        {
            if (opened is null && !ConceptVectorStore.IsIndex(folder)) opened = SearchIndex.Create(folder, dictionary, options);
        }
    });

    /// <inheritdoc/>
    public override Task EnsureCollectionDeletedAsync(CancellationToken cancellationToken = default) => Do("EnsureCollectionDeleted", () =>
    {
        lock (gate)
        {
            opened?.Dispose();
            opened = null;
            if (ConceptVectorStore.IsIndex(folder)) Directory.Delete(folder, recursive: true);
        }
    });

    /// <inheritdoc/>
    public override Task<TRecord?> GetAsync(TKey key, RecordRetrievalOptions? options = null, CancellationToken cancellationToken = default)
    {
        string own = Key(key);
        bool withVector = WithVectors(options?.IncludeVectors ?? false);
        return Task.FromResult(Try("Get", () =>
        {
            SearchIndex index = Index();
            return index.Document(own) is { } document ? model.Record<TRecord>(document, withVector ? index.Vector(own) : null) : null;
        }));
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<TRecord> GetAsync(
        Expression<Func<TRecord, bool>> filter, int top, FilteredRecordRetrievalOptions<TRecord>? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        await Task.CompletedTask;
        bool withVectors = WithVectors(options?.IncludeVectors ?? false);
        SearchIndex index = Try("Get", Index);
        Func<TRecord, bool> holds = filter.Compile();
        IEnumerable<TRecord> records = index.Documents().Select(row => model.Record<TRecord>(row.Document, null)).Where(holds);
        IOrderedEnumerable<TRecord>? ordered = null;
        foreach (var sort in options?.OrderBy?.Invoke(new()).Values ?? [])
        {
            Func<TRecord, object?> by = sort.PropertySelector.Compile();
            ordered = (ordered, sort.Ascending) switch
            {
                (null, true) => records.OrderBy(by),
                (null, false) => records.OrderByDescending(by),
                (_, true) => ordered.ThenBy(by),
                (_, false) => ordered.ThenByDescending(by),
            };
        }

        foreach (TRecord record in (ordered ?? records).Skip(options?.Skip ?? 0).Take(top))
        {
            cancellationToken.ThrowIfCancellationRequested();
            string key = (string)model.Properties.KeyProperty.GetValueAsObject(record)!;
            yield return withVectors && index.Document(key) is { } document ? model.Record<TRecord>(document, index.Vector(key)) : record;
        }
    }

    /// <inheritdoc/>
    public override Task DeleteAsync(TKey key, CancellationToken cancellationToken = default) => DeleteAsync([key], cancellationToken);

    /// <inheritdoc/>
    public override Task DeleteAsync(IEnumerable<TKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        string[] own = [.. keys.Select(Key)];
        return Do("Delete", () => Change(writer =>
        {
            foreach (string key in own) _ = writer.Delete(key);
        }));
    }

    /// <inheritdoc/>
    public override Task UpsertAsync(TRecord record, CancellationToken cancellationToken = default) =>
        UpsertAsync([record], cancellationToken);

    /// <inheritdoc/>
    public override async Task UpsertAsync(IEnumerable<TRecord> records, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(records);
        TRecord[] all = [.. records];
        if (all.Length == 0) return;
        IndexDocument[] documents = [.. all.Select(model.Document)];
        IReadOnlyList<Embedding>? generated = model.Generates
            ? await model.Vector.GenerateEmbeddingsAsync(all.Select(model.Vector.GetValueAsObject), cancellationToken).ConfigureAwait(false)
            : null;
        await Do("Upsert", () =>
        {
            using var vectors = new Matrix(all.Length, dictionary.Width);
            for (int i = 0; i < all.Length; i++)
            {
                object? given = generated is null ? model.Vector.GetValueAsObject(all[i]) : generated[i];
                ReadOnlyMemory<float>? vector = RecordModel.VectorOf(given);
                if (vector is not { } numbers || numbers.Length != dictionary.Width)
                {
                    throw new InputException($"The record {documents[i].Key} has a vector of {vector?.Length ?? 0} numbers; it needs "
                        + $"{dictionary.Width}.");
                }

                numbers.Span.CopyTo(vectors.Row(i));
            }

            Change(writer => writer.Add(documents, autoencoder.Encode(vectors), vectors));
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override IAsyncEnumerable<VectorSearchResult<TRecord>> SearchAsync<TInput>(
        TInput searchValue, int top, VectorSearchOptions<TRecord>? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new VectorSearchOptions<TRecord>();
        _ = model.Properties.GetVectorPropertyOrSingle(options);
        return Search(
            searchValue, null, top, options.Skip, options.Filter, options.IncludeVectors, options.ScoreThreshold, cancellationToken);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<VectorSearchResult<TRecord>> HybridSearchAsync<TInput>(
        TInput searchValue, ICollection<string> keywords, int top, HybridSearchOptions<TRecord>? options = null,
        CancellationToken cancellationToken = default)
        where TInput : notnull
    {
        ArgumentNullException.ThrowIfNull(keywords);
        options ??= new HybridSearchOptions<TRecord>();
        if (options.VectorProperty is not null)
            _ = model.Properties.GetVectorPropertyOrSingle(new VectorSearchOptions<TRecord> { VectorProperty = options.VectorProperty });
        _ = model.Properties.GetFullTextDataPropertyOrSingle(options.AdditionalProperty);
        return Search(
            searchValue, string.Join(' ', keywords), top, options.Skip, options.Filter, options.IncludeVectors, options.ScoreThreshold,
            cancellationToken);
    }

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(VectorStoreCollectionMetadata) ? metadata
            : serviceType == typeof(SearchIndex) ? Try("GetService", Index)
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            lock (gate)
            {
                opened?.Dispose();
                opened = null;
            }
        }

        base.Dispose(disposing);
    }

    private async IAsyncEnumerable<VectorSearchResult<TRecord>> Search<TInput>(
        TInput searchValue, string? words, int top, int skip, Expression<Func<TRecord, bool>>? condition, bool includeVectors,
        double? threshold, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(searchValue);
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        bool withVectors = WithVectors(includeVectors);
        SearchFilter? filter = RecordFilter.Of(condition, model.Properties);
        ReadOnlyMemory<float> vector = RecordModel.VectorOf(searchValue)
            ?? await Generate(searchValue, cancellationToken).ConfigureAwait(false);
        SearchIndex index = Try("Search", Index);

        // A field that no record has yet lets nothing through; the index itself takes its name for a mistake.
        HashSet<string> known = [.. index.Fields];
        IEnumerable<SearchHit> hits = filter is not null && !Named(filter).All(known.Contains) && index.Rows == 0 ? []
            : Try("Search", () => index.Search(new SearchQuery
            {
                Vector = vector,
                Words = words,
                Filter = filter is null ? null : Known(filter, known),
                Count = checked(top + skip),
                Shares = 0,
            })).Hits;
        foreach (SearchHit hit in hits.Skip(skip))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (hit.Score < threshold) continue;
            var document = new IndexDocument(hit.Key, hit.Text, hit.Fields);
            yield return new VectorSearchResult<TRecord>(
                model.Record<TRecord>(document, withVectors ? index.Vector(hit.Key) : null), hit.Score);
        }
    }

    private async Task<ReadOnlyMemory<float>> Generate<TInput>(TInput value, CancellationToken cancellationToken)
    {
        if (model.Vector.EmbeddingGenerator is null)
        {
            throw new NotSupportedException($"A search for a {typeof(TInput).Name} needs an embedding generator, which neither the store "
                + $"nor the vector property {model.Vector.ModelName} has; or search for a ReadOnlyMemory<float>.");
        }

        Embedding embedding = await model.Vector.GenerateEmbeddingAsync(value, cancellationToken).ConfigureAwait(false);
        return RecordModel.VectorOf(embedding)
            ?? throw new NotSupportedException($"The generator gives {embedding.GetType().Name}, no floats.");
    }

    private static IEnumerable<string> Named(SearchFilter filter) => filter switch
    {
        SearchFilter.Equal equal => [equal.Field],
        SearchFilter.AnyOf any => [any.Field],
        SearchFilter.Range range => [range.Field],
        SearchFilter.Prefix prefix => [prefix.Field],
        SearchFilter.And and => and.Parts.SelectMany(Named),
        SearchFilter.Or or => or.Parts.SelectMany(Named),
        SearchFilter.Not not => Named(not.Other),
        _ => [],
    };

    // A condition on a field that no record has is never met.
    private static SearchFilter Known(SearchFilter filter, HashSet<string> known) => filter switch
    {
        SearchFilter.And and => new SearchFilter.And([.. and.Parts.Select(part => Known(part, known))]),
        SearchFilter.Or or => new SearchFilter.Or([.. or.Parts.Select(part => Known(part, known))]),
        SearchFilter.Not not => new SearchFilter.Not(Known(not.Other, known)),
        _ => Named(filter).All(known.Contains) ? filter : new SearchFilter.Or(),
    };

    private bool WithVectors(bool wanted) => wanted && model.Generates
        ? throw new NotSupportedException($"{model.Vector.ModelName} holds what vectors are generated of, and cannot take one back.")
        : wanted;

    private static string Key(TKey key) => key as string
        ?? throw new ArgumentException($"Keys are texts; this one is a {key.GetType().Name}.", nameof(key));

    private SearchIndex Index()
    {
        lock (gate)
        {
            if (opened is null)
            {
                if (!ConceptVectorStore.IsIndex(folder))
                    throw new InputException($"There is no collection {Name} yet; make it with EnsureCollectionExistsAsync.");
                opened = SearchIndex.Open(folder, dictionary);
            }

            _ = opened.Refresh();
            return opened;
        }
    }

    private void Change(Action<SearchWriter> change)
    {
        SearchIndex index = Index();
        lock (gate)
        {
            using SearchWriter writer = index.OpenWriter();
            change(writer);
            writer.Commit();
        }
    }

    private Task Do(string operation, Action action)
    {
        _ = Try(operation, () =>
        {
            action();
            return 0;
        });
        return Task.CompletedTask;
    }

    private T Try<T>(string operation, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is InputException or IOException or UnauthorizedAccessException)
        {
            throw new VectorStoreException(e.Message, e)
            {
                VectorStoreSystemName = ConceptVectorStore.SystemName,
                CollectionName = Name,
                OperationName = operation,
            };
        }
    }
}
