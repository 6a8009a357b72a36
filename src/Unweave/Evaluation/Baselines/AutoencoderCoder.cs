using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>A trained autoencoder as a coder of rows; it stays the caller's.</summary>
/// <param name="name">Its name in tables.</param>
/// <param name="autoencoder">The autoencoder.</param>
internal sealed class AutoencoderCoder(string name, SparseAutoencoder autoencoder) : IRowCoder
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public int InputWidth => autoencoder.InputWidth;

    /// <inheritdoc/>
    public int OutputWidth => autoencoder.OutputWidth;

    /// <inheritdoc/>
    public int Latents => autoencoder.Latents;

    /// <inheritdoc/>
    public void Encode(Matrix x, SparseCodes codes) => autoencoder.Encode(x, codes);

    /// <inheritdoc/>
    public void Decode(SparseCodes codes, Matrix input, Matrix reconstruction) => autoencoder.Decode(codes, input, reconstruction);
}
