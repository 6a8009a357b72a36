using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Embedding;

/// <summary>A folder with a small encoder and a vocabulary of letters, to which tests add the files that say how it is used.</summary>
internal sealed class MadeEncoder : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly InferenceSession session;

    public MadeEncoder(GraphBuilder? graph = null)
    {
        string model = (graph ?? Graphs.Encoder()).Save(folder);
        string[] special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
        string[] letters = [.. Enumerable.Range('a', 22).Select(letter => ((char)letter).ToString())];
        string[] marks = [":"];
        File.WriteAllLines(folder["vocab.txt"], [.. special, .. letters, .. letters.Select(letter => "##" + letter), .. marks]);
        session = new InferenceSession(model);
        Tokenizer = TokenizerFile.Open(folder.Path);
    }

    public string Folder => folder.Path;

    public ITokenizer Tokenizer { get; }

    public void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder[name])!);
        File.WriteAllText(folder[name], text);
    }

    public string At(string name) => folder[name];

    /// <summary>The ids that the model is fed for a text.</summary>
    public long[] Ids(string text, int length = int.MaxValue) =>
        [Tokenizer.Start!.Value, .. Tokenizer.Encode(text).Take(length - 2).Select(token => (long)token.Id), Tokenizer.End!.Value];

    /// <summary>What an output of the graph is for one text alone, as rows.</summary>
    public float[][] Output(long[] ids, string output = "last_hidden_state")
    {
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run(
            [.. session.InputNames.Select(name => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<long>(name switch
            {
                "input_ids" => ids,
                "attention_mask" => [.. ids.Select(_ => 1L)],
                _ => new long[ids.Length],
            }, [1, ids.Length])))], [output]);
        float[] all = [.. outputs.Single().AsTensor<float>()];
        return [.. all.Chunk(Graphs.Width)];
    }

    /// <summary>A vector of unit length.</summary>
    public static float[] Unit(float[] vector)
    {
        double length = Math.Sqrt(vector.Sum(value => (double)value * value));
        return [.. vector.Select(value => (float)(value / length))];
    }

    /// <summary>The mean of rows.</summary>
    public static float[] Mean(IEnumerable<float[]> rows)
    {
        float[][] all = [.. rows];
        return [.. Enumerable.Range(0, all[0].Length).Select(i => all.Average(row => row[i]))];
    }

    public void Dispose()
    {
        session.Dispose();
        folder.Dispose();
    }
}
