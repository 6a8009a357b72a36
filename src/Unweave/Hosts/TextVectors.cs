using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Hosts;

/// <summary>Writes the vectors of texts to a file: a row for each text, in order, so that texts and rows stay side by side.</summary>
internal static class TextVectors
{
    /// <summary>Name of the tensor in a safetensors file.</summary>
    public const string TensorName = "embeddings";

    // Texts that are embedded together, so that those of like length share batches: so many, or so many characters.
    private const int BlockTexts = 4096, BlockCharacters = 1 << 19;

    /// <summary>Whether a file's name says in which format vectors are written.</summary>
    /// <param name="path">The file: <c>.npy</c> or <c>.safetensors</c>.</param>
    /// <exception cref="InputException">It ends in neither.</exception>
    public static void CheckEnding(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!IsNpy(path) && !IsSafetensors(path))
            throw new InputException($"{path}: the name says how vectors are written; end it in .npy or .safetensors.");
    }

    /// <summary>Embeds texts and writes their vectors. Memory is bounded; a temporary file holds the vectors until all are there.</summary>
    /// <param name="path">The file: <c>.npy</c>, or <c>.safetensors</c> with the tensor <see cref="TensorName"/>.</param>
    /// <param name="texts">The texts, read once.</param>
    /// <param name="embedder">What embeds them.</param>
    /// <param name="type">32-bit floats or halves.</param>
    /// <param name="metadata">What a safetensors file is to say of itself besides.</param>
    /// <param name="progress">Is told how many texts are done.</param>
    /// <param name="cancellationToken">Stops; nothing is written then.</param>
    /// <returns>Number of texts.</returns>
    /// <exception cref="InputException">There is no text, one cannot be embedded, or the file cannot be written.</exception>
    public static long Write(
        string path,
        IEnumerable<string> texts,
        ITextEmbedder embedder,
        ElementType type = ElementType.Float32,
        IReadOnlyDictionary<string, string>? metadata = null,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(embedder);
        CheckEnding(path);
        using var rows = new SpooledRows(path, embedder.Width);
        var block = new List<string>();
        int characters = 0;
        foreach (string text in texts)
        {
            block.Add(text);
            characters += text.Length;
            if (block.Count < BlockTexts && characters < BlockCharacters) continue;
            Embed();
        }

        Embed();
        if (rows.Rows == 0) throw new InputException("There is no text to embed; the corpus is empty.");
        rows.Complete();
        var tensor = TensorToWrite.FromRows(TensorName, rows.Rows, rows.Width, type, rows.Read);
        if (IsNpy(path)) NpyWriter.Write(path, tensor);
        else SafetensorsWriter.Write(path, [tensor], metadata);
        return rows.Rows;

        void Embed()
        {
            if (block.Count == 0) return;
            using Matrix vectors = embedder.Embed(block, cancellationToken);
            rows.Append(vectors.AsSpan());
            block.Clear();
            characters = 0;
            progress?.Report(rows.Rows);
        }
    }

    private static bool IsNpy(string path) => path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase);

    private static bool IsSafetensors(string path) => path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase);
}
