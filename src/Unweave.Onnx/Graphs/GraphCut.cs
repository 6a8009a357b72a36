using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Graphs;

/// <summary>
/// Makes, out of a model, the part of it that gives some tensors, with one tensor supplied from outside instead of computed.
/// </summary>
internal static class GraphCut
{
    private const string Below = "/below-the-cut";

    /// <summary>Builds the part.</summary>
    /// <param name="file">The whole model; left as it is.</param>
    /// <param name="graph">Its index.</param>
    /// <param name="outputs">Tensors that the part gives, in order.</param>
    /// <param name="parts">Which of the outputs are parts of tensors.</param>
    /// <param name="supplied">The tensor, or the part of one, that becomes an input; or null.</param>
    /// <param name="suppliedPart">What the input is a part of, where it is one.</param>
    /// <returns>A model that computes what its outputs depend on and no more.</returns>
    /// <remarks>
    /// Everything that reads the supplied tensor, wherever it is in the graph, reads the input. What runs beside it (another branch
    /// from below, masks, shapes) is computed from the model's own inputs as before.
    /// </remarks>
    public static ModelProto Make(
        OnnxFile file, OnnxGraph graph, IReadOnlyList<string> outputs, IReadOnlyList<TensorPart> parts, ValueInfoProto? supplied,
        TensorPart? suppliedPart = null)
    {
        GraphProto whole = graph.Graph, part = new() { Name = whole.Name };
        string? cut = suppliedPart?.Tensor ?? supplied?.Name;
        IEnumerable<string> roots = outputs.Where(output => !parts.Any(one => Same(one.Name, output)))
            .Concat(parts.Select(one => one.Tensor));
        HashSet<string> needed = Needed(graph, [.. roots], suppliedPart is null ? cut : null, out HashSet<NodeProto> nodes);
        foreach (NodeProto node in whole.Node.Where(nodes.Contains))
        {
            NodeProto kept = node;
            bool isCut = cut is not null && node.Output.Contains(cut);
            if (isCut)
            {
                // What is cut off goes under a name that nothing reads, or nothing but what goes beside a supplied part of it.
                kept = node.Clone();
                kept.Output[kept.Output.IndexOf(cut)] = cut + Below;
            }

            part.Node.Add(kept);
            if (isCut && suppliedPart is not null) part.Node.Add(suppliedPart.Joined(part, cut + Below));
        }

        foreach (TensorPart one in parts) part.Node.Add(one.Taken(part));
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

    private static bool Same(string one, string other) => string.Equals(one, other, StringComparison.Ordinal);

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
