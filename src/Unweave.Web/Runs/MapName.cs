using Unweave.Catalog;

namespace Unweave.Web.Runs;

/// <summary>A name that may be written on a map.</summary>
/// <param name="Latent">The latent at whose place it stands.</param>
/// <param name="Text">Its label, cut short.</param>
internal sealed record MapName(int Latent, string Text)
{
    private const int Candidates = 200, Most = 60, Longest = 28, Cells = 24;

    /// <summary>
    /// Names for a map, the most important first: labels that are of interest, where many latents are near, and each away from those before
    /// it.
    /// </summary>
    public static IReadOnlyList<MapName> Choose(FeatureCatalog catalog, IReadOnlyList<MapPoint> points)
    {
        if (points.Count == 0) return [];
        (float left, float width) = Extent(points.Select(point => point.X));
        (float top, float height) = Extent(points.Select(point => point.Y));
        int Cell(float value, float from, float size) => Math.Clamp((int)((value - from) / size * Cells), 0, Cells - 1);
        int[,] counts = new int[Cells + 2, Cells + 2];
        var places = new Dictionary<int, (float X, float Y, int Column, int Row)>(points.Count);
        foreach (MapPoint point in points)
        {
            (int column, int row) = (1 + Cell(point.X, left, width), 1 + Cell(point.Y, top, height));
            counts[column, row]++;
            places[point.Latent] = ((point.X - left) / width, (point.Y - top) / height, column, row);
        }

        int Near(int column, int row)
        {
            int sum = 0;
            for (int c = column - 1; c <= column + 1; c++)
                for (int r = row - 1; r <= row + 1; r++) sum += counts[c, r];
            return sum;
        }

        FeatureRow[] labelled =
        [
            .. catalog.Find(new FeatureQuery { Labelled = true, Take = Candidates }).Rows
                .Where(row => places.ContainsKey(row.Latent)),
        ];
        var ranked = labelled.Select((row, rank) => (Row: row, Place: places[row.Latent], Weight: 1 - (rank / (1.2 * Candidates))))
            .OrderByDescending(one => one.Weight * one.Weight * Math.Sqrt(Near(one.Place.Column, one.Place.Row))).ToList();
        const float Apart = 0.06f;
        var texts = new HashSet<string>(StringComparer.Ordinal);
        var chosen = new List<(MapName Name, float X, float Y)>();
        foreach ((FeatureRow row, (float x, float y, int _, int _), double _) in ranked)
        {
            if (chosen.Count == Most) break;
            string text = Short(VisibleText.OneLine(row.Label!));
            if (chosen.All(other => Math.Abs(other.X - x) + Math.Abs(other.Y - y) > Apart) && texts.Add(text))
                chosen.Add((new MapName(row.Latent, text), x, y));
        }

        return [.. chosen.Select(one => one.Name)];
    }

    // That of nearly all: one that flew off does not make a dot of the others.
    private static (float From, float Size) Extent(IEnumerable<float> values)
    {
        float[] sorted = [.. values.Order()];
        int cut = (int)(sorted.Length * 0.005);
        return (sorted[cut], Math.Max(sorted[^(cut + 1)] - sorted[cut], 1e-6f));
    }

    // Whole words, where there are several.
    private static string Short(string label)
    {
        if (label.Length <= Longest) return label;
        int end = label.LastIndexOfAny([' ', ',', ';'], Longest);
        return label[..(end > Longest / 2 ? end : Longest)].TrimEnd(' ', ',', ';') + "…";
    }
}
