using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Graphs;

/// <summary>Who makes and who reads each tensor of a graph.</summary>
internal sealed class OnnxGraph
{
    private readonly Dictionary<string, NodeProto> producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<NodeProto>> consumers = new(StringComparer.Ordinal);
    private readonly Dictionary<NodeProto, int> order = new(ReferenceEqualityComparer.Instance as IEqualityComparer<NodeProto>);
    private readonly Dictionary<NodeProto, string[]> reads = new(ReferenceEqualityComparer.Instance as IEqualityComparer<NodeProto>);

    /// <summary>Indexes a graph, whose nodes are in an order in which they can be computed, as the format demands.</summary>
    public OnnxGraph(GraphProto graph)
    {
        Graph = graph;
        foreach (TensorProto tensor in graph.Initializer) Constants.Add(tensor.Name);
        foreach (SparseTensorProto tensor in graph.SparseInitializer) Constants.Add(tensor.Values?.Name ?? "");
        foreach (NodeProto node in graph.Node)
        {
            string[] inputs = [.. Reads(node).Where(name => name.Length > 0).Distinct(StringComparer.Ordinal)];
            reads[node] = inputs;
            order[node] = order.Count;
            foreach (string input in inputs)
            {
                if (!consumers.TryGetValue(input, out List<NodeProto>? list)) consumers[input] = list = [];
                list.Add(node);
            }

            foreach (string output in node.Output.Where(name => name.Length > 0)) producers[output] = node;

            // What is made of constants alone is a constant: transposed weights, dequantised ones.
            if (node.OpType is "Constant" || (inputs.Length > 0 && inputs.All(Constants.Contains))) Constants.UnionWith(node.Output);
        }
    }

    /// <summary>The graph.</summary>
    public GraphProto Graph { get; }

    /// <summary>Tensors that do not depend on the input.</summary>
    public HashSet<string> Constants { get; } = new(StringComparer.Ordinal);

    /// <summary>The node that makes a tensor, or null for inputs and initializers.</summary>
    public NodeProto? Producer(string tensor) => producers.GetValueOrDefault(tensor);

    /// <summary>The nodes that read a tensor, those with a subgraph that does included.</summary>
    public IReadOnlyList<NodeProto> Consumers(string tensor) => consumers.TryGetValue(tensor, out List<NodeProto>? list) ? list : [];

    /// <summary>Tensors that a node reads, its subgraphs included.</summary>
    public IReadOnlyList<string> Inputs(NodeProto node) => reads[node];

    /// <summary>All tensors whose values depend on a tensor, itself included. Its shape alone does not count.</summary>
    public HashSet<string> DependentsOf(string tensor)
    {
        var found = new HashSet<string>(StringComparer.Ordinal) { tensor };
        var open = new Stack<string>([tensor]);
        while (open.TryPop(out string? at))
        {
            foreach (NodeProto node in Consumers(at).Where(node => node.OpType is not ("Shape" or "Size")))
            {
                foreach (string output in node.Output.Where(name => name.Length > 0 && found.Add(name))) open.Push(output);
            }
        }

        return found;
    }

    /// <summary>The nodes between two tensors: what depends on the first and the second depends on.</summary>
    /// <param name="from">The first tensor.</param>
    /// <param name="to">The second.</param>
    /// <returns>Empty when the second does not depend on the first.</returns>
    public IReadOnlyList<NodeProto> Between(string from, string to)
    {
        HashSet<string> after = DependentsOf(from);
        if (!after.Contains(to) || string.Equals(from, to, StringComparison.Ordinal)) return [];
        var found = new HashSet<NodeProto>(ReferenceEqualityComparer.Instance as IEqualityComparer<NodeProto>);
        var open = new Stack<string>([to]);
        while (open.TryPop(out string? at))
        {
            if (string.Equals(at, from, StringComparison.Ordinal) || !after.Contains(at) || Producer(at) is not { } node
                || !found.Add(node))
                continue;
            foreach (string input in Inputs(node)) open.Push(input);
        }

        return [.. found];
    }

    /// <summary>The last node that all the ways from one tensor to another pass, of those that are wanted.</summary>
    /// <param name="from">The first tensor.</param>
    /// <param name="to">The second.</param>
    /// <param name="wanted">Whether a node will do.</param>
    /// <param name="ends">Whether there is nothing to find before a node, on any of the ways.</param>
    public NodeProto? LastPassed(string from, string to, Func<NodeProto, bool> wanted, Func<NodeProto, bool> ends)
    {
        HashSet<string> after = DependentsOf(from);
        var open = new HashSet<string>(StringComparer.Ordinal) { to };
        foreach (NodeProto node in Between(from, to).OrderByDescending(node => order[node]))
        {
            if (ends(node)) return null;
            open.ExceptWith(node.Output);
            if (open.Count == 0 && wanted(node)) return node;
            open.UnionWith(Inputs(node).Where(after.Contains));
        }

        return null;
    }

    /// <summary>The graphs inside a graph's nodes: branches and loop bodies.</summary>
    public static IEnumerable<GraphProto> Subgraphs(GraphProto graph) => graph.Node.SelectMany(Subgraphs);

    /// <summary>The graphs inside a node.</summary>
    public static IEnumerable<GraphProto> Subgraphs(NodeProto node) =>
        node.Attribute.SelectMany(attribute => attribute.G is null ? attribute.Graphs : attribute.Graphs.Prepend(attribute.G));

    // A subgraph sees the tensors around it by name. Names that it defines itself are counted too, which does no harm: names are unique in
    // a model.
    private static IEnumerable<string> Reads(NodeProto node) =>
        node.Input.Concat(
            Subgraphs(node).SelectMany(graph => graph.Node.SelectMany(Reads).Concat(graph.Output.Select(output => output.Name))));
}
