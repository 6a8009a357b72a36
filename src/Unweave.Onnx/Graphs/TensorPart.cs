using System.Runtime.InteropServices;
using Google.Protobuf;
using Unweave.Hosts;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Graphs;

/// <summary>A part of a tensor, or its numbers without their shape, as a tensor of its own in a cut graph.</summary>
/// <param name="Tensor">The whole tensor.</param>
/// <param name="Part">Which part of it; null for all numbers, one after the other.</param>
/// <param name="Name">Name of the part.</param>
internal sealed record TensorPart(string Tensor, HookPart? Part, string Name)
{
    private const int Int64 = 7, IntegerAttribute = 2, TensorAttribute = 4;

    /// <summary>The operation that takes the part out of the whole.</summary>
    /// <param name="graph">The graph, which gets what that reads.</param>
    public NodeProto Taken(GraphProto graph) => Gathered(graph, Tensor, Part!.From, Part.Count, Name);

    /// <summary>The operation that makes the whole tensor of another one with the part in its place.</summary>
    /// <param name="graph">The graph, which gets what that reads.</param>
    /// <param name="other">The tensor that the rest is of.</param>
    public NodeProto Joined(GraphProto graph, string other)
    {
        if (Part is null)
        {
            graph.Node.Add(new NodeProto { OpType = "Shape", Input = { other }, Output = { Name + "/shape" } });
            return new NodeProto { OpType = "Reshape", Input = { Name, Name + "/shape" }, Output = { Tensor } };
        }

        int end = Part.From + Part.Count;
        var joined = new NodeProto { OpType = "Concat", Output = { Tensor }, Attribute = { Axis() } };
        Add(0, Part.From, "/before");
        joined.Input.Add(Name);
        Add(end, Part.Whole - end, "/behind");
        return joined;

        void Add(int from, int count, string side)
        {
            if (count == 0) return;
            graph.Node.Add(Gathered(graph, other, from, count, Name + side));
            joined.Input.Add(Name + side);
        }
    }

    // Gather is the one operation of its kind that all versions of the format write alike.
    private NodeProto Gathered(GraphProto graph, string tensor, int from, int count, string name)
    {
        long[] places = [.. Enumerable.Range(from, count).Select(place => (long)place)];
        var indices = new TensorProto
        {
            DataType = Int64,
            Dims = { count },
            RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(places.AsSpan())),
        };
        graph.Node.Add(new NodeProto
        {
            OpType = "Constant",
            Output = { name + "/places" },
            Attribute = { new AttributeProto { Name = "value", Type = TensorAttribute, T = indices } },
        });
        return new NodeProto { OpType = "Gather", Input = { tensor, name + "/places" }, Output = { name }, Attribute = { Axis() } };
    }

    private AttributeProto Axis() => new() { Name = "axis", Type = IntegerAttribute, I = Part!.Axis };
}
