using Unweave.Autoencoders;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Onnx;

namespace Unweave.Web;

/// <summary>The host model of a run, or why there is none.</summary>
internal sealed class RunHost : IDisposable
{
    private readonly OnnxHost? model;

    private RunHost(SparseAutoencoder? source, OnnxHost? model, HostedAutoencoder? autoencoder, string? missing)
    {
        Source = source;
        this.model = model;
        Autoencoder = autoencoder;
        Missing = missing;
    }

    /// <summary>The autoencoder that it was opened for.</summary>
    public SparseAutoencoder? Source { get; }

    /// <summary>The autoencoder in its host.</summary>
    public HostedAutoencoder? Autoencoder { get; }

    /// <summary>Why there is none.</summary>
    public string? Missing { get; }

    /// <summary>Opens the model that the autoencoder's folder names.</summary>
    public static RunHost Open(string folder, SparseAutoencoder? autoencoder)
    {
        if (autoencoder is null) return new RunHost(null, null, null, "The run has no autoencoder with a dictionary of latents yet; it is written when training ends.");
        OnnxHost? opened = null;
        try
        {
            if (HostReference.Find(folder) is not { } reference) return new RunHost(autoencoder, null, null, "It was trained on vectors, not on the activations of a model, so there is no model to run.");
            string path = Located(reference.Model);
            if (!Path.Exists(path)) return new RunHost(autoencoder, null, null, $"Its model is no longer at {reference.Model}; put it back there, or name its new place in {HostReference.FileName}.");
            OnnxHost host = opened = OnnxHost.Open(path);
            if (!string.Equals(host.Hash, reference.ModelHash, StringComparison.Ordinal)) throw new InputException($"The model at {path} is not the one that it was trained on: its files have changed.");
            ITokenizer tokenizer = TokenizerFile.Open(ModelFolder.Tokenizer(path));
            return new RunHost(autoencoder, host, new HostedAutoencoder(host, tokenizer, host.FindOne(reference.Hook), autoencoder, reference.Context > 0 ? reference.Context : null), null);
        }
        catch (InputException e)
        {
            opened?.Dispose();
            return new RunHost(autoencoder, null, null, e.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Autoencoder?.Dispose();
        model?.Dispose();
    }

    /// <summary>Where the model is: as it was named, or the copy of the same name that came with this program.</summary>
    private static string Located(string named)
    {
        if (Path.Exists(named)) return named;
        if (named.Contains('/', StringComparison.Ordinal) && HubClient.IsName(named))
        {
            using var hub = new HubClient(HubOptions.FromEnvironment());
            return hub.Resolve(named);
        }

        string own = Path.Combine(AppContext.BaseDirectory, "models", Path.GetFileName(Path.GetDirectoryName(named) ?? ""), Path.GetFileName(named));
        return File.Exists(own) ? own : named;
    }
}
