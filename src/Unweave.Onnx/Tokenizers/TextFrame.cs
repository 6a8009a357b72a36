namespace Unweave.Onnx;

/// <summary>The tokens around a text.</summary>
internal readonly record struct TextFrame(int? Start, int? End, int? Padding);
