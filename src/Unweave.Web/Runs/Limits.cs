namespace Unweave.Web.Runs;

/// <summary>How much one request or one page may ask for.</summary>
internal static class Limits
{
    /// <summary>UTF-16 code units of a text that a model reads.</summary>
    public const int Text = 20_000;

    /// <summary>Tokens that one generation may have.</summary>
    public const int Tokens = 500;

    /// <summary>Latents changed at once.</summary>
    public const int Interventions = 32;

    /// <summary>Next tokens or effects listed.</summary>
    public const int Listed = 200;

    /// <summary>Latents shown for a token.</summary>
    public const int LatentsOfToken = 256;

    /// <summary>Lines of the table in one answer.</summary>
    public const int Rows = 1000;

    /// <summary>Hits of a search.</summary>
    public const int Hits = 200;

    /// <summary>Texts, latents and filters of each kind that one search names.</summary>
    public const int Sought = 64;

    /// <summary>UTF-16 code units of a filter.</summary>
    public const int Filter = 500;

    /// <summary>Vectors encoded at once.</summary>
    public const int Vectors = 1024;

    /// <summary>Bytes of a body of vectors.</summary>
    public const int VectorBytes = 32 << 20;

    /// <summary>UTF-16 code units of a person's label, and of the name of a list.</summary>
    public const int Label = 200;

    /// <summary>UTF-16 code units of a note.</summary>
    public const int Note = 20_000;
}
