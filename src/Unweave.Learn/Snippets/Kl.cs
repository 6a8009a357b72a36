using Unweave.Numerics;

namespace Unweave.Learn.Snippets;

/// <summary>KL and JS of two Gaussians.</summary>
internal static class Kl
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        var p = new Gaussian(40, Math.Sqrt(20));
        var q = new Gaussian(45, Math.Sqrt(20));
        console.WriteLine($"{Divergence.Kl(p, q):F3} nats");                 // 0.625 nats
        console.WriteLine($"{Divergence.Kl(p, q, LogBase.Bits):F3} bits");   // 0.902 bits
        // to here
    }
}
