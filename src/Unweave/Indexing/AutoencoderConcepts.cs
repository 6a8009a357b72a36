using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Retrieval;

namespace Unweave.Indexing;

/// <summary>The dictionary of an autoencoder, for an index.</summary>
public static class AutoencoderConcepts
{
    extension(SparseAutoencoder autoencoder)
    {
        /// <summary>
        /// The directions of the decoder, each at length 1, so that its product with a query of length 1 is a cosine; and the bias in the
        /// scale of the user's vectors. A copy. An index refits the values of codes, so that the lengths of decoder rows do not matter to
        /// it.
        /// </summary>
        /// <exception cref="InputException">Its decoder rows are not directions among the vectors that it encodes.</exception>
        public ConceptDictionary CreateConcepts()
        {
            ArgumentNullException.ThrowIfNull(autoencoder);
            if (autoencoder.OutputWidth != autoencoder.InputWidth || autoencoder.Options is PretrainedOptions { Skip: true })
            {
                throw new InputException($"{autoencoder.Options.Describe()}: it maps its input to other vectors, so that its dictionary "
                    + "has no directions for an index of its inputs; take an autoencoder that reconstructs them.");
            }

            Matrix decoder = autoencoder.Decoder.Clone();
            for (int latent = 0; latent < decoder.Rows; latent++)
            {
                float length = (float)Norms.L2(decoder.Row(latent));
                if (length == 0) continue;
                foreach (ref float value in decoder.Row(latent)) value /= length;
            }

            float[] bias = autoencoder.Weights.DecoderBias.Row(0).ToArray();
            foreach (ref float value in bias.AsSpan()) value /= autoencoder.OutputScale;
            return new ConceptDictionary(decoder, bias);
        }
    }
}
