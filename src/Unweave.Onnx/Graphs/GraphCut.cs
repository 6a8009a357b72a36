using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Graphs;

/// <summary>
/// Makes, out of a model, the part of it that gives some tensors, with one tensor supplied from outside instead of computed.
/// </summary>
internal static class GraphCut
{
    /// <summary>Builds the part.</summary>
    /// <param name="file">The whole model; left as it is.</param>
    /// <param name="graph">Its index.</param>
    /// <param name="outputs">Tensors that the part gives, in order.</param>
    /// <param name="supplied">The tensor that becomes an input, or null.</param>
    /// <returns>A model that computes what its outputs depend on and no more.</returns>
    /// <remarks>
    /// Everything that reads the supplied tensor, wherever it is in the graph, reads the input. What runs beside it (another branch
    /// from below, masks, shapes) is computed from the model's own inputs as before.
    /// </remarks>
    public static ModelProto Make(OnnxFile file, OnnxGraph graph, IReadOnlyList<string> outputs, ValueInfoProto? supplied)
    {
        GraphProto whole = graph.Graph, part = new() { Name = whole.Name };
        string? cut = supplied?.Name;
        HashSet<string> needed = Needed(graph, outputs, cut, out HashSet<NodeProto> nodes);
        foreach (NodeProto node in whole.Node.Where(nodes.Contains))
        {
            NodeProto kept = node;
            if (cut is not null && node.Output.Contains(cut))
            {
                // Another output of the same node is needed; the one cut off goes under a name that nothing reads.
                kept = node.Clone();
                kept.Output[kept.Output.IndexOf(cut)] = cut + "/below-the-cut";
            }

            part.Node.Add(kept);
        }

        part.Initializer.AddRange(whole.Initializer.Where(tensor => needed.Contains(tensor.Name)));
        part.SparseInitializer.AddRange(whole.SparseInitializer.Where(tensor => needed.Contains(tensor.Values?.Name ?? "")));
        part.Input.AddRange(whole.Input.Where(input => needed.Contains(input.Name)));
        if (supplied is not null) part.Input.Add(supplied);
        foreach (string output in outputs)
        {
            ValueInfoProto? declared = whole.Output.FirstOrDefault(value => string.Equals(value.Name, output, StringComparison.Ordinal));
            part.Output.Add(declared ?? new ValueInfoProto { Name = output });
        }

        return file.With(part);
    }

    private static HashSet<string> Needed(OnnxGraph graph, IReadOnlyList<string> outputs, string? cut, out HashSet<NodeProto> nodes)
    {
        var needed = new HashSet<string>(outputs, StringComparer.Ordinal);
        nodes = new HashSet<NodeProto>(ReferenceEqualityComparer.Instance as IEqualityComparer<NodeProto>);
        var open = new Stack<string>(outputs);
        while (open.TryPop(out string? tensor))
        {
            if (string.Equals(tensor, cut, StringComparison.Ordinal) || graph.Producer(tensor) is not { } node || !nodes.Add(node))
                continue;
            foreach (string input in graph.Inputs(node).Where(needed.Add)) open.Push(input);
        }

        return needed;
    }
}
