using Unweave.Numerics;

namespace Unweave.Learn.Adversarial;

/// <summary>
/// A generative adversarial network on a line (Goodfellow et al. 2014): a generator makes numbers out of noise, a discriminator says how
/// likely a number is to come from the target, and each learns against the other. The generator's loss is the non-saturating one, −ln
/// D(G(z)).
/// </summary>
internal sealed class Game
{
    /// <summary>Steps of a whole game.</summary>
    public const int Steps = 2000;

    /// <summary>Numbers of a sample that is shown and compared.</summary>
    public const int Sampled = 20_000;

    private const int Batch = 128, GeneratorWidth = 12, DiscriminatorWidth = 16,
        Lead = 2; // steps of the discriminator for one of the generator
    private const double GeneratorRate = 2e-3, DiscriminatorRate = 3e-3,
        Settling = 0.5; // the rates fall to 0 over the last half: the players come to rest

    private readonly Rng rng;
    private readonly double[] noise = new double[Batch], x = new double[Batch], logits = new double[Batch], slopes = new double[Batch],
        back = new double[Batch];

    /// <summary>Starts a game.</summary>
    /// <param name="target">What to imitate.</param>
    /// <param name="seed">Seed of weights and draws: the same seed plays the same game.</param>
    public Game(TargetDistribution target, ulong seed)
    {
        (Target, rng) = (target, new Rng(seed, stream: 1));
        var start = new Rng(seed, stream: 2);
        Generator = new SmallNetwork(GeneratorWidth, start);
        Discriminator = new SmallNetwork(DiscriminatorWidth, start, detail: 2);
    }

    /// <summary>What is imitated.</summary>
    public TargetDistribution Target { get; }

    /// <summary>Makes a number out of a normal one.</summary>
    public SmallNetwork Generator { get; }

    /// <summary>Gives the logit of how likely a number comes from the target.</summary>
    public SmallNetwork Discriminator { get; }

    /// <summary>Steps done.</summary>
    public int Step { get; private set; }

    /// <summary>Whether the game is over.</summary>
    public bool Finished => Step >= Steps;

    /// <summary>
    /// Plays a step: the discriminator learns on two batches of each kind, then the generator on what the discriminator says.
    /// </summary>
    /// <returns>V(D, G) = E[ln D(x)] + E[ln(1 − D(G(z)))] on the step's batches, each before it is learned from.</returns>
    public double Next()
    {
        double rate = Math.Min(1, (1 - ((double)Step / Steps)) / Settling);
        Step++;
        double value = 0;
        for (int turn = 0; turn < Lead; turn++)
        {
            for (int i = 0; i < Batch; i++) x[i] = Target.Draw(rng);
            value -= Judge(x, real: true) / Lead;
            Generate(noise, x);
            value -= Judge(x, real: false) / Lead;
            Discriminator.Step(DiscriminatorRate * rate);
        }

        Generate(noise, x);
        Persuade(x);
        Generator.Step(GeneratorRate * rate);
        return value;
    }

    /// <summary>
    /// The discriminator's loss on a batch, −mean ln D or −mean ln(1 − D); its slopes are added to the discriminator's gradient.
    /// </summary>
    internal double Judge(ReadOnlySpan<double> batch, bool real)
    {
        Discriminator.Forward(batch, logits);
        double loss = 0, sign = real ? -1 : 1;
        for (int i = 0; i < batch.Length; i++)
        {
            loss += Softplus(sign * logits[i]) / batch.Length;
            slopes[i] = sign * Sigmoid(sign * logits[i]) / batch.Length;
        }

        Discriminator.Backward(slopes.AsSpan(0, batch.Length));
        return loss;
    }

    /// <summary>
    /// The generator's loss −mean ln D(G(z)) on the batch that it made last; its slopes are added to the generator's gradient.
    /// </summary>
    internal double Persuade(ReadOnlySpan<double> made)
    {
        Discriminator.Forward(made, logits);
        double loss = 0;
        for (int i = 0; i < made.Length; i++)
        {
            loss += Softplus(-logits[i]) / made.Length;
            slopes[i] = -Sigmoid(-logits[i]) / made.Length;
        }

        Discriminator.Backward(slopes.AsSpan(0, made.Length), back.AsSpan(0, made.Length));
        Discriminator.Forget(); // it only passed the slopes on
        Generator.Backward(back.AsSpan(0, made.Length));
        return loss;
    }

    /// <summary>How likely a number comes from the target, by the discriminator's word.</summary>
    /// <param name="places">The numbers.</param>
    public double[] Believe(ReadOnlySpan<double> places)
    {
        double[] beliefs = new double[places.Length];
        Discriminator.Forward(places, beliefs);
        for (int i = 0; i < beliefs.Length; i++) beliefs[i] = Sigmoid(beliefs[i]);
        return beliefs;
    }

    /// <summary>
    /// The best that a discriminator can believe, p/(p + g) (Goodfellow et al. 2014, proposition 1), in each bin; NaN where there is next
    /// to nothing of either.
    /// </summary>
    /// <param name="target">Shares p of the target.</param>
    /// <param name="made">Shares g of what is generated.</param>
    public static double[] Best(ReadOnlySpan<double> target, ReadOnlySpan<double> made)
    {
        double[] best = new double[target.Length];
        for (int i = 0; i < best.Length; i++) best[i] = target[i] + made[i] > 2e-3 ? target[i] / (target[i] + made[i]) : double.NaN;
        return best;
    }

    /// <summary>
    /// Shares of a large sample of the generator in the bins of <see cref="Histogram"/>, out of noise that is always the same and does not
    /// move the game.
    /// </summary>
    public double[] Shares()
    {
        var own = new Rng(13, stream: 4);
        double[] from = new double[Sampled], made = new double[Sampled];
        for (int i = 0; i < from.Length; i++) from[i] = own.NextNormal();
        Generator.Forward(from, made);
        return Histogram.Count(made);
    }

    private void Generate(Span<double> from, Span<double> made)
    {
        for (int i = 0; i < from.Length; i++) from[i] = rng.NextNormal();
        Generator.Forward(from, made);
    }

    private static double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));

    private static double Softplus(double v) => Math.Max(v, 0) + Math.Log(1 + Math.Exp(-Math.Abs(v)));
}
