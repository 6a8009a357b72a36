using Unweave.Learn.Numerics;
using Unweave.Numerics;

namespace Unweave.Learn.Snippets;

/// <summary>L0 and L1 of a vector, and two ways of making it sparser.</summary>
internal static class Sparse
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        double[] x = [0, 0.9, 0, 0.25, 0.05];
        console.WriteLine(Norms.L0(x));                                          // 3
        console.WriteLine($"{Norms.L1(x):F2}");                                  // 1.20
        console.WriteLine(string.Join(" ", Shrinkage.KeepLargest(x, 2)));        // 0 0.9 0 0.25 0
        double[] soft = Shrinkage.Soft(x, 0.1);
        console.WriteLine(string.Join(" ", soft.Select(v => $"{v:0.##}")));      // 0 0.8 0 0.15 0
        // to here
    }
}
