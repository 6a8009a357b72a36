using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Learn.Snippets;

/// <summary>A variational autoencoder, trained and sampled from.</summary>
internal static class Vae
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        var options = new TrainingOptions
        {
            Autoencoder = new VariationalOptions { Bottleneck = 2, Hidden = [64], Likelihood = Likelihood.Bernoulli },
            InputScaling = InputScaling.None, // the pictures are numbers from 0 to 1 as they are
            Rows = 20_000,
            Batch = 128,
            Validation = 0,
        };
        using Matrix pictures = FashionImages.Rows(0, 2_000), unseen = FashionImages.Rows(9_900, 100);
        using var source = new MatrixSource(pictures);
        using TrainingRun run = TrainingRun.Start(options, source);
        var model = (VariationalAutoencoder)run.Autoencoder;
        Elbo before = model.Bound(unseen, seed: 1);
        while (!run.Finished) run.Next();
        Elbo after = model.Bound(unseen, seed: 1);
        console.WriteLine($"{after.Total > before.Total}: the bound has risen");                  // True: the bound has risen

        using var z = new Matrix(1, 2, [0.5f, -1]);
        using Matrix picture = model.Decode(z);                                                   // a picture that nobody took
        console.WriteLine($"{picture.Columns} pixels");                                           // 784 pixels
        // to here
    }
}
