using Unweave.Autoencoders;
using Unweave.Interpretation;
using Unweave.Onnx;
using Unweave.Runs;

namespace Unweave.Web.Runs;

/// <summary>An autoencoder in the model that it was trained on, both open.</summary>
internal sealed class ServedHost : IDisposable
{
    private readonly RunHost host;
    private readonly Lease<Autoencoder> weights;

    private ServedHost(RunHost host, Lease<Autoencoder> weights)
    {
        (this.host, this.weights) = (host, weights);
        Autoencoder = new HostedAutoencoder(host.Model, host.Tokenizer, host.Hook, (SparseAutoencoder)weights.Value, host.Pass.Context,
            host.Pass.KeepSpecial);
    }

    /// <summary>The autoencoder in its host.</summary>
    public HostedAutoencoder Autoencoder { get; }

    /// <summary>Opens the host that the run recorded.</summary>
    /// <param name="run">The run.</param>
    /// <param name="weights">Its autoencoder, a sparse one; the lease passes to the host, also when it cannot be opened.</param>
    public static ServedHost Open(RunFolder run, Lease<Autoencoder> weights)
    {
        RunHost? opened = null;
        try
        {
            opened = RunHost.Open(run, new HostChoice());
            return new ServedHost(opened, weights);
        }
        catch
        {
            opened?.Dispose();
            weights.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Autoencoder.Dispose();
        host.Dispose();
        weights.Dispose();
    }
}
