namespace Unweave.Catalog;

/// <summary>What the features of a catalog were computed from.</summary>
public sealed record CatalogSource
{
    /// <summary>Number of latents.</summary>
    public required int Latents { get; init; }

    /// <summary>Rows (tokens or embeddings) that were read.</summary>
    public required long Rows { get; init; }

    /// <summary>Windows that were read; of embeddings, rows.</summary>
    public required long Windows { get; init; }

    /// <summary>The texts or vectors, for people.</summary>
    public required string Texts { get; init; }

    /// <summary>The model, or null for embeddings.</summary>
    public string? Model { get; init; }

    /// <summary>The hook, or null for embeddings.</summary>
    public string? Hook { get; init; }

    /// <summary>Tokens of a window; 0 for embeddings.</summary>
    public int Context { get; init; }

    /// <summary>SHA-256 of the autoencoder's weights; null in catalogs of earlier versions, which did not keep it.</summary>
    public string? AutoencoderSha256 { get; init; }

    /// <summary>When it was computed.</summary>
    public DateTimeOffset Built { get; init; }

    /// <summary>Whether there is a latent of a number.</summary>
    public bool Has(int latent) => (uint)latent < (uint)Latents;

    /// <summary>Refuses a latent that there is not.</summary>
    internal void Check(int latent)
    {
        if (!Has(latent))
            throw new ArgumentOutOfRangeException(nameof(latent), latent, $"latents are numbered from 0 to {Latents - 1}");
    }
}
