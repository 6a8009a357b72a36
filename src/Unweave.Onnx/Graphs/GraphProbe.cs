using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Graphs;

/// <summary>
/// Learns types and shapes of all tensors of a graph by running it on a few made-up inputs of two different sizes: an axis that changes
/// with the batch is the batch's, and so on. This is right for every operator, which no rules about shapes would be. How texts are laid
/// out is proved the same way: a text must give the same rows alone, beside another text, and filled up to a longer one's length.
/// </summary>
internal sealed class GraphProbe : IDisposable
{
    /// <summary>What is said where filling shows.</summary>
    public const string PaddingNote = "Only texts of one length share a batch: filling changes the rows of a text.";

    private const int Short = 5, Long = 7, FewTexts = 2, MoreTexts = 3, Longest = 1 << 16;

    private readonly OnnxFile file;
    private readonly OnnxGraph graph;
    private readonly ModelInputs inputs;
    private readonly InferenceSession session;
    private readonly string[] names;
    private readonly int vocabulary;

    private GraphProbe(OnnxFile file, OnnxGraph graph, ModelInputs inputs, int? vocabulary, int threads)
    {
        (this.file, this.graph, this.inputs, this.vocabulary) = (file, graph, inputs, vocabulary ?? Long);
        string[] computed = [.. graph.Graph.Node.Where(node => node.OpType is not "Constant").SelectMany(node => node.Output)
            .Where(name => name.Length > 0 && !graph.Constants.Contains(name)).Distinct(StringComparer.Ordinal)];
        string[] declared =
            [.. graph.Graph.Output.Select(value => value.Name).Where(name => !computed.Contains(name, StringComparer.Ordinal))];
        ModelProto open = GraphCut.Make(file, graph, [.. computed, .. declared], [], supplied: null);
        session = Session.Open(open, file.Path, file.Folder, threads, optimize: false);
        names = [.. computed.Where(name => session.OutputMetadata.TryGetValue(name, out NodeMetadata? data) && data.IsTensor)];
    }

    /// <summary>What was found, by tensor.</summary>
    public Dictionary<string, TensorDescription> Tensors { get; private set; } = [];

    /// <summary>True when what is computed for a token does not change with those after it.</summary>
    public bool Causal { get; private set; }

    /// <summary>True when filling behind a text was seen to change its rows.</summary>
    public bool PaddingShows { get; private set; }

    /// <summary>The most tokens that the table of positions has rows for, or null where none was found.</summary>
    public int? Positions { get; private set; }

    /// <summary>What was settled other than as it is usual, in words.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Runs the graph, and leaves in the inputs how texts are to be laid out.</summary>
    /// <param name="file">The model.</param>
    /// <param name="graph">Its graph.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="vocabulary">Number of token ids, where it is known.</param>
    /// <param name="threads">Threads within an operation.</param>
    /// <exception cref="InputException">It does not load or does not run.</exception>
    public static GraphProbe Run(OnnxFile file, OnnxGraph graph, ModelInputs inputs, int? vocabulary, int threads)
    {
        using var probe = new GraphProbe(file, graph, inputs, vocabulary, threads);
        if (inputs.Ids is null) probe.MeasureArrays();
        else probe.MeasureTexts();
        return probe;
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();

    private void MeasureTexts()
    {
        Feeding declared = inputs.Feeding;
        InputException? refused = null;
        Feeding? runs = Layouts(declared).FirstOrDefault(layout => Measures(layout, ref refused));
        if (runs is null) throw refused!;
        if (runs.Batch != declared.Batch || runs.Length != declared.Length)
        {
            Notes.Add($"It runs on {(runs.Batch is { } batch ? $"{batch} texts" : "texts")} of "
                + $"{(runs.Length is { } length ? $"exactly {length} tokens" : "any length")} alone, though it declares more.");
        }

        TakeFiniteMask();
        // What is quantized as it runs is compared within one batch, which the settled layout may no longer allow.
        if (Quantized) Causal = LooksBack();
        SettleLayout(inputs.Feeding);
        if (!Quantized) Causal = LooksBack();
        SettleMask();
        Positions = TableOfPositions();
    }

    // As declared; one text at a time; then what constants in the graph insist on.
    private IEnumerable<Feeding> Layouts(Feeding declared)
    {
        yield return declared;
        if (declared.Batch is null) yield return declared with { Batch = 1 };
        if (declared.Length is not null) yield break;
        foreach ((int? batch, int length) in InsistedOn())
            yield return declared with { Batch = declared.Batch ?? batch, Length = length };
    }

    // The first two lengths of the shapes in the graph that say both, the declared outputs' before those that tensors are reshaped to.
    private IEnumerable<(int? Batch, int Length)> InsistedOn()
    {
        IEnumerable<long[]> outputs = graph.Graph.Output.Select(
            value => (value.Type?.TensorType?.Shape?.Dim ?? []).Select(dim => dim.DimValue).ToArray());
        Dictionary<string, TensorProto> constants = [];
        foreach (TensorProto tensor in graph.Graph.Initializer) constants[tensor.Name] = tensor;
        foreach (NodeProto node in graph.Graph.Node.Where(node => node.OpType is "Constant" && node.Output.Count > 0))
            if (node.Attribute.FirstOrDefault(one => one.T is not null)?.T is { } tensor) constants[node.Output[0]] = tensor;
        IEnumerable<long[]> reshaped = graph.Graph.Node.Where(node => node.OpType is "Reshape" or "Expand" && node.Input.Count > 1)
            .Select(node => constants.GetValueOrDefault(node.Input[1])).OfType<TensorProto>().Select(Longs);
        return outputs.Concat(reshaped).Where(shape => shape is [>= 0 and <= Longest, > 1 and <= Longest, _, ..])
            .Select(shape => (shape[0] > 0 ? (int?)shape[0] : null, (int)shape[1])).Distinct().Take(8);
    }

    private static long[] Longs(TensorProto tensor) => tensor.DataType != 7 ? [] : tensor.Int64Data.Count > 0 ? [.. tensor.Int64Data]
        : System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(tensor.RawData.Span).ToArray();

    private bool Measures(Feeding layout, ref InputException? refused)
    {
        inputs.Feeding = layout;
        try
        {
            TokenBatch small = Texts(layout.Batch ?? FewTexts, layout.Length ?? Short),
                large = Texts(layout.Batch ?? MoreTexts, layout.Length ?? Long);
            Dictionary<string, long[]> one = Shapes(small), two = Shapes(large);
            Tensors = names.ToDictionary(name => name, name => new TensorDescription(session.OutputMetadata[name].ElementDataType,
                AxesOf.Texts(one[name], two[name], small, large, layout)), StringComparer.Ordinal);
            return true;
        }
        catch (InputException e)
        {
            refused ??= e;
            return false;
        }
    }

    // A mask of the wrong meaning hides the whole text, which may give no numbers at all.
    private void TakeFiniteMask()
    {
        Feeding layout = inputs.Feeding;
        string[] tested = Tested();
        foreach (MaskMeaning meaning in inputs.MaskMeanings.Append(inputs.MaskMeanings[0]))
        {
            inputs.Feeding = layout with { Mask = meaning };
            if (Try(() => Read(tested, Texts(layout.Batch ?? FewTexts, layout.Length ?? Short)).AreFinite)) return;
        }
    }

    // Which axis is that of the texts, and whether texts may share a batch at all.
    private void SettleLayout(Feeding layout)
    {
        if (layout.Batch == 1 || KeepsApart()) return;
        InputException? refused = null;
        if (layout is { Batch: null, Length: null } && inputs.HasBothAxes
            && Measures(layout with { SequenceFirst = !layout.SequenceFirst }, ref refused) && KeepsApart())
        {
            (string first, string second) = layout.SequenceFirst ? ("Texts", "tokens") : ("Tokens", "texts");
            Notes.Add($"{first} are the first axis, {second} the second.");
            return;
        }

        if (layout.Batch is null && Measures(layout with { Batch = 1 }, ref refused))
        {
            Notes.Add("Texts are run one at a time: beside another, a text gives other rows.");
            return;
        }

        throw new InputException($"{file.Path}: texts that are run together change each other's activations, and the graph does not run "
            + $"on one alone; export it with a free batch, or for a batch of 1.");
    }

    private void SettleMask()
    {
        Feeding layout = inputs.Feeding;
        foreach (MaskMeaning meaning in inputs.MaskMeanings)
        {
            inputs.Feeding = layout with { Mask = meaning };
            if (!HidesFilling()) continue;
            if (meaning != MaskMeaning.Attended)
                Notes.Add(meaning == MaskMeaning.Ignored ? "The mask is fed 1 for filling." : "The mask is fed a large negative number for "
                    + "filling.");
            return;
        }

        inputs.Feeding = layout with { Mask = inputs.MaskMeanings[0] };
        PaddingShows = true;
        if (Causal || inputs.Masked) Notes.Add(PaddingNote);
    }

    // Two texts give the same rows in one batch as each on its own.
    private bool KeepsApart()
    {
        int length = inputs.Feeding.Length ?? Short, count = inputs.Feeding.Batch ?? 1;
        int[] first = Text(1, length), second = Text(2, length);
        string[] tested = Tested();
        if (Quantized) return KeepsApartUnderOneScale(tested, first, second);
        return Try(() =>
        {
            Outputs together = Read(tested, inputs.Feeding.Batch is { } fixedBatch
                    ? [first, .. Enumerable.Repeat(second, fixedBatch - 1)]
                    : [first, second]),
                one = Read(tested, [.. Enumerable.Repeat(first, count)]), other = Read(tested, [.. Enumerable.Repeat(second, count)]);
            return tested.All(name => Enumerable.Range(0, length).All(token =>
                Near(together.Row(name, 0, token), one.Row(name, 0, token), Tolerance)
                    && Near(together.Row(name, 1, token), other.Row(name, 0, token), Tolerance)));
        });
    }

    // What is quantized as it runs has one scale for the whole batch, so that a text's rows follow the others' a little. In either order
    // two texts have the same scale, and so the same rows; alone, they have about the same.
    private bool KeepsApartUnderOneScale(string[] tested, int[] first, int[] second)
    {
        const double scales = 0.3;
        int count = inputs.Feeding.Batch ?? 2;
        if (count < 2) return false;
        return Try(() =>
        {
            Outputs one = Read(tested, [first, .. Enumerable.Repeat(second, count - 1)]),
                other = Read(tested, [.. Enumerable.Repeat(second, count - 1), first]),
                alone = Read(tested, [.. Enumerable.Repeat(first, count)]);
            return tested.All(name => Enumerable.Range(0, first.Length).All(token =>
                Near(one.Row(name, 0, token), other.Row(name, count - 1, token), Tolerance)
                    && Near(one.Row(name, 1, token), other.Row(name, 0, token), Tolerance)
                    && Near(one.Row(name, 0, token), alone.Row(name, 0, token), scales)));
        });
    }

    // A text filled up to a longer one's length gives the rows that it has alone; where the length is fixed, whatever it is filled with.
    private bool HidesFilling()
    {
        string[] tested = Tested();
        int count = inputs.Feeding.Batch ?? 1;
        return Try(() =>
        {
            int length = inputs.Feeding.Length ?? Short;
            int own = inputs.Feeding.Length is null ? length : Math.Max(1, length - 2), whole = inputs.Feeding.Length ?? Long;
            ReadOnlyMemory<int>[] texts = [.. Enumerable.Repeat((ReadOnlyMemory<int>)Text(1, own), count)];
            Outputs alone = inputs.Feeding.Length is null
                ? Read(tested, new TokenBatch(texts))
                : Read(tested, new TokenBatch(texts, padding: 1, whole));
            Outputs filled = inputs.Feeding.Batch is null
                ? Read(tested, new TokenBatch([Text(2, whole), .. texts], length: whole))
                : Read(tested, new TokenBatch(texts, length: whole));
            int place = filled.Count - 1;
            return tested.All(name => Enumerable.Range(0, own).All(token =>
                Near(filled.Row(name, place, token), alone.Row(name, alone.Count - 1, token), Tolerance)));
        });
    }

    // Of two texts that differ in their last token alone, the rows before it are the same, and its own are not.
    private bool LooksBack()
    {
        string[] tested = Tested();
        int length = inputs.Feeding.Length ?? Short;
        if (length < 2 || tested.Length == 0) return false;
        int[] first = Text(1, length), second = [.. first];
        second[^1] = Text(2, length)[^1] == first[^1] ? Text(3, length)[^1] : Text(2, length)[^1];
        return Try(() =>
        {
            // In one batch where that is possible: what is quantized on the way has one scale for all of it.
            int count = inputs.Feeding.Batch ?? 1;
            bool pair = inputs.Feeding.Batch is not 1;
            Outputs one = Read(tested, pair
                    ? [first, .. Enumerable.Repeat(second, Math.Max(1, count - 1))]
                    : [first]), other = pair ? one : Read(tested, [second]);
            int place = pair ? 1 : 0;
            return tested.All(name => Enumerable.Range(0, length - 1).All(token =>
                    Near(one.Row(name, 0, token), other.Row(name, place, token), Math.Max(Tolerance, Quantized ? 0.05 : 0))))
                && tested.Any(name => !Near(one.Row(name, 0, length - 1), other.Row(name, place, length - 1), 1e-6));
        });
    }

    private bool Quantized => graph.Graph.Node.Any(node => node.OpType.StartsWith("Dynamic", StringComparison.Ordinal));

    private double Tolerance => Tensors.Values.Any(tensor => tensor.Type is TensorElementType.Float16 or TensorElementType.BFloat16)
        ? 0.02
        : 2e-3;

    // What the computation ends in, token by token: there every mixing below has happened.
    private string[] Tested()
    {
        const int Last = 3;
        string[] each = [.. names.Where(name => Tensors[name].Floats is not null && Outputs.IsPerToken(Tensors[name].Shape))];
        return [.. each.Where(name => graph.Graph.Output.Any(output => string.Equals(output.Name, name, StringComparison.Ordinal)))
            .Concat(each.TakeLast(Last)).Distinct(StringComparer.Ordinal)];
    }

    // The rows of the table that positions pick from, less the rows that no token of a text picks.
    private int? TableOfPositions()
    {
        if (inputs.Feeding.Length is not null) return null;
        var tables = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (TensorProto tensor in graph.Graph.Initializer.Where(tensor => tensor.Dims.Count == 2))
            tables[tensor.Name] = tensor.Dims[0];
        var picked = graph.Graph.Node.Where(node => node.OpType is "Gather" && node.Input.Count > 1 && tables.ContainsKey(node.Input[0]))
            .Select(node => (Rows: tables[node.Input[0]], Index: node.Input[1])).ToArray();
        IEnumerable<long> given = picked.Where(one => inputs.Positions.Contains(one.Index, StringComparer.Ordinal)).Select(one => one.Rows);
        var computed = picked.Where(one => Tensors.TryGetValue(one.Index, out TensorDescription? index)
            && index.Type is TensorElementType.Int64 or TensorElementType.Int32).ToArray();
        string[] read = [.. computed.Select(one => one.Index).Distinct(StringComparer.Ordinal)];
        var room = new List<long>(given);
        if (read.Length > 0)
        {
            // Another text and another length: what follows the length alone, one by one, is a position.
            int count = inputs.Feeding.Batch ?? 1;
            long[] few = Highest(read, 1, Short, count), more = Highest(read, 2, Long, count), most = Highest(read, 3, Long + Short, count);
            foreach ((long rows, string index) in computed)
            {
                int at = Array.IndexOf(read, index);
                if (more[at] - few[at] == Long - Short && most[at] - more[at] == Short) room.Add(rows - (few[at] - (Short - 1)));
            }
        }

        return room.Count > 0 ? (int)Math.Min(int.MaxValue, room.Min()) : null;
    }

    private long[] Highest(string[] read, int text, int length, int count)
    {
        var highest = new long[read.Length];
        bool ran = Try(() =>
        {
            Run(new TokenBatch([.. Enumerable.Repeat((ReadOnlyMemory<int>)Text(text, length), count)]), read, outputs =>
            {
                for (int i = 0; i < read.Length; i++)
                {
                    highest[i] = outputs[i].GetTensorTypeAndShape().ElementDataType == TensorElementType.Int64
                        ? Max(outputs[i].GetTensorDataAsSpan<long>())
                        : Max(outputs[i].GetTensorDataAsSpan<int>());
                }
            });
            return true;
        });
        return ran ? highest : new long[read.Length];

        static long Max<T>(ReadOnlySpan<T> values) where T : System.Numerics.INumber<T> =>
            values.IsEmpty ? 0 : long.CreateChecked(System.Numerics.Tensors.TensorPrimitives.Max(values));
    }

    // Free lengths are tried until the graph runs: images and sounds that are too small for its convolutions are refused, and tables of
    // positions may allow one size alone.
    private void MeasureArrays()
    {
        // Sizes of images lie near each other where they are large; a sound's frames only show when one has several more than the other.
        bool images = inputs.Arrays.Any(array => array.Shape.Count(axis => axis is null) > 1);
        (int Small, int Large)[] lengths =
        [
            (80, 160), (32, 64), (224, 448), (640, images ? 672 : 1_280), (1_600, 3_200), (16_000, 32_000), (32, 32), (64, 64), (224, 224),
            (384, 384),
        ];
        bool free = inputs.Arrays.Any(array => array.Shape.Any(axis => axis is null));
        bool colors = inputs.Arrays.Any(array => array.Shape is [null, _, _]);
        int? declared = inputs.Feeding.Batch;
        InputException? refused = null;
        foreach (int? batch in declared is null ? (int?[])[null, 1] : [declared])
        {
            foreach ((int small, int large) in free ? lengths : lengths[..1])
            {
                foreach (int channels in colors ? (int[])[3, 1, 0] : [0])
                {
                    if (!MeasuresArrays(batch, small, large, channels, ref refused)) continue;
                    if (batch != declared) Notes.Add("Inputs are run one at a time.");
                    if (free && small == large) Notes.Add($"It was found to run on sizes of {small} alone; --input names others.");
                    inputs.Feeding = inputs.Feeding with { Batch = batch };
                    return;
                }
            }
        }

        throw free
            ? new InputException($"{refused!.Message} Say which sizes it takes, for instance with --input {inputs.Arrays[0].Name}="
                + $"{string.Join('x', inputs.Arrays[0].Shape.Select(axis => axis ?? 224).Prepend(1))}.", refused)
            : refused!;
    }

    private bool MeasuresArrays(int? batch, int small, int large, int channels, ref InputException? refused)
    {
        try
        {
            using MadeArrays one = new(inputs.Arrays, batch ?? FewTexts, small, channels),
                two = new(inputs.Arrays, batch ?? MoreTexts, large, channels);
            Dictionary<string, long[]> first = Shapes(one.Batch), second = Shapes(two.Batch);
            Tensors = names.ToDictionary(name => name, name => new TensorDescription(session.OutputMetadata[name].ElementDataType,
                AxesOf.Arrays(first[name], second[name], one.Batch, two.Batch)), StringComparer.Ordinal);
            return true;
        }
        catch (InputException e)
        {
            refused ??= e;
            return false;
        }
    }

    private TokenBatch Texts(int count, int length) =>
        new([.. Enumerable.Range(0, count).Select(text => (ReadOnlyMemory<int>)Text(text, length))]);

    // Ids that the vocabulary has; the lowest are often special, and are left out where there are enough others.
    private int[] Text(int number, int length)
    {
        int most = Math.Min(vocabulary, 97), least = most > 16 ? 4 : 0;
        return [.. Enumerable.Range(0, length).Select(i => least + (((number * 5) + (i * 3) + (i * i)) % (most - least)))];
    }

    private static bool Try(Func<bool> proof)
    {
        try
        {
            return proof();
        }
        catch (InputException)
        {
            return false;
        }
    }

    // By the length of their difference, so that one outlying number does not hide the others.
    private static bool Near(ReadOnlySpan<float> one, ReadOnlySpan<float> other, double tolerance)
    {
        double difference = 0, size = 0;
        for (int i = 0; i < one.Length; i++)
        {
            difference += Math.Pow((double)one[i] - other[i], 2);
            size += (double)one[i] * one[i];
        }

        return difference <= (tolerance * tolerance * size) + 1e-18;
    }

    private Outputs Read(string[] tensors, IReadOnlyList<int[]> texts) =>
        Read(tensors, new TokenBatch([.. texts.Select(text => (ReadOnlyMemory<int>)text)]));

    private Outputs Read(string[] tensors, TokenBatch batch)
    {
        var values = new Dictionary<string, float[]>(StringComparer.Ordinal);
        if (tensors.Length > 0)
        {
            Run(batch, tensors, outputs =>
            {
                for (int i = 0; i < tensors.Length; i++)
                {
                    float[] floats = new float[outputs[i].GetTensorTypeAndShape().ElementCount];
                    ElementConversion.ToSingle(Tensors[tensors[i]].Floats!.Value, outputs[i].GetTensorMutableRawData(), floats);
                    values[tensors[i]] = floats;
                }
            });
        }

        return new Outputs(Tensors, values, batch.Count, batch.Length, inputs.Feeding.SequenceFirst);
    }

    private Dictionary<string, long[]> Shapes(HostBatch batch)
    {
        var shapes = new Dictionary<string, long[]>(StringComparer.Ordinal);
        Run(batch, names, outputs =>
        {
            for (int i = 0; i < names.Length; i++) shapes[names[i]] = outputs[i].GetTensorTypeAndShape().Shape;
        });
        return shapes;
    }

    private void Run(HostBatch batch, string[] tensors, Action<IDisposableReadOnlyCollection<OrtValue>> read)
    {
        List<OrtValue> values = inputs.Values(session.InputNames, batch);
        try
        {
            using var options = new RunOptions();
            using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(options, session.InputNames, values, tensors);
            read(outputs);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InputException($"{file.Path} does not run on a made-up input: {Session.Plain(e)}", e);
        }
        finally
        {
            foreach (OrtValue value in values) value.Dispose();
        }
    }

    /// <summary>What tensors held in one run, as rows of texts and tokens.</summary>
    private sealed record Outputs(
        IReadOnlyDictionary<string, TensorDescription> Tensors,
        Dictionary<string, float[]> Values,
        int Count,
        int Length,
        bool SequenceFirst)
    {
        /// <summary>Whether a tensor has a row for each token.</summary>
        public static bool IsPerToken(IReadOnlyList<string> shape) =>
            shape is [Axes.Batch, Axes.Sequence, _] or [Axes.Sequence, Axes.Batch, _] or [Axes.BatchSequence, _];

        /// <summary>Whether there is neither a NaN nor an infinity.</summary>
        public bool AreFinite => Values.Values.All(values => values.All(float.IsFinite));

        /// <summary>The row of a token.</summary>
        public ReadOnlySpan<float> Row(string tensor, int text, int token)
        {
            float[] values = Values[tensor];
            string axis = Tensors[tensor].Shape[0];
            bool tokensFirst = axis is Axes.Sequence || (SequenceFirst && axis is Axes.BatchSequence);
            int width = values.Length / (Count * Length), row = tokensFirst ? (token * Count) + text : (text * Length) + token;
            return values.AsSpan(row * width, width);
        }
    }

    /// <summary>Noise for a model of arrays.</summary>
    private sealed class MadeArrays : IDisposable
    {
        private readonly Numerics.Matrix[] arrays;

        public MadeArrays(IReadOnlyList<HostArray> inputs, int count, int free, int channels)
        {
            const int most = 1 << 25;
            var random = new Numerics.Rng(1);
            long[][] shapes = [.. inputs.Select(input => input.Shape.Select((axis, i) =>
                (long)(axis ?? (i == 0 && input.Shape.Count == 3 && channels > 0 ? channels : free))).ToArray())];
            if (shapes.FirstOrDefault(shape => shape.Aggregate(1.0, (product, axis) => product * axis) > most) is { } large)
                throw new InputException($"An input of [{string.Join(", ", large)}] is too large to be made up.");
            arrays = [.. shapes.Select(shape => new Numerics.Matrix(count, (int)shape.Aggregate(1L, (product, axis) => product * axis)))];
            foreach (Numerics.Matrix array in arrays)
                foreach (ref float value in array.AsSpan()) value = (float)random.NextDouble();
            Batch = new ArrayBatch(arrays, shapes);
        }

        public ArrayBatch Batch { get; }

        public void Dispose()
        {
            foreach (Numerics.Matrix array in arrays) array.Dispose();
        }
    }
}
