using Unweave.Hosts;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Graphs;

/// <summary>
/// Finds the residual stream of a network by the shape of its graph: additions of a tensor u to a branch f(u) that has weights of its
/// own. Works on pre-norm and post-norm Transformers, on parallel attention and MLP, on residual convolutional networks, and on graphs
/// whose additions were fused with the normalization; needs no names.
/// </summary>
internal static class ResidualStream
{
    private static readonly HashSet<string> Products = new(StringComparer.Ordinal)
    {
        "MatMul", "Gemm", "Conv", "ConvTranspose", "MatMulInteger", "DynamicQuantizeMatMul", "QLinearMatMul", "QLinearConv", "ConvInteger",
            "MatMulNBits", "MatMulBnb4", "MatMulIntegerToFloat", "FusedMatMul", "FusedGemm", "FusedConv", "Einsum",
    };

    private static readonly HashSet<string> Attentions = new(StringComparer.Ordinal)
    {
        "Softmax", "Attention", "MultiHeadAttention", "GroupQueryAttention", "QAttention", "DecoderMaskedMultiHeadAttention",
            "PackedAttention", "LinearAttention",
    };

    /// <summary>The named places, in the order of the computation.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">Shapes of its tensors.</param>
    /// <returns>Tensor names with short names and kinds.</returns>
    public static List<(
        string Name, string Tensor, HookKind Kind)> Find(OnnxGraph graph, IReadOnlyDictionary<string, TensorDescription> tensors)
    {
        List<Addition> additions = Additions(graph, tensors);
        var found = new List<(string, string, HookKind)>();
        if (additions.Count > 0)
        {
            found.Add(("embed", additions[0].Base, HookKind.Embedding));
            bool attends = additions.Any(addition => addition.Attention is not null);
            int block = -1;
            for (int i = 0; i < additions.Count; i++)
            {
                Addition addition = additions[i];
                if (!attends || addition.Attention is not null || block < 0) block++;
                string name = $"blocks.{block}";
                if (addition.Attention is { } attention)
                {
                    if (Projected(graph, attention, addition.Base) is { } heads)
                        found.Add(($"{name}.attn.heads", heads, HookKind.AttentionHeads));
                    found.Add(($"{name}.attn", attention, HookKind.AttentionOutput));
                }

                if (addition.Branch is { } branch)
                {
                    if (Projected(graph, branch, addition.Base) is { } neurons && attends)
                        found.Add(($"{name}.mlp.neurons", neurons, HookKind.Neurons));
                    found.Add((attends ? $"{name}.mlp" : $"{name}.branch", branch, HookKind.BranchOutput));
                }

                bool last = i + 1 == additions.Count || !attends || additions[i + 1].Attention is not null;
                string stream = i + 1 < additions.Count && graph.DependentsOf(addition.Sum).Contains(additions[i + 1].Base)
                    ? additions[i + 1].Base
                    : AfterNormalization(graph, additions, i);
                found.Add(last ? (name, stream, HookKind.Residual) : ($"{name}.mid", stream, HookKind.ResidualMiddle));
            }
        }

        if (Unembedded(graph, tensors, additions) is { } final) found.Add(("final", final, HookKind.Final));
        return [.. found.DistinctBy(hook => hook.Item2, StringComparer.Ordinal).DistinctBy(hook => hook.Item1, StringComparer.Ordinal)];
    }

    private static List<Addition> Additions(OnnxGraph graph, IReadOnlyDictionary<string, TensorDescription> tensors)
    {
        var found = new List<Addition>();
        foreach (NodeProto node in graph.Graph.Node)
        {
            bool fused = node.OpType is "SkipLayerNormalization" or "SkipSimplifiedLayerNormalization";
            if ((node.OpType is not "Add" && !fused) || node.Input.Count < 2 || graph.Constants.Contains(node.Input[0])
                || graph.Constants.Contains(node.Input[1]))
                continue;
            if (!SameShape(tensors, node.Input[0], node.Input[1])
                || graph.Consumers(node.Output[0]).Any(reader => reader.OpType is "Softmax"))
                continue;
            string sum = fused && node.Output.Count > 3 && node.Output[3].Length > 0 ? node.Output[3] : node.Output[0];
            if (Recognize(graph, node.Input[0], node.Input[1], sum, found) is { } addition) found.Add(addition);
        }

        // An inner addition of one written as u + (f(u) + g(u)), or of (u + f(u)) + g(u), is part of the outer one.
        return [.. found.Where(one => !found.Any(outer => outer.Inner == one))];
    }

    // A mask that is added to scores of attention is broadcast, or the sum goes into a softmax; a stream is neither.
    private static bool SameShape(IReadOnlyDictionary<string, TensorDescription> tensors, string left, string right) =>
        tensors.TryGetValue(left, out TensorDescription? one) && tensors.TryGetValue(right, out TensorDescription? two)
            && one.Shape.SequenceEqual(two.Shape, StringComparer.Ordinal);

    private static Addition? Recognize(OnnxGraph graph, string left, string right, string sum, List<Addition> earlier)
    {
        foreach ((string stream, string branch) in ((string, string)[])[(left, right), (right, left)])
        {
            IReadOnlyList<NodeProto> path = graph.Between(stream, branch);
            if (path.Any(node => Products.Contains(node.OpType) || Attentions.Contains(node.OpType)))
            {
                if (graph.Producer(branch) is { OpType: "Add" } two && two.Input.Count == 2
                    && Parallel(graph, stream, two.Input[0], two.Input[1]) is { } pair)
                    return new Addition(stream, sum, pair.Attention, pair.Branch, null);
                return path.Any(node => Attentions.Contains(node.OpType))
                    ? new Addition(stream, sum, branch, null, null)
                    : new Addition(stream, sum, null, branch, null);
            }

            // (u + f(u)) + g(u): g does not read the sum before it, but the same u.
            Addition? before = earlier.FirstOrDefault(
                one => string.Equals(one.Sum, stream, StringComparison.Ordinal) && graph.Consumers(stream).Count == 1);
            if (before is not null && Parallel(graph, before.Base, before.Attention ?? before.Branch!, branch) is { } both)
                return new Addition(before.Base, sum, both.Attention, both.Branch, before);
        }

        return null;
    }

    // Two branches from one tensor, one with attention and one without.
    private static (string Attention, string Branch)? Parallel(OnnxGraph graph, string stream, string one, string other)
    {
        IReadOnlyList<NodeProto> first = graph.Between(stream, one), second = graph.Between(stream, other);
        if (!first.Any(node => Products.Contains(node.OpType)) || !second.Any(node => Products.Contains(node.OpType))) return null;
        bool firstAttends = first.Any(node => Attentions.Contains(node.OpType)), secondAttends = second.Any(
            node => Attentions.Contains(node.OpType));
        if (firstAttends == secondAttends) return null;
        return firstAttends ? (one, other) : (other, one);
    }

    // In a post-norm network the stream after the last addition is its normalization.
    private static string AfterNormalization(OnnxGraph graph, List<Addition> additions, int index)
    {
        string sum = additions[index].Sum;
        bool postNorm = index > 0 && !string.Equals(additions[index].Base, additions[index - 1].Sum, StringComparison.Ordinal);
        if (!postNorm) return sum;
        IReadOnlyList<NodeProto> between = graph.Between(additions[index - 1].Sum, additions[index].Base);
        return Follow(graph, sum, [.. between.Select(node => node.OpType)]) ?? sum;
    }

    // Walks on from a tensor through nodes of these types, as long as they have one heir, and returns the last tensor when all were met.
    private static string? Follow(OnnxGraph graph, string tensor, IReadOnlyCollection<string> types)
    {
        var left = new List<string>(types);
        var seen = new HashSet<string>(StringComparer.Ordinal) { tensor };
        string? last = null;
        foreach (NodeProto node in graph.Graph.Node)
        {
            if (left.Count == 0) break;
            if (!graph.Inputs(node).Any(seen.Contains) || !left.Remove(node.OpType)) continue;
            seen.UnionWith(node.Output);
            last = node.Output[0];
        }

        return left.Count == 0 ? last : null;
    }

    // What the last product with weights before a tensor reads: heads before the output projection, neurons before the way down, whatever
    // is done with what the product gives: a norm, a limit, the scales of what was quantized.
    private static string? Projected(OnnxGraph graph, string tensor, string stop)
    {
        NodeProto? product = graph.LastPassed(
            stop, tensor, node => Reads(graph, node) is not null, node => Attentions.Contains(node.OpType));
        return product is null ? null : BeforeReshape(graph, Reads(graph, product)!);
    }

    // The one tensor that a product with weights reads. What quantizes it gives the product numbers, and a scale to others.
    private static string? Reads(OnnxGraph graph, NodeProto node)
    {
        if (node.OpType is "DynamicQuantizeLinear")
            return graph.Consumers(node.Output[0]).Any(reader => Products.Contains(reader.OpType)) ? node.Input[0] : null;
        if (!Products.Contains(node.OpType)) return null;
        string[] live = [.. node.Input.Where(name => name.Length > 0 && !graph.Constants.Contains(name))];
        return live.Length == 1 ? live[0] : null;
    }

    private static string BeforeReshape(OnnxGraph graph, string tensor) =>
        graph.Producer(tensor) is { OpType: "Identity" or "Cast" or "Dropout" } node ? BeforeReshape(graph, node.Input[0]) : tensor;

    // What is read for each token is the unembedding's; what is read of a text, a pooled output's.
    private static string? Unembedded(OnnxGraph graph, IReadOnlyDictionary<string, TensorDescription> tensors, List<Addition> additions)
    {
        if (additions.Count == 0) return null;
        string last = additions[^1].Sum;
        bool perToken = Axis(last) is { } stream && stream.Any(IsToken);
        return graph.Graph.Output.Select(output => Projected(graph, output.Name, last)).FirstOrDefault(
            tensor => tensor is not null && (!perToken || (Axis(tensor) is { } shape && shape.Any(IsToken))));

        IReadOnlyList<string>? Axis(string tensor) => tensors.GetValueOrDefault(tensor)?.Shape;

        static bool IsToken(string axis) => axis is Hosts.Axes.Sequence or Hosts.Axes.BatchSequence;
    }

    /// <summary>One sum of the stream: base + attention + branch, of which one may be missing.</summary>
    private sealed record Addition(string Base, string Sum, string? Attention, string? Branch, Addition? Inner);
}
