namespace Unweave.Autoencoders;

/// <summary>
/// Weights of a batch's rows in a loss: softmax(t·ℓ_r/mean ℓ) over their errors ℓ, held fixed, which tilts the loss towards rows that are
/// badly reconstructed (TERM; Li et al. 2021, "Tilted empirical risk minimization"). t = 0 weighs all alike.
/// </summary>
internal static class RowWeights
{
    /// <summary>The loss of rows: Σ w_r ℓ_r.</summary>
    public static double Loss(double[] errors, double tilt)
    {
        double[] weights = Of(errors, tilt);
        double loss = 0;
        for (int r = 0; r < errors.Length; r++) loss += weights[r] * errors[r];
        return loss;
    }

    /// <summary>What each row's error vector is multiplied by in the gradient: 2·weight·w_r.</summary>
    public static float[] Slopes(double[] errors, double weight, double tilt)
    {
        float[] slopes = new float[errors.Length];
        if (tilt == 0)
        {
            Array.Fill(slopes, (float)(2 * weight / errors.Length));
            return slopes;
        }

        double[] shares = Of(errors, tilt);
        for (int r = 0; r < slopes.Length; r++) slopes[r] = (float)(2 * weight * shares[r]);
        return slopes;
    }

    private static double[] Of(double[] errors, double tilt)
    {
        double[] weights = new double[errors.Length];
        double mean = 0, sum = 0;
        foreach (double error in errors) mean += error;
        mean /= Math.Max(errors.Length, 1);
        double largest = errors.Length > 0 && mean > 0 ? tilt * errors.Max() / mean : 0;
        for (int r = 0; r < weights.Length; r++)
            sum += weights[r] = tilt == 0 || mean == 0 ? 1 : Math.Exp((tilt * errors[r] / mean) - largest);
        for (int r = 0; r < weights.Length; r++) weights[r] /= sum;
        return weights;
    }
}
