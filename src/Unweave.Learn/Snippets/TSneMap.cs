using Unweave.Numerics;
using Unweave.Projection;

namespace Unweave.Learn.Snippets;

/// <summary>A map by t-SNE.</summary>
internal static class TSneMap
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        using Matrix pictures = FashionImages.Rows(0, 300);                                       // [300, 784]
        var steps = TSne.Run(pictures, new TSneOptions { Perplexity = 30, Iterations = 300 }).ToList();
        ReadOnlyMemory<float> places = steps[^1].Points;                                          // x and y in turn
        console.WriteLine(steps[^1].Loss < 0.5 * steps[0].Loss);                                  // True
        console.WriteLine($"{places.Length} numbers");                                            // 600 numbers
        // to here
    }
}
