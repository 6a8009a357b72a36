using System.Globalization;
using Unweave.Data;

namespace Unweave.Hosts;

/// <summary>Texts that are token ids already, written as numbers with blanks between them.</summary>
/// <param name="size">Every id is below this number.</param>
internal sealed class TokenIds(int size) : ITokenizer
{
    /// <inheritdoc/>
    public string Name => "none";

    /// <inheritdoc/>
    public string Hash => "";

    /// <inheritdoc/>
    public int VocabularySize => size;

    /// <inheritdoc/>
    public int? Start => null;

    /// <inheritdoc/>
    public int? End => null;

    /// <inheritdoc/>
    public int? Padding => null;

    /// <inheritdoc/>
    public IReadOnlyList<Token> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<Token>();
        foreach (Range range in text.AsSpan().Split(' '))
        {
            (int start, int length) = range.GetOffsetAndLength(text.Length);
            if (length > 0) tokens.Add(new Token(int.Parse(text.AsSpan(start, length), CultureInfo.InvariantCulture), start, length));
        }

        return tokens;
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids) =>
        string.Join(' ', ids.ToArray().Select(id => id.ToString(CultureInfo.InvariantCulture)));

    /// <summary>The rows of an array of ids as documents.</summary>
    /// <param name="ids">The array: a row a text.</param>
    /// <param name="size">Every id has to be below this number.</param>
    /// <param name="from">The row to start at.</param>
    /// <exception cref="InputException">The array does not hold ids, or one is not of the vocabulary.</exception>
    public static IEnumerable<(long Number, Document Document)> Documents(ArrayFile ids, int size, long from = 0)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (!ids.HoldsWholeNumbers || ids.Shape.Count > 1)
            throw new InputException($"{ids.Name} holds {ids.Description}; token ids are whole numbers in two axes, [texts, tokens].");
        return Read();

        IEnumerable<(long, Document)> Read()
        {
            var tokenizer = new TokenIds(size);
            using var row = new Numerics.Matrix(1, ids.Width);
            for (long number = from; number < ids.Rows; number++)
            {
                ids.Read([number], row);
                int[] read = [.. row.Row(0).ToArray().Select(id => (int)id)];
                int wrong = Array.FindIndex(read, id => id < 0 || id >= size);
                if (wrong >= 0)
                    throw new InputException($"{ids.Name}: row {number} has the id {read[wrong]}; the model knows 0 to {size - 1}.");
                yield return (number, new Document(number.ToString(CultureInfo.InvariantCulture), tokenizer.Decode(read)));
            }
        }
    }
}
