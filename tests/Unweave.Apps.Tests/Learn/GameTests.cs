using Unweave.Numerics;
using Unweave.Learn.Adversarial;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The generative adversarial network on a line.</summary>
public sealed class GameTests
{
    private const double Step = 1e-6;

    [Fact]
    public void A_networks_gradient_matches_central_differences()
    {
        var network = new SmallNetwork(5, new Rng(3), detail: 1.5);
        double[] x = [-1.2, 0.1, 0.7, 2.3], weights = [0.3, -0.8, 1.1, 0.4], y = new double[4], inputs = new double[4];
        double Loss()
        {
            network.Forward(x, y);
            return y.Zip(weights, (value, weight) => weight * value * value / 2).Sum();
        }

        Loss();
        network.Backward([.. y.Zip(weights, (value, weight) => weight * value)], inputs);
        double[] gradient = network.Gradient.ToArray();
        for (int i = 0; i < gradient.Length; i++) Assert.Equal(Slope(network.Weights, i, Loss), gradient[i], 1e-7);
        for (int i = 0; i < x.Length; i++) Assert.Equal(Slope(x, i, Loss), inputs[i], 1e-7);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_discriminators_loss_is_as_written_and_its_gradient_matches(bool real)
    {
        var game = new Game(TargetDistribution.TwoPeaks, 4);
        double[] batch = [-2.5, -1, 0.2, 1.4, 3];
        double Loss() => batch.Average(x => -Math.Log(real ? game.Believe([x])[0] : 1 - game.Believe([x])[0]));
        Assert.Equal(Loss(), game.Judge(batch, real), 1e-12);
        double[] gradient = game.Discriminator.Gradient.ToArray();
        for (int i = 0; i < gradient.Length; i++) Assert.Equal(Slope(game.Discriminator.Weights, i, Loss), gradient[i], 1e-7);
    }

    [Fact]
    public void The_generators_loss_is_as_written_and_its_gradient_matches()
    {
        var game = new Game(TargetDistribution.TwoPeaks, 4);
        double[] noise = [-1.5, -0.4, 0, 0.9, 2], made = new double[5];
        double Loss()
        {
            game.Generator.Forward(noise, made);
            return game.Believe(made).Average(belief => -Math.Log(belief));
        }

        double expected = Loss();
        game.Generator.Forward(noise, made);
        Assert.Equal(expected, game.Persuade(made), 1e-12);
        double[] gradient = game.Generator.Gradient.ToArray();
        Assert.All(game.Discriminator.Gradient.ToArray(), slope => Assert.Equal(0, slope));
        for (int i = 0; i < gradient.Length; i++) Assert.Equal(Slope(game.Generator.Weights, i, Loss), gradient[i], 1e-7);
    }

    [Fact]
    public void At_the_best_discriminator_the_value_is_twice_JS_less_twice_ln_2()
    {
        double[] target = TargetDistribution.TwoPeaks.Shares, made = new Game(TargetDistribution.TwoPeaks, 2)
            .Shares(), best = new double[target.Length];
        for (int i = 0; i < best.Length; i++) best[i] = target[i] / (target[i] + made[i]);
        double value = 0;
        for (int i = 0; i < best.Length; i++)
            value += (target[i] > 0 ? target[i] * Math.Log(best[i]) : 0) + (made[i] > 0 ? made[i] * Math.Log(1 - best[i]) : 0);
        Assert.Equal((2 * Divergence.Js(target, made)) - (2 * Math.Log(2)), value, 1e-12);

        double[] shown = Game.Best(target, made);
        Assert.All(Enumerable.Range(0, best.Length).Where(i => double.IsFinite(shown[i])), i => Assert.Equal(best[i], shown[i]));
        Assert.Contains(shown, double.IsFinite);
        Assert.Contains(shown, double.IsNaN);
    }

    [Fact]
    public void The_same_seed_plays_the_same_game_and_looking_does_not_change_it()
    {
        Game one = new(TargetDistribution.OnePeak, 5), other = new(TargetDistribution.OnePeak, 5),
            third = new(TargetDistribution.OnePeak, 6);
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(one.Next(), other.Next());
            one.Shares();
            one.Believe([0, 1]);
            third.Next();
        }

        Assert.Equal(one.Generator.Weights.ToArray(), other.Generator.Weights.ToArray());
        Assert.NotEqual(one.Generator.Weights.ToArray(), third.Generator.Weights.ToArray());
    }

    [Theory]
    [InlineData("One peak", 0.15)]
    [InlineData("Two peaks", 0.45)]
    [InlineData("Four peaks", 0.45)]
    public void JS_to_the_target_falls_whatever_the_seed(string name, double most)
    {
        TargetDistribution target = TargetDistribution.All.Single(choice => string.Equals(choice.Name, name, StringComparison.Ordinal));
        double[] shares = target.Shares;
        Assert.All(Enumerable.Range(1, 3), seed =>
        {
            var game = new Game(target, (ulong)seed);
            double before = Divergence.Js(shares, game.Shares());
            while (!game.Finished) game.Next();
            double after = Divergence.Js(shares, game.Shares());
            Assert.True(after < most * before, $"seed {seed}: JS {before} → {after}");
        });
    }

    [Fact]
    public void A_histogram_counts_every_number_once()
    {
        double[] shares = Histogram.Count([-99, -4.95, 0.05, 0.15, 4.99, 99, 5, 0.3]);
        Assert.Equal(2 / 8.0, shares[0]);
        Assert.Equal(2 / 8.0, shares[25]);
        Assert.Equal(1 / 8.0, shares[26]);
        Assert.Equal(3 / 8.0, shares[^1]);
        Assert.Equal(1, shares.Sum(), 1e-12);
        Assert.Equal(0.1, Histogram.Middles[25], 1e-12);
    }

    private static double Slope(Span<double> values, int index, Func<double> loss)
    {
        double kept = values[index];
        values[index] = kept + Step;
        double above = loss();
        values[index] = kept - Step;
        double below = loss();
        values[index] = kept;
        return (above - below) / (2 * Step);
    }
}
