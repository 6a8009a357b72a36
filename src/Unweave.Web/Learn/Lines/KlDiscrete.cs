using Unweave.Numerics;

namespace Unweave.Web.Learn.Lines;

/// <summary>KL and JS of distributions over outcomes.</summary>
internal static class KlDiscrete
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        double[] p = [0.5, 0.25, 0.25], q = [0.25, 0.75, 0];
        console.WriteLine(Divergence.Kl(p, q));                              // Infinity
        console.WriteLine($"{Divergence.Kl(q, p, LogBase.Bits):F3} bits");   // 0.939 bits
        console.WriteLine($"{Divergence.Js(p, q, LogBase.Bits):F3} bits");   // 0.250 bits
        // to here
    }
}
