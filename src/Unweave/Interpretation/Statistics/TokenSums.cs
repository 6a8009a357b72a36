using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>
/// How often and how strongly one latent fires on each token: exact while it fires on no more tokens than the capacity. Beyond that, the
/// half with the smaller sums is forgotten, and what is then told is only what is certain.
/// </summary>
/// <remarks>
/// After Manku and Motwani (2002), "Approximate frequency counts over data streams": a token that was forgotten counts anew when it comes
/// again, so its count and sum are lower bounds, too small by no more than <see cref="Forgotten"/>.
/// </remarks>
internal sealed class TokenSums(int capacity)
{
    private const int Empty = -1;

    // Open addressing with linear probing, at most three quarters full.
    private int[] tokens = Filled(8);
    private long[] counts = new long[8];
    private double[] sums = new double[8];
    private int kept;

    /// <summary>The largest sum that a token which is not kept may have; 0 while all counts are exact.</summary>
    public double Forgotten { get; private set; }

    /// <summary>Adds a firing.</summary>
    public void Add(int token, float value)
    {
        int at = Slot(token);
        if (tokens[at] == Empty)
        {
            if (kept == capacity)
            {
                Forget();
                at = Slot(token);
            }
            else if (4 * (kept + 1) > 3 * tokens.Length)
            {
                Rebuild(tokens.Length * 2, All());
                at = Slot(token);
            }

            tokens[at] = token;
            kept++;
        }

        counts[at]++;
        sums[at] += value;
    }

    /// <summary>
    /// The tokens, those with most of the activation first. Where some were forgotten, only those whose sum is larger than that of any
    /// token that is left out.
    /// </summary>
    public IEnumerable<(int Token, long Count, double Sum)> Largest() =>
        All().Where(entry => entry.Sum > Forgotten).OrderByDescending(entry => entry.Sum).ThenBy(entry => entry.Token);

    private static int[] Filled(int length)
    {
        int[] slots = new int[length];
        Array.Fill(slots, Empty);
        return slots;
    }

    private void Forget()
    {
        (int Token, long Count, double Sum)[] all =
            [.. All().OrderByDescending(entry => entry.Sum).ThenBy(entry => entry.Token)];
        int half = capacity / 2;
        Forgotten += all[half].Sum;
        Rebuild(tokens.Length, all.Take(half));
    }

    private void Rebuild(int length, IEnumerable<(int Token, long Count, double Sum)> entries)
    {
        (int Token, long Count, double Sum)[] all = [.. entries];
        (tokens, counts, sums, kept) = (Filled(length), new long[length], new double[length], all.Length);
        foreach ((int token, long count, double sum) in all)
        {
            int at = Slot(token);
            (tokens[at], counts[at], sums[at]) = (token, count, sum);
        }
    }

    private IEnumerable<(int Token, long Count, double Sum)> All()
    {
        for (int i = 0; i < tokens.Length; i++)
            if (tokens[i] != Empty) yield return (tokens[i], counts[i], sums[i]);
    }

    private int Slot(int token)
    {
        int mask = tokens.Length - 1, at = (int)Rng.Mix((ulong)token) & mask;
        while (tokens[at] != Empty && tokens[at] != token) at = (at + 1) & mask;
        return at;
    }
}
