using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx;

/// <summary>Opens sessions of ONNX Runtime on the processor and puts its errors into words.</summary>
internal static class Session
{
    /// <summary>Loads a model.</summary>
    /// <param name="model">The graph.</param>
    /// <param name="path">The file it comes from, for messages.</param>
    /// <param name="folder">Where external weights lie.</param>
    /// <param name="threads">Threads within an operation; 0 takes one for each core.</param>
    /// <param name="optimize">False loads faster and runs slower.</param>
    /// <exception cref="InputException">ONNX Runtime refuses it.</exception>
    public static InferenceSession Open(ModelProto model, string path, string folder, int threads, bool optimize = true)
    {
        using var options = new SessionOptions
        {
            GraphOptimizationLevel = optimize ? GraphOptimizationLevel.ORT_ENABLE_ALL : GraphOptimizationLevel.ORT_DISABLE_ALL,
            IntraOpNumThreads = threads == 0 ? Environment.ProcessorCount : threads,
            InterOpNumThreads = 1,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", folder);
        try
        {
            return new InferenceSession(model.ToByteArray(), options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InputException($"{path}: ONNX Runtime does not load this model: {Plain(e)}", e);
        }
    }

    /// <summary>The text of an error of ONNX Runtime in one line, without its code.</summary>
    public static string Plain(OnnxRuntimeException error)
    {
        string text = error.Message.ReplaceLineEndings(" ");
        int end = text.StartsWith("[ErrorCode:", StringComparison.Ordinal) ? text.IndexOf(']', StringComparison.Ordinal) + 1 : 0;
        return text[end..].Trim();
    }
}
