using System.Globalization;
using Google.Protobuf;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Graphs;

/// <summary>
/// Reads the messages of an ONNX file and leaves its large weights where they are: a session maps them from there, and all that are opened
/// on the model share them.
/// </summary>
internal sealed class ModelReader
{
    /// <summary>What stands for weights in a file, onnx.proto.</summary>
    public const int External = 1;

    // Smaller tensors stay in the graph: shapes and axes, which ONNX Runtime reads while it loads.
    private const int LeastLeft = 1024;

    // Numbers of fields, onnx.proto.
    private const int Graph = 7, Initializer = 5, RawData = 9;

    private readonly FileStream file;
    private readonly string location;

    private ModelReader(FileStream file, string location) => (this.file, this.location) = (file, location);

    /// <summary>Reads a model.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidProtocolBufferException">It is not written as the format demands.</exception>
    /// <exception cref="InvalidDataException">A part of it is longer than the file.</exception>
    public static ModelProto Read(string path)
    {
        using FileStream opened = File.OpenRead(path);
        return new ModelReader(opened, Path.GetFileName(path)).Model();
    }

    private ModelProto Model()
    {
        GraphProto? graph = null;
        ModelProto model = Rest(ModelProto.Parser, file.Length, (field, end) =>
        {
            if (field != Graph) return false;
            GraphProto part = ReadGraph(end);
            if (graph is null) graph = part;
            else graph.MergeFrom(part);
            return true;
        });
        model.Graph = graph;
        return model;
    }

    private GraphProto ReadGraph(long graphEnd)
    {
        var initializers = new List<TensorProto>();
        GraphProto graph = Rest(GraphProto.Parser, graphEnd, (field, end) =>
        {
            if (field != Initializer) return false;
            initializers.Add(ReadTensor(end));
            return true;
        });
        graph.Initializer.AddRange(initializers);
        return graph;
    }

    private TensorProto ReadTensor(long tensorEnd)
    {
        (long Offset, long Length) raw = default;
        TensorProto tensor = Rest(TensorProto.Parser, tensorEnd, (field, end) =>
        {
            if (field != RawData || end - file.Position < LeastLeft) return false;
            raw = (file.Position, end - file.Position);
            return true;
        });
        if (raw.Length == 0) return tensor;
        tensor.DataLocation = External;
        Add("location", location);
        Add("offset", raw.Offset.ToString(CultureInfo.InvariantCulture));
        Add("length", raw.Length.ToString(CultureInfo.InvariantCulture));
        return tensor;

        void Add(string key, string value) => tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
    }

    // A message of all fields from here to an end but those that are taken: called with a field that has a length, and where it ends.
    private T Rest<T>(MessageParser<T> parser, long end, Func<int, long, bool> takes)
        where T : IMessage<T>
    {
        var rest = new MemoryStream();
        while (file.Position < end)
        {
            long start = file.Position;
            ulong tag = Number();
            var type = (WireFormat.WireType)(tag & 7);
            long next = type switch
            {
                WireFormat.WireType.Varint => Skipped(),
                WireFormat.WireType.Fixed64 => file.Position + 8,
                WireFormat.WireType.Fixed32 => file.Position + 4,
                WireFormat.WireType.LengthDelimited => (long)Math.Min(Number(), long.MaxValue / 2) + file.Position,
                _ => throw new InvalidDataException("a field is of no known kind"),
            };
            if (next > end) throw new InvalidDataException("a part is longer than what is there");
            if (type == WireFormat.WireType.LengthDelimited && takes((int)(tag >> 3), next))
            {
                file.Position = next;
                continue;
            }

            file.Position = start;
            byte[] bytes = new byte[next - start];
            file.ReadExactly(bytes);
            rest.Write(bytes);
        }

        rest.Position = 0;
        using var coded = CodedInputStream.CreateWithLimits(rest, int.MaxValue, 64);
        return parser.ParseFrom(coded);
    }

    private long Skipped()
    {
        Number();
        return file.Position;
    }

    private ulong Number()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            int part = file.ReadByte();
            if (part < 0) throw new InvalidDataException("it ends within a number");
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80) break;
        }

        return value;
    }
}
