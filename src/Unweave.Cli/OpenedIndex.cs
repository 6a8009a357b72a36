using Unweave.Catalog;
using Unweave.Catalog.Json;
using Unweave.Indexing;
using Unweave.Onnx;
using Unweave.Retrieval;

namespace Unweave.Cli;

/// <summary>An index of texts with its embedder, and the names of its latents.</summary>
internal sealed class OpenedIndex : IDisposable
{
    private readonly IndexedTexts opened;
    private readonly FeatureCatalog? catalog;

    private OpenedIndex(string folder)
    {
        opened = IndexedTexts.Open(folder);
        catalog = FeatureCatalog.Exists(Texts.Run.Path) ? FeatureCatalog.Open(Texts.Run) : null;
    }

    /// <summary>The index.</summary>
    public TextIndex Texts => opened.Texts;

    /// <summary>Opens an index.</summary>
    public static OpenedIndex Open(string folder) => new(folder);

    /// <summary>Labels of the latents that results name, as far as they have any.</summary>
    public IReadOnlyDictionary<int, string> Labels(SearchResults results) => SearchJson.Labels(results, catalog);

    /// <inheritdoc/>
    public void Dispose()
    {
        catalog?.Dispose();
        opened.Dispose();
    }
}
