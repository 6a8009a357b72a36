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
            (normed, x) = Sum(x, b.Mlp(normed, Width), $"after{block}   out{block}", simple: true);
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
            return (made[0], made[3]);
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
