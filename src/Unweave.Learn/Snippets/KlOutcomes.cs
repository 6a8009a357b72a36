using Unweave.Numerics;

namespace Unweave.Learn.Snippets;

/// <summary>KL and JS over outcomes, one of which q misses.</summary>
internal static class KlOutcomes
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        double[] p = [0.5, 0.25, 0.25];
        double[] q = [0.5, 0.5, 0];
        console.WriteLine(Divergence.Kl(p, q));                               // Infinity
        console.WriteLine($"{Divergence.Kl(q, p, LogBase.Bits):F3} bits");    // 0.500 bits
        console.WriteLine($"{Divergence.Js(p, q, LogBase.Bits):F3} bits");    // 0.156 bits
        // to here
    }
}
