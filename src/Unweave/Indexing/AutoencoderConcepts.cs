using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Retrieval;

namespace Unweave.Indexing;

/// <summary>The dictionary of an autoencoder, for an index.</summary>
public static class AutoencoderConcepts
{
    extension(SparseAutoencoder autoencoder)
    {
        /// <summary>A copy of the directions and the bias of the decoder, in the scale of the user's vectors.</summary>
        public ConceptDictionary CreateConcepts()
        {
            ArgumentNullException.ThrowIfNull(autoencoder);
            float scale = 1 / autoencoder.OutputScale;
            Matrix decoder = autoencoder.Decoder.Clone();
            for (int latent = 0; latent < decoder.Rows; latent++)
                foreach (ref float value in decoder.Row(latent)) value *= scale;
            float[] bias = autoencoder.Weights.DecoderBias.Row(0).ToArray();
            foreach (ref float value in bias.AsSpan()) value *= scale;
            return new ConceptDictionary(decoder, bias);
        }
    }
}
