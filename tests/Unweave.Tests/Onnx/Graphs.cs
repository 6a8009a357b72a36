using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Tests.Onnx;

/// <summary>Models of different make for the tests of hooks and cuts.</summary>
internal static class Graphs
{
    public const int Vocabulary = 50, Width = 8;

    /// <summary>A decoder, pre-norm, two blocks, causal by a mask of the positions.</summary>
    public static GraphBuilder Decoder(ulong seed = 1)
    {
        var b = new GraphBuilder(seed);
        string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
        string x = Embed(b, ids), mask = Causal(b, ids);
        for (int block = 0; block < 2; block++)
        {
            x = b.Named($"mid{block}", "Add", [x, b.Attention(b.Norm(x, Width), Width, mask)]);
            x = b.Named($"out{block}", "Add", [x, b.Mlp(b.Norm(x, Width), Width)]);
        }

        b.Named("logits", "MatMul", [b.Named("normed", "Identity", [b.Norm(x, Width)]), b.Weight(Width, Vocabulary)]);
        b.Output("logits", GraphBuilder.Float, "batch", "sequence", Vocabulary);
        return b;
    }

    /// <summary>An encoder, post-norm, with ids, an attention mask and segments.</summary>
    public static GraphBuilder Encoder()
    {
        var b = new GraphBuilder(2);
        string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
        string attended = b.Input("attention_mask", GraphBuilder.Int64, "batch", "sequence");
        string segments = b.Input("token_type_ids", GraphBuilder.Int64, "batch", "sequence");
        string hidden = b.Node("Sub", [b.Constant([1f]), b.Node("Cast", [attended], ("to", GraphBuilder.Float))]);
        string mask = b.Node("Mul", [b.Node("Unsqueeze", [hidden, b.Constant(1, 2)]), b.Constant([-1e9f])]);
        string x =
            b.Norm(b.Node("Add",
                [b.Node("Gather", [b.Weight(1.0, Vocabulary, Width), ids]), b.Node("Gather", [b.Weight(1.0, 2, Width), segments])]), Width);
        for (int block = 0; block < 2; block++)
        {
            x = b.Norm(b.Node("Add", [b.Attention(x, Width, mask), x]), Width);
            x = b.Norm(b.Named($"sum{block}", "Add", [b.Mlp(x, Width), x]), Width);
        }

        b.Named("last_hidden_state", "Identity", [x]);
        b.Output("last_hidden_state", GraphBuilder.Float, "batch", "sequence", Width);
        return b;
    }

    /// <summary>The encoder with a vector for each text: its tokens' mean, and the first one's through a layer of its own.</summary>
    public static GraphBuilder Pooled()
    {
        GraphBuilder b = Encoder();
        string counted = b.Node("Unsqueeze", [b.Node("Cast", ["attention_mask"], ("to", GraphBuilder.Float)), b.Constant(2)]);
        string sum = b.Node("ReduceSum", [b.Node("Mul", ["last_hidden_state", counted]), b.Constant(1)], ("keepdims", 0));
        b.Named("sentence_embedding", "Div", [sum, b.Node("ReduceSum", [counted, b.Constant(1)], ("keepdims", 0))]);
        string first = b.Node("Gather", ["last_hidden_state", b.Node("Squeeze", [b.Constant(0)])], ("axis", 1));
        b.Named("pooler_output", "Tanh", [b.Named("dense", "Gemm", [first, b.Weight(Width, Width), b.Weight(Width)])]);
        b.Output("sentence_embedding", GraphBuilder.Float, "batch", Width);
        b.Output("pooler_output", GraphBuilder.Float, "batch", Width);
        return b;
    }

    /// <summary>A decoder with norms behind its branches and limits on its scores and logits, as Gemma 2 has them.</summary>
    /// <param name="product">x·W, as <see cref="GraphBuilder"/> writes it; null for plain matrices.</param>
    public static GraphBuilder NormedBranches(Func<GraphBuilder, string, int, int, string>? product = null)
    {
        var b = new GraphBuilder(12);
        product ??= (b, x, from, to) => b.Node("MatMul", [x, b.Weight(1 / Math.Sqrt(from), from, to)]);
        string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
        string x = Embed(b, ids), mask = Causal(b, ids);
        for (int block = 0; block < 2; block++)
        {
            string read = Root(x), q = Heads(product(b, read, Width, Width)), k = Heads(product(b, read, Width, Width)),
                v = Heads(product(b, read, Width, Width));
            string scores = Limited(b.Node("MatMul", [q, b.Node("Transpose", [k], ("perm", new[] { 0, 1, 3, 2 }))]), 5);
            string mixed = b.Named($"mixed{block}", "MatMul", [b.Node("Softmax", [b.Node("Add", [scores, mask])], ("axis", -1)), v]);
            string heads = b.Named($"heads{block}", "Reshape",
                [b.Node("Transpose", [mixed], ("perm", new[] { 0, 2, 1, 3 })), b.Constant(0, 0, Width)]);
            x = b.Named($"mid{block}", "Add", [x, Root(product(b, heads, Width, Width))]);
            read = Root(x);
            string neurons = b.Named($"neurons{block}", "Mul",
                [b.Node("Sigmoid", [product(b, read, Width, 2 * Width)]), product(b, read, Width, 2 * Width)]);
            x = b.Named($"out{block}", "Add", [x, Root(product(b, neurons, 2 * Width, Width))]);
        }

        string final = b.Named("final_norm", "Identity", [Root(x)]);
        b.Named("logits", "Identity", [Limited(product(b, final, Width, Vocabulary), 30)]);
        b.Output("logits", GraphBuilder.Float, "batch", "sequence", Vocabulary);
        return b;

        string Heads(string x) => b.Node("Transpose", [b.Node("Reshape", [x, b.Constant(0, 0, 2, Width / 2)])],
            ("perm", new[] { 0, 2, 1, 3 }));

        string Limited(string x, float most) =>
            b.Node("Mul", [b.Node("Tanh", [b.Node("Div", [x, b.Constant([most])])]), b.Constant([most])]);

        // The root mean square, operator by operator, with x in two of them.
        string Root(string x)
        {
            // The cast makes ONNX Runtime's fusion misread a graph that is cut behind the power.
            x = b.Node("Cast", [x], ("to", GraphBuilder.Float));
            string mean = b.Node("ReduceMean", [b.Node("Pow", [x, b.Constant([2f])])], ("axes", new[] { -1 }), ("keepdims", 1));
            string root = b.Node("Sqrt", [b.Node("Add", [mean, b.Constant([1e-6f])])]);
            return b.Node("Mul", [b.Weight(1.0, Width), b.Node("Mul", [x, b.Node("Div", [b.Constant([1f]), root])])]);
        }
    }

    /// <summary>The decoder with each block a call of a function, which calls another one for its MLP.</summary>
    public static GraphBuilder Functions()
    {
        GraphBuilder b = Decoder();
        ModelProto model = b.Model;
        GraphProto graph = model.Graph;
        NodeProto[] nodes = [.. graph.Node];
        graph.Node.Clear();
        int first = Array.FindIndex(nodes, node => node.Output.Contains("mid0"));
        int last = Array.FindIndex(nodes, node => node.Output.Contains("out0"));
        FunctionProto mlp = Function("mlp", nodes[(first + 1)..last]);
        NodeProto call = Call(mlp);
        FunctionProto block = Function("block", [.. nodes[..(first + 1)], call, nodes[last]]);
        model.Functions.Add([mlp, block]);
        graph.Node.Add(Call(block));
        graph.Node.Add(nodes[(last + 1)..]);
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "own", Version = 1 });
        return b;

        // What a run of nodes reads from outside and gives: the stream, or all.
        FunctionProto Function(string name, NodeProto[] body)
        {
            var made = body.SelectMany(node => node.Output).ToHashSet(StringComparer.Ordinal);
            NodeProto[] others = [.. nodes.Except(body)];
            var function = new FunctionProto { Name = name, Domain = "own" };
            function.OpsetImport.Add(model.OpsetImport[0]);
            function.OpsetImport.Add(new OperatorSetIdProto { Domain = "own", Version = 1 });
            function.Input.Add(body.SelectMany(node => node.Input).Where(input => !made.Contains(input)).Distinct(StringComparer.Ordinal));
            function.Output.Add(made.Where(output => others.Any(node => node.Input.Contains(output))));
            function.Node.Add(body);
            foreach (NodeProto node in body.Where(node => node.OpType is "LayerNormalization"))
            {
                function.Attribute.Add("axis");
                node.Attribute[0] = new AttributeProto { Name = "axis", Type = 2, RefAttrName = "axis" };
                break;
            }

            return function;
        }

        NodeProto Call(FunctionProto function)
        {
            var made = new NodeProto { OpType = function.Name, Domain = "own", Name = function.Name };
            made.Input.Add(function.Input);
            made.Output.Add(function.Output);
            if (function.Attribute.Count > 0) made.Attribute.Add(new AttributeProto { Name = "axis", Type = 2, I = -1 });
            return made;
        }
    }

    /// <summary>A convolutional network with a residual block, for images [batch, 3, 16, 16].</summary>
    public static GraphBuilder Convolutions()
    {
        var b = new GraphBuilder(3);
        string image = b.Input("pixel_values", GraphBuilder.Float, "batch", 3, 16, 16);
        string x = b.Named("stem", "Relu", [Convolve(b, image, 3, 6, 2)]);
        string inner = b.Node("Relu", [Convolve(b, x, 6, 6, 1)]);
        x = b.Named("joined", "Add", [x, Convolve(b, inner, 6, 6, 1)]);
        string pooled = b.Named("pooled", "GlobalAveragePool", [b.Named("after", "Relu", [x])]);
        b.Named("logits", "Gemm", [b.Named("flat", "Flatten", [pooled]), b.Weight(6, 10), b.Weight(10)]);
        b.Output("logits", GraphBuilder.Float, "batch", 10);
        return b;
    }

    /// <summary>A decoder whose first stream is read again at the end, around everything between: a branch around every cut.</summary>
    public static GraphBuilder Around()
    {
        var b = new GraphBuilder(4);
        string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
        string start = b.Named("start", "Identity", [Embed(b, ids)]), mask = Causal(b, ids);
        string middle = b.Named("middle", "Add", [start, b.Attention(b.Norm(start, Width), Width, mask)]);
        string late = b.Named("late", "Add", [middle, b.Mlp(b.Norm(middle, Width), Width)]);

        // Value residuals: later attention also sees the start; the head sees start, middle and late.
        string gate = b.Node("Sigmoid", [b.Linear(start, Width, Width)]);
        string last = b.Named("last", "Add", [late, b.Node("Mul", [b.Attention(b.Norm(late, Width), Width, mask), gate])]);
        string all = b.Node("Concat", [start, middle, last], ("axis", -1));
        b.Named("logits", "MatMul", [all, b.Weight(3 * Width, Vocabulary)]);
        b.Output("logits", GraphBuilder.Float, "batch", "sequence", Vocabulary);
        return b;
    }

    /// <summary>A decoder with attention and MLP side by side.</summary>
    public static GraphBuilder Parallel(bool nested)
    {
        var b = new GraphBuilder(5);
        string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
        string x = Embed(b, ids), mask = Causal(b, ids);
        for (int block = 0; block < 2; block++)
        {
            string normed = b.Norm(x, Width), attention = b.Attention(normed, Width, mask), mlp = b.Mlp(normed, Width);
            x = nested
                ? b.Named($"out{block}", "Add", [b.Node("Add", [attention, mlp]), x])
                : b.Named($"out{block}", "Add", [b.Node("Add", [x, attention]), mlp]);
        }

        b.Named("logits", "MatMul", [x, b.Weight(Width, Vocabulary)]);
        b.Output("logits", GraphBuilder.Float, "batch", "sequence", Vocabulary);
        return b;
    }

    /// <summary>A network whose upper part is inside an If, which reads the lower part from outside.</summary>
    public static GraphBuilder Conditional()
    {
        var b = new GraphBuilder(6);
        string x = b.Input("features", GraphBuilder.Float, "batch", 4);
        string hidden = b.Named("hidden", "Relu", [b.Linear(x, 4, 6)]);
        string some = b.Node("Greater", [b.Node("ReduceSum", [x], ("keepdims", 0)), b.Constant([-1e9f])]);
        b.Nodes("If", [some], "logits", ("then_branch", Branch(hidden, "Exp")), ("else_branch", Branch(hidden, "Neg")));
        b.Output("logits", GraphBuilder.Float, "batch", 6);
        return b;
    }

    /// <summary>An MLP on features with weights and activations of 16 bits.</summary>
    public static GraphBuilder Half()
    {
        var b = new GraphBuilder(7);
        string x = b.Node("Cast", [b.Input("features", GraphBuilder.Float, "batch", 4)], ("to", GraphBuilder.Float16));
        x = b.Named("stem", "Relu", [b.HalfProduct(x, 4, 6)]);
        x = b.Named("sum", "Add", [x, b.HalfProduct(b.Node("Relu", [b.HalfProduct(x, 6, 12)]), 12, 6)]);
        b.Named("logits", "Cast", [b.HalfProduct(x, 6, 5)], ("to", GraphBuilder.Float));
        b.Output("logits", GraphBuilder.Float, "batch", 5);
        return b;
    }

    /// <summary>An MLP on features whose products are of 8 bits.</summary>
    public static GraphBuilder Quantised()
    {
        var b = new GraphBuilder(8);
        string x = b.Named("stem", "Relu", [b.QuantisedProduct(b.Input("features", GraphBuilder.Float, "batch", 4), 4, 6)]);
        x = b.Named("sum", "Add", [x, b.QuantisedProduct(b.Node("Relu", [b.QuantisedProduct(x, 6, 12)]), 12, 6)]);
        b.Named("logits", "Identity", [b.QuantisedProduct(x, 6, 5)]);
        b.Output("logits", GraphBuilder.Float, "batch", 5);
        return b;
    }

    /// <summary>A decoder as exported for generation: positions, a mask, and the keys and values of earlier calls.</summary>
    public static GraphBuilder WithPast()
    {
        var b = new GraphBuilder(9);
        string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence"),
            positions = b.Input("position_ids", GraphBuilder.Int64, "batch", "sequence");
        string attended = b.Input("attention_mask", GraphBuilder.Int64, "batch", "total"),
            past = b.Input("past_key_values.0.key", GraphBuilder.Float, "batch", 2, "past", Width / 2);
        string x = b.Node("Add",
            [b.Node("Gather", [b.Weight(1.0, Vocabulary, Width), ids]), b.Node("Gather", [b.Weight(0.5, 32, Width), positions])]);
        string hidden = b.Node("Mul",
            [b.Node("Sub", [b.Constant([1f]), b.Node("Cast", [attended], ("to", GraphBuilder.Float))]), b.Constant([-1e9f])]);
        string mask = b.Node("Add", [Causal(b, ids), b.Node("Unsqueeze", [hidden, b.Constant(1, 2)])]);
        x = b.Named("out0", "Add", [x, b.Attention(b.Norm(x, Width), Width, mask)]);
        b.Named("logits", "MatMul", [x, b.Weight(Width, Vocabulary)]);
        b.Named("present", "Concat",
            [past, b.Node("Transpose", [b.Node("Reshape", [x, b.Constant(0, 0, 2, Width / 2)])], ("perm", new[] { 0, 2, 1, 3 }))],
            ("axis", 2));
        b.Output("logits", GraphBuilder.Float, "batch", "sequence", Vocabulary);
        b.Output("present", GraphBuilder.Float, "batch", 2, "all", Width / 2);
        return b;
    }

    /// <summary>A decoder, pre-norm, whose sums are fused with the normalization after them, as for generation.</summary>
    public static GraphBuilder Fused()
    {
        var b = new GraphBuilder(10);
        string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
        string x = Embed(b, ids), mask = Causal(b, ids), normed = b.Norm(x, Width);
        for (int block = 0; block < 2; block++)
        {
            (normed, x) = Sum(x, b.Attention(normed, Width, mask), $"normed{block}   mid{block}", simple: false);
            (normed, x) = Sum(x, b.Mlp(normed, Width), block == 0 ? "after0   out0" : "after1", simple: true);
        }

        b.Named("logits", "MatMul", [normed, b.Weight(Width, Vocabulary)]);
        b.Output("logits", GraphBuilder.Float, "batch", "sequence", Vocabulary);
        return b;

        (string Normed, string Sum) Sum(string stream, string branch, string outputs, bool simple)
        {
            string scale = b.Constant([.. Enumerable.Repeat(1f, Width)], Width);
            string[] made = simple
                ? b.Nodes("SkipSimplifiedLayerNormalization", [stream, branch, scale], outputs)
                : b.Nodes("SkipLayerNormalization", [stream, branch, scale, b.Weight(0.1, Width), b.Weight(0.1, Width)], outputs);
            return (made[0], made.Length > 3 ? made[3] : "");
        }
    }

    /// <summary>A decoder inside the branch of a switch that tells whether there are keys and values of earlier calls.</summary>
    public static GraphBuilder Merged()
    {
        GraphProto inner = Decoder().Model.Graph;
        var body = new GraphProto { Name = "without past" };
        body.Node.AddRange(inner.Node);
        body.Initializer.AddRange(inner.Initializer);
        body.Node[^1].Output[0] = "logits_inside";
        body.Output.Add(new ValueInfoProto
        {
            Name = "logits_inside",
            Type = new TypeProto { TensorType = new TensorTypeProto { ElemType = GraphBuilder.Float } },
        });
        var b = new GraphBuilder(11);
        string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
        var other = new GraphProto { Name = "with past" };
        other.Node.Add(new NodeProto { OpType = "Cast", Input = { ids }, Output = { "other" } });
        other.Node[0].Attribute.Add(new AttributeProto { Name = "to", Type = 2, I = GraphBuilder.Float });
        other.Output.Add(new ValueInfoProto
        {
            Name = "other",
            Type = new TypeProto { TensorType = new TensorTypeProto { ElemType = GraphBuilder.Float } },
        });
        b.Nodes("If", [b.Input("use_cache_branch", GraphBuilder.Bool, 1)], "logits", ("then_branch", other), ("else_branch", body));
        b.Output("logits", GraphBuilder.Float, "batch", "sequence", Vocabulary);
        return b;
    }

    private static GraphProto Branch(string outer, string type)
    {
        var body = new GraphProto { Name = type };
        body.Node.Add(new NodeProto { OpType = type, Input = { outer }, Output = { type + "_out" } });
        body.Output.Add(new ValueInfoProto
        {
            Name = type + "_out",
            Type = new TypeProto { TensorType = new TensorTypeProto { ElemType = GraphBuilder.Float } },
        });
        return body;
    }

    private static string Convolve(GraphBuilder b, string x, int from, int to, int stride) =>
        b.Node("Conv", [x, b.Weight(0.3, to, from, 3, 3), b.Weight(0.1, to)], ("kernel_shape", new[] { 3, 3 }),
            ("pads", new[] { 1, 1, 1, 1 }), ("strides", new[] { stride, stride }));

    internal static string Embed(GraphBuilder b, string ids)
    {
        string length = b.Node("Gather", [b.Node("Shape", [ids]), b.Constant(1)]);
        string positions = b.Node("Gather",
            [b.Weight(0.5, 32, Width),
                b.Node("Range", [b.Node("Squeeze", [b.Constant(0)]), b.Node("Squeeze", [length]), b.Node("Squeeze", [b.Constant(1)])])]);
        return b.Node("Add", [b.Node("Gather", [b.Weight(1.0, Vocabulary, Width), ids]), positions]);
    }

    // −∞ above the diagonal, by Trilu over a square of the text's length.
    internal static string Causal(GraphBuilder b, string ids)
    {
        string length = b.Node("Gather", [b.Node("Shape", [ids]), b.Constant(1)]);
        string square = b.Node("Expand", [b.Constant([-1e9f], 1, 1), b.Node("Concat", [length, length], ("axis", 0))]);
        return b.Nodes("Trilu", [square, b.Node("Squeeze", [b.Constant(1)])], "future", ("upper", 1))[0];
    }
}
