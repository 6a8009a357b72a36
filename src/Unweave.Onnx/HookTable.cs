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

    // The channels stay where they are.
    private static readonly HashSet<string> Elementwise = new(StringComparer.Ordinal)
    {
        "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Gelu", "Sigmoid", "HardSigmoid", "HardSwish", "Mish", "Tanh", "Clip", "Softplus",
            "Add", "Sub", "Mul", "Div", "Cast", "Identity", "Dropout", "Concat", "Pad", "Erf", "QuantizeLinear", "DequantizeLinear", "Sum",
    };

    /// <summary>Makes the list.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">Types and shapes of its tensors.</param>
    /// <param name="tokens">Whether the model is fed tokens.</param>
    public HookTable(OnnxGraph graph, IReadOnlyDictionary<string, TensorDescription> tensors, bool tokens)
    {
        HashSet<string> channelsFirst = tokens ? [] : WithChannelsFirst(graph);
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
            int axis = channelsFirst.Contains(tensor) && description.Shape.Count > 2 ? 1 : description.Shape.Count - 1;
            if (!int.TryParse(description.Shape[axis], CultureInfo.InvariantCulture, out int width) || width < 2) return;
            hooks.Add(new Hook(name, tensor, kind, description.Shape, width, axis));
        }
    }

    /// <summary>The hooks.</summary>
    public IReadOnlyList<Hook> Hooks { get; }

    private static HashSet<string> WithChannelsFirst(OnnxGraph graph)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (NodeProto node in graph.Graph.Node)
        {
            if (ChannelsFirst.Contains(node.OpType) || (Elementwise.Contains(node.OpType) && node.Input.Any(found.Contains)))
                found.UnionWith(node.Output);
        }

        return found;
    }
}
