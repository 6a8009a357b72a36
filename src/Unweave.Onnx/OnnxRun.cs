using Microsoft.ML.OnnxRuntime;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx.Graphs;

namespace Unweave.Onnx;

/// <summary>One part of a model in a session: feeds it, and lays what comes out as rows.</summary>
internal sealed class OnnxRun : IHostRun
{
    private readonly InferenceSession session;
    private readonly ModelInputs inputs;
    private readonly PatchedTensor? patched;
    private readonly ReadTensor[] reads;
    private readonly bool output;
    private readonly string[] outputNames;
    private readonly Matrix?[] results;
    private readonly RunOptions options = new();

    /// <summary>Takes a session, which it disposes.</summary>
    /// <param name="session">The part of the model.</param>
    /// <param name="inputs">Values for the model's own inputs.</param>
    /// <param name="patched">The tensor supplied from outside, or null.</param>
    /// <param name="reads">
    /// The tensors read, in the order of the session's outputs; the model's own output is the last where there is one.
    /// </param>
    /// <param name="output">Whether the last of them is the model's own output.</param>
    public OnnxRun(InferenceSession session, ModelInputs inputs, PatchedTensor? patched, ReadTensor[] reads, bool output)
    {
        this.session = session;
        this.inputs = inputs;
        this.patched = patched;
        this.reads = reads;
        this.output = output;
        outputNames = [.. reads.Select(read => read.Tensor).Distinct(StringComparer.Ordinal)];
        results = new Matrix?[reads.Length];
    }

    /// <inheritdoc/>
    public Matrix Output =>
        output ? Result(reads.Length - 1) : throw new InvalidOperationException("The plan did not ask for the model's output.");

    /// <inheritdoc/>
    public Matrix Activations(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, reads.Length - (output ? 1 : 0));
        return Result(index);
    }

    /// <inheritdoc/>
    public void Run(HostBatch batch, Matrix? patch = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if ((patch is null) != (patched is null))
        {
            throw new ArgumentException(patched is null ? "The plan patches no hook." : $"The plan patches {patched.Hook}: its "
                + $"activations are needed.", nameof(patch));
        }

        string[] own =
            [.. session.InputNames.Where(name => patched is null || !string.Equals(name, patched.Input, StringComparison.Ordinal))];
        List<OrtValue> values = inputs.Values(own, batch);
        string[] names = own;
        using Matrix? turned = patched?.Turned(patch!, batch);
        try
        {
            if (patched is not null && session.InputNames.Contains(patched.Input, StringComparer.Ordinal))
            {
                names = [.. own, patched.Input];
                values.Add(patched.Value(turned ?? patch!, batch));
            }

            using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(options, names, values, outputNames);
            for (int i = 0; i < reads.Length; i++)
                results[i] = reads[i].Rows(outputs[Array.IndexOf(outputNames, reads[i].Tensor)], results[i], batch);
        }
        catch (OnnxRuntimeException e)
        {
            string remedy = batch is TokenBatch { Length: > 32 } ? " Shorter windows may fit: give --context." : "";
            throw new InputException($"The model refuses this batch ({Describe(batch)}): {Session.Plain(e)}{remedy}", e);
        }
        finally
        {
            foreach (OrtValue value in values) value.Dispose();
        }
    }

    /// <summary>Runs a batch and takes nothing of what comes out: the runtime's own time.</summary>
    internal void RunAlone(HostBatch batch)
    {
        List<OrtValue> values = inputs.Values(session.InputNames, batch);
        using (session.Run(options, session.InputNames, values, outputNames))
        {
            foreach (OrtValue value in values) value.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        session.Dispose();
        options.Dispose();
        foreach (Matrix? result in results) result?.Dispose();
    }

    private static string Describe(HostBatch batch) =>
        batch is TokenBatch tokens ? $"{tokens.Count} × {tokens.Length} tokens" : $"{batch.Count} inputs";

    private Matrix Result(int index) => results[index] ?? throw new InvalidOperationException("Nothing has been run yet.");
}

/// <summary>A tensor that a run reads.</summary>
/// <param name="Tensor">Its name in the session.</param>
/// <param name="Type">Type of its elements.</param>
/// <param name="Width">Length of a row.</param>
/// <param name="Axis">The axis along which a row lies, the first of them where it takes all that follow.</param>
/// <param name="TokensFirst">Whether the rows lie token after token, those of all texts each, instead of text after text.</param>
/// <param name="HeadsFirst">Whether each head has the vectors of all tokens of a text: <c>[batch, heads, sequence, each]</c>.</param>
internal sealed record ReadTensor(string Tensor, ElementType Type, int Width, int Axis, bool TokensFirst, bool HeadsFirst)
{
    /// <summary>The tensor of the graph that it is, or is a part of.</summary>
    public string Whole { get; init; } = Tensor;

    /// <summary>Copies a value into rows.</summary>
    /// <param name="value">What the session gave.</param>
    /// <param name="reuse">A matrix to write into when it fits; otherwise it is disposed.</param>
    /// <param name="batch">What was run.</param>
    public Matrix Rows(OrtValue value, Matrix? reuse, HostBatch batch)
    {
        long[] shape = value.GetTensorTypeAndShape().Shape;
        long count = Product(shape), inner = Axis < shape.Length ? Product(shape.AsSpan(Axis + 1)) : 1;
        bool adjacent = !HeadsFirst && Axis < shape.Length && shape[Axis] * inner == Width;
        bool heads = HeadsFirst && shape.Length == 4 && shape[1] * shape[3] == Width;
        if (Axis >= shape.Length || (!adjacent && !heads && shape[Axis] != Width) || count > int.MaxValue)
            throw new InputException($"Tensor {Tensor} came out as [{string.Join(", ", shape)}]; vectors of {Width} along axis {Axis} "
                + $"were expected.");
        Matrix? rows = reuse;
        if (rows is null || rows.Rows != count / Width)
        {
            rows?.Dispose();
            rows = new Matrix((int)(count / Width), Width);
        }

        Span<float> destination = rows.AsSpan();
        ReadOnlySpan<byte> bytes = value.GetTensorMutableRawData();
        if (adjacent && !TokensFirst)
        {
            ElementConversion.ToSingle(Type, bytes, destination);
            return rows;
        }

        float[] floats = new float[count];
        ElementConversion.ToSingle(Type, bytes, floats);
        if (heads) ExchangeEach(floats, destination, (int)shape[1], (int)shape[2], (int)shape[3]);
        else if (adjacent) Exchange(floats, destination, rows.Rows / batch.Count, batch.Count, Width);
        else ChannelsLast(floats, destination, Width, (int)inner);
        return rows;
    }

    /// <summary>Exchanges the two axes that rows lie on: <c>[outer, inner, width]</c> to <c>[inner, outer, width]</c>.</summary>
    public static void Exchange(ReadOnlySpan<float> from, Span<float> to, int outer, int inner, int width)
    {
        for (int i = 0; i < outer; i++)
        {
            for (int j = 0; j < inner; j++)
                from.Slice(((i * inner) + j) * width, width).CopyTo(to[(((j * outer) + i) * width)..]);
        }
    }

    /// <summary>The same in every text: <c>[text, outer, inner, width]</c> to <c>[text, inner, outer, width]</c>.</summary>
    public static void ExchangeEach(ReadOnlySpan<float> from, Span<float> to, int outer, int inner, int width)
    {
        int text = outer * inner * width;
        for (int start = 0; start < from.Length; start += text)
            Exchange(from.Slice(start, text), to.Slice(start, text), outer, inner, width);
    }

    private static long Product(ReadOnlySpan<long> lengths)
    {
        long product = 1;
        foreach (long length in lengths) product *= length;
        return product;
    }

    /// <summary>Moves an axis to the end: <c>[outer, width, inner]</c> to <c>[outer, inner, width]</c>.</summary>
    public static void ChannelsLast(ReadOnlySpan<float> from, Span<float> to, int width, int inner)
    {
        for (int start = 0; start < from.Length; start += width * inner)
        {
            for (int channel = 0; channel < width; channel++)
            {
                for (int at = 0; at < inner; at++) to[start + (at * width) + channel] = from[start + (channel * inner) + at];
            }
        }
    }
}

/// <summary>A tensor that is supplied to a run.</summary>
/// <param name="Hook">The hook it belongs to.</param>
/// <param name="Input">Its name among the session's inputs.</param>
/// <param name="Description">Its type and axes.</param>
/// <param name="TokensFirst">As in <see cref="ReadTensor"/>.</param>
internal sealed record PatchedTensor(Hook Hook, string Input, TensorDescription Description, bool TokensFirst)
{
    /// <summary>
    /// Whether the numbers are supplied without a shape, which is then that of the tensor they stand for: where several lengths follow the
    /// input, the number of rows does not tell them.
    /// </summary>
    public bool IsFlat => Hook.Shape.Count(axis => axis is Axes.Unknown) > 1;

    /// <summary>The rows with their features on the axis where the graph has them, or null where they are there already.</summary>
    public Matrix? Turned(Matrix rows, HostBatch batch)
    {
        if (Hook.Adjacent && !TokensFirst) return null;
        if (IsFlat && !Hook.Adjacent)
        {
            var channels = new Matrix(rows.Rows, rows.Columns);
            ReadTensor.ChannelsLast(rows.AsSpan(), channels.AsSpan(), rows.Rows / batch.Count, Hook.Width);
            return channels;
        }

        long[] shape = Shape(rows, batch);
        var turned = new Matrix(rows.Rows, rows.Columns);
        if (Hook.HeadsFirst)
        {
            ReadTensor.ExchangeEach(rows.AsSpan(), turned.AsSpan(), (int)shape[2], (int)shape[1], (int)shape[3]);
            return turned;
        }

        if (Hook.Adjacent)
        {
            ReadTensor.Exchange(rows.AsSpan(), turned.AsSpan(), batch.Count, rows.Rows / batch.Count, rows.Columns);
            return turned;
        }

        int inner = (int)shape[(Hook.FeatureAxis + 1)..].Aggregate(1L, (product, axis) => product * axis);

        // The way back is the same move with the two axes in each other's place.
        ReadTensor.ChannelsLast(rows.AsSpan(), turned.AsSpan(), inner, Hook.Width);
        return turned;
    }

    /// <summary>The value to feed. For 32-bit floats it lies on the matrix, which has to outlive it.</summary>
    public unsafe OrtValue Value(Matrix rows, HostBatch batch)
    {
        long[] shape = Shape(rows, batch);
        Span<float> floats = rows.AsSpan();
        switch (Description.Floats)
        {
            case ElementType.Float32:
                fixed (float* first = floats)
                {
                    return OrtValue.CreateTensorValueWithData(
                        OrtMemoryInfo.DefaultInstance, Description.Type, shape, (nint)first, (long)floats.Length * sizeof(float));
                }

            case ElementType.Float16:
                return OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(floats.ToArray(), value => (Float16)value), shape);
            case ElementType.BFloat16:
                return OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(floats.ToArray(), value => (BFloat16)value), shape);
            default:
                return OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(floats.ToArray(), value => (double)value), shape);
        }
    }

    private long[] Shape(Matrix rows, HostBatch batch)
    {
        if (rows.Columns != Hook.Width)
            throw new ArgumentException($"{Hook} has width {Hook.Width}; the activations supplied have {rows.Columns}.", nameof(rows));
        if (IsFlat) return [rows.Count];
        int length = (batch as TokenBatch)?.Length ?? 0;
        long[] shape = [.. Hook.Shape.Select(axis => axis switch
        {
            Axes.Batch => batch.Count,
            Axes.Sequence => length,
            Axes.BatchSequence => (long)batch.Count * length,
            Axes.Unknown => 0,
            _ => long.Parse(axis, System.Globalization.CultureInfo.InvariantCulture),
        })];
        long known = shape.Where(axis => axis > 0).Aggregate(1L, (product, axis) => product * axis);
        int open = shape.Count(axis => axis == 0);
        if (open > 1 || rows.Count % known != 0 || (open == 0 && rows.Count != known))
            throw new ArgumentException($"{Hook} is [{string.Join(", ", shape)}] for this batch; {rows.Rows} rows of {rows.Columns} do "
                + $"not fill it.", nameof(rows));
        return [.. shape.Select(axis => axis == 0 ? rows.Count / known : axis)];
    }
}
