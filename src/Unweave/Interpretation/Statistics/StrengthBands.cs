using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>
/// Random examples of one latent for each of eight bands of strength of equal width, kept in one pass although the strongest activation is
/// not known before its end: when a stronger one comes, bands are joined in pairs, and the upper half is free again.
/// </summary>
internal sealed class StrengthBands(int capacity, ulong seed)
{
    private const int Bands = 8;

    private readonly List<KeptExample>[] kept = [.. Enumerable.Range(0, Bands).Select(_ => new List<KeptExample>())];
    private readonly long[] counts = new long[Bands];
    private double width;
    private ulong draws;

    /// <summary>The bands that hold something, strongest first: how many windows each had, and its examples, strongest first.</summary>
    public IEnumerable<(double From, double To, long Count, IReadOnlyList<KeptExample> Examples)> Filled()
    {
        for (int band = Bands - 1; band >= 0; band--)
        {
            if (counts[band] > 0)
                yield return (
                    band * width,
                    (band + 1) * width,
                    counts[band],
                    [.. kept[band].OrderByDescending(example => example.Activation).ThenBy(example => example.Row)]);
        }
    }

    /// <summary>
    /// The place that a window of this strength would have among its band's examples; −1 when it is not kept. Counts the window.
    /// </summary>
    public (int Band, int Slot) Offer(float strength)
    {
        if (width == 0) width = Math.ScaleB(1, Math.ILogB(strength) + 1 - 3);
        while (strength > width * Bands) Join();
        int band = Math.Min(Bands - 1, (int)Math.Ceiling(strength / width) - 1);

        // Algorithm R within the band.
        long turn = counts[band]++;
        long slot = turn < capacity ? turn : (long)(Draw() % (ulong)(turn + 1));
        return (band, slot < capacity ? (int)slot : -1);
    }

    /// <summary>Keeps an example where <see cref="Offer"/> said.</summary>
    public void Keep((int Band, int Slot) place, KeptExample example)
    {
        if (place.Slot < kept[place.Band].Count) kept[place.Band][place.Slot] = example;
        else kept[place.Band].Add(example);
    }

    private void Join()
    {
        for (int band = 0; band < Bands / 2; band++)
        {
            List<KeptExample> low = kept[2 * band], high = kept[(2 * band) + 1];
            long lowCount = counts[2 * band], highCount = counts[(2 * band) + 1];

            // Each sample stands for its band: draw from either in proportion to the windows it stands for, and from it at random, as a
            // place in a sample tells how early its window came.
            var joined = new List<KeptExample>();
            long lowLeft = lowCount, highLeft = highCount;
            while (joined.Count < capacity && lowLeft + highLeft > 0)
            {
                if ((long)(Draw() % (ulong)(lowLeft + highLeft)) < lowLeft)
                {
                    lowLeft--;
                    joined.Add(Taken(low));
                }
                else
                {
                    highLeft--;
                    joined.Add(Taken(high));
                }
            }

            kept[band] = joined;
            counts[band] = lowCount + highCount;
        }

        for (int band = Bands / 2; band < Bands; band++)
        {
            kept[band] = [];
            counts[band] = 0;
        }

        width *= 2;
    }

    private KeptExample Taken(List<KeptExample> sample)
    {
        int at = (int)(Draw() % (ulong)sample.Count);
        KeptExample taken = sample[at];
        sample[at] = sample[^1];
        sample.RemoveAt(sample.Count - 1);
        return taken;
    }

    private ulong Draw() => Rng.Mix(Rng.Mix(seed) + draws++);
}
