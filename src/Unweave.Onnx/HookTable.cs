using System.Globalization;
using Unweave.Hosts;
using Unweave.Onnx.Graphs;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx;

/// <summary>Lists the hooks of a graph: those that its shape gives a short name to, then every other tensor of floats.</summary>
internal sealed class HookTable
{
    private static readonly HashSet<string> ChannelsFirst = new(StringComparer.Ordinal)
    {
        "Conv", "ConvTranspose", "FusedConv", "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool",
            "BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN", "Resize", "Upsample", "DepthToSpace",
            "SpaceToDepth", "QLinearConv",
    };

    // What makes other features of the last axis, or moves numbers to other axes.
    private static readonly HashSet<string> Rearranging = new(StringComparer.Ordinal)
    {
        "MatMul", "Gemm", "FusedMatMul", "FusedGemm", "MatMulInteger", "QLinearMatMul", "DynamicQuantizeMatMul", "MatMulNBits", "Einsum",
            "Reshape", "Flatten", "Gather", "GatherND", "GatherElements", "Shape", "Size", "Attention", "MultiHeadAttention",
    };

    /// <summary>Makes the list.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">Types and shapes of its tensors.</param>
    /// <param name="tokens">Whether the model is fed tokens.</param>
    public HookTable(OnnxGraph graph, IReadOnlyDictionary<string, TensorDescription> tensors, bool tokens)
    {
        Dictionary<string, int> channels = tokens ? [] : ChannelAxes(graph, tensors);
        var hooks = new List<Hook>();
        foreach ((string name, string tensor, HookKind kind) in ResidualStream.Find(graph, tensors)) Add(name, tensor, kind);
        var named = hooks.Select(hook => hook.Tensor).ToHashSet(StringComparer.Ordinal);
        var names = hooks.Select(hook => hook.Name).ToHashSet(StringComparer.Ordinal);
        foreach (
            string tensor in graph.Graph.Node.SelectMany(node => node.Output).Where(
                tensor => !named.Contains(tensor) && !names.Contains(tensor)))
            Add(tensor, tensor, HookKind.Tensor);
        Hooks = hooks;

        void Add(string name, string tensor, HookKind kind)
        {
            if (!tensors.TryGetValue(tensor, out TensorDescription? description) || description.Floats is null
                || description.Shape.Count == 0)
                return;
            IReadOnlyList<string> shape = description.Shape;
            int axis = channels.GetValueOrDefault(tensor, shape.Count - 1);
            if (!int.TryParse(shape[axis], CultureInfo.InvariantCulture, out int width)) return;

            // The vectors of a token's heads are one.
            int heads = 1;
            if (HeadsAxis(shape) is { } own && int.TryParse(shape[own], CultureInfo.InvariantCulture, out int count) && count > 1)
                (axis, width, heads) = (own, count * width, count);
            else if (kind == HookKind.AttentionHeads) heads = JoinedHeads(graph, tensors, tensor, width);
            if (width > 1) hooks.Add(new Hook(name, tensor, kind, shape, width, axis) { Heads = heads });
        }
    }

    /// <summary>The hooks.</summary>
    public IReadOnlyList<Hook> Hooks { get; }

    private static int? HeadsAxis(IReadOnlyList<string> shape) => shape switch
    {
        [Axes.Batch, Axes.Sequence, _, _] or [Axes.Sequence, Axes.Batch, _, _] => 2,
        [Axes.BatchSequence, _, _] or [Axes.Batch, _, Axes.Sequence, _] => 1,
        _ => null,
    };

    // How many heads lie one behind the other in vectors: as they were before they were joined, or as a fused attention says.
    private static int JoinedHeads(OnnxGraph graph, IReadOnlyDictionary<string, TensorDescription> tensors, string tensor, int width)
    {
        if (graph.Producer(tensor) is not { } node) return 1;
        if (node.Attribute.FirstOrDefault(one => one.Name is "num_heads" or "q_num_heads") is { I: > 1 } said && width % said.I == 0)
            return (int)said.I;
        if (node.OpType is not ("Reshape" or "Identity" or "Cast" or "Dropout") || node.Input.Count == 0) return 1;
        return tensors.TryGetValue(node.Input[0], out TensorDescription? apart) && apart.Shape is [.., var count, var length]
            && int.TryParse(count, CultureInfo.InvariantCulture, out int heads) && heads > 1
            && int.TryParse(length, CultureInfo.InvariantCulture, out int each) && heads * each == width
                ? heads
                : JoinedHeads(graph, tensors, node.Input[0], width);
    }

    // Where channels come before places: from the operators that have them so, through all that leave the axes where they are.
    private static Dictionary<string, int> ChannelAxes(OnnxGraph graph, IReadOnlyDictionary<string, TensorDescription> tensors)
    {
        var found = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (NodeProto node in graph.Graph.Node)
        {
            int rank = Rank(node.Output.FirstOrDefault() ?? "");
            if (rank < 3) continue;
            if (ChannelsFirst.Contains(node.OpType))
            {
                Carry(node, 1);
                continue;
            }

            string? source = node.Input.FirstOrDefault(input => found.ContainsKey(input) && Rank(input) == rank);
            if (source is null || Rearranging.Contains(node.OpType)) continue;
            int axis = found[source];
            if (node.OpType is "Transpose")
            {
                AttributeProto? moved = node.Attribute.FirstOrDefault(
                    attribute => string.Equals(attribute.Name, "perm", StringComparison.Ordinal));
                axis = moved is null ? rank - 1 - axis : moved.Ints.IndexOf(axis);
            }

            Carry(node, axis);
        }

        return found;

        int Rank(string tensor) => tensors.TryGetValue(tensor, out TensorDescription? description) ? description.Shape.Count : 0;

        void Carry(NodeProto node, int axis)
        {
            foreach (string output in node.Output.Where(output => Rank(output) > axis)) found[output] = axis;
        }
    }
}
