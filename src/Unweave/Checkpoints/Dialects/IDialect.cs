using Unweave.Autoencoders;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// A way in which a library writes autoencoders: a reader that yields an autoencoder of ours, and a writer that takes one. A dialect is
/// one file and a line of <see cref="Dialect.All"/>.
/// </summary>
internal interface IDialect
{
    /// <summary>Its name in commands: <c>saelens</c>.</summary>
    string Name { get; }

    /// <summary>Its name in words: <c>SAELens</c>.</summary>
    string Title { get; }

    /// <summary>What a checkpoint of it is told by: <c>cfg.json beside sae_weights.safetensors</c>.</summary>
    string Signature { get; }

    /// <summary>Whether files are of this dialect: told by their content, without reading weights.</summary>
    /// <exception cref="InputException">A file that only this dialect has is damaged.</exception>
    bool Recognizes(CheckpointFiles files);

    /// <summary>Reads the autoencoder, with its <see cref="Autoencoder.Origin"/>.</summary>
    /// <exception cref="InputException">A tensor or key is missing or wrong, or says what cannot be expressed; the message names
    /// it.</exception>
    SparseAutoencoder Read(CheckpointFiles files);

    /// <summary>Writes an autoencoder into a folder that exists.</summary>
    /// <exception cref="InputException">
    /// The dialect cannot say something that the autoencoder does; the message names the key or tensor.
    /// </exception>
    void Write(SparseAutoencoder autoencoder, string folder);
}
