using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Unweave.Hosts;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx;

/// <summary>What each input of a graph is for, told by its name, type and rank; and the values it gets.</summary>
internal sealed class ModelInputs
{
    private readonly Dictionary<string, Input> inputs;
    private readonly Input[] arrays;
    private readonly Input? ids;

    private ModelInputs(IEnumerable<Input> inputs)
    {
        this.inputs = inputs.ToDictionary(input => input.Name, StringComparer.Ordinal);
        arrays = [.. this.inputs.Values.Where(input => input.Role == Role.Array)];
        ids = this.inputs.Values.FirstOrDefault(input => input.Role == Role.Ids);
        Feeding = Declared();
    }

    private enum Role
    {
        Ids,
        Mask,
        Segments,
        Positions,
        Past,
        State,
        Zeros,
        Ones,
        Array,
    }

    /// <summary>Name of the input that takes token ids, or null where there is none.</summary>
    public string? Ids => ids?.Name;

    /// <summary>Names of the inputs that take positions.</summary>
    public IEnumerable<string> Positions => Of(Role.Positions);

    /// <summary>How texts are laid out; as declared, until a probe knows better.</summary>
    public Feeding Feeding { get; set; }

    /// <summary>Whether there is an attention mask.</summary>
    public bool Masked => Of(Role.Mask).Any();

    /// <summary>Whether the ids have an axis of texts and one of tokens, whose order is not known for certain.</summary>
    public bool HasBothAxes => ids is { Shape.Length: > 1 };

    /// <summary>The arrays of numbers.</summary>
    public IReadOnlyList<HostArray> Arrays => [.. arrays.Select(input => new HostArray(input.Name, [.. input.Shape.Skip(1)]))];

    /// <summary>The meanings that the masks may have, the likeliest first.</summary>
    public IReadOnlyList<MaskMeaning> MaskMeanings
    {
        get
        {
            Input? mask = inputs.Values.FirstOrDefault(input => input.Role == Role.Mask);
            if (mask is null) return [MaskMeaning.Attended];
            if (mask.Type == TensorElementType.Bool && mask.Name.Contains("padding", StringComparison.OrdinalIgnoreCase))
                return [MaskMeaning.Ignored, MaskMeaning.Attended];
            return IsFloat(mask.Type)
                ? [MaskMeaning.Attended, MaskMeaning.Added, MaskMeaning.Ignored]
                : [MaskMeaning.Attended, MaskMeaning.Ignored];
        }
    }

    /// <summary>What is fed that no data tells, in words.</summary>
    public IEnumerable<string> Notes => inputs.Values.Where(input => input.Role is Role.Zeros or Role.Ones or Role.State && !input.Chosen)
        .Select(input => $"{input.Name} is fed {(input.Role == Role.Ones ? "ones" : input.Shape.Length == 0 ? Scalar(input) : "zeros")}; "
            + $"--input {input.Name}=… feeds something else.");

    /// <summary>Sorts out the inputs of a graph.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="chosen">
    /// What a person chose, by input: <c>ids</c>, <c>mask</c>, <c>segments</c>, <c>positions</c>, <c>zeros</c>, <c>ones</c>, <c>array</c>,
    /// or lengths such as <c>1x3x224x224</c>, of which 0 stays free.
    /// </param>
    /// <exception cref="InputException">One of them is of a kind that cannot be fed, or a choice names none.</exception>
    public static ModelInputs From(string path, GraphProto graph, IReadOnlyDictionary<string, string> chosen)
    {
        var initializers = graph.Initializer.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        ValueInfoProto[] declared = [.. graph.Input.Where(input => !initializers.Contains(input.Name))];
        if (declared.Length == 0) throw new InputException($"{path}: the graph has no input.");
        if (chosen.Keys.FirstOrDefault(name => !declared.Any(value => Same(value.Name, name))) is { } unknown)
        {
            throw new InputException($"{path} has no input {unknown}, which --input names; it has "
                + $"{string.Join(", ", declared.Select(value => value.Name))}.");
        }

        Input[] found = [.. declared.Select(value => Read(path, value, chosen.GetValueOrDefault(value.Name)))];
        bool tokens = found.Any(input => (input.Role ?? Guess(input, tokens: true)) == Role.Ids);
        found = [.. found.Select(input => input with { Role = input.Role ?? Guess(input, tokens) ?? throw Unknown(path, input) })];
        Input[] texts = [.. found.Where(input => input.Role == Role.Ids)], numbers = [.. found.Where(input => input.Role == Role.Array)];
        if (texts.Length > 1)
        {
            throw new InputException($"{path} takes several token inputs ({string.Join(", ", texts.Select(input => input.Name))}); export "
                + $"the encoder or the decoder alone, or say with --input NAME=zeros what is no text.");
        }

        if (texts.Length == 1 && numbers.Length > 0)
        {
            throw new InputException($"{path} takes tokens and also {string.Join(", ", numbers.Select(input => input.Name))}, which tokens "
                + $"do not tell; export the part that tokens alone decide, or feed a constant with --input {numbers[0].Name}=zeros.");
        }

        if (texts.Length == 0 && numbers.Length == 0)
        {
            throw new InputException($"{path}: none of its inputs ({string.Join(", ", found.Select(input => input.Name))}) takes token "
                + $"ids or numbers; name the one that does with --input NAME=ids or NAME=array.");
        }

        return new ModelInputs(found);
    }

    /// <summary>Values for the inputs that a session has.</summary>
    /// <param name="names">The session's inputs, without one that is supplied otherwise.</param>
    /// <param name="batch">What to feed.</param>
    public List<OrtValue> Values(IEnumerable<string> names, HostBatch batch)
    {
        if (batch is TokenBatch != ids is not null)
            throw new ArgumentException($"The model takes {(ids is null ? "numbers" : "tokens")}, not a {batch.GetType().Name}.",
                nameof(batch));
        long[][] shapes = batch is ArrayBatch numbers
            ? [.. arrays.Select((input, i) => Shape(input, numbers.Count, numbers.Arrays[i].Columns, numbers.Shapes?[i]))]
            : [];
        return [.. names.Select(name => inputs[name]).Select(input => batch is TokenBatch tokens
            ? Value(input, tokens)
            : input.Role == Role.Array
                ? Numbers(input.Type, shapes[Array.IndexOf(arrays, input)],
                    ((ArrayBatch)batch).Arrays[Array.IndexOf(arrays, input)].AsSpan().ToArray())
                : Beside(input, shapes))];
    }

    private static Input Read(string path, ValueInfoProto value, string? chosen)
    {
        if (value.Type?.TensorType is not { } tensor)
            throw new InputException($"{path}: input {value.Name} is not a tensor; such models cannot be fed.");
        DimensionProto[] axes = [.. tensor.Shape?.Dim ?? []];
        int?[] shape = [.. axes.Select(
            dim => dim.ValueCase == DimensionProto.ValueOneofCase.DimValue && dim.DimValue > 0 ? (int?)Math.Min(dim.DimValue, int.MaxValue)
                : null)];
        string[] names = [.. axes.Select(dim => dim.ValueCase == DimensionProto.ValueOneofCase.DimParam ? dim.DimParam : "")];
        var input = new Input(value.Name, (TensorElementType)tensor.ElemType, shape, names, Role: null, Chosen: chosen is not null);
        if (chosen is null) return input;
        if (chosen.Any(char.IsLetter) && Enum.TryParse(chosen, ignoreCase: true, out Role role) && role is not (Role.Past or Role.State))
            return input with { Role = role };
        string[] lengths = chosen.Split('x', '×');
        if (lengths.Length != shape.Length || !lengths.All(length => int.TryParse(length, CultureInfo.InvariantCulture, out _)))
        {
            throw new InputException($"--input {value.Name}={chosen} is neither ids, mask, segments, positions, zeros, ones or array nor "
                + $"{shape.Length} lengths such as {string.Join('x', shape.Select((axis, i) => axis ?? (i == 0 ? 1 : 32)))}.");
        }

        int?[] given = [.. lengths.Select(length => int.Parse(length, CultureInfo.InvariantCulture))
            .Select((length, i) => length > 0 ? length : shape[i])];
        return input with { Shape = given };
    }

    private static Role? Guess(Input input, bool tokens)
    {
        string name = input.Name.ToLowerInvariant();
        int rank = input.Shape.Length;
        bool whole = input.Type is TensorElementType.Int32 or TensorElementType.Int64, number = IsFloat(input.Type);
        bool Says(params ReadOnlySpan<string> parts)
        {
            foreach (string part in parts)
                if (name.Contains(part, StringComparison.Ordinal)) return true;
            return false;
        }

        if (tokens && number && Says("past")) return Role.Past;
        if (rank == 0 || Same(name, "use_cache_branch") || (whole && input.Shape is [1] && !Says("input", "ids"))) return Role.Zeros;
        if (Says("mask") && rank == 2) return Role.Mask;
        if (whole && Says("token_type", "segment")) return Role.Segments;
        if (whole && Says("position")) return Role.Positions;
        if (number && rank > 1 && IsState(name)) return Role.State;
        if (whole && rank > 0 && input.Shape.SkipLast(2).All(axis => axis == 1) && (rank > 1 || !Says("len"))) return Role.Ids;
        return (number && rank > 0) || input.Type is TensorElementType.UInt8 or TensorElementType.Int8 ? Role.Array : null;
    }

    // What a recurrent network keeps from one call to the next.
    private static bool IsState(string name) =>
        name is "h" or "c" or "h0" or "c0" or "h_0" or "c_0" or "hx" or "cx" or "state" or "initial_h" or "initial_c"
            || name.StartsWith("state", StringComparison.Ordinal)
            || (name.EndsWith("_state", StringComparison.Ordinal) && !name.Contains("hidden", StringComparison.Ordinal));

    private static InputException Unknown(string path, Input input) =>
        new($"{path}: it is not known what to feed to input {input.Name} ({input.Type}, {input.Shape.Length} axes); models are fed token "
            + $"ids with masks, positions and segments, or arrays of floats. Say what it takes with --input {input.Name}=zeros (or ids, "
            + $"mask, segments, positions, ones, array).");

    private static bool Same(string one, string other) => string.Equals(one, other, StringComparison.Ordinal);

    private static bool IsFloat(TensorElementType type) =>
        type is TensorElementType.Float or TensorElementType.Float16 or TensorElementType.Double or TensorElementType.BFloat16;

    // A detector of speech is told the rate of its samples.
    private static string Scalar(Input input) => input.Name is "sr" or "sample_rate" or "sampling_rate" ? "16000" : "0";

    private IEnumerable<string> Of(Role role) => inputs.Values.Where(input => input.Role == role).Select(input => input.Name);

    private Feeding Declared()
    {
        if (ids is null)
            return new Feeding(arrays.Select(input => input.Shape[0]).FirstOrDefault(length => length is not null), null, false);
        if (ids.Shape.Length == 1) return new Feeding(1, ids.Shape[0], false);
        (string first, string second) = (ids.Axes[^2].ToLowerInvariant(), ids.Axes[^1].ToLowerInvariant());
        bool swapped = (first.Contains("seq", StringComparison.Ordinal) && !second.Contains("seq", StringComparison.Ordinal))
            || second.StartsWith("batch", StringComparison.Ordinal);
        return swapped ? new Feeding(ids.Shape[^1], ids.Shape[^2], true) : new Feeding(ids.Shape[^2], ids.Shape[^1], false);
    }

    private OrtValue Value(Input input, TokenBatch batch)
    {
        int count = batch.Count, length = batch.Length;
        switch (input.Role)
        {
            case Role.Ids:
                int[] tokens = batch.Ids.ToArray();
                return Laid(input, (text, token) => tokens[(text * length) + token]);
            case Role.Mask:
                int[] lengths = batch.Lengths.ToArray();
                return Laid(input, (text, token) => Feeding.Mask switch
                {
                    MaskMeaning.Attended => token < lengths[text] ? 1 : 0,
                    MaskMeaning.Ignored => token < lengths[text] ? 0 : 1,
                    _ => token < lengths[text] ? 0 : -10_000,
                });
            case Role.Positions:
                return Laid(input, (_, token) => token);
            case Role.Segments:
                return Laid(input, (_, _) => 0);
            default:
                return Constant(input, Of(input, count));
        }

        // The last two axes are texts and tokens; what stands before them repeats.
        OrtValue Laid(Input input, Func<int, int, int> value)
        {
            bool swapped = Feeding.SequenceFirst && !(input.Role == Role.Mask && IsTextsFirst(input));
            long[] pair = input.Shape.Length == 1 ? [length] : swapped ? [length, count] : [count, length];
            long[] shape = [.. input.Shape.SkipLast(2).Select(axis => (long)(axis ?? 1)), .. pair];
            return Whole(input.Type, shape, i =>
            {
                int place = (int)(i % ((long)count * length));
                return swapped ? value(place % count, place / count) : value(place / length, place % length);
            });
        }
    }

    // PyTorch's padding masks have the texts first even where the tokens of all else come first.
    private bool IsTextsFirst(Input mask) => mask.Axes[0].Length == 0
        ? mask.Name.Contains("padding", StringComparison.OrdinalIgnoreCase)
        : Same(mask.Axes[0], ids!.Axes[^1]);

    // The memory of earlier calls is empty, so the axes that follow the data have no elements; a state has one of each.
    private long[] Of(Input input, int count)
    {
        string batch = ids is not null ? ids.Shape.Length > 1 ? ids.Axes[Feeding.SequenceFirst ? ^1 : ^2] : "" : arrays[0].Axes[0];
        int own = Array.FindIndex(input.Axes,
            name => (name.Length > 0 && Same(name, batch)) || name.StartsWith("batch", StringComparison.OrdinalIgnoreCase));
        bool free = ids is null ? arrays[0].Shape[0] is null : ids.Shape.Length > 1 && ids.Shape[Feeding.SequenceFirst ? ^1 : ^2] is null;
        if (own < 0 && free) own = Array.FindIndex(input.Shape, axis => axis is null);
        return [.. input.Shape.Select((known, axis) =>
            axis == own ? count : known ?? (input.Role == Role.Past ? 0L : input.Role == Role.State ? 1 : count))];
    }

    // What goes with arrays of numbers: masks, positions, states. Axes of the same name have the same length.
    private OrtValue Beside(Input input, long[][] shapes)
    {
        long[] shape = input.Role == Role.State ? Of(input, (int)shapes[0][0]) : [.. input.Shape.Select((known, axis) =>
            known ?? Named(input.Axes[axis]) ?? (axis < shapes[0].Length ? shapes[0][axis] : 1))];
        return input.Role switch
        {
            Role.Mask => Whole(input.Type, shape, _ => Feeding.Mask == MaskMeaning.Attended ? 1 : 0),
            Role.Positions => Whole(input.Type, shape, i => (int)(i % shape[^1])),
            Role.Segments => Whole(input.Type, shape, _ => 0),
            _ => Constant(input, shape),
        };

        long? Named(string name)
        {
            for (int i = 0; name.Length > 0 && i < arrays.Length; i++)
            {
                int axis = Array.IndexOf(arrays[i].Axes, name);
                if (axis >= 0) return shapes[i][axis];
            }

            return null;
        }
    }

    private static OrtValue Constant(Input input, long[] shape)
    {
        int value = input.Role == Role.Ones ? 1
            : input.Shape.Length == 0 ? int.Parse(Scalar(input), CultureInfo.InvariantCulture) : 0;
        return Whole(input.Type, shape, _ => value);
    }

    private static OrtValue Whole(TensorElementType type, long[] shape, Func<long, int> value)
    {
        const int most = 1 << 30;
        double elements = shape.Aggregate(1.0, (product, axis) => product * axis);
        if (elements > most) throw new InputException($"An input of [{string.Join(", ", shape)}] is too large to be fed.");
        int count = (int)elements;
        switch (type)
        {
            case TensorElementType.Int64:
                long[] longs = new long[count];
                for (int i = 0; i < count; i++) longs[i] = value(i);
                return OrtValue.CreateTensorValueFromMemory(longs, shape);
            case TensorElementType.Int32:
                int[] ints = new int[count];
                for (int i = 0; i < count; i++) ints[i] = value(i);
                return OrtValue.CreateTensorValueFromMemory(ints, shape);
            case TensorElementType.Bool:
                bool[] bools = new bool[count];
                for (int i = 0; i < count; i++) bools[i] = value(i) != 0;
                return OrtValue.CreateTensorValueFromMemory(bools, shape);
            default:
                float[] floats = new float[count];
                for (int i = 0; i < count; i++) floats[i] = value(i);
                return Numbers(type, shape, floats);
        }
    }

    // The array's own axes where it has as many as the input; else one length that is not given follows from the number of elements.
    private static long[] Shape(Input input, int count, int elements, IReadOnlyList<long>? own)
    {
        int?[] axes = [.. input.Shape.Skip(1)];
        if (own is not null && own.Count == axes.Length && axes.Zip(own).All(pair => pair.First is null || pair.First == pair.Second))
            return [count, .. own];
        long known = axes.Aggregate(1L, (product, axis) => product * (axis ?? 1));
        int open = axes.Count(axis => axis is null);
        if (open <= 1 && elements % known == 0 && (open == 1 || elements == known))
            return [count, .. axes.Select(axis => axis ?? elements / known)];
        string takes = string.Join(", ", input.Shape.Select(axis => axis?.ToString(CultureInfo.InvariantCulture) ?? "?"));
        string fed = own is { Count: > 1 } ? $"arrays of [{string.Join(", ", own)}]" : $"{elements} numbers for each input";
        string remedy = open > 1 ? $" Give an array with all its axes, or the lengths with --input {input.Name}="
            + $"{string.Join('x', input.Shape.Select((axis, i) => axis ?? (i == 0 ? 0 : 32)))}." : "";
        throw new InputException($"Input {input.Name} takes [{takes}]; {fed} do not fill that.{remedy}");
    }

    private static OrtValue Numbers(TensorElementType type, long[] shape, float[] values) => type switch
    {
        TensorElementType.Float => OrtValue.CreateTensorValueFromMemory(values, shape),
        TensorElementType.Double => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (double)value), shape),
        TensorElementType.Float16 => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (Float16)value), shape),
        TensorElementType.BFloat16 => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (BFloat16)value), shape),
        TensorElementType.UInt8 => OrtValue.CreateTensorValueFromMemory(
            Array.ConvertAll(values, value => (byte)Math.Clamp(MathF.Round(value), byte.MinValue, byte.MaxValue)), shape),
        TensorElementType.Int8 => OrtValue.CreateTensorValueFromMemory(
            Array.ConvertAll(values, value => (sbyte)Math.Clamp(MathF.Round(value), sbyte.MinValue, sbyte.MaxValue)), shape),
        _ => throw new InputException($"Numbers of type {type} cannot be fed."),
    };

    private sealed record Input(
        string Name, TensorElementType Type, int?[] Shape, string[] Axes, Role? Role, bool Chosen);
}
