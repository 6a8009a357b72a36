// Trains a small sparse autoencoder on made-up vectors whose true features are known, and writes it to a folder.
// Run it with: dotnet run samples/train.cs [folder]
#:project ../src/Unweave/Unweave.csproj
#:property PublishAot=false

using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Runs;
using Unweave.Training;

string folder = args.Length > 0 ? args[0] : "sae";

// Any source of vectors will do: ActivationFile.Open("vectors.npy") maps a file into memory and reads its rows.
using var vectors = new SyntheticFeatures(new SyntheticFeatureOptions { Width = 64, Features = 128, Rows = 20_000 });
var options = new TrainingOptions
{
    Autoencoder = new TopKOptions { Latents = 256, K = 8 },
    Rows = 200_000,
    Batch = 1024,
    Output = folder,
};

await foreach (StepReport step in Trainer.Run(options, vectors))
{
    if (step.Step % 20 == 0 || step.Last) Console.WriteLine(step);
}

Console.WriteLine($"Written to {folder}. Next: dotnet run samples/encode.cs {folder}");
