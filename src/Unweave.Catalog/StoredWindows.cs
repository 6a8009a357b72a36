using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Microsoft.Data.Sqlite;
using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>
/// The whole windows of a build's examples: each text once, however many examples of however many latents are cut from it, and for each
/// latent where its examples are in them and where else in them it fires.
/// </summary>
/// <remarks>
/// Numbers are written seven bits a byte, the lowest first. A text is Brotli of the number of its pieces, the length of each in UTF-16
/// code units, and the text in UTF-8. What is kept of a latent's examples, in the order of the feature, is: the number of the window plus
/// one (0 where the example is its whole window), the piece that the example begins with, how many pieces outside it fire, and for each of
/// those its place and its activation in four bytes.
/// </remarks>
internal sealed class StoredWindows
{
    private const int Quality = 5, SearchWindow = 18;

    private readonly Dictionary<long, int> numbers = [];

    /// <summary>What is to be written of some features: texts that no feature before had, and the examples of each.</summary>
    public (List<(int Number, byte[] Text)> Texts, List<(int Latent, byte[] Examples)> Latents) Add(IEnumerable<Feature> features)
    {
        var texts = new List<(int, byte[])>();
        var latents = new List<(int, byte[])>();
        foreach (Feature feature in features)
        {
            if (feature.Windows is not { } windows) continue;
            var bytes = new BytesWriter();
            bool any = false;
            IEnumerable<FeatureExample> examples = feature.Top.Concat(feature.Quantiles.SelectMany(group => group.Examples));
            foreach ((FeatureExample example, (long place, int first, PieceActivation[] firing)) in examples.Zip(windows.Examples))
            {
                if (!numbers.TryGetValue(place, out int number))
                {
                    string[] pieces = windows.Pieces(place);
                    number = pieces.Length == example.Pieces.Count ? 0 : numbers.Count + 1;
                    if (number > 0)
                    {
                        numbers.Add(place, number);
                        texts.Add((number - 1, Compress(pieces)));
                    }
                }

                any |= number > 0;
                bytes.Number(number);
                if (number == 0) continue;
                PieceActivation[] outside = [.. firing.Where(piece => piece.At < first || piece.At >= first + example.Pieces.Count)];
                bytes.Number(first);
                bytes.Number(outside.Length);
                foreach (PieceActivation piece in outside)
                {
                    bytes.Number(piece.At);
                    bytes.Single(piece.Value);
                }
            }

            if (any) latents.Add((feature.Latent, bytes.ToArray()));
        }

        return (texts, latents);
    }

    /// <summary>A feature with each example as its whole window, where the build kept it; builds of earlier versions kept none.</summary>
    public static Feature Widen(SqliteConnection connection, BuildTables tables, Feature feature)
    {
        if (!tables.HasWindows(connection)) return feature;
        object? stored = connection.Value($"SELECT examples FROM {tables.Places} WHERE latent = $latent", ("$latent", feature.Latent));
        if (stored is not byte[] kept) return feature;
        var texts = new Dictionary<int, string[]>();
        var bytes = new BytesReader(kept);
        FeatureExample[] top = [.. feature.Top.Select(Whole)];
        ExampleGroup[] groups = [.. feature.Quantiles.Select(group => group with { Examples = [.. group.Examples.Select(Whole)] })];
        return feature with { Top = top, Quantiles = groups };

        FeatureExample Whole(FeatureExample example)
        {
            int number = bytes.Number();
            if (number == 0) return example;
            if (!texts.TryGetValue(number, out string[]? pieces))
            {
                byte[] text = (byte[]?)connection.Value($"SELECT text FROM {tables.Window} WHERE number = $n", ("$n", number - 1))
                    ?? throw new InvalidDataException($"window {number - 1} is not stored");
                texts.Add(number, pieces = Decompress(text));
            }

            int first = bytes.Number();
            float[] activations = new float[pieces.Length];
            if (first + example.Pieces.Count > pieces.Length) throw new InvalidDataException($"window {number - 1} is too short");
            for (int i = 0; i < example.Activations.Count; i++) activations[first + i] = example.Activations[i];
            for (int outside = bytes.Number(); outside > 0; outside--)
            {
                int at = bytes.Number();
                if (at >= pieces.Length) throw new InvalidDataException($"window {number - 1} is too short");
                activations[at] = bytes.Single();
            }

            return example with { Pieces = pieces, Activations = activations, Peak = first + example.Peak };
        }
    }

    private static byte[] Compress(string[] pieces)
    {
        var bytes = new BytesWriter();
        bytes.Number(pieces.Length);
        foreach (string piece in pieces) bytes.Number(piece.Length);
        bytes.Raw(Encoding.UTF8.GetBytes(string.Concat(pieces)));
        byte[] plain = bytes.ToArray(), packed = new byte[BrotliEncoder.GetMaxCompressedLength(plain.Length)];
        if (!BrotliEncoder.TryCompress(plain, packed, out int length, Quality, SearchWindow))
            throw new InvalidOperationException($"a window of {plain.Length} bytes could not be compressed");
        return packed[..length];
    }

    private static string[] Decompress(byte[] packed)
    {
        using var plain = new MemoryStream();
        using (var brotli = new BrotliStream(new MemoryStream(packed), CompressionMode.Decompress))
        {
            try
            {
                brotli.CopyTo(plain);
            }
            catch (Exception e) when (e is InvalidOperationException or IOException)
            {
                throw new InvalidDataException("a window's text is damaged", e);
            }
        }

        var bytes = new BytesReader(plain.ToArray());
        int[] lengths = new int[bytes.Number()];
        for (int i = 0; i < lengths.Length; i++) lengths[i] = bytes.Number();
        string text = Encoding.UTF8.GetString(bytes.Rest());
        if (lengths.Sum() != text.Length) throw new InvalidDataException("a window's text is damaged");
        string[] pieces = new string[lengths.Length];
        for (int i = 0, at = 0; i < pieces.Length; at += lengths[i++]) pieces[i] = text.Substring(at, lengths[i]);
        return pieces;
    }

    private sealed class BytesWriter
    {
        private readonly List<byte> bytes = [];

        public void Number(int value)
        {
            for (; value > 0x7f; value >>= 7) bytes.Add((byte)(value | 0x80));
            bytes.Add((byte)value);
        }

        public void Single(float value)
        {
            Span<byte> four = stackalloc byte[4];
            BinaryPrimitives.WriteSingleLittleEndian(four, value);
            bytes.AddRange(four);
        }

        public void Raw(ReadOnlySpan<byte> value) => bytes.AddRange(value);

        public byte[] ToArray() => [.. bytes];
    }

    private sealed class BytesReader(byte[] bytes)
    {
        private int at;

        public int Number()
        {
            int value = 0;
            for (int shift = 0; shift < 31; shift += 7)
            {
                byte next = Next();
                value |= (next & 0x7f) << shift;
                if (next < 0x80) return value < 0 ? throw new InvalidDataException("a number is too large") : value;
            }

            throw new InvalidDataException("a number is too large");
        }

        public float Single() => BitConverter.Int32BitsToSingle(Next() | (Next() << 8) | (Next() << 16) | (Next() << 24));

        public ReadOnlySpan<byte> Rest() => bytes.AsSpan(at);

        private byte Next() => at < bytes.Length ? bytes[at++] : throw new InvalidDataException("the windows of a latent end early");
    }
}
