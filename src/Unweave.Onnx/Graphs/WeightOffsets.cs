using Google.Protobuf;

namespace Unweave.Onnx.Graphs;

/// <summary>
/// Where the raw weights of a model's initializers lie in its file, so that they can be mapped from there instead of copied.
/// </summary>
internal static class WeightOffsets
{
    // Numbers of fields, onnx.proto.
    private const int Graph = 7, Initializer = 5, RawData = 9;

    /// <summary>Finds them, in the order of the initializers; 0 for one without raw data.</summary>
    /// <param name="path">A file that is known to be a model; what ONNX does not use ends the search.</param>
    public static List<long> Find(string path)
    {
        using FileStream file = File.OpenRead(path);
        var offsets = new List<long>();
        foreach ((int field, long graphEnd) in Fields(file, file.Length))
        {
            if (field != Graph) continue;
            foreach ((int inner, long tensorEnd) in Fields(file, graphEnd))
            {
                if (inner != Initializer) continue;
                long raw = 0;
                foreach ((int part, _) in Fields(file, tensorEnd))
                    if (part == RawData) raw = file.Position;
                offsets.Add(raw);
            }
        }

        return offsets;
    }

    // The fields of a message that are messages, bytes or texts, with where each ends; the file stands at the field's content.
    private static IEnumerable<(int Field, long End)> Fields(FileStream file, long end)
    {
        while (file.Position < end)
        {
            ulong tag = Number(file);
            long next = (WireFormat.WireType)(tag & 7) switch
            {
                WireFormat.WireType.Varint => Skipped(file),
                WireFormat.WireType.Fixed64 => file.Position + 8,
                WireFormat.WireType.Fixed32 => file.Position + 4,
                WireFormat.WireType.LengthDelimited => (long)Number(file) + file.Position,
                _ => -1,
            };
            if (next < 0 || next > end) yield break;
            if ((WireFormat.WireType)(tag & 7) == WireFormat.WireType.LengthDelimited) yield return ((int)(tag >> 3), next);
            file.Position = next;
        }
    }

    private static long Skipped(FileStream file)
    {
        Number(file);
        return file.Position;
    }

    private static ulong Number(FileStream file)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            int part = file.ReadByte();
            if (part < 0) break;
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80) break;
        }

        return value;
    }
}
