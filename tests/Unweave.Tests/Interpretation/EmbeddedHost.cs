using System.Runtime.CompilerServices;
using Unweave.Autoencoders;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Tests.Interpretation;

/// <summary>The embedded language model with a random autoencoder at one of its hooks, opened once for a class of tests.</summary>
public sealed class EmbeddedHost : IDisposable
{
    public EmbeddedHost()
    {
        Model = OnnxHost.Open(Folder);
        Tokenizer = TokenizerFile.Open(Folder);
        Hook = Model.FindOne("blocks.1");
        Autoencoder = new TopKAutoencoder(new TopKOptions { Latents = 96, K = 6 }, Hook.Width, new Rng(3))
        {
            InputScale = 0.37f,
            OutputScale = 0.37f,
        };
        Hosted = new HostedAutoencoder(Model, Tokenizer, Hook, Autoencoder);
    }

    public OnnxHost Model { get; }

    public ITokenizer Tokenizer { get; }

    public Hook Hook { get; }

    public SparseAutoencoder Autoencoder { get; }

    public HostedAutoencoder Hosted { get; }

    private static string Folder => Path.Combine(Root(), "models", "english-4m");

    public void Dispose()
    {
        Hosted.Dispose();
        Autoencoder.Dispose();
        Model.Dispose();
    }

    /// <summary>
    /// The logits after a text, run by hand; with <paramref name="change"/>, through the patched model. The text is told with its start
    /// token: row 0.
    /// </summary>
    public float[] Logits(string text, Action<Matrix>? change = null)
    {
        var batch = new TokenBatch([Ids(text)]);
        using IHostRun clean = Model.Open(new HostPlan([Hook], Output: true)), patched = Model.Open(new HostPlan([], Hook, Output: true));
        clean.Run(batch);
        if (change is null) return clean.Output.Row(batch.Length - 1).ToArray();
        using Matrix rows = clean.Activations(0).Clone();
        change(rows);
        patched.Run(batch, rows);
        return patched.Output.Row(batch.Length - 1).ToArray();
    }

    /// <summary>The codes of a text's own tokens, run by hand.</summary>
    public SparseCodes Codes(string text)
    {
        var batch = new TokenBatch([Ids(text)]);
        using IHostRun run = Model.Open(new HostPlan([Hook]));
        run.Run(batch);
        using var own = new Matrix(batch.Length - 1, Hook.Width, run.Activations(0).AsSpan()[Hook.Width..]);
        return Autoencoder.Encode(own);
    }

    private int[] Ids(string text) => [Tokenizer.Start!.Value, .. Tokenizer.Encode(text).Select(token => token.Id)];

    private static string Root([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));
}
