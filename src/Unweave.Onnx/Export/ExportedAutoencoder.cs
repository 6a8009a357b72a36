using Microsoft.ML.OnnxRuntime;
using Unweave.Numerics;

namespace Unweave.Onnx.Export;

/// <summary>What ONNX Runtime computes with an exported autoencoder.</summary>
internal static class ExportedAutoencoder
{
    /// <summary>Encodes and decodes.</summary>
    /// <param name="folder">Where <see cref="AutoencoderExport"/> wrote it.</param>
    /// <param name="x">Vectors, <c>[rows, d]</c>.</param>
    /// <returns>Latents, <c>rows × n</c>, and reconstructions, <c>rows × output width</c>.</returns>
    /// <exception cref="InputException">ONNX Runtime refuses the graph.</exception>
    public static (float[] Latents, float[] Reconstruction) Run(string folder, Matrix x)
    {
        string path = Path.Combine(folder, AutoencoderExport.BothName);
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        try
        {
            using var session = new InferenceSession(path, options);
            using var run = new RunOptions();
            using var input = OrtValue.CreateTensorValueFromMemory(x.AsSpan().ToArray(), [x.Rows, x.Columns]);
            using IDisposableReadOnlyCollection<OrtValue> results =
                session.Run(run, session.InputNames, [input], [AutoencoderGraph.Latents, AutoencoderGraph.Reconstruction]);
            return (results[0].GetTensorDataAsSpan<float>().ToArray(), results[1].GetTensorDataAsSpan<float>().ToArray());
        }
        catch (OnnxRuntimeException e)
        {
            throw new InputException($"{path}: ONNX Runtime does not run it: {Session.Plain(e)}", e);
        }
    }
}
