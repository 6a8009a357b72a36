using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Learn.Snippets;

/// <summary>An autoencoder with a bottleneck.</summary>
internal static class Compression
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        using var pictures = new MatrixSource(FashionImages.Rows(0, 2_000));      // [pictures, 784 pixels]
        var settings = new TrainingOptions
        {
            Autoencoder = new UndercompleteOptions { Hidden = [64], Bottleneck = 8, Activation = Activation.Relu },
            InputScaling = InputScaling.None,
            Batch = 100,
            Rows = 20_000,
        };
        using var run = TrainingRun.Start(settings, pictures);
        while (!run.Finished) run.Next();

        var autoencoder = (UndercompleteAutoencoder)run.Autoencoder;
        using Matrix code = autoencoder.Encode(pictures.Rows(0, 1));
        console.WriteLine($"{pictures.Width} numbers in, {code.Columns} in the code");                // 784 numbers in, 8 in the code
        console.WriteLine(Evaluator.Run(autoencoder, pictures).Fvu < 0.5 ? "most is kept" : "most is lost");      // most is kept
        // to here
    }
}
