// Encodes vectors with the autoencoder that samples/train.cs wrote: the few active latents of each row, and how well they rebuild it.
// Run it with: dotnet run samples/encode.cs [folder]
#:project ../src/Unweave/Unweave.csproj
#:property PublishAot=false

using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Numerics;

using SparseAutoencoder sae = SparseAutoencoder.Load(args.Length > 0 ? args[0] : "sae");
using var vectors = new SyntheticFeatures(new SyntheticFeatureOptions { Width = 64, Features = 128, Rows = 20_000 });
using Matrix x = vectors.Rows(0, 5);

SparseCodes codes = sae.Encode(x);
using var reconstruction = new Matrix(x.Rows, x.Columns);
sae.Decode(codes, reconstruction);

for (int row = 0; row < codes.Rows; row++)
{
    IEnumerable<string> active = codes.Latents(row).ToArray().Zip(codes.Values(row).ToArray(), (latent, value) => $"{latent}:{value:F2}");
    double error = 0, size = 0;
    for (int i = 0; i < x.Columns; i++)
    {
        error += Math.Pow(x[row, i] - reconstruction[row, i], 2);
        size += Math.Pow(x[row, i], 2);
    }

    Console.WriteLine($"row {row}: latents {string.Join(' ', active)}, {error / size:P1} of its square norm is lost");
}
