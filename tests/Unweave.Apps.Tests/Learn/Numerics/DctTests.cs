using Unweave.Learn.Numerics;
using Unweave.Numerics;

namespace Unweave.Apps.Tests.Learn.Numerics;

/// <summary>The cosine transform against its definition.</summary>
public sealed class DctTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(8, 8)]
    [InlineData(5, 7)]
    [InlineData(28, 28)]
    public void Coefficients_are_the_double_sum(int height, int width)
    {
        double[] image = Image(height, width), found = Dct.Forward(image, width);
        for (int u = 0; u < height; u++)
        {
            for (int v = 0; v < width; v++)
            {
                double sum = 0;
                for (int y = 0; y < height; y++)
                    for (int x = 0; x < width; x++)
                        sum += image[(y * width)
                            + x] * Math.Cos(Math.PI * ((2 * y) + 1) * u / (2.0 * height)) * Math.Cos(Math.PI * ((2 * x)
                            + 1) * v / (2.0 * width));
                Assert.Equal(sum * Math.Sqrt((u == 0 ? 1.0 : 2.0) / height) * Math.Sqrt((v == 0 ? 1.0 : 2.0) / width),
                    found[(u * width) + v], 1e-10);
            }
        }
    }

    [Theory]
    [InlineData(8, 8)]
    [InlineData(3, 11)]
    public void The_inverse_gives_the_picture_back_and_lengths_are_kept(int height, int width)
    {
        double[] image = Image(height, width), coefficients = Dct.Forward(image, width);
        Assert.Equal(image, Dct.Inverse(coefficients, width), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(image.Sum(pixel => pixel * pixel), coefficients.Sum(value => value * value), 1e-10);
    }

    [Fact]
    public void A_plain_picture_is_one_coefficient()
    {
        double[] coefficients = Dct.Forward([.. Enumerable.Repeat(3.0, 48)], 8);
        Assert.Equal(3 * Math.Sqrt(48), coefficients[0], 1e-12);
        Assert.All(coefficients.Skip(1), value => Assert.Equal(0, value, 1e-12));
    }

    // python3 -c "import scipy.fft; print(scipy.fft.dctn([[1, 2, 3], [4, 6, 9]], norm='ortho'))"
    [Fact]
    public void A_small_picture_agrees_with_scipy() =>
        Assert.Equal([10.206207261596576, -3.5, 0.288675134594812, -5.307227776030218, 1.4999999999999993, -0.2886751345948124],
            Dct.Forward([1, 2, 3, 4, 6, 9], 3), (a, b) => Math.Abs(a - b) < 1e-12);

    [Fact]
    public void Zigzag_is_jpegs()
    {
        Assert.Equal([0, 1, 8, 16, 9, 2, 3, 10, 17, 24], Dct.ZigZag(8, 8).Take(10));
        Assert.Equal(Enumerable.Range(0, 35), Dct.ZigZag(5, 7).Order());
    }

    [Fact]
    public void What_is_no_picture_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Dct.Forward([1, 2, 3], 2));
        Assert.Throws<ArgumentException>(() => Dct.Inverse([], 2));
    }

    private static double[] Image(int height, int width)
    {
        var rng = new Rng(7);
        return [.. Enumerable.Range(0, height * width).Select(_ => rng.NextDouble())];
    }
}
