using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Learn.Variational;

/// <summary>
/// The training of a variational autoencoder with codes of two numbers, on pictures of clothes, and what is looked at meanwhile.
/// </summary>
internal sealed class PlaneTraining : IDisposable
{
    /// <summary>The plane that is shown reaches from −this to this, both ways.</summary>
    public const double Reach = 3.5;

    /// <summary>Pictures of a row of <see cref="Grid"/>.</summary>
    public const int GridSide = 10;

    private const double GridReach = 2.25;

    private readonly TrainingRun run;

    /// <summary>Starts one.</summary>
    /// <param name="beta">Weight of the KL term.</param>
    public PlaneTraining(double beta) => run = TrainingRun.Start(Options(beta), PictureSets.Source);

    /// <summary>Its steps.</summary>
    public long Step => run.Step;

    /// <summary>Pictures seen, repeats counted.</summary>
    public long Seen => run.Rows;

    /// <summary>Whether it is over.</summary>
    public bool Finished => run.Finished;

    private VariationalAutoencoder Model => (VariationalAutoencoder)run.Autoencoder;

    /// <summary>The settings.</summary>
    /// <param name="beta">Weight of the KL term.</param>
    public static TrainingOptions Options(double beta) => new()
    {
        Autoencoder = new VariationalOptions
        {
            Bottleneck = 2,
            Hidden = [128],
            Activation = Activation.Relu,
            Likelihood = Likelihood.Bernoulli,
            KlCoefficient = beta,
        },
        InputScaling = InputScaling.None,
        Rows = 15 * PictureSets.Training,
        Batch = 128,
        LearningRate = 2e-3,
        Validation = 0,
        Threads = 1, // readers who train at once share the processors
    };

    /// <summary>Does a step.</summary>
    public void Next() => run.Next();

    /// <summary>The two terms of the ELBO on the pictures held out.</summary>
    public Elbo Bound() => Model.Bound(PictureSets.HeldOut, seed: 1);

    /// <summary>Where the pictures held out lie: the means of their codes, x and y in turn, as bytes of 32-bit floats.</summary>
    public byte[] Places()
    {
        (Matrix means, Matrix logVariances) = Model.Encode(PictureSets.HeldOut);
        using (means)
        using (logVariances) return System.Runtime.InteropServices.MemoryMarshal.AsBytes(means.AsSpan()).ToArray();
    }

    /// <summary>The picture of a place of the plane, 28 × 28 gray values.</summary>
    public byte[] Picture(double x, double y)
    {
        using var z = new Matrix(1, 2, [(float)x, (float)y]);
        using Matrix decoded = Model.Decode(z);
        return [.. decoded.AsSpan().ToArray().Select(Gray)];
    }

    /// <summary>
    /// Pictures of places spread evenly over the plane's middle, side by side, 280 × 280 gray values; the first row is the highest.
    /// </summary>
    public byte[] Grid()
    {
        using var z = new Matrix(GridSide * GridSide, 2);
        for (int i = 0; i < z.Rows; i++)
        {
            (int down, int across) = Math.DivRem(i, GridSide);
            z[i, 0] = (float)(GridReach * ((2.0 * across / (GridSide - 1)) - 1));
            z[i, 1] = (float)(GridReach * (1 - (2.0 * down / (GridSide - 1))));
        }

        using Matrix decoded = Model.Decode(z);
        const int Side = FashionImages.Side, Width = GridSide * Side;
        byte[] pixels = new byte[Width * Width];
        for (int i = 0; i < z.Rows; i++)
        {
            (int down, int across) = Math.DivRem(i, GridSide);
            ReadOnlySpan<float> picture = decoded.Row(i);
            for (int p = 0; p < picture.Length; p++)
                pixels[(((down * Side) + (p / Side)) * Width) + (across * Side) + (p % Side)] = Gray(picture[p]);
        }

        return pixels;
    }

    /// <inheritdoc/>
    public void Dispose() => run.Dispose();

    private static byte Gray(float value) => (byte)Math.Clamp(Math.Round(value * 255), 0, 255);
}
