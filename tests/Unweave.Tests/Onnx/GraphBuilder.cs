using Google.Protobuf;
using Unweave.Numerics;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Tests.Onnx;

/// <summary>Builds small ONNX models, operator by operator, with random weights.</summary>
internal sealed class GraphBuilder
{
    public const int Float = 1, UInt8 = 2, Int8 = 3, Int64 = 7, Bool = 9, Float16 = 10, Double = 11, BFloat16 = 16;

    private readonly GraphProto graph = new() { Name = "test" };
    private readonly Rng random;
    private int names;

    public GraphBuilder(ulong seed = 1)
    {
        random = new Rng(seed);
        Model.Graph = graph;
    }

    public ModelProto Model { get; } = new()
    {
        IrVersion = 8,
        OpsetImport =
        {
            new OperatorSetIdProto { Domain = "", Version = 17 }, new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 },
        },
    };

    public string Input(string name, int type, params object[] shape)
    {
        graph.Input.Add(Value(name, type, shape));
        return name;
    }

    public void Output(string name, int type, params object[] shape) => graph.Output.Add(Value(name, type, shape));

    public string Weight(params int[] shape) => Weight(0.3, shape);

    public string Weight(double scale, params int[] shape)
    {
        float[] values = new float[shape.Aggregate(1, (product, axis) => product * axis)];
        random.FillNormal(values, scale);
        return Constant(values, shape);
    }

    public string Constant(float[] values, params int[] shape)
    {
        var tensor = new TensorProto
        {
            Name = $"w{names++}",
            DataType = Float,
            RawData = ByteString.CopyFrom(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan())),
        };
        tensor.Dims.AddRange(shape.Select(axis => (long)axis));
        graph.Initializer.Add(tensor);
        return tensor.Name;
    }

    public string Constant(params long[] values)
    {
        var tensor = new TensorProto
        {
            Name = $"c{names++}",
            DataType = Int64,
            RawData = ByteString.CopyFrom(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan())),
        };
        tensor.Dims.Add(values.Length);
        graph.Initializer.Add(tensor);
        return tensor.Name;
    }

    /// <summary>Weights of another type, from bytes.</summary>
    public string Raw(int type, ReadOnlySpan<byte> bytes, params int[] shape)
    {
        var tensor = new TensorProto { Name = $"r{names++}", DataType = type, RawData = ByteString.CopyFrom(bytes) };
        tensor.Dims.AddRange(shape.Select(axis => (long)axis));
        graph.Initializer.Add(tensor);
        return tensor.Name;
    }

    /// <summary>x·W with weights of 16 bits, for x of 16 bits.</summary>
    public string HalfProduct(string x, int from, int to)
    {
        float[] values = new float[from * to];
        random.FillNormal(values, 0.3);
        return Node("MatMul",
            [x,
                Raw(Float16, System.Runtime.InteropServices.MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (Half)value).AsSpan()),
                    from, to)]);
    }

    /// <summary>x·W with weights of 8 bits and x quantised on the way.</summary>
    public string QuantisedProduct(string x, int from, int to)
    {
        sbyte[] weights = new sbyte[from * to];
        for (int i = 0; i < weights.Length; i++) weights[i] = (sbyte)(random.NextBelow(255) - 127);
        string[] quantised = Nodes("DynamicQuantizeLinear", [x], $"q{names++} s{names++} z{names++}");
        string product = Node("MatMulInteger",
            [quantised[0], Raw(Int8, System.Runtime.InteropServices.MemoryMarshal.AsBytes(weights.AsSpan()), from, to), quantised[2]]);
        return Node("Mul", [Node("Cast", [product], ("to", Float)), Node("Mul", [quantised[1], Constant([0.004f])])]);
    }

    /// <summary>x·W with weights of 4 bits, in blocks of 16 that have a scale and a zero of their own.</summary>
    public string FewBitProduct(string x, int from, int to)
    {
        const int Block = 16;
        int blocks = (from + Block - 1) / Block;
        byte[] weights = new byte[to * blocks * Block / 2], zeros = new byte[to * ((blocks + 1) / 2)];
        float[] scales = new float[to * blocks];
        for (int i = 0; i < weights.Length; i++) weights[i] = (byte)random.NextBelow(256);
        for (int i = 0; i < zeros.Length; i++) zeros[i] = (byte)((6 + random.NextBelow(4)) | ((6 + random.NextBelow(4)) << 4));
        for (int i = 0; i < scales.Length; i++) scales[i] = (1 + random.NextBelow(4)) * 0.02f;
        return Node("MatMulNBits",
            [x, Raw(UInt8, weights, to, blocks, Block / 2), Constant(scales, to * blocks), Raw(UInt8, zeros, zeros.Length)],
            ("K", from), ("N", to), ("bits", 4), ("block_size", Block));
    }

    /// <summary>Weights of 8 bits that are made floats again before they are used.</summary>
    public string DequantizedWeight(int from, int to)
    {
        sbyte[] weights = new sbyte[from * to];
        for (int i = 0; i < weights.Length; i++) weights[i] = (sbyte)(random.NextBelow(255) - 127);
        return Node("DequantizeLinear",
            [Raw(Int8, System.Runtime.InteropServices.MemoryMarshal.AsBytes(weights.AsSpan()), from, to), Constant([0.004f])]);
    }

    /// <summary>Moves the weights to a file beside the model.</summary>
    public string SaveWithWeightsBeside(TemporaryFolder folder, string location)
    {
        using FileStream weights = File.Create(folder["weights.bin"]);
        foreach (TensorProto tensor in graph.Initializer.Where(tensor => tensor.RawData.Length > 64))
        {
            tensor.DataLocation = 1;
            tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = location });
            tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = $"{weights.Position}" });
            tensor.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = $"{tensor.RawData.Length}" });
            weights.Write(tensor.RawData.Span);
            tensor.RawData = ByteString.Empty;
        }

        return Save(folder);
    }

    public string Node(string type, string[] inputs, params (string Name, object Value)[] attributes) =>
        Nodes(type, inputs, $"t{names++}", attributes)[0];

    public string Named(string name, string type, string[] inputs, params (string Name, object Value)[] attributes) =>
        Nodes(type, inputs, name, attributes)[0];

    public string[] Nodes(string type, string[] inputs, string outputs, params (string Name, object Value)[] attributes)
    {
        string domain = type.StartsWith("Skip", StringComparison.Ordinal) || type is "MatMulNBits" ? "com.microsoft" : "";
        var node = new NodeProto { OpType = type, Name = $"n{names++}", Domain = domain };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs.Split(' '));
        foreach ((string name, object value) in attributes)
        {
            node.Attribute.Add(value switch
            {
                int number => new AttributeProto { Name = name, Type = 2, I = number },
                float number => new AttributeProto { Name = name, Type = 1, F = number },
                int[] numbers => Ints(name, numbers),
                GraphProto body => new AttributeProto { Name = name, Type = 5, G = body },
                _ => throw new ArgumentException(value.GetType().Name, nameof(attributes)),
            });
        }

        graph.Node.Add(node);
        return [.. node.Output];
    }

    /// <summary>x·W + b over the last axis.</summary>
    public string Linear(string x, int from, int to) =>
        Node("Add", [Node("MatMul", [x, Weight(1 / Math.Sqrt(from), from, to)]), Weight(0.1, to)]);

    public string Norm(string x, int width) =>
        Node("LayerNormalization", [x, Constant([.. Enumerable.Repeat(1f, width)], width), Weight(0.1, width)], ("axis", -1));

    /// <summary>One attention of two heads over [batch, sequence, width]; an additive mask may be given.</summary>
    public string Attention(string x, int width, string? mask)
    {
        string q = Heads(Linear(x, width, width), width), k = Heads(Linear(x, width, width), width),
            v = Heads(Linear(x, width, width), width);
        string scores = Node("MatMul", [q, Node("Transpose", [k], ("perm", new[] { 0, 1, 3, 2 }))]);
        if (mask is not null) scores = Node("Add", [scores, mask]);
        string mixed = Node("MatMul", [Node("Softmax", [scores], ("axis", -1)), v]);
        string joined = Node("Reshape", [Node("Transpose", [mixed], ("perm", new[] { 0, 2, 1, 3 })), Constant(0, 0, width)]);
        return Linear(joined, width, width);
    }

    public string Mlp(string x, int width) => Linear(Node("Relu", [Linear(x, width, 2 * width)]), 2 * width, width);

    public string Save(TemporaryFolder folder, string name = "model.onnx")
    {
        string path = folder[name];
        File.WriteAllBytes(path, Model.ToByteArray());
        return path;
    }

    private static AttributeProto Ints(string name, int[] numbers)
    {
        var attribute = new AttributeProto { Name = name, Type = 7 };
        attribute.Ints.AddRange(numbers.Select(number => (long)number));
        return attribute;
    }

    private static ValueInfoProto Value(string name, int type, object[] shape)
    {
        var tensor = new TensorTypeProto { ElemType = type, Shape = new TensorShapeProto() };
        foreach (object axis in shape)
            tensor.Shape.Dim.Add(
                axis is int length ? new DimensionProto { DimValue = length } : new DimensionProto { DimParam = (string)axis });
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }

    private string Heads(string x, int width) =>
        Node("Transpose", [Node("Reshape", [x, Constant(0, 0, 2, width / 2)])], ("perm", new[] { 0, 2, 1, 3 }));
}
