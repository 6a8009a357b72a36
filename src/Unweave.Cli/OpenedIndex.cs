using Unweave.Catalog;
using Unweave.Indexing;
using Unweave.Onnx;

namespace Unweave.Cli;

/// <summary>An index of texts with its embedder, and the names of its latents.</summary>
internal sealed class OpenedIndex : IDisposable
{
    private readonly OnnxEmbedder embedder;
    private readonly FeatureCatalog? catalog;

    private OpenedIndex(string folder)
    {
        embedder = EmbedderFlags.Open(IndexRecipe.Read(folder));
        try
        {
            Texts = TextIndex.Open(folder, embedder, embedder.Queries);
        }
        catch
        {
            embedder.Dispose();
            throw;
        }

        catalog = FeatureCatalog.Exists(Texts.Run.Path) ? FeatureCatalog.Open(Texts.Run) : null;
    }

    /// <summary>The index.</summary>
    public TextIndex Texts { get; }

    /// <summary>Opens an index.</summary>
    public static OpenedIndex Open(string folder) => new(folder);

    /// <summary>Labels of latents, as far as they have any.</summary>
    public IReadOnlyDictionary<int, string> Labels(IEnumerable<int> latents) => catalog?.Rows([.. latents.Distinct()])
        .Where(row => row.Label is not null).ToDictionary(row => row.Latent, row => row.Label!) ?? [];

    /// <inheritdoc/>
    public void Dispose()
    {
        catalog?.Dispose();
        Texts.Dispose();
        embedder.Dispose();
    }
}
