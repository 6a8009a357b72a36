namespace Unweave.Catalog;

/// <summary>What makes latents neighbors on a map.</summary>
public enum MapLayout
{
    /// <summary>They fire together more often than by chance; those without enough such partners go by their decoder rows.</summary>
    Together,

    /// <summary>Their decoder rows point alike.</summary>
    Decoder,
}
