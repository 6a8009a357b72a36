using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

public sealed class SyntheticFeaturesTests
{
    [Theory]
    [InlineData(FeatureMagnitude.Uniform)]
    [InlineData(FeatureMagnitude.HalfNormal)]
    public void Rows_are_the_true_codes_times_the_true_directions(FeatureMagnitude magnitude)
    {
        using var source = new SyntheticFeatures(new() { Width = 8, Features = 30, Magnitude = magnitude, Seed = 4 });
        long[] positions = [5, 99_999, 0, 5];
        using Matrix rows = source.Rows(positions);
        SparseCodes codes = source.Codes(positions);
        for (int i = 0; i < positions.Length; i++)
        {
            double[] x = new double[8];
            for (int entry = 0; entry < codes.RowCount(i); entry++)
            {
                for (int j = 0; j < 8; j++) x[j] += (double)codes.Values(i)[entry] * source.Directions[codes.Latents(i)[entry], j];
            }

            for (int j = 0; j < 8; j++) Assert.Equal(x[j], rows[i, j], 1e-5);
        }

        Assert.Equal(rows.Row(0), rows.Row(3));
        Assert.False(rows.Row(0).SequenceEqual(rows.Row(1)));
    }

    [Fact]
    public void Directions_have_unit_norm()
    {
        using var source = new SyntheticFeatures(new() { Width = 7, Features = 50 });
        for (int feature = 0; feature < 50; feature++) Assert.Equal(1, Norms.L2(source.Directions.Row(feature)), 1e-6);
    }

    [Theory]
    [InlineData(FeatureFrequency.Uniform, 5.0)]
    [InlineData(FeatureFrequency.Zipf, 5.0)]
    [InlineData(FeatureFrequency.Zipf, 30.0)]
    public void Features_are_active_as_often_as_said(FeatureFrequency frequency, double active)
    {
        const int rows = 20_000;
        using var source = new SyntheticFeatures(new()
        {
            Width = 4,
            Features = 60,
            Rows = rows,
            ActivePerRow = active,
            Frequency = frequency,
        });
        Assert.Equal(active, source.Probabilities.ToArray().Sum(), 1e-9);
        Assert.True(source.Probabilities.ToArray().All(p => p is > 0 and <= 1 + 1e-12));
        double[] counts = new double[60];
        foreach (int latent in source.Codes([.. Enumerable.Range(0, rows).Select(i => (long)i)]).AllLatents) counts[latent]++;
        for (int feature = 0; feature < 60; feature++)
        {
            double p = source.Probabilities[feature];
            Assert.Equal(p, counts[feature] / rows, (5 * Math.Sqrt(p * (1 - p) / rows)) + 1e-12);
        }

        if (frequency == FeatureFrequency.Zipf && active == 5.0) Assert.Equal(source.Probabilities[1] / 2, source.Probabilities[3], 1e-12);
    }

    [Fact]
    public void Noise_has_the_standard_deviation_said()
    {
        var options = new SyntheticFeatureOptions { Width = 10, Features = 5, ActivePerRow = 1, Seed = 8 };
        using var clean = new SyntheticFeatures(options);
        using var noisy = new SyntheticFeatures(options with { Noise = 0.3 });
        using Matrix a = clean.Rows(0, 2000), b = noisy.Rows(0, 2000);
        double sum = 0;
        for (int i = 0; i < 20_000; i++) sum += Math.Pow(b.AsSpan()[i] - a.AsSpan()[i], 2);
        Assert.Equal(0.3, Math.Sqrt(sum / 20_000), 0.01);
    }

    [Fact]
    public void Settings_that_make_no_data_are_refused()
    {
        Assert.Throws<InputException>(() => new SyntheticFeatures(new() { Width = 0 }));
        Assert.Throws<InputException>(() => new SyntheticFeatures(new() { Features = 0 }));
        Assert.Throws<InputException>(() => new SyntheticFeatures(new() { Rows = 0 }));
        Assert.Throws<InputException>(() => new SyntheticFeatures(new() { Noise = -1 }));
        Assert.Contains("activePerRow is 9 but features is 8",
            Assert.Throws<InputException>(() => new SyntheticFeatures(new() { Features = 8, ActivePerRow = 9 })).Message,
            StringComparison.Ordinal);
    }
}
