using Microsoft.ML.OnnxRuntime;
using Unweave.Hosts;
using Unweave.Onnx.Graphs;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx;

/// <summary>
/// An ONNX model as a host: any tensor of its graph can be read and replaced. The graph is edited, never the file: a hook that is read
/// becomes an output, a hook that is patched becomes an input, and only what an outcome depends on is run.
/// </summary>
public sealed class OnnxHost : IHostModel
{
    private readonly OnnxFile file;
    private readonly OnnxGraph graph;
    private readonly ModelInputs inputs;
    private readonly Dictionary<string, TensorDescription> tensors;
    private readonly string output;
    private readonly Lazy<string> hash;

    private OnnxHost(string path, int threads, Func<Lazy<string>, IReadOnlyDictionary<string, string>> choose)
    {
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        file = OnnxFile.Open(path);
        hash = new Lazy<string>(file.Hash);
        graph = new OnnxGraph(file.Model.Graph);
        IReadOnlyDictionary<string, string> chosen = choose(hash);
        inputs = ModelInputs.From(path, file.Model.Graph, chosen);
        int? embedded = inputs.Ids is null ? null : EmbeddingRows();
        var probe = GraphProbe.Run(file, graph, inputs, embedded, Threads);
        tensors = probe.Tensors;
        output = MainOutput(embedded);
        Feeding feeding = inputs.Feeding;
        int?[] lengths = [feeding.Length, probe.Positions, ModelFolder.Context(file.Path)];
        Input = new HostInput(
            inputs.Ids is not null, probe.Causal, inputs.Masked, lengths.Min(), feeding.Batch, feeding.Length, inputs.Arrays)
        {
            PaddingShows = probe.PaddingShows,
            Chosen = chosen,
        };
        Notes = [.. inputs.Notes, .. probe.Notes];
        Hooks = new HookTable(graph, tensors, Input.Tokens).Hooks;
        PredictsTokens = Input.Tokens && LogitsWidth(output) is { } width && (embedded is { } rows
            ? width == rows || (IsNamedLogits(output) && width > 0.9 * rows && width < 1.1 * rows)
            : IsNamedLogits(output));
        Vocabulary = embedded ?? (PredictsTokens ? LogitsWidth(output) : null);
    }

    /// <summary>Threads within an operation.</summary>
    public int Threads { get; }

    /// <inheritdoc/>
    public string Name => file.Path;

    /// <inheritdoc/>
    public string Hash => hash.Value;

    /// <inheritdoc/>
    public HostInput Input { get; }

    /// <inheritdoc/>
    public int? Vocabulary { get; }

    /// <inheritdoc/>
    public bool PredictsTokens { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Hook> Hooks { get; }

    /// <summary>Names of the graph's outputs, in its order.</summary>
    internal IReadOnlyList<string> Outputs => [.. file.Model.Graph.Output.Select(value => value.Name)];

    /// <summary>How the model is fed where that is not as usual or is a guess, a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Opens a model. It is run a few times on made-up inputs, to learn its tensors' shapes and how it is to be fed.</summary>
    /// <param name="path">The ONNX file, or a folder with one (also in its subfolder <c>onnx</c>).</param>
    /// <param name="threads">Threads within an operation; 0 takes one for each core.</param>
    /// <param name="inputs">
    /// What some of its inputs are fed, by name, where the guess would be wrong: <c>ids</c>, <c>mask</c>, <c>segments</c>,
    /// <c>positions</c>, <c>zeros</c>, <c>ones</c>, <c>array</c>, or the lengths of an array such as <c>1x3x224x224</c> (0: free).
    /// </param>
    /// <exception cref="InputException">
    /// There is no such file, it is not ONNX, it is cut short, or its inputs are of a kind that cannot be fed.
    /// </exception>
    public static OnnxHost Open(string path, int threads = 0, IReadOnlyDictionary<string, string>? inputs = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        return Open(path, threads, _ => inputs);
    }

    /// <summary>Opens a model whose inputs are chosen by its hash.</summary>
    internal static OnnxHost Open(string path, int threads, Func<Lazy<string>, IReadOnlyDictionary<string, string>?> inputs)
    {
        ArgumentNullException.ThrowIfNull(path);
        return new OnnxHost(
            ModelFolder.Model(path), threads, hash => inputs(hash) ?? new Dictionary<string, string>(StringComparer.Ordinal));
    }

    /// <inheritdoc/>
    public IHostRun Open(HostPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Read.Count == 0 && !plan.Output) throw new ArgumentException("The plan reads nothing.", nameof(plan));
        List<ReadTensor> reads = [.. plan.Read.Select(Reading)];
        if (plan.Output)
        {
            TensorDescription whole = tensors.GetValueOrDefault(output)
                ?? throw new InputException($"{Name}: the output {output} does not come out as a tensor.");
            int width = whole.Shape.Count > 0
                && int.TryParse(whole.Shape[^1], System.Globalization.CultureInfo.InvariantCulture, out int last)
                    ? last
                    : throw new InputException($"{Name}: the output {output} [{string.Join(", ", whole.Shape)}] has no fixed width.");
            reads.Add(new ReadTensor(output, whole.Floats ?? throw new InputException($"{Name}: the output {output} is of type "
                + $"{whole.Type}, not floats."), width, whole.Shape.Count - 1, IsTokensFirst(whole.Shape), HeadsFirst: false));
        }

        PatchedTensor? patched = plan.Patch is null ? null : Patching(plan.Patch);
        string? cut = patched?.Hook.Tensor;
        if (patched is { Hook.IsMean: true })
        {
            throw new InputException($"{Name}: {patched.Hook.Name} is a mean over tokens; it can be read, and nothing can be put in its "
                + "place.");
        }

        if (cut is not null && !reads.Any(read => graph.DependentsOf(cut).Contains(read.Whole)))
            throw new InputException($"{Name}: nothing that is read depends on {patched!.Hook.Name}, so to patch it changes nothing.");
        if (cut is not null && reads.Any(read => string.Equals(read.Whole, cut, StringComparison.Ordinal)))
            throw new InputException($"{Name}: {patched!.Hook.Name} is patched, so what it computes cannot be read in the same run.");
        var parts = new List<TensorPart>();
        foreach (Hook read in plan.Read.Where(hook => hook.Part is not null).DistinctBy(PartName, StringComparer.Ordinal))
            parts.Add(new TensorPart(read.Tensor, read.Part!, PartName(read)));
        ModelProto part = GraphCut.Make(
            file,
            graph,
            [.. reads.Select(read => read.Tensor).Distinct(StringComparer.Ordinal)],
            parts,
            patched is null ? null : Supplied(patched),
            patched is { Hook.Part: not null } or { IsFlat: true }
                ? new TensorPart(patched.Hook.Tensor, patched.Hook.Part, patched.Input)
                : null);
        InferenceSession session = Optimized(part);
        return new OnnxRun(session, inputs, patched, [.. reads], plan.Output);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Runs own their sessions; the host itself keeps managed memory alone.
    }

    // An optimization that does not expect a cut may make a graph that does not load: then it is run as it is.
    private InferenceSession Optimized(ModelProto part)
    {
        try
        {
            return Session.Open(part, Name, file.Folder, Threads);
        }
        catch (InputException)
        {
            return Session.Open(part, Name, file.Folder, Threads, optimize: false);
        }
    }

    private static ValueInfoProto Supplied(PatchedTensor patched)
    {
        var shape = new TensorShapeProto();
        foreach (string axis in patched.IsFlat ? [Axes.Unknown] : patched.Hook.Shape)
        {
            shape.Dim.Add(
                long.TryParse(axis, System.Globalization.CultureInfo.InvariantCulture, out long length)
                    ? new DimensionProto { DimValue = length }
                    : new DimensionProto());
        }

        return new ValueInfoProto
        {
            Name = patched.Input,
            Type = new TypeProto { TensorType = new TensorTypeProto { ElemType = (int)patched.Description.Type, Shape = shape } },
        };
    }

    private ReadTensor Reading(Hook hook) =>
        new(PartName(hook), Floats(hook), hook.Width, hook.FeatureAxis, IsTokensFirst(hook.Shape), hook.HeadsFirst) { Whole = hook.Tensor };

    // The name of what is read or supplied: the tensor, or a part of it that the cut graph makes.
    private static string PartName(Hook hook) => hook.Part is { } part ? $"{hook.Tensor}/{part.Axis}/{part.From}" : hook.Tensor;

    // Rows are given text after text; some graphs have them token after token.
    private bool IsTokensFirst(IReadOnlyList<string> shape) => shape is [Axes.Sequence, Axes.Batch, ..]
        || (inputs.Feeding.SequenceFirst && shape is [Axes.BatchSequence, ..]);

    private PatchedTensor Patching(Hook hook)
    {
        _ = Floats(hook);
        if (graph.Producer(hook.Tensor) is null)
            throw new InputException($"{Name}: {hook.Name} is an input of the model; feed it instead of patching it.");
        bool flat = hook.Shape.Count(axis => axis is Axes.Unknown) > 1;
        if (flat && !hook.Adjacent && (hook.FeatureAxis != 1 || hook.Shape[0] is not Axes.Batch))
        {
            throw new InputException($"{Name}: {hook} has several lengths that follow the input, and rows do not tell how its vectors lie "
                + "among them; say the input's lengths with --input.");
        }

        return new PatchedTensor(hook, flat ? hook.Tensor + "/numbers" : PartName(hook), tensors[hook.Tensor], IsTokensFirst(hook.Shape));
    }

    private Formats.ElementType Floats(Hook hook)
    {
        TensorDescription tensor = tensors.GetValueOrDefault(hook.Tensor)
            ?? throw new InputException($"{Name} has no tensor {hook.Tensor}; hooks belong to the model that lists them.");
        return tensor.Floats ?? throw new InputException($"{Name}: {hook.Name} holds {tensor.Type}, not floats, and has no activations "
            + $"to read.");
    }

    // Of several outputs, the one that predicts: logits of the vocabulary, then what is called so.
    private string MainOutput(int? vocabulary)
    {
        IEnumerable<string> floats = file.Model.Graph.Output.Select(value => value.Name).Where(
            name => tensors.TryGetValue(name, out TensorDescription? tensor) && tensor.Floats is not null);
        return floats.OrderBy(name => vocabulary is not null && LogitsWidth(name) == vocabulary ? 0 : IsNamedLogits(name) ? 1 : 2)
            .FirstOrDefault()
            ?? throw new InputException($"{Name}: none of its outputs "
                + $"({string.Join(", ", file.Model.Graph.Output.Select(value => value.Name))}) holds floats.");
    }

    private static bool IsNamedLogits(string tensor) => tensor.Contains("logits", StringComparison.OrdinalIgnoreCase);

    // The width of a tensor with a vector for each token, or null.
    private int? LogitsWidth(string tensor) => tensors.TryGetValue(tensor, out TensorDescription? found)
        && found.Shape is [Axes.Batch, Axes.Sequence, _] or [Axes.Sequence, Axes.Batch, _] or [Axes.BatchSequence, _]
        && int.TryParse(found.Shape[^1], System.Globalization.CultureInfo.InvariantCulture, out int width) ? width : null;

    // The table that the ids index has a row for each token the model knows.
    private int? EmbeddingRows()
    {
        HashSet<string> tables = [.. graph.Graph.Node.Select(Table).OfType<string>().Select(Stored)];
        return graph.Graph.Initializer.Where(tensor => tables.Contains(tensor.Name) && tensor.Dims.Count == 2).Select(
            tensor => (int?)tensor.Dims[0]).FirstOrDefault();

        string? Table(NodeProto node) => node switch
        {
            { OpType: "Gather" or "GatherBlockQuantized", Input: [var table, var picked, ..] } when IsIds(picked) => table,
            { OpType: "EmbedLayerNormalization", Input: [var picked, _, var table, ..] } when IsIds(picked) => table,
            _ => null,
        };

        // A table of few bits is made floats on the way.
        string Stored(string table) => graph.Producer(table) is { OpType: "DequantizeLinear" or "Cast" or "Identity" } node
            ? Stored(node.Input[0])
            : table;
    }

    private bool IsIds(string tensor) =>
        string.Equals(tensor, inputs.Ids, StringComparison.Ordinal)
            || (graph.Producer(tensor) is { OpType: "Cast" or "Reshape" or "Identity" or "Squeeze" or "Unsqueeze" or "Transpose" } node
                && IsIds(node.Input[0]));
}
