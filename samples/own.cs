// Trains on a file of vectors of one's own and encodes them: the lines of the README.
// Run it with: dotnet run samples/own.cs (in a folder with vectors.npy; without one, some are made up)
#:project ../src/Unweave/Unweave.csproj
#:property PublishAot=false

using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;
using Unweave.Runs;
using Unweave.Training;

if (!File.Exists("vectors.npy"))
{
    using var synthetic = new SyntheticFeatures(new SyntheticFeatureOptions { Width = 32, Features = 64, Rows = 5000 });
    NpyWriter.Write("vectors.npy", synthetic.Rows(0, 5000));
}

using ActivationFile vectors = ActivationFile.Open("vectors.npy");                     // [rows, d], memory-mapped
await foreach (StepReport step in Trainer.Run(new TrainingOptions { Output = "sae" }, vectors)) Console.WriteLine(step);
SparseCodes codes = SparseAutoencoder.Load("sae").Encode(vectors.Rows(0, 100));        // the 32 active latents of each row

Console.WriteLine(codes);
