using System.Buffers.Binary;

namespace Unweave.Learn.Controls;

/// <summary>Pictures small enough to stand in the page itself, as uncompressed bitmaps that any browser reads.</summary>
internal static class Bitmap
{
    private const int Head = 14 + 40, Palette = 256 * 4;

    /// <summary>The address of a gray picture: <c>data:</c> and the picture itself.</summary>
    /// <param name="gray">Brightness of each pixel, row by row from the top: 0 is black, 255 white.</param>
    /// <param name="width">Pixels of a row.</param>
    public static string Gray(ReadOnlySpan<byte> gray, int width)
    {
        int height = Height(gray.Length, width, 1), stride = (width + 3) & ~3;
        byte[] file = Start(Head + Palette, stride * height, width, height, bits: 8);
        for (int i = 0; i < 256; i++) file.AsSpan(Head + (4 * i), 3).Fill((byte)i);
        for (int row = 0; row < height; row++)
            gray.Slice(row * width, width).CopyTo(file.AsSpan(Head + Palette + ((height - 1 - row) * stride)));
        return Address(file);
    }

    /// <summary>The address of a colored picture.</summary>
    /// <param name="rgb">Red, green and blue of each pixel, row by row from the top.</param>
    /// <param name="width">Pixels of a row.</param>
    public static string Color(ReadOnlySpan<byte> rgb, int width)
    {
        int height = Height(rgb.Length, width, 3), stride = ((3 * width) + 3) & ~3;
        byte[] file = Start(Head, stride * height, width, height, bits: 24);
        for (int row = 0; row < height; row++)
        {
            ReadOnlySpan<byte> from = rgb.Slice(3 * row * width, 3 * width);
            Span<byte> to = file.AsSpan(Head + ((height - 1 - row) * stride));
            for (int i = 0; i < from.Length; i += 3) (to[i], to[i + 1], to[i + 2]) = (from[i + 2], from[i + 1], from[i]);
        }

        return Address(file);
    }

    private static int Height(int length, int width, int channels) =>
        width > 0 && length % (channels * width) == 0 ? length / (channels * width) :
            throw new ArgumentException($"{length} bytes are no whole rows of {width} pixels with {channels} channel(s).", nameof(length));

    private static byte[] Start(int head, int pixels, int width, int height, short bits)
    {
        byte[] file = new byte[head + pixels];
        file[0] = (byte)'B';
        file[1] = (byte)'M';
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), head);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), bits);
        return file;
    }

    private static string Address(byte[] file) => "data:image/bmp;base64," + Convert.ToBase64String(file);
}
