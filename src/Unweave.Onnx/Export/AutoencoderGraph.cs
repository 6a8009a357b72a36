using System.Runtime.InteropServices;
using Google.Protobuf;
using Unweave.Autoencoders;
using Unweave.Checkpoints.Dialects;
using Unweave.Numerics;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Export;

/// <summary>
/// The formula of an autoencoder as a graph of ONNX operators (opset 17): what encodes, what decodes, or both. Weights are named, not held:
/// <see cref="Weights"/> lists those that the graph reads.
/// </summary>
internal sealed class AutoencoderGraph
{
    /// <summary>Names of the graph's input and outputs.</summary>
    public const string Input = "x", Latents = "latents", Reconstruction = "reconstruction";

    private const string What = "The ONNX export";
    private const int Opset = 17, IrVersion = 8, Float = 1, Int64 = 7;
    private const float LayerEpsilon = 1e-5f, Tiny = 1e-30f;

    private readonly SparseAutoencoder autoencoder;
    private readonly GeneralForm form;
    private readonly PretrainedOptions options;
    private readonly PretrainedAutoencoder? pretrained;
    private readonly GraphProto graph = new();
    private readonly Dictionary<string, (int Rows, int Columns, Matrix Value)> weights = new(StringComparer.Ordinal);
    private readonly List<Matrix> made = [];
    private int names;

    private AutoencoderGraph(SparseAutoencoder autoencoder)
    {
        this.autoencoder = autoencoder;
        form = GeneralForm.Of(autoencoder, What);
        options = form.Options;
        pretrained = form.Pretrained;
        Refuse();
    }

    /// <summary>The weights that the graph reads, by name.</summary>
    public IReadOnlyDictionary<string, (int Rows, int Columns, Matrix Value)> Weights => weights;

    /// <summary>Those of <see cref="Weights"/> that were made for the graph, to be disposed of when it is written.</summary>
    public IReadOnlyList<Matrix> Made => made;

    /// <summary>The graph, without its weights.</summary>
    public ModelProto Model => new()
    {
        IrVersion = IrVersion,
        ProducerName = "Unweave",
        Graph = graph,
        OpsetImport = { new OperatorSetIdProto { Version = Opset } },
    };

    /// <summary>Makes a graph.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="encodes">Whether it encodes <c>x</c> into <c>latents</c>; otherwise these are an input.</param>
    /// <param name="decodes">Whether it decodes latents into <c>reconstruction</c>.</param>
    /// <exception cref="InputException">Its formula is none that operators express row by row; the message names what.</exception>
    public static AutoencoderGraph Of(SparseAutoencoder autoencoder, bool encodes, bool decodes)
    {
        var built = new AutoencoderGraph(autoencoder);
        built.graph.Name = encodes && decodes ? "autoencoder" : encodes ? "encode" : "decode";
        if (encodes || built.DecodesByInput) built.graph.Input.Add(Value(Input, autoencoder.InputWidth));
        if (!encodes) built.graph.Input.Add(Value(Latents, autoencoder.Latents));
        Normalized? normalized = encodes || built.DecodesByInput ? built.Normalize() : null;
        if (encodes)
        {
            built.Encode(normalized!.Value.X);
            built.graph.Output.Add(Value(Latents, autoencoder.Latents));
        }

        if (decodes)
        {
            built.Decode(normalized);
            built.graph.Output.Add(Value(Reconstruction, autoencoder.OutputWidth));
        }

        return built;
    }

    private bool RestoresRows =>
        options is { Restores: true, Normalization: InputNormalization.Length or InputNormalization.Layer };

    private bool DecodesByInput => options.Skip || RestoresRows;

    private void Refuse()
    {
        bool byRow = options.Activation is CodeActivation.Relu or CodeActivation.TanhRelu or CodeActivation.JumpRelu or CodeActivation.TopK
            or CodeActivation.GroupMax or CodeActivation.Gated;
        if (!byRow) throw form.Refuse($"the activation {options.Title}", "it is not a formula of one row that operators express");
        if (options.Normalization == InputNormalization.BatchLength)
            throw form.Refuse("a normalization over the batch", "a row's code would depend on the others");
    }

    // x normalized and centered; the factor and the mean that undo the normalization of a row.
    private Normalized Normalize()
    {
        string x = Scaled(Input, autoencoder.InputScale);
        string? scale = null, mean = null;
        switch (options.Normalization)
        {
            case InputNormalization.Length:
                scale = Scaled(Add("ReduceL2", [x], Axis(-1)), 1 / MathF.Sqrt(autoencoder.InputWidth));
                x = Add("Div", [x, Add("Max", [scale, Number(Tiny)])]);
                break;
            case InputNormalization.Layer:
                mean = Add("ReduceMean", [x], Axis(-1));
                x = Add("Sub", [x, mean]);
                scale = Add("Sqrt", [Scaled(Add("ReduceSumSquare", [x], Axis(-1)), 1f / Math.Max(autoencoder.InputWidth - 1, 1))]);
                x = Add("Div", [x, Add("Add", [scale, Number(LayerEpsilon)])]);
                break;
            case InputNormalization.Elements:
                x = Add("Mul", [Add("Sub", [x, Weight("norm_mean", pretrained!.NormMean!)]), Weight("norm_scale", pretrained.NormScale!)]);
                break;
        }

        if (options.Centered) x = Add("Sub", [x, Weight("b_dec", autoencoder.Weights.DecoderBias)]);
        return new Normalized(x, scale, mean);
    }

    private void Encode(string x)
    {
        bool gated = options.Activation == CodeActivation.Gated;
        string encoder = Weight("W_enc", autoencoder.Weights.Encoder);
        string h = gated ? Product(x, encoder, bias: null) : Product(x, encoder, Weight("b_enc", autoencoder.Weights.EncoderBias));
        if (options.Glu)
        {
            string gates = Product(x, Weight("W_glu", pretrained!.GluEncoder!), Weight("b_glu", pretrained.GluBias!));
            h = Add("Mul", [h, Add("Sigmoid", [gates])]);
        }

        if (gated)
        {
            string magnitude = Add("Relu", [Add("Add", [
                Add("Mul", [h, Row("exp_r_mag", form.LogMagnitude.Select(MathF.Exp))]), Row("b_mag", form.MagnitudeBias)])]);
            h = Kept(Add("Greater", [Add("Add", [h, Row("b_gate", form.GateBias)]), Number(0)]), magnitude);
        }

        if (pretrained?.SelectionWeights is { } weight) h = Add("Mul", [h, Weight("latent_weight", weight)]);
        string z = options.Activation switch
        {
            CodeActivation.TanhRelu => Add("Tanh", [Add("Relu", [h])]),
            CodeActivation.JumpRelu => Kept(Add(options.Inclusive ? "GreaterOrEqual" : "Greater", [h, Row("threshold", form.Thresholds
                .Select(threshold => options.Signed ? threshold : MathF.Max(threshold, 0)))]), h),
            CodeActivation.TopK => Largest(h),
            CodeActivation.GroupMax => LargestOfGroups(h),
            CodeActivation.Gated => h,
            _ => Add("Relu", [h]),
        };
        if (pretrained?.SelectionWeights is { } given && !options.GivesWeighed) z = Add("Mul", [z, Inverse(given)]);
        Name("Identity", [z], Latents);
    }

    private void Decode(Normalized? normalized)
    {
        string z = Latents;
        if (pretrained?.SelectionWeights is { } weight && options.GivesWeighed) z = Add("Mul", [z, Inverse(weight)]);
        if (form.LatentScale.Length > 0) z = Add("Mul", [z, Row("latent_scale", form.LatentScale)]);
        string y = Add("Add", [
            Add("MatMul", [z, Weight("W_dec", autoencoder.Decoder)]), Weight("b_dec", autoencoder.Weights.DecoderBias)]);
        if (RestoresRows)
        {
            y = Add("Mul", [y, normalized!.Value.Scale!]);
            if (normalized.Value.Mean is { } mean) y = Add("Add", [y, mean]);
        }
        else if (pretrained?.RestoreScale is { } restore)
        {
            y = Add("Add", [Add("Mul", [y, Weight("restore_scale", restore)]), Weight("restore_mean", pretrained.RestoreMean!)]);
        }

        y = Scaled(y, 1 / autoencoder.OutputScale);
        if (pretrained?.Skip is { } skip) y = Add("Add", [y, Product(Input, Weight("W_skip", skip), bias: null)]);
        if (autoencoder is TrainedAutoencoder { Skip: { } own })
        {
            string skipped = Product(Input, Weight("W_skip", own), bias: null);
            y = Add("Add", [y, Scaled(skipped, autoencoder.InputScale / autoencoder.OutputScale)]);
        }
        Name("Identity", [y], Reconstruction);
    }

    private string Kept(string condition, string value) => Add("Where", [condition, value, Number(0)]);

    private string Largest(string h)
    {
        long k = Math.Min((long)options.K, autoencoder.Latents);
        string z = Scatter(h, k, axis: 1);
        return options.Signed ? z : Add("Relu", [z]);
    }

    private string LargestOfGroups(string h)
    {
        long k = (long)options.K;
        string groups = Add("Reshape", [h, Integers(0, k, autoencoder.Latents / k)]);
        return Add("Relu", [Add("Reshape", [Scatter(groups, 1, axis: 2), Integers(0, autoencoder.Latents)])]);
    }

    // The k largest along an axis where they are, and 0 elsewhere.
    private string Scatter(string h, long k, long axis)
    {
        string values = NewName(), places = NewName();
        graph.Node.Add(new NodeProto
        {
            OpType = "TopK",
            Input = { h, Integers(k) },
            Output = { values, places },
            Attribute = { Attribute("axis", axis), Attribute("largest", 1) },
        });
        string zeros = Add("ConstantOfShape", [Add("Shape", [h])]);
        return Add("ScatterElements", [zeros, places, values], Attribute("axis", axis));
    }

    private string Product(string x, string matrix, string? bias) =>
        Add("Gemm", bias is null ? [x, matrix] : [x, matrix, bias], Attribute("transB", 1));

    private string Scaled(string x, float factor) => factor == 1 ? x : Add("Mul", [x, Number(factor)]);

    private string Inverse(Matrix weight) =>
        Row("latent_weight_inverse", weight.Row(0).ToArray().Select(value => value == 0 ? 0 : 1 / value));

    private string Row(string name, IEnumerable<float> values)
    {
        if (weights.ContainsKey(name)) return name;
        float[] all = [.. values];
        var row = new Matrix(1, all.Length);
        all.CopyTo(row.Row(0));
        made.Add(row);
        return Weight(name, row);
    }

    // A vector is a matrix of one row here, and has one axis there.
    private string Weight(string name, Matrix value)
    {
        weights.TryAdd(name, (value.Rows, value.Columns, value));
        return name;
    }

    private string Add(string type, ReadOnlySpan<string> inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        string output = NewName();
        Name(type, inputs, output, attributes);
        return output;
    }

    private void Name(string type, ReadOnlySpan<string> inputs, string output, params ReadOnlySpan<AttributeProto> attributes)
    {
        var node = new NodeProto { OpType = type, Output = { output } };
        foreach (string input in inputs) node.Input.Add(input);
        foreach (AttributeProto attribute in attributes) node.Attribute.Add(attribute);
        graph.Node.Add(node);
    }

    private string Number(float value)
    {
        string name = NewName();
        graph.Initializer.Add(new TensorProto
        {
            Name = name,
            DataType = Float,
            RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>([value])),
        });
        return name;
    }

    private string Integers(params long[] values)
    {
        string name = NewName();
        graph.Initializer.Add(new TensorProto
        {
            Name = name,
            DataType = Int64,
            Dims = { values.Length },
            RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<long>(values)),
        });
        return name;
    }

    private string NewName() => $"t{names++}";

    private static AttributeProto Attribute(string name, long value) => new() { Name = name, Type = 2, I = value };

    private static AttributeProto[] Axis(long axis) =>
        [new() { Name = "axes", Type = 7, Ints = { axis } }, Attribute("keepdims", 1)];

    private static ValueInfoProto Value(string name, int width) => new()
    {
        Name = name,
        Type = new TypeProto
        {
            TensorType = new TensorTypeProto
            {
                ElemType = Float,
                Shape = new TensorShapeProto
                {
                    Dim = { new DimensionProto { DimParam = "rows" }, new DimensionProto { DimValue = width } },
                },
            },
        },
    };

    private readonly record struct Normalized(string X, string? Scale, string? Mean);
}
