using System.Globalization;
using System.Numerics.Tensors;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// Whether an autoencoder that was loaded does its work: measured on some rows of the hook that it was trained on. What is wrong without a
/// word, such as another hook, another scale or thresholds that were lost, shows here.
/// </summary>
internal sealed record LoadProbe
{
    private const int MostRows = 4096;
    private const long MostValues = 1 << 24;
    private const double NearlyAll = 0.9; // of the latents: no code is that dense

    /// <summary>Rows it was measured on, spread over the source.</summary>
    public required int Rows { get; init; }

    /// <summary>Share of the variance that is left unexplained; null where the rows have no targets of the output's width.</summary>
    public required double? Fvu { get; init; }

    /// <summary>Latents that fire on a row, on average.</summary>
    public required double L0 { get; init; }

    /// <summary>Number of latents.</summary>
    public required int Latents { get; init; }

    /// <summary>Latents that fire on none of the rows.</summary>
    public required int Dead { get; init; }

    /// <summary>What is suspicious and its likely causes, a sentence each; empty when the load explains the rows.</summary>
    public IReadOnlyList<string> Concerns { get; init; } = [];

    /// <summary>Measures.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="source">Rows of its hook, with their targets where it maps to another.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="InputException">The rows are of another width.</exception>
    public static LoadProbe Run(SparseAutoencoder autoencoder, IActivationSource source, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(source);
        if (source.Width != autoencoder.InputWidth)
        {
            throw new InputException($"{source.Name} has vectors of width {source.Width}, but this autoencoder takes width "
                + $"{autoencoder.InputWidth}: they are of another model or hook.");
        }

        long widest = Math.Max(autoencoder.InputWidth, autoencoder.OutputWidth);
        int count = (int)Math.Min(source.Rows, Math.Max(1, Math.Min(MostRows, MostValues / widest)));
        long[] rows = [.. Enumerable.Range(0, count).Select(i => (long)((Int128)i * source.Rows / count))];
        using Batch batch = source.Pairs(rows);
        LoadProbe probe = Measure(autoencoder, batch.Input, batch.Target);
        cancellationToken.ThrowIfCancellationRequested();
        List<string> concerns = Concern(probe, autoencoder, source.Target is not null);
        if (concerns.Count > 0 && Rescaled(probe, autoencoder, batch) is { } scale) concerns.Insert(1, scale);
        return probe with { Concerns = concerns };
    }

    private static LoadProbe Measure(SparseAutoencoder autoencoder, Matrix x, Matrix target)
    {
        SparseCodes codes = autoencoder.Encode(x);
        bool[] fired = new bool[autoencoder.Latents];
        long entries = 0;
        ReadOnlySpan<int> latents = codes.AllLatents;
        ReadOnlySpan<float> values = codes.AllValues;
        for (int i = 0; i < latents.Length; i++)
        {
            if (values[i] == 0 || (values[i] > 0 && values[i] <= autoencoder.FiringThreshold)) continue;
            fired[latents[i]] = true;
            entries++;
        }

        double? fvu = null;
        if (target.Columns == autoencoder.OutputWidth)
        {
            using var reconstruction = new Matrix(x.Rows, autoencoder.OutputWidth);
            autoencoder.Decode(codes, x, reconstruction);
            fvu = Evaluator.Compare(target, reconstruction, "").Fvu;
        }

        return new LoadProbe
        {
            Rows = x.Rows,
            Fvu = fvu,
            L0 = (double)entries / x.Rows,
            Latents = autoencoder.Latents,
            Dead = fired.Count(fires => !fires),
        };
    }

    private static List<string> Concern(LoadProbe probe, SparseAutoencoder autoencoder, bool hasTargets)
    {
        List<string> concerns = [];
        if (probe.L0 == 0)
        {
            concerns.Add("No latent fires on any row: the rows are of another hook or at another scale, or thresholds or biases are not "
                + "those that were trained.");
        }
        else if (probe.L0 >= NearlyAll * probe.Latents)
        {
            concerns.Add(string.Create(CultureInfo.InvariantCulture,
                $"{probe.L0 / probe.Latents:P0} of the latents fire on a row: thresholds or k were lost, or the rows are at another "
                + $"scale."));
        }

        // Written so that NaN is a concern too.
        if (probe.Fvu is { } fvu && !(fvu < 1))
        {
            string other = autoencoder.Options.MapsBetweenSpaces && !hasTargets
                ? ", or it is a transcoder, whose output is another hook's (give the probe targets)"
                : "";
            concerns.Add(string.Create(CultureInfo.InvariantCulture,
                $"The reconstruction explains nothing (FVU {fvu:G3}; the mean of the rows alone has 1): the rows are of another model, "
                + $"layer or hook, or at another scale{other}."));
        }

        return concerns;
    }

    // Autoencoders are often trained on rows brought to the mean norm √d by a factor that lies in another file, or in none.
    private static string? Rescaled(LoadProbe probe, SparseAutoencoder autoencoder, Batch batch)
    {
        double norm = 0;
        for (int row = 0; row < batch.Rows; row++) norm += TensorPrimitives.Norm<float>(batch.Input.Row(row)) / batch.Rows;
        float factor = (float)(Math.Sqrt(batch.Input.Columns) / norm);
        if (!float.IsFinite(factor) || Math.Abs(factor - 1) < 0.05) return null;
        using Matrix input = batch.Input.Clone(), target = batch.Target.Clone();
        TensorPrimitives.Multiply(input.AsSpan(), factor, input.AsSpan());
        if (batch.Target.Columns == batch.Input.Columns) TensorPrimitives.Multiply(target.AsSpan(), factor, target.AsSpan());
        LoadProbe scaled = Measure(autoencoder, input, target);
        return scaled.Fvu < Math.Min(1, probe.Fvu ?? 1)
            ? string.Create(CultureInfo.InvariantCulture,
                $"Multiplied by {factor:G4}, which brings them to the mean norm √d, the same rows have FVU {scaled.Fvu:G3} and "
                + $"{scaled.L0:0.#} latents each: it was trained on such rows.")
            : null;
    }
}
