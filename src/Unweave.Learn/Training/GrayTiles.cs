using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Learn.Training;

/// <summary>Numbers below and above 0 as gray pixels: 0 is the gray in the middle.</summary>
internal static class GrayTiles
{
    private const byte Middle = 128, Gap = 92;

    /// <summary>A picture whose blackest or whitest pixel is the value farthest from 0.</summary>
    public static byte[] Render(ReadOnlySpan<float> values) =>
        Render(values, values.IsEmpty ? 0 : Math.Abs(TensorPrimitives.MaxMagnitude(values)));

    /// <summary>A picture in which ±<paramref name="most"/> is white and black.</summary>
    public static byte[] Render(ReadOnlySpan<float> values, float most)
    {
        byte[] pixels = new byte[values.Length];
        for (int i = 0; i < values.Length; i++) pixels[i] = (byte)Math.Clamp(Middle + (127 * values[i] / Math.Max(most, 1e-6f)), 0, 255);
        return pixels;
    }

    /// <summary>Each row of a matrix as a picture.</summary>
    public static byte[][] Tiles(Matrix rows) => [.. Enumerable.Range(0, rows.Rows).Select(row => Render(rows.Row(row)))];

    /// <summary>Square pictures side by side as one, with a line of pixels around each.</summary>
    /// <param name="tiles">The pictures.</param>
    /// <param name="side">Pixels of a row of each.</param>
    /// <param name="columns">Pictures in a row.</param>
    /// <param name="width">Pixels of a row of the whole.</param>
    public static byte[] Grid(IReadOnlyList<byte[]> tiles, int side, int columns, out int width)
    {
        width = (columns * (side + 1)) + 1;
        byte[] grid = new byte[width * ((((tiles.Count + columns - 1) / columns) * (side + 1)) + 1)];
        grid.AsSpan().Fill(Gap);
        for (int tile = 0; tile < tiles.Count; tile++)
        {
            int top = ((tile / columns) * (side + 1)) + 1, left = ((tile % columns) * (side + 1)) + 1;
            for (int y = 0; y < side; y++) tiles[tile].AsSpan(y * side, side).CopyTo(grid.AsSpan(((top + y) * width) + left));
        }

        return grid;
    }
}
