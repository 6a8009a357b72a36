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

    private ModelInputs(IEnumerable<Input> inputs)
    {
        this.inputs = inputs.ToDictionary(input => input.Name, StringComparer.Ordinal);
        arrays = [.. this.inputs.Values.Where(input => input.Role == Role.Array)];
    }

    private enum Role
    {
        Ids,
        Mask,
        Segments,
        Positions,
        Past,
        Switch,
        Array,
    }

    /// <summary>Name of the input that takes token ids, or null where there is none.</summary>
    public string? Ids => inputs.Values.FirstOrDefault(input => input.Role == Role.Ids)?.Name;

    /// <summary>Whether there is an attention mask.</summary>
    public bool Masked => inputs.Values.Any(input => input.Role == Role.Mask);

    /// <summary>Batch size that the graph insists on.</summary>
    public int? FixedBatch =>
        inputs.Values.Where(input => input.Shape.Count > 0).Select(input => input.Shape[0]).FirstOrDefault(length => length is not null);

    /// <summary>Number of tokens that the graph insists on.</summary>
    public int? FixedLength => Ids is { } ids && inputs[ids].Shape is [_, var length] ? length : null;

    /// <summary>The arrays of numbers.</summary>
    public IReadOnlyList<HostArray> Arrays => [.. arrays.Select(input => new HostArray(input.Name, [.. input.Shape.Skip(1)]))];

    /// <summary>Sorts out the inputs of a graph.</summary>
    /// <exception cref="InputException">One of them is of a kind that cannot be fed.</exception>
    public static ModelInputs From(string path, GraphProto graph)
    {
        var initializers = graph.Initializer.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        ValueInfoProto[] declared = [.. graph.Input.Where(input => !initializers.Contains(input.Name))];
        if (declared.Length == 0) throw new InputException($"{path}: the graph has no input.");
        Input[] found = [.. declared.Select(value => Sort(path, value))];
        int ids = found.Count(input => input.Role == Role.Ids), numbers = found.Count(input => input.Role == Role.Array);
        if (ids > 1)
        {
            throw new InputException($"{path} takes several token inputs "
                + $"({string.Join(", ", found.Where(input => input.Role == Role.Ids).Select(input => input.Name))}); export the encoder "
                    + $"or the decoder alone.");
        }

        if (ids == 1 && numbers > 0)
        {
            throw new InputException($"{path} takes tokens and also "
                + $"{string.Join(", ", found.Where(input => input.Role == Role.Array).Select(input => input.Name))}, which tokens do "
                    + $"not tell; export the part that tokens alone decide.");
        }

        if (ids == 0 && numbers == 0)
        {
            throw new InputException($"{path}: none of its inputs ({string.Join(", ", found.Select(input => input.Name))}) takes token "
                + $"ids or numbers.");
        }

        return new ModelInputs(found);
    }

    /// <summary>Values for the inputs that a session has.</summary>
    /// <param name="names">The session's inputs, without one that is supplied otherwise.</param>
    /// <param name="batch">What to feed.</param>
    public List<OrtValue> Values(IEnumerable<string> names, HostBatch batch)
    {
        var values = new List<OrtValue>();
        foreach (string name in names)
        {
            Input input = inputs[name];
            values.Add(batch switch
            {
                TokenBatch tokens when input.Role != Role.Array => Value(input, tokens),
                ArrayBatch numbers when input.Role == Role.Array => Value(input, numbers, Array.IndexOf(arrays, input)),
                _ => throw new ArgumentException($"Input {name} takes {(input.Role == Role.Array ? "numbers" : "tokens")}, not a "
                    + $"{batch.GetType().Name}.", nameof(batch)),
            });
        }

        return values;
    }

    private static Input Sort(string path, ValueInfoProto value)
    {
        if (value.Type?.TensorType is not { } tensor)
            throw new InputException($"{path}: input {value.Name} is not a tensor; such models cannot be fed.");
        var type = (TensorElementType)tensor.ElemType;
        int?[] shape = [.. (tensor.Shape?.Dim ?? [])
            .Select(
                dim => dim.ValueCase == DimensionProto.ValueOneofCase.DimValue && dim.DimValue > 0
                    ? (int?)checked((int)dim.DimValue)
                    : null)];
        bool whole = type is TensorElementType.Int32 or TensorElementType.Int64;
        bool number =
            type is TensorElementType.Float or TensorElementType.Float16 or TensorElementType.Double or TensorElementType.BFloat16;
        Role? role = value.Name.ToLowerInvariant() switch
        {
            var name when name.Contains("past", StringComparison.Ordinal) && number => Role.Past,
            "use_cache_branch" when type == TensorElementType.Bool => Role.Switch,
            var name when name.Contains("mask", StringComparison.Ordinal) && shape.Length == 2 => Role.Mask,
            var name when whole && (
                name.Contains("token_type", StringComparison.Ordinal)
                    || name.Contains("segment", StringComparison.Ordinal)) => Role.Segments,
            var name when whole && name.Contains("position", StringComparison.Ordinal) => Role.Positions,
            _ when whole && shape.Length == 2 => Role.Ids,
            _ when number && shape.Length >= 1 => Role.Array,
            _ => null,
        };
        return role is { } known
            ? new Input(value.Name, type, shape, known)
            : throw new InputException($"{path}: it is not known what to feed to input {value.Name} ({type}, {shape.Length} axes); "
                + $"models are fed token ids with masks, positions and segments, or arrays of floats.");
    }

    private static OrtValue Value(Input input, TokenBatch batch)
    {
        int count = batch.Count, length = batch.Length;
        long[] shape = [count, length];
        switch (input.Role)
        {
            case Role.Ids:
                int[] ids = batch.Ids.ToArray();
                return Whole(input, shape, i => ids[i]);
            case Role.Mask:
                int[] lengths = batch.Lengths.ToArray();
                return Whole(input, shape, i => i % length < lengths[i / length] ? 1 : 0);
            case Role.Positions:
                return Whole(input, input.Shape.Count == 1 ? [length] : shape, i => i % length);
            case Role.Segments:
                return Whole(input, shape, _ => 0);
            case Role.Switch:
                return OrtValue.CreateTensorValueFromMemory(new bool[1], [1]);
            default:
                // The memory of earlier calls: none, so the axes that follow the data are empty.
                long[] past = [.. input.Shape.Select((known, axis) => axis == 0 ? known ?? count : (long)(known ?? 0))];
                return Numbers(input.Type, past, new float[past.Aggregate(1L, (product, axis) => product * axis)]);
        }
    }

    private static OrtValue Whole(Input input, long[] shape, Func<int, int> value)
    {
        int count = checked((int)shape.Aggregate(1L, (product, axis) => product * axis));
        switch (input.Type)
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
                return Numbers(input.Type, shape, floats);
        }
    }

    private static OrtValue Value(Input input, ArrayBatch batch, int index)
    {
        Numerics.Matrix rows = batch.Arrays[index];
        long[] shape = Shape(input, rows.Rows, rows.Columns);
        return Numbers(input.Type, shape, rows.AsSpan().ToArray());
    }

    // One length that is not given follows from the number of elements.
    private static long[] Shape(Input input, int count, int elements)
    {
        long known = input.Shape.Skip(1).Aggregate(1L, (product, axis) => product * (axis ?? 1));
        int open = input.Shape.Skip(1).Count(axis => axis is null);
        if (open > 1 || elements % known != 0 || (open == 0 && elements != known))
        {
            IEnumerable<string> axes = input.Shape.Select(axis => axis?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "?");
            throw new InputException(
                $"Input {input.Name} takes [{string.Join(", ", axes)}]; {elements} numbers for each input do not fill that.");
        }

        return [count, .. input.Shape.Skip(1).Select(axis => axis ?? elements / known)];
    }

    private static OrtValue Numbers(TensorElementType type, long[] shape, float[] values) => type switch
    {
        TensorElementType.Float => OrtValue.CreateTensorValueFromMemory(values, shape),
        TensorElementType.Double => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (double)value), shape),
        TensorElementType.Float16 => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (Float16)value), shape),
        TensorElementType.BFloat16 => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (BFloat16)value), shape),
        _ => throw new InputException($"Numbers of type {type} cannot be fed."),
    };

    private sealed record Input(string Name, TensorElementType Type, IReadOnlyList<int?> Shape, Role Role);
}
