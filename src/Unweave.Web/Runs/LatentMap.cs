using System.Collections;
using Unweave.Catalog;
using Unweave.Interpretation;

namespace Unweave.Web.Runs;

/// <summary>A map as the browser draws it. It never changes, so that all who look at a run share one.</summary>
internal sealed class LatentMap
{
    private const int BytesOfPoint = 21;

    private readonly byte[] packed;
    private readonly BitArray present;

    private LatentMap(byte[] packed, BitArray present, IReadOnlyList<(FeatureKind, int)> kinds) =>
        (this.packed, this.present, Kinds) = (packed, present, kinds);

    /// <summary>Number of latents on it.</summary>
    public int Count => packed.Length / BytesOfPoint;

    /// <summary>How many latents of each kind are on it.</summary>
    public IReadOnlyList<(FeatureKind Kind, int Count)> Kinds { get; }

    /// <summary>Packs points; null where there are none.</summary>
    public static LatentMap? Pack(MapFacts facts, IReadOnlyList<MapPoint> points)
    {
        // A catalog that was built again while it was read may have fewer latents than the map.
        MapPoint[] known = [.. points.Where(point => (uint)point.Latent < (uint)facts.Kinds.Length)];
        int n = known.Length;
        if (n == 0) return null;
        byte[] bytes = new byte[n * BytesOfPoint];
        var onMap = new BitArray(facts.Kinds.Length);
        var counts = new SortedDictionary<FeatureKind, int>();
        void Column(int column, int i, float value) => BitConverter.TryWriteBytes(bytes.AsSpan(4 * ((column * n) + i)), value);
        for (int i = 0; i < n; i++)
        {
            (int latent, float x, float y) = known[i];
            FeatureKind kind = facts.Kinds[latent];
            onMap[latent] = true;
            counts[kind] = counts.GetValueOrDefault(kind) + 1;
            BitConverter.TryWriteBytes(bytes.AsSpan(4 * i), latent);
            Column(1, i, x);
            Column(2, i, y);
            Column(3, i, facts.Scores[latent]);
            Column(4, i, facts.Frequencies[latent]);
            bytes[(20 * n) + i] = (byte)kind;
        }

        return new LatentMap(bytes, onMap, [.. counts.Select(pair => (pair.Key, pair.Value))]);
    }

    /// <summary>Whether a latent is on it.</summary>
    public bool Contains(int latent) => (uint)latent < (uint)present.Length && present[latent];

    /// <summary>
    /// Its columns: latents (int32), x, y, score and frequency (float32; NaN for none), kinds (uint8). The stream reads the shared bytes.
    /// </summary>
    public Stream Open() => new MemoryStream(packed, writable: false);
}
