using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>Counts how often each latent is active together with the feature that it stands for.</summary>
/// <param name="latents">Number of latents.</param>
/// <param name="features">Number of features.</param>
/// <param name="featureOf">The feature of each latent.</param>
internal sealed class DetectionTally(int latents, int features, int[] featureOf)
{
    private readonly long[] fired = new long[latents], right = new long[latents], present = new long[features];
    private readonly bool[] here = new bool[features];
    private long rows;

    /// <summary>Mean number of active latents of a row.</summary>
    public double L0 => (double)fired.Sum() / rows;

    /// <summary>Mean number of active features of a row.</summary>
    public double TrueL0 => (double)present.Sum() / rows;

    /// <summary>Latents that were never active.</summary>
    public int Dead => fired.Count(times => times == 0);

    /// <summary>Adds rows: what is not 0 is active.</summary>
    /// <param name="codes">Their codes.</param>
    /// <param name="truth">Their true codes.</param>
    public void Add(SparseCodes codes, SparseCodes truth)
    {
        for (int r = 0; r < codes.Rows; r++)
        {
            ReadOnlySpan<int> there = truth.Latents(r);
            foreach (int feature in there)
            {
                here[feature] = true;
                present[feature]++;
            }

            ReadOnlySpan<int> active = codes.Latents(r);
            ReadOnlySpan<float> values = codes.Values(r);
            for (int j = 0; j < active.Length; j++)
            {
                if (values[j] == 0) continue;
                fired[active[j]]++;
                if (here[featureOf[active[j]]]) right[active[j]]++;
            }

            foreach (int feature in there) here[feature] = false;
        }

        rows += codes.Rows;
    }

    /// <summary>Means over all latents of precision, recall and F1; each is 0 of a latent where it is not defined.</summary>
    public (double Precision, double Recall, double F1) Means()
    {
        (double precisions, double recalls, double f1s) = (0, 0, 0);
        for (int latent = 0; latent < fired.Length; latent++)
        {
            double precision = Share(right[latent], fired[latent]), recall = Share(right[latent], present[featureOf[latent]]);
            precisions += precision;
            recalls += recall;
            if (precision + recall > 0) f1s += 2 * precision * recall / (precision + recall);
        }

        return (precisions / fired.Length, recalls / fired.Length, f1s / fired.Length);

        static double Share(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
    }
}
