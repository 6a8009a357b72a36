using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Web.Runs;

namespace Unweave.Web.Components;

/// <summary>The lines of the table of the latents that a page shows, read once each.</summary>
/// <param name="run">The run.</param>
internal sealed class LatentRows(ServedRun run)
{
    private readonly Dictionary<int, FeatureRow> known = [];

    /// <summary>A latent's line, or null.</summary>
    public FeatureRow? this[int latent] => known.GetValueOrDefault(latent);

    /// <summary>Reads those not known yet, all at once. Nothing is known where the features were not built.</summary>
    public void Load(IEnumerable<int> latents)
    {
        if (run.Catalog is not { } catalog) return;
        int all = catalog.Source.Latents;
        int[] missing = [.. latents.Distinct().Where(latent => (uint)latent < (uint)all && !known.ContainsKey(latent))];
        if (missing.Length == 0) return;
        foreach (FeatureRow row in catalog.Rows(missing)) known[row.Latent] = row;
    }

    /// <summary>
    /// A few words for a latent: its label, else that it is always on where it fires nearly everywhere, else the tokens that it fires on
    /// most, else null.
    /// </summary>
    public string? Words(int latent)
    {
        if (this[latent] is not { } row) return null;
        if (row.Label is null && row.Kind == FeatureKind.Dense) return $"always on (fires on {Figures.Percent(row.Frequency)} of all)";
        return row.Label ?? (row.TopTokens.Length > 0 ? $"fires on {row.TopTokens}" : null);
    }
}
