using Unweave.Numerics;
using Unweave.Learn.Adversarial;

namespace Unweave.Learn.Snippets;

/// <summary>A generative adversarial network on a line.</summary>
internal static class Gan
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        var game = new Game(TargetDistribution.OnePeak, seed: 1);
        double before = Divergence.Js(TargetDistribution.OnePeak.Shares, game.Shares());
        while (!game.Finished) game.Next();
        double after = Divergence.Js(TargetDistribution.OnePeak.Shares, game.Shares());
        console.WriteLine($"{after < before / 5}: what is generated has come near");               // True: what is generated has come near
        // to here
    }
}
