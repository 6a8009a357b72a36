using System.Numerics.Tensors;
using System.Security.Cryptography;
using System.Text.Json;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Onnx;

/// <summary>A layer behind the pooling of a sentence encoder: <c>y = f(W·x + b)</c>.</summary>
internal sealed class DenseLayer
{
    private static readonly string[] WeightFiles = ["model.safetensors", "pytorch_model.bin"];

    private readonly float[] weights, bias;
    private readonly bool tanh;

    private DenseLayer(int inputs, int width, float[] weights, float[] bias, bool tanh, string hash) =>
        (Inputs, Width, this.weights, this.bias, this.tanh, Hash) = (inputs, width, weights, bias, tanh, hash);

    /// <summary>Length of x.</summary>
    public int Inputs { get; }

    /// <summary>Length of y.</summary>
    public int Width { get; }

    /// <summary>SHA-256 of its files.</summary>
    public string Hash { get; }

    /// <summary>Reads the folder of a <c>Dense</c> module: <c>config.json</c> with weights in safetensors or PyTorch's format.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="InputException">Something is missing, damaged or not known here.</exception>
    public static DenseLayer Open(string folder)
    {
        string file = Path.Combine(folder, "config.json");
        using JsonDocument json = EncoderFiles.Parse(file)
            ?? throw new InputException($"{file} is missing; fetch the whole folder of the sentence encoder.");
        string activation = json.RootElement.ValueKind == JsonValueKind.Object
            && json.RootElement.TryGetProperty("activation_function", out JsonElement named) ? named.GetString() ?? "" : "";
        bool bends = activation.EndsWith(".Tanh", StringComparison.Ordinal);
        if (!bends && !activation.EndsWith(".Identity", StringComparison.Ordinal))
            throw new InputException($"{file} has the activation function '{activation}', which is not known here; Tanh and Identity are.");
        string? path = WeightFiles.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        if (path is null)
            throw new InputException($"{folder} has no model.safetensors and no pytorch_model.bin; fetch the whole folder of the encoder.");
        using TensorFile tensors = TensorFile.Open(path);
        TensorInfo matrix = tensors.Tensors.FirstOrDefault(tensor => tensor.Shape.Count == 2)
            ?? throw new InputException($"{path} has no matrix of weights.");
        (int width, int inputs) = ((int)matrix.Shape[0], (int)matrix.Shape[1]);
        TensorInfo? offset = tensors.Tensors.FirstOrDefault(tensor => tensor.Shape.Count == 1);
        if (offset is not null && offset.Count != width)
            throw new InputException($"{path}: the bias has {offset.Count} numbers, and the weights are [{width}, {inputs}].");
        float[] products = new float[matrix.Count], offsets = new float[width];
        tensors.Read(matrix, 0, products);
        if (offset is not null) tensors.Read(offset, 0, offsets);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string one in (string[])[file, path]) hash.AppendData(File.ReadAllBytes(one));
        return new DenseLayer(inputs, width, products, offsets, bends, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>The rows of y for rows of x.</summary>
    public Matrix Apply(Matrix rows)
    {
        var made = new Matrix(rows.Rows, Width);
        for (int row = 0; row < rows.Rows; row++)
        {
            Span<float> y = made.Row(row);
            for (int i = 0; i < Width; i++)
            {
                float sum = bias[i] + TensorPrimitives.Dot<float>(rows.Row(row), weights.AsSpan(i * Inputs, Inputs));
                y[i] = tanh ? MathF.Tanh(sum) : sum;
            }
        }

        return made;
    }
}
