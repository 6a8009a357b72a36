using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Tests.Interpretation;

public sealed class SamplerTests
{
    private static readonly float[] Logits = [0.5f, 2, -1, 1.9f, 0, -20, 1];

    [Fact]
    public void No_temperature_and_a_choice_of_one_give_the_likeliest()
    {
        var rng = new Rng(1);
        Sampler[] samplers = [new(new GenerationOptions { Temperature = 0 }), new(new GenerationOptions { Temperature = 0, TopK = 0 }), new(new GenerationOptions { TopK = 1, Temperature = 3 })];
        for (int trial = 0; trial < 50; trial++)
        {
            float[] logits = [.. Enumerable.Range(0, 300).Select(_ => (float)rng.NextNormal())];
            foreach (Sampler sampler in samplers) Assert.Equal(Array.IndexOf(logits, logits.Max()), sampler.Next(logits));
        }

        Assert.Equal(1, samplers[0].Next([0, 5, 5]));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0.5, 0)]
    [InlineData(2, 3)]
    [InlineData(1, 100)]
    public void Tokens_are_drawn_as_often_as_their_probabilities_say(double temperature, int topK)
    {
        const int Draws = 40_000;
        var sampler = new Sampler(new GenerationOptions { Temperature = temperature, TopK = topK, Seed = 9 });
        int[] drawn = new int[Logits.Length];
        for (int i = 0; i < Draws; i++) drawn[sampler.Next(Logits)]++;
        int[] among = [.. Enumerable.Range(0, Logits.Length).OrderByDescending(token => Logits[token]).Take(topK == 0 ? int.MaxValue : topK)];
        double sum = among.Sum(token => Math.Exp(Logits[token] / temperature));
        for (int token = 0; token < Logits.Length; token++)
        {
            double share = among.Contains(token) ? Math.Exp(Logits[token] / temperature) / sum : 0, error = Math.Sqrt(Draws * share * (1 - share));
            Assert.InRange(drawn[token], (Draws * share) - (5 * error), (Draws * share) + (5 * error) + (share > 0 ? 1 : 0));
        }
    }

    [Fact]
    public void Logits_of_any_size_are_drawn_from()
    {
        var sampler = new Sampler(new GenerationOptions { TopK = 0, Temperature = 1 });
        Assert.Equal(2, sampler.Next([-3e38f, 0, 3e38f]));
        Assert.Equal(0, sampler.Next([7]));
    }
}
