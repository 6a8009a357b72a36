using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>What readers of dialects have in common.</summary>
internal static class PretrainedReading
{
    private const double MostOfHeld = 4, SmallCount = 1e6;

    /// <summary>Makes an autoencoder of settings, has it filled, and gives it back only when that succeeds.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="inputWidth">Width of an input.</param>
    /// <param name="outputWidth">Width of an output.</param>
    /// <param name="weights">The files that hold its weights.</param>
    /// <param name="fill">Reads the weights.</param>
    public static T Make<T>(
        DictionaryOptions options, int inputWidth, int outputWidth, IReadOnlyList<TensorFile> weights, Action<T> fill)
        where T : SparseAutoencoder
    {
        string where = weights[0].Path;
        try
        {
            options.Validate(inputWidth, outputWidth);
        }
        catch (InputException e)
        {
            throw new InputException($"{where}: {e.Message}", e);
        }

        // Before memory is asked for: shapes that do not fit each other may claim any amount of it.
        double needed = options.ParameterCount(inputWidth, outputWidth);
        double held = weights.Sum(file => file.Tensors.Sum(tensor => (double)tensor.Count));
        if (needed > (MostOfHeld * held) + SmallCount)
            throw new InputException($"{where}: its tensors describe {needed:G4} weights, but it holds {held:G4}; they do not fit "
                + "each other.");

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

    /// <summary>Adds what a file says under a name, unless it says nothing.</summary>
    public static void Add(Dictionary<string, string> facts, string name, JsonNode? value)
    {
        if (value is not JsonValue) return;
        string text = value.GetValueKind() == JsonValueKind.String ? (string)value! : value.ToJsonString();
        if (text.Length > 0) facts[name] = TensorFile.OneLine(text);
    }

    /// <summary>The only file of those that a dialect recognizes.</summary>
    /// <exception cref="InputException">There are several.</exception>
    public static string TheOne(CheckpointFiles files, IEnumerable<string> candidates)
    {
        string[] found = [.. candidates.Take(4)];
        return found.Length == 1 ? found[0] : throw new InputException(
            $"{files.Path}: holds more than one checkpoint; name one of {string.Join(", ", found.Take(3))}"
                + $"{(found.Length > 3 ? ", …" : "")}.");
    }
}
