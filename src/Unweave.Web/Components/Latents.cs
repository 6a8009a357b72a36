using Unweave.Catalog;
using Unweave.Web.Runs;

namespace Unweave.Web.Components;

/// <summary>What a page knows of the latents that it shows: their lines of the table, read once each.</summary>
/// <param name="run">The run.</param>
internal sealed class Latents(ServedRun run)
{
    private readonly Dictionary<int, FeatureRow> known = [];

    /// <summary>Reads those not known yet, all at once. Nothing is known where the features were not built.</summary>
    public void Learn(IEnumerable<int> latents)
    {
        if (run.Catalog is not { } catalog) return;
        int[] fresh = [.. latents.Distinct().Where(latent => (uint)latent < (uint)catalog.Source.Latents && !known.ContainsKey(latent))];
        if (fresh.Length == 0) return;
        foreach (FeatureRow row in catalog.Rows(fresh)) known[row.Latent] = row;
    }

    /// <summary>A latent's line, or null.</summary>
    public FeatureRow? this[int latent] => known.GetValueOrDefault(latent);

    /// <summary>A few words for a latent: its label, else the tokens that it fires on most, else nothing.</summary>
    public string? Words(int latent) => this[latent] is { } row ? row.Label ?? (row.TopTokens.Length > 0 ? $"fires on {row.TopTokens}" : null) : null;
}
