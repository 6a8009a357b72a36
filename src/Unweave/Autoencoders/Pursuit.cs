using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>
/// Codes by pursuit: the latent whose decoder row explains most of the residual is chosen, its part is taken away, and again.
/// </summary>
internal static unsafe class Pursuit
{
    /// <summary>Encodes rows.</summary>
    /// <param name="model">The dictionary and its settings.</param>
    /// <param name="input">The rows, normalized and centered.</param>
    /// <param name="codes">Overwritten.</param>
    public static void Encode(PretrainedAutoencoder model, Matrix input, SparseCodes codes)
    {
        var rows = new List<(int Latent, float Value)>[input.Rows];
        Workers.Shared.Run(input.Rows, r => rows[r] = model.Options.Activation == CodeActivation.MatchingPursuit
            ? Matching(model, input.Row(r).ToArray())
            : Orthogonal(model, input.Row(r).ToArray()));
        NarrowedCodes.FromRows(rows, codes);
    }

    private static List<(int Latent, float Value)> Matching(PretrainedAutoencoder model, float[] residual)
    {
        PretrainedOptions options = model.Options;
        KernelSet kernels = KernelSet.Current;
        var code = new SortedDictionary<int, float>();
        int width = residual.Length;
        float[] before = new float[width];
        for (int step = 0; step < options.K; step++)
        {
            (int latent, float value) = Best(model.Decoder, residual, code, choosesAgain: true);
            if (!options.Signed) value = MathF.Max(value, 0);
            if (value == 0 || !float.IsFinite(value)) break; // no later step would be another; or rows so long that the residual grows
            bool known = code.ContainsKey(latent);
            code[latent] = code.GetValueOrDefault(latent) + value;
            residual.CopyTo(before, 0);
            fixed (float* left = residual) kernels.AddScaled(left, model.Decoder.Pointer + ((nint)latent * width), -value, width);
            if (known && options.StopsOnDuplicate) break;
            if (residual.AsSpan().SequenceEqual(before))
            {
                code[latent] += value * (float)(options.K - step - 1); // below the residual's precision: all steps left are this one
                break;
            }

            if (options.ResidualThreshold > 0 && Norms.L2(residual) < options.ResidualThreshold) break;
        }

        return [.. code.Where(entry => entry.Value != 0).Select(entry => (entry.Key, entry.Value))];
    }

    private static List<(int Latent, float Value)> Orthogonal(PretrainedAutoencoder model, float[] x)
    {
        var code = new SortedDictionary<int, float>();
        float[] residual = [.. x];
        for (int step = 0; step < model.Options.K && code.Count < model.Latents; step++)
        {
            code[Best(model.Decoder, residual, code, choosesAgain: false).Latent] = 0;
            Refit(model.Decoder, x, code, model.Options.FittingSteps, residual);
        }

        return [.. code.Where(entry => entry.Value != 0).Select(entry => (entry.Key, entry.Value))];
    }

    // Where values below 0 do not count, all of them are 0 alike and the first latent wins.
    private static (int Latent, float Value) Best(
        Matrix dictionary, float[] residual, SortedDictionary<int, float> code, bool choosesAgain)
    {
        KernelSet kernels = KernelSet.Current;
        int width = residual.Length, best = -1;
        float most = float.NegativeInfinity;
        fixed (float* left = residual)
        {
            for (int i = 0; i < dictionary.Rows; i++)
            {
                float product = kernels.Dot(left, dictionary.Pointer + ((nint)i * width), width);
                if (!(product > most) || (!choosesAgain && code.ContainsKey(i))) continue;
                (best, most) = (i, product);
            }
        }

        return (Math.Max(best, 0), best < 0 ? 0 : most);
    }

    // Non-negative least squares by projected gradient, from the values that there are: step 1/‖Q‖ of the Gram matrix Q.
    private static void Refit(Matrix dictionary, float[] x, SortedDictionary<int, float> code, int steps, float[] residual)
    {
        int[] chosen = [.. code.Keys];
        int count = chosen.Length;
        double[,] gram = new double[count, count];
        double[] target = new double[count], values = [.. chosen.Select(latent => (double)code[latent])];
        double squares = 0;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<float> row = dictionary.Row(chosen[i]);
            target[i] = Dot(row, x);
            for (int j = 0; j < count; j++)
            {
                gram[i, j] = Dot(row, dictionary.Row(chosen[j]));
                squares += gram[i, j] * gram[i, j];
            }
        }

        double rate = 1 / (Math.Sqrt(squares) + 1e-8);
        double[] slope = new double[count];
        for (int step = 0; step < steps; step++)
        {
            for (int i = 0; i < count; i++)
            {
                slope[i] = -target[i];
                for (int j = 0; j < count; j++) slope[i] += gram[i, j] * values[j];
            }

            for (int i = 0; i < count; i++) values[i] = Math.Max(0, values[i] - (rate * slope[i]));
        }

        x.CopyTo(residual, 0);
        for (int i = 0; i < count; i++)
        {
            code[chosen[i]] = (float)values[i];
            ReadOnlySpan<float> row = dictionary.Row(chosen[i]);
            for (int c = 0; c < residual.Length; c++) residual[c] -= (float)(values[i] * row[c]);
        }
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
        return sum;
    }
}
