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

    private OnnxHost(string path, int threads)
    {
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        file = OnnxFile.Open(path);
        graph = new OnnxGraph(file.Model.Graph);
        inputs = ModelInputs.From(path, file.Model.Graph);
        var probe = GraphProbe.Run(file, graph, inputs, Threads);
        tensors = probe.Tensors;
        output = MainOutput();
        Input = new HostInput(
            inputs.Ids is not null, probe.Causal(output), inputs.Masked, Context(), inputs.FixedBatch, inputs.FixedLength, inputs.Arrays);
        Hooks = new HookTable(graph, tensors, Input.Tokens).Hooks;
        int? embedded = inputs.Ids is null ? null : EmbeddingRows();
        PredictsTokens = Input.Tokens && tensors.TryGetValue(output, out TensorDescription? logits)
            && logits.Shape is [Axes.Batch, Axes.Sequence, var width]
            && (
                output.Contains("logits", StringComparison.OrdinalIgnoreCase)
                    || string.Equals(
                        width, embedded?.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
        Vocabulary = embedded ?? (
            PredictsTokens ? int.Parse(tensors[output].Shape[2], System.Globalization.CultureInfo.InvariantCulture) : null);
        hash = new Lazy<string>(file.Hash);
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

    /// <summary>Opens a model. It is run once or twice on a few made-up inputs, to learn the shapes of its tensors.</summary>
    /// <param name="path">The ONNX file, or a folder with one (also in its subfolder <c>onnx</c>).</param>
    /// <param name="threads">Threads within an operation; 0 takes one for each core.</param>
    /// <exception cref="InputException">
    /// There is no such file, it is not ONNX, it is cut short, or its inputs are of a kind that cannot be fed.
    /// </exception>
    public static OnnxHost Open(string path, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        return new OnnxHost(ModelFolder.Model(path), threads);
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
                + $"{whole.Type}, not floats."), width, whole.Shape.Count - 1));
        }

        PatchedTensor? patched = plan.Patch is null ? null : Patching(plan.Patch);
        string? cut = patched?.Hook.Tensor;
        if (cut is not null && !reads.Any(read => graph.DependentsOf(cut).Contains(read.Tensor)))
            throw new InputException($"{Name}: nothing that is read depends on {patched!.Hook.Name}, so to patch it changes nothing.");
        if (cut is not null && reads.Any(read => string.Equals(read.Tensor, cut, StringComparison.Ordinal)))
            throw new InputException($"{Name}: {patched!.Hook.Name} is patched, so what it computes cannot be read in the same run.");
        ModelProto part = GraphCut.Make(
            file,
            graph,
            [.. reads.Select(read => read.Tensor).Distinct(StringComparer.Ordinal)],
            patched is null ? null : Supplied(patched));
        InferenceSession session = Session.Open(part, Name, file.Folder, Threads);
        return new OnnxRun(session, inputs, patched, [.. reads], plan.Output);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Runs own their sessions; the host itself keeps managed memory alone.
    }

    private static ValueInfoProto Supplied(PatchedTensor patched)
    {
        var shape = new TensorShapeProto();
        foreach (string axis in patched.Hook.Shape)
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

    private ReadTensor Reading(Hook hook) => new(hook.Tensor, Floats(hook), hook.Width, hook.FeatureAxis);

    private PatchedTensor Patching(Hook hook)
    {
        _ = Floats(hook);
        if (graph.Producer(hook.Tensor) is null)
            throw new InputException($"{Name}: {hook.Name} is an input of the model; feed it instead of patching it.");
        return new PatchedTensor(hook, hook.Tensor, tensors[hook.Tensor]);
    }

    private Formats.ElementType Floats(Hook hook)
    {
        TensorDescription tensor = tensors.GetValueOrDefault(hook.Tensor)
            ?? throw new InputException($"{Name} has no tensor {hook.Tensor}; hooks belong to the model that lists them.");
        return tensor.Floats ?? throw new InputException($"{Name}: {hook.Name} holds {tensor.Type}, not floats, and has no activations "
            + $"to read.");
    }

    private string MainOutput()
    {
        IEnumerable<string> floats = file.Model.Graph.Output.Select(value => value.Name).Where(
            name => tensors.TryGetValue(name, out TensorDescription? tensor) && tensor.Floats is not null);
        return floats.OrderBy(name => name.Contains("logits", StringComparison.OrdinalIgnoreCase) ? 0 : 1).FirstOrDefault()
            ?? throw new InputException($"{Name}: none of its outputs "
                + $"({string.Join(", ", file.Model.Graph.Output.Select(value => value.Name))}) holds floats.");
    }

    // The table that the ids index has a row for each token the model knows.
    private int? EmbeddingRows()
    {
        HashSet<string> tables = [.. graph.Graph.Node
            .Where(
                node => node.OpType is "Gather" && node.Input.Count > 1 && graph.Constants.Contains(node.Input[0]) && IsIds(node.Input[1]))
            .Select(node => node.Input[0])];
        return graph.Graph.Initializer.Where(tensor => tables.Contains(tensor.Name) && tensor.Dims.Count == 2).Select(
            tensor => (int?)tensor.Dims[0]).FirstOrDefault();
    }

    private bool IsIds(string tensor) =>
        string.Equals(tensor, inputs.Ids, StringComparison.Ordinal)
            || (graph.Producer(tensor) is { OpType: "Cast" or "Reshape" or "Identity" } node && IsIds(node.Input[0]));

    private int? Context() => inputs.FixedLength ?? ModelFolder.Context(file.Path);
}
