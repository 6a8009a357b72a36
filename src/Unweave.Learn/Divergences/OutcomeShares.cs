namespace Unweave.Learn.Divergences;

/// <summary>
/// A distribution over a few outcomes that is changed one outcome at a time: the others share what is left in the proportions that they
/// had, so that the sum stays 1. An outcome at 0 stays there until it is moved itself.
/// </summary>
internal sealed class OutcomeShares
{
    /// <summary>The most that an outcome can be given while others have some: none of them is pushed to 0 by it.</summary>
    public const double Most = 0.95;

    private readonly double[] shares;

    /// <summary>Makes one from weights.</summary>
    /// <param name="weights">Not negative, and not all 0; divided by their sum.</param>
    public OutcomeShares(params ReadOnlySpan<double> weights)
    {
        shares = weights.ToArray();
        Scale(1 / shares.Sum());
    }

    /// <summary>The probabilities.</summary>
    public IReadOnlyList<double> Values => shares;

    /// <summary>The probabilities, as the library takes them.</summary>
    public ReadOnlySpan<double> Span => shares;

    /// <summary>Gives an outcome a probability; the only one left keeps its 1.</summary>
    /// <param name="outcome">Which.</param>
    /// <param name="share">The probability: above <see cref="Most"/> it is that, below 0 it is 0.</param>
    public void Set(int outcome, double share)
    {
        double rest = 0;
        for (int i = 0; i < shares.Length; i++) rest += i == outcome ? 0 : shares[i];
        if (rest <= 0 || double.IsNaN(share)) return;
        share = Math.Clamp(share, 0, Most);
        for (int i = 0; i < shares.Length; i++) shares[i] *= (1 - share) / rest;
        shares[outcome] = share;
        Scale(1 / shares.Sum());
    }

    /// <summary>
    /// p·ln(p/q): what one outcome adds to KL(p‖q), in nats. Below 0 where q is the larger; 0 where p is 0; +∞ where only q is 0.
    /// </summary>
    /// <param name="p">Probability of the outcome under p.</param>
    /// <param name="q">Its probability under q.</param>
    public static double KlTerm(double p, double q) => p == 0 ? 0 : q == 0 ? double.PositiveInfinity : p * (Math.Log(p) - Math.Log(q));

    private void Scale(double factor)
    {
        for (int i = 0; i < shares.Length; i++) shares[i] *= factor;
    }
}
