using Unweave.Learn.Numerics;

namespace Unweave.Learn.Snippets;

/// <summary>The nearest points of the balls of L1 and L2.</summary>
internal static class Corners
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        double[] center = [2, 0.7];
        double[] corner = Shrinkage.OntoL1Ball(center, 1), round = Shrinkage.OntoL2Ball(center, 1);
        console.WriteLine($"{corner[0]:0.##} {corner[1]:0.##}");               // 1 0
        console.WriteLine($"{round[0]:0.##} {round[1]:0.##}");                 // 0.94 0.33
        console.WriteLine($"{Shrinkage.Soft(0.7, 0.5):0.##} {Shrinkage.Soft(0.3, 0.5):0.##}");   // 0.2 0
        // to here
    }
}
