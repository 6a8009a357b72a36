using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Graphs;

/// <summary>
/// Learns types and shapes of all tensors of a graph by running it on a few made-up inputs of two different sizes: an axis that changes
/// with the batch is the batch's, and so on. This is right for every operator, which no rules about shapes would be.
/// </summary>
internal sealed class GraphProbe
{
    private readonly Dictionary<string, float[]> first = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> width = new(StringComparer.Ordinal);
    private readonly bool tokens;
    private readonly int length;

    private GraphProbe(bool tokens, int length)
    {
        this.tokens = tokens;
        this.length = length;
    }

    /// <summary>What was found, by tensor.</summary>
    public Dictionary<string, TensorDescription> Tensors { get; } = new(StringComparer.Ordinal);

    /// <summary>Runs the graph.</summary>
    /// <exception cref="InputException">It does not load or does not run.</exception>
    public static GraphProbe Run(OnnxFile file, OnnxGraph graph, ModelInputs inputs, int threads)
    {
        int tokensOfText = inputs.FixedLength ?? 5;
        var probe = new GraphProbe(inputs.Ids is not null, tokensOfText);
        string[] names = [.. graph.Graph.Node.Where(node => node.OpType is not "Constant").SelectMany(node => node.Output)
            .Where(name => name.Length > 0 && !graph.Constants.Contains(name)).Distinct(StringComparer.Ordinal)];
        string[] declared =
            [.. graph.Graph.Output.Select(value => value.Name).Where(name => !names.Contains(name, StringComparer.Ordinal))];
        ModelProto open = GraphCut.Make(file, graph, [.. names, .. declared], supplied: null);
        using InferenceSession session = Session.Open(open, file.Path, file.Folder, threads, optimize: false);
        names = [.. names.Where(name => session.OutputMetadata.TryGetValue(name, out NodeMetadata? data) && data.IsTensor)];
        using Trial small = Made(inputs, inputs.FixedBatch ?? 2, tokensOfText), large = Made(
            inputs, inputs.FixedBatch ?? 3, inputs.FixedLength ?? 7);
        Dictionary<string, long[]> one = probe.Shapes(file, session, inputs, small.Batch, names, keep: true);
        Dictionary<string, long[]> two = probe.Shapes(file, session, inputs, large.Batch, names, keep: false);
        foreach (string name in names)
        {
            TensorElementType type = session.OutputMetadata[name].ElementDataType;
            probe.Tensors[name] = new TensorDescription(
                type, [.. one[name].Zip(two.GetValueOrDefault(name, []), (a, b) => Axis(a, b, small, large))]);
        }

        return probe;
    }

    /// <summary>True when what a tensor holds for the first tokens does not change with the last one.</summary>
    public bool Causal(string tensor)
    {
        // Two texts that differ in their last token alone.
        if (!tokens || !first.TryGetValue(tensor, out float[]? values) || Tensors[tensor].Shape is not [Axes.Batch, Axes.Sequence, _])
            return false;
        int row = length * width[tensor], same = (length - 1) * width[tensor];
        if (length < 2 || values.Length < 2 * row) return false;
        float scale = values.Max(Math.Abs);
        for (int i = 0; i < same; i++)
        {
            if (Math.Abs(values[i] - values[row + i]) > 1e-3f * scale) return false;
        }

        return !values.AsSpan(same, width[tensor]).SequenceEqual(values.AsSpan(row + same, width[tensor]));
    }

    private static string Axis(long one, long two, Trial small, Trial large)
    {
        if (one != two)
        {
            if (one == small.Batch.Count && two == large.Batch.Count) return Axes.Batch;
            if (one == small.Length && two == large.Length) return Axes.Sequence;
            return one == (long)small.Batch.Count * small.Length && two == (long)large.Batch.Count * large.Length
                ? Axes.BatchSequence
                : Axes.Unknown;
        }

        return one.ToString(CultureInfo.InvariantCulture);
    }

    private static Trial Made(ModelInputs inputs, int count, int length)
    {
        if (inputs.Ids is not null)
        {
            // The first two texts differ in their last token; small ids exist in every vocabulary.
            return new Trial(
                new TokenBatch(
                    [.. Enumerable.Range(0, count).Select(text => new ReadOnlyMemory<int>([.. Enumerable.Range(1, length - 1)
                        .Select(i => i % 7), text + 1]))]),
                length,
                []);
        }

        // Lengths that follow the data: large enough for a few strided convolutions, and different in the two runs.
        int free = 48 + (16 * count);
        var random = new Rng(1);
        Matrix[] arrays =
            [.. inputs.Arrays.Select(array => Noise(count, array.Shape.Aggregate(1, (product, axis) => product * (axis ?? free)), random))];
        return new Trial(new ArrayBatch(arrays), 0, arrays);
    }

    private static Matrix Noise(int rows, int columns, Rng random)
    {
        var noise = new Matrix(rows, columns);
        foreach (ref float value in noise.AsSpan()) value = (float)random.NextDouble();
        return noise;
    }

    private Dictionary<string, long[]> Shapes(
        OnnxFile file, InferenceSession session, ModelInputs inputs, HostBatch batch, string[] names, bool keep)
    {
        var shapes = new Dictionary<string, long[]>(StringComparer.Ordinal);
        List<OrtValue> values = inputs.Values(session.InputNames, batch);
        try
        {
            using var options = new RunOptions();
            using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(options, session.InputNames, values, names);
            for (int i = 0; i < names.Length; i++)
            {
                OrtTensorTypeAndShapeInfo info = outputs[i].GetTensorTypeAndShape();
                shapes[names[i]] = info.Shape;
                bool declared = file.Model.Graph.Output.Any(value => string.Equals(value.Name, names[i], StringComparison.Ordinal));
                if (!keep || !declared || info.ElementDataType != TensorElementType.Float || info.Shape.Length == 0) continue;
                first[names[i]] = outputs[i].GetTensorDataAsSpan<float>().ToArray();
                width[names[i]] = (int)info.Shape[^1];
            }
        }
        catch (OnnxRuntimeException e)
        {
            throw new InputException($"{file.Path} does not run on a made-up input: {Session.Plain(e)}", e);
        }
        finally
        {
            foreach (OrtValue value in values) value.Dispose();
        }

        return shapes;
    }

    private sealed record Trial(HostBatch Batch, int Length, IReadOnlyList<Matrix> Owned) : IDisposable
    {
        public void Dispose()
        {
            foreach (Matrix matrix in Owned) matrix.Dispose();
        }
    }
}
