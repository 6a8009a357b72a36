using Unweave.Autoencoders;

namespace Unweave.Training;

/// <summary>What autoencoders in training cost in memory, and what there is.</summary>
internal static class SweepMemory
{
    private const double CandidatesOfRow = 1024;
    private const double Usable = 0.9; // of what the machine or its container has: the rest is the system's and the runtime's

    /// <summary>
    /// Bytes that one autoencoder in training takes: its weights, its optimizer's state, and what a step of its batch needs.
    /// </summary>
    /// <param name="options">Its settings.</param>
    /// <param name="width">Width d of the vectors.</param>
    /// <param name="targetWidth">Width of their targets; null when the vectors are their own targets.</param>
    public static double Of(TrainingOptions options, int width, int? targetWidth)
    {
        int target = targetWidth ?? width;
        double weights = options.Autoencoder.ParameterCount(width, target);
        // Measured: centered and packed inputs, reconstructions, errors and their gradients, and the encoder's candidates of each row.
        double step = (double)options.Batch * ((3 * width) + (5 * target) + CandidatesOfRow);
        int latents = (options.Autoencoder as DictionaryOptions)?.Latents ?? 0;
        return sizeof(float) * ((weights * (1 + States(options.Optimizer))) + step + (8.0 * latents));
    }

    /// <summary>Bytes that all runs of a pass share: two batches, held-out rows and a sample.</summary>
    /// <param name="batch">Rows of a batch.</param>
    /// <param name="width">Width of a row with its target.</param>
    public static double Shared(int batch, int width) => sizeof(float) * (double)width * ((2.0 * batch) + (2 * 8192));

    /// <summary>Refuses passes that do not fit.</summary>
    /// <param name="file">The sweep.</param>
    /// <param name="width">Width d of the vectors.</param>
    /// <param name="targetWidth">Width of their targets; null when the vectors are their own targets.</param>
    /// <param name="available">Bytes that there are; null asks the runtime, which knows a container's limit.</param>
    /// <returns>Bytes of the largest pass.</returns>
    /// <exception cref="InputException">One does not fit; the message says how many would.</exception>
    public static double Check(SweepFile file, int width, int? targetWidth, double? available = null)
    {
        double limit = Usable * (available ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes), most = 0;
        foreach (IReadOnlyList<SweepPoint> pass in file.Passes)
        {
            double[] each = [.. pass.Select(point => Of(point.Options, width, targetWidth)).OrderDescending()];
            double shared = Shared(pass[0].Options.Batch, width + (targetWidth ?? 0)), needed = shared + each.Sum();
            most = Math.Max(most, needed);
            if (needed <= limit) continue;
            int fit = 0;
            for (double used = shared; fit < each.Length && used + each[fit] <= limit; fit++) used += each[fit];
            throw new InputException($"{pass.Count} autoencoders trained at once need about {needed / 1e9:F1} GB, and {limit / 1e9:F1} GB "
                + $"can be used here; "
                + (fit > 0 ? $"set \"sweep\": {{ \"atOnce\": {fit} }}, which goes over the data more often." : "make them smaller."));
        }

        return most;
    }

    // Numbers that an optimizer keeps for each weight; Muon's second is a copy of the matrix that it multiplies.
    private static int States(OptimizerKind optimizer) => optimizer switch
    {
        OptimizerKind.Signum => 1,
        OptimizerKind.ScheduleFree => 3,
        _ => 2,
    };
}
