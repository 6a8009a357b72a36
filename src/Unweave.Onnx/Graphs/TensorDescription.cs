using Microsoft.ML.OnnxRuntime.Tensors;
using Unweave.Formats;

namespace Unweave.Onnx.Graphs;

/// <summary>Type and axes of one tensor of a graph, as found by running it.</summary>
/// <param name="Type">Type of the elements, as ONNX numbers it.</param>
/// <param name="Shape">Lengths, or the names of <see cref="Hosts.Axes"/>.</param>
internal sealed record TensorDescription(TensorElementType Type, IReadOnlyList<string> Shape)
{
    /// <summary>The type for reading and writing floats, or null where the tensor does not hold floats.</summary>
    public ElementType? Floats => Type switch
    {
        TensorElementType.Float => ElementType.Float32,
        TensorElementType.Double => ElementType.Float64,
        TensorElementType.Float16 => ElementType.Float16,
        TensorElementType.BFloat16 => ElementType.BFloat16,
        _ => null,
    };
}
