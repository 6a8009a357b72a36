using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Formats;

public sealed class TensorStatisticsTests
{
    [Fact]
    public void Figures_are_those_of_two_passes_in_double_over_several_blocks_far_from_zero()
    {
        // 700,000 elements make three blocks; at mean 1000 a sum of squares in one pass would lose the deviation's digits.
        using var folder = new TemporaryFolder();
        using var matrix = new Matrix(7000, 100);
        var rng = new Rng(5);
        foreach (ref float value in matrix.AsSpan()) value = (float)(1000 + (0.01 * rng.NextNormal()));
        matrix[6000, 50] = 0;
        SafetensorsWriter.Write(folder["x.safetensors"], [TensorToWrite.From("x", matrix)]);
        double[] values = [.. matrix.AsSpan().ToArray().Select(value => (double)value)];
        double mean = values.Average(), deviation = Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));

        using var file = TensorFile.Open(folder["x.safetensors"]);
        var figures = TensorStatistics.Measure(file, file["x"]);
        Assert.Equal(mean, figures.Mean, 9);
        Assert.Equal(deviation, figures.StandardDeviation, 9);
        Assert.Equal((700_000, 1, 0), (figures.Count, figures.Zeros, figures.NaNs));
        Assert.Equal((0, values.Max()), (figures.Minimum, figures.Maximum));
        Assert.Equal(Enumerable.Range(0, 7000).Average(row =>
            Math.Sqrt(values.AsSpan(row * 100, 100).ToArray().Sum(value => value * value))), figures.MeanRowNorm!.Value, 6);
    }

    [Fact]
    public void What_is_not_finite_is_counted_and_the_first_is_placed()
    {
        using var folder = new TemporaryFolder();
        NpyWriter.Write(folder["x.npy"], [1, float.NegativeInfinity, float.NaN, 3, float.NaN]);
        NpyWriter.Write(folder["none.npy"], Array.Empty<float>());
        NpyWriter.Write(folder["nan.npy"], [float.NaN]);
        TensorStatistics Measure(string name)
        {
            using var file = TensorFile.Open(folder[name]);
            return TensorStatistics.Measure(file, file.Tensors[0]);
        }

        TensorStatistics some = Measure("x.npy");
        Assert.Equal((2, 1, 1, 2), (some.NaNs, some.Infinities, some.FirstNonFinite!.Value, some.Finite));
        Assert.Equal((1, 3, 2, 1), (some.Minimum, some.Maximum, some.Mean, some.StandardDeviation));
        Assert.Null(some.MeanRowNorm);
        Assert.Equal((0, true, null),
            (Measure("none.npy").Count, double.IsNaN(Measure("none.npy").Mean), Measure("none.npy").FirstNonFinite));
        Assert.Equal((true, 0L), (double.IsNaN(Measure("nan.npy").Minimum), Measure("nan.npy").FirstNonFinite!.Value));
    }
}
