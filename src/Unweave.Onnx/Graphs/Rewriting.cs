using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Graphs;

/// <summary>
/// Writes parts of a graph that hide its tensors in another way that computes the same: a sum that is fused with the normalization of
/// what it gives, so that a patched sum reaches the normalization; and a branch on a switch that is always fed false.
/// </summary>
internal static class Rewriting
{
    private const string Switch = "use_cache_branch";
    private const string Simplified = "SkipSimplifiedLayerNormalization", Plain = "SkipLayerNormalization";

    /// <summary>Rewrites a graph in place.</summary>
    public static void Apply(GraphProto graph)
    {
        NodeProto[] nodes = [.. graph.Node];
        graph.Node.Clear();

        // Where a sum goes on beside its norm, the stream is of sums, that of the last one too, which only the norm reads.
        bool sums = nodes.Any(node => node is { OpType: Simplified or Plain, Output: [_, _, _, { Length: > 0 }] });
        foreach (NodeProto node in nodes) graph.Node.AddRange(Rewritten(graph, node, sums));
    }

    private static IEnumerable<NodeProto> Rewritten(GraphProto graph, NodeProto node, bool sums) => node switch
    {
        { OpType: Simplified } when sums => Apart(node, "SimplifiedLayerNormalization", 3),
        { OpType: Plain } when sums => Apart(node, "LayerNormalization", 4),
        { OpType: "If", Input: [Switch] } when Branch(node) is { } branch => Inlined(graph, node, branch),
        _ => [node],
    };

    // The sum, with its bias where there is one, and then the normalization.
    private static IEnumerable<NodeProto> Apart(NodeProto node, string normalization, int bias)
    {
        string sum = node.Output.Count > 3 && node.Output[3].Length > 0 ? node.Output[3] : node.Output[0] + "/sum";
        bool biased = node.Input.Count > bias && node.Input[bias].Length > 0;
        string plain = biased ? sum + "/without-bias" : sum;
        yield return new NodeProto { OpType = "Add", Input = { node.Input[0], node.Input[1] }, Output = { plain } };
        if (biased) yield return new NodeProto { OpType = "Add", Input = { plain, node.Input[bias] }, Output = { sum } };
        var norm = new NodeProto { OpType = normalization, Name = node.Name, Input = { sum, node.Input[2] }, Output = { node.Output[0] } };
        if (bias == 4 && node.Input.Count > 3 && node.Input[3].Length > 0) norm.Input.Add(node.Input[3]);
        norm.Attribute.AddRange(node.Attribute);
        norm.Attribute.Add(new AttributeProto { Name = "axis", Type = 2, I = -1 });

        // The fused operators' own default is another than the plain ones'.
        if (!norm.Attribute.Any(attribute => string.Equals(attribute.Name, "epsilon", StringComparison.Ordinal)))
            norm.Attribute.Add(new AttributeProto { Name = "epsilon", Type = 1, F = 1e-12f });
        yield return norm;
    }

    private static GraphProto? Branch(NodeProto node) => node.Attribute.FirstOrDefault(
        attribute => string.Equals(attribute.Name, "else_branch", StringComparison.Ordinal))?.G;

    private static IEnumerable<NodeProto> Inlined(GraphProto graph, NodeProto node, GraphProto branch)
    {
        graph.Initializer.AddRange(branch.Initializer);
        foreach (NodeProto inner in branch.Node) yield return inner;
        for (int i = 0; i < node.Output.Count; i++)
            yield return new NodeProto { OpType = "Identity", Input = { branch.Output[i].Name }, Output = { node.Output[i] } };
    }
}
