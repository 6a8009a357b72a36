using Unweave.Learn.Superposition;

namespace Unweave.Learn.Snippets;

/// <summary>Five features in two dimensions.</summary>
internal static class ToySuperposition
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        var model = new ToyModel(presence: 0.05, seed: 1);
        while (!model.Finished) model.Next();
        int stored = model.Directions.Count(ToyModel.Stored);
        console.WriteLine($"{stored} features in {ToyModel.Dimensions} dimensions");   // 5 features in 2 dimensions
        // to here
    }
}
