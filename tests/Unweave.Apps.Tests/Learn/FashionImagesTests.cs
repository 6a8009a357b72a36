using Unweave.Numerics;
using Unweave.Learn;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The explainer's pictures.</summary>
public sealed class FashionImagesTests
{
    [Fact]
    public void PicturesAreThoseOfTheCard()
    {
        // python3: the same bytes of the package's files: labels[:10] and images[0].sum(), images[9999].sum()
        Assert.Equal(10_000, FashionImages.Count);
        Assert.Equal([9, 0, 0, 3, 0, 2, 7, 2, 5, 5], Enumerable.Range(0, 10).Select(FashionImages.Label));
        Assert.Equal("ankle boot", FashionImages.Kinds[FashionImages.Label(0)]);
        Assert.Equal(76247, FashionImages.Image(0).ToArray().Sum(pixel => pixel));
        using Matrix rows = FashionImages.Rows(9_999, 1);
        Assert.Equal(79936 / 255.0, rows.Row(0).ToArray().Sum(value => (double)value), 3);
    }
}
