using System.Numerics.Tensors;
using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Training;

/// <summary>
/// Gives dead latents the directions of inputs that are badly reconstructed (Bricken et al. 2023, appendix "Neuron resampling"):
/// each takes a row of the batch with probability proportional to its squared loss; its encoder row gets a fifth of the mean norm
/// of the living ones, its bias and its moments start afresh.
/// </summary>
internal static class Resampling
{
    private const double EncoderShare = 0.2;

    /// <summary>Replaces the dead latents.</summary>
    /// <param name="model">The model.</param>
    /// <param name="optimizer">Forgets the moments of the replaced latents.</param>
    /// <param name="x">The scaled batch.</param>
    /// <param name="errors">‖x − x̂‖² of each row of it.</param>
    /// <param name="dead">Which latents are dead, ascending.</param>
    /// <param name="rng">Chooses the rows.</param>
    public static void Apply(SparseAutoencoder model, Adam optimizer, Matrix x, ReadOnlySpan<double> errors, ReadOnlySpan<int> dead, Rng rng)
    {
        double[] cumulative = new double[errors.Length];
        double total = 0;
        for (int r = 0; r < errors.Length; r++) cumulative[r] = total += errors[r] * errors[r];
        if (!(total > 0)) return;
        Matrix encoder = model.Parameters.First(parameter => string.Equals(parameter.Name, "W_enc", StringComparison.Ordinal)).Value;
        ReadOnlySpan<float> centre = model.Parameters.First(parameter => string.Equals(parameter.Name, "b_dec", StringComparison.Ordinal)).Value.Row(0);
        float norm = (float)(EncoderShare * MeanLivingNorm(encoder, dead));
        float[] direction = new float[x.Columns];
        foreach (int latent in dead)
        {
            double at = rng.NextDouble() * total;
            int row = Array.BinarySearch(cumulative, at);
            row = Math.Min(row < 0 ? ~row : row + 1, cumulative.Length - 1);
            TensorPrimitives.Subtract(x.Row(row), centre, direction);
            float length = (float)Norms.L2(direction);
            if (length == 0) continue;
            TensorPrimitives.Divide(direction, length, direction);
            model.Replace(latent, direction, norm);
            optimizer.Forget(latent);
        }
    }

    private static double MeanLivingNorm(Matrix encoder, ReadOnlySpan<int> dead)
    {
        double sum = 0;
        int living = 0;
        for (int latent = 0; latent < encoder.Rows; latent++)
        {
            if (dead.BinarySearch(latent) >= 0) continue;
            sum += Norms.L2(encoder.Row(latent));
            living++;
        }

        return living > 0 ? sum / living : 1;
    }
}
