using System.Buffers.Binary;
using System.IO.Compression;
using Unweave.Numerics;

namespace Unweave.Learn;

/// <summary>
/// The 10,000 pictures of clothes that come with the explainer: Fashion-MNIST (Xiao, Rasul and Vollgraf 2017), read when first asked for.
/// </summary>
public static class FashionImages
{
    /// <summary>Pixels of a row, and rows of a picture.</summary>
    public const int Side = 28;

    /// <summary>Pixels of a picture.</summary>
    public const int Pixels = Side * Side;

    private static readonly Lazy<(byte[] Images, byte[] Labels)> data =
        new(() => (Read("images-idx3-ubyte.gz", 3), Read("labels-idx1-ubyte.gz", 1)));

    private static readonly string[] kinds =
        ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "trainer", "bag", "ankle boot"];

    /// <summary>How many there are.</summary>
    public static int Count => data.Value.Labels.Length;

    /// <summary>Names of the ten kinds, by label.</summary>
    public static IReadOnlyList<string> Kinds => kinds;

    /// <summary>A picture: <see cref="Pixels"/> bytes, row by row from the top; 0 is black, 255 white.</summary>
    /// <param name="index">Which, from 0.</param>
    public static ReadOnlySpan<byte> Image(int index) => data.Value.Images.AsSpan(index * Pixels, Pixels);

    /// <summary>What kind a picture is: a number of <see cref="Kinds"/>.</summary>
    /// <param name="index">Which, from 0.</param>
    public static int Label(int index) => data.Value.Labels[index];

    /// <summary>Consecutive pictures as rows of numbers from 0 to 1, <c>[count, 784]</c>; the caller disposes of them.</summary>
    /// <param name="first">The first.</param>
    /// <param name="count">How many.</param>
    public static Matrix Rows(int first, int count)
    {
        var rows = new Matrix(count, Pixels);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> image = Image(first + i);
            Span<float> row = rows.Row(i);
            for (int p = 0; p < Pixels; p++) row[p] = image[p] / 255f;
        }

        return rows;
    }

    private static byte[] Read(string name, int dimensions)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "data", "fashion-mnist", name);
        try
        {
            using var stream = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
            byte[] head = new byte[4 + (4 * dimensions)];
            stream.ReadExactly(head);
            if (BinaryPrimitives.ReadInt32BigEndian(head) != 0x800 + dimensions)
                throw new InputException($"{path}: is not a file of the explainer's pictures; install Unweave again.");
            int length = 1;
            for (int i = 0; i < dimensions; i++) length *= BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4 + (4 * i)));
            byte[] bytes = new byte[length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new InputException($"{path}: the explainer's pictures cannot be read ({e.Message}); install Unweave again.", e);
        }
    }
}
