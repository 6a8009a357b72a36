using Unweave.Autoencoders;

namespace Unweave.Checkpoints.Dialects;

/// <summary>What readers of dialects have in common.</summary>
internal static class PretrainedReading
{
    /// <summary>Makes an autoencoder of settings, has it filled, and gives it back only when that succeeds.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="inputWidth">Width of an input.</param>
    /// <param name="outputWidth">Width of an output.</param>
    /// <param name="where">The file, for messages.</param>
    /// <param name="fill">Reads the weights.</param>
    public static T Make<T>(
        DictionaryOptions options, int inputWidth, int outputWidth, string where, Action<T> fill)
        where T : SparseAutoencoder
    {
        try
        {
            options.Validate(inputWidth, outputWidth);
        }
        catch (InputException e)
        {
            throw new InputException($"{where}: {e.Message}", e);
        }

        var made = (T)options.Build(inputWidth, outputWidth, rng: null);
        try
        {
            fill(made);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }
}
