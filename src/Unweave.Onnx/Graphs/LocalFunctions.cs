using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Graphs;

/// <summary>
/// Writes the nodes of a model's own functions in the place of the calls, so that their tensors are tensors of the graph.
/// </summary>
internal sealed class LocalFunctions
{
    private const int Deepest = 64;

    private readonly Dictionary<(string Domain, string Name), FunctionProto> functions = [];

    private LocalFunctions(ModelProto model)
    {
        // A function that was written for another version of an operator set keeps its call, which the runtime knows how to follow.
        foreach (FunctionProto function in model.Functions.Where(function => function.OpsetImport.All(set => Fits(model, set))))
            functions[(function.Domain, function.Name)] = function;
    }

    /// <summary>Rewrites a model in place.</summary>
    public static void Inline(ModelProto model)
    {
        if (model.Functions.Count == 0) return;
        var own = new LocalFunctions(model);
        own.Inline(model.Graph, 0);
    }

    // Operator sets that the model does not name are added: a function may be the only one to use them.
    private static bool Fits(ModelProto model, OperatorSetIdProto set)
    {
        OperatorSetIdProto? named = model.OpsetImport.FirstOrDefault(one => Same(Plain(one.Domain), Plain(set.Domain)));
        if (named is null) model.OpsetImport.Add(set.Clone());
        return named is null || named.Version == set.Version;
    }

    private static string Plain(string domain) => domain is "ai.onnx" ? "" : domain;

    private static bool Same(string one, string other) => string.Equals(one, other, StringComparison.Ordinal);

    private void Inline(GraphProto graph, int depth)
    {
        NodeProto[] nodes = [.. graph.Node];
        graph.Node.Clear();
        foreach (NodeProto node in nodes)
        {
            foreach (GraphProto inner in OnnxGraph.Subgraphs(node)) Inline(inner, depth);
            graph.Node.AddRange(Expanded(node, depth));
        }
    }

    private List<NodeProto> Expanded(NodeProto call, int depth)
    {
        if (!functions.TryGetValue((call.Domain, call.OpType), out FunctionProto? function)) return [call];
        if (depth > Deepest) throw new InputException($"The function {call.OpType} of the model calls itself; export it again.");
        if (call.Output.FirstOrDefault(output => output.Length > 0) is not { } first) return [];
        string prefix = first + "/";
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < function.Input.Count; i++) names[function.Input[i]] = i < call.Input.Count ? call.Input[i] : "";
        var made = new List<NodeProto>();
        for (int i = 0; i < Math.Min(function.Output.Count, call.Output.Count); i++)
        {
            // An input that is given as it is has a name already.
            if (call.Output[i].Length == 0) continue;
            if (names.TryGetValue(function.Output[i], out string? given))
                made.Add(new NodeProto { OpType = "Identity", Input = { given }, Output = { call.Output[i] } });
            else names[function.Output[i]] = call.Output[i];
        }

        foreach (NodeProto node in function.Node)
        {
            NodeProto own = node.Clone();
            Rename(own, prefix, names);
            Fill(own, function, call);
            foreach (GraphProto inner in OnnxGraph.Subgraphs(own)) Inline(inner, depth + 1);
            made.AddRange(Expanded(own, depth + 1));
        }

        return made;
    }

    private static void Rename(NodeProto node, string prefix, Dictionary<string, string> names)
    {
        if (node.Name.Length > 0) node.Name = prefix + node.Name;
        for (int i = 0; i < node.Input.Count; i++) node.Input[i] = Named(node.Input[i]);
        for (int i = 0; i < node.Output.Count; i++) node.Output[i] = Named(node.Output[i]);
        foreach (GraphProto graph in OnnxGraph.Subgraphs(node))
        {
            foreach (TensorProto tensor in graph.Initializer) tensor.Name = Named(tensor.Name);
            foreach (ValueInfoProto value in graph.Input.Concat(graph.Output).Concat(graph.ValueInfo)) value.Name = Named(value.Name);
            foreach (NodeProto inner in graph.Node) Rename(inner, prefix, names);
        }

        string Named(string name) => name.Length == 0 ? "" : names.TryGetValue(name, out string? known) ? known
            : names[name] = prefix + name;
    }

    // Attributes that a call gives, or that the function has otherwise.
    private static void Fill(NodeProto node, FunctionProto function, NodeProto call)
    {
        for (int i = node.Attribute.Count - 1; i >= 0; i--)
        {
            AttributeProto attribute = node.Attribute[i];
            foreach (GraphProto graph in attribute.G is null ? attribute.Graphs : attribute.Graphs.Prepend(attribute.G))
                foreach (NodeProto inner in graph.Node) Fill(inner, function, call);
            if (attribute.RefAttrName.Length == 0) continue;
            AttributeProto? given = call.Attribute.Concat(function.AttributeProto)
                .FirstOrDefault(one => Same(one.Name, attribute.RefAttrName));
            node.Attribute.RemoveAt(i);
            if (given is null) continue;
            AttributeProto own = given.Clone();
            own.Name = attribute.Name;
            node.Attribute.Insert(i, own);
        }
    }
}
