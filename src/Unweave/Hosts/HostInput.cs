using Unweave.Numerics;

namespace Unweave.Hosts;

/// <summary>What a host model is fed.</summary>
/// <param name="Tokens">True: token ids. False: arrays of numbers (images, audio, features).</param>
/// <param name="Causal">
/// True when a token's activations depend on earlier tokens alone, so that padding behind a text changes nothing before it.
/// </param>
/// <param name="Masked">True when padding is hidden from the model by an attention mask.</param>
/// <param name="Context">The most tokens of one input, or null where the model does not say.</param>
/// <param name="FixedBatch">The batch size the graph insists on, or null.</param>
/// <param name="FixedLength">The number of tokens the graph insists on, or null.</param>
/// <param name="Arrays">The arrays of numbers it is fed; empty for token models.</param>
public sealed record HostInput(
    bool Tokens, bool Causal, bool Masked, int? Context, int? FixedBatch, int? FixedLength, IReadOnlyList<HostArray> Arrays)
{
    /// <summary>True when filling behind a text was seen to change its rows, so that only texts of one length share a batch.</summary>
    public bool PaddingShows { get; init; }

    /// <summary>What a person chose to feed some of its inputs, by name; empty where all were guessed.</summary>
    public IReadOnlyDictionary<string, string> Chosen { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Whether texts of different lengths may share a batch.</summary>
    internal bool Pads => (Causal || Masked) && !PaddingShows;
}

/// <summary>An array of numbers that a model is fed.</summary>
/// <param name="Name">The input's name in the graph.</param>
/// <param name="Shape">Its lengths without the batch; null for a length that follows the data.</param>
public sealed record HostArray(string Name, IReadOnlyList<int?> Shape);

/// <summary>What one run of a host model is fed.</summary>
public abstract class HostBatch
{
    private protected HostBatch()
    {
    }

    /// <summary>Number of inputs: texts, images.</summary>
    public abstract int Count { get; }
}

/// <summary>Token ids of several texts, padded to one length.</summary>
public sealed class TokenBatch : HostBatch
{
    private readonly int[] ids;
    private readonly int[] lengths;

    /// <summary>Lays texts out as rows of one length.</summary>
    /// <param name="texts">Token ids of each text; none is empty.</param>
    /// <param name="padding">Id that fills the shorter ones.</param>
    /// <param name="length">Tokens of a row; 0 takes the longest text's.</param>
    /// <exception cref="ArgumentException">There is no text, or one is empty or longer than <paramref name="length"/>.</exception>
    public TokenBatch(IReadOnlyList<ReadOnlyMemory<int>> texts, int padding = 0, int length = 0)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0) throw new ArgumentException("A batch needs a text.", nameof(texts));
        lengths = [.. texts.Select(text => text.Length)];
        if (lengths.Contains(0)) throw new ArgumentException("A text without tokens cannot be run.", nameof(texts));
        Length = length == 0 ? lengths.Max() : length;
        if (lengths.Max() > Length)
            throw new ArgumentException($"A text has {lengths.Max()} tokens; the rows have {Length}.", nameof(texts));
        ids = new int[texts.Count * Length];
        Array.Fill(ids, padding);
        for (int i = 0; i < texts.Count; i++) texts[i].Span.CopyTo(ids.AsSpan(i * Length));
    }

    /// <inheritdoc/>
    public override int Count => lengths.Length;

    /// <summary>Tokens of a row, padding included.</summary>
    public int Length { get; }

    /// <summary>The ids, row after row: <c>[count, length]</c>.</summary>
    public ReadOnlySpan<int> Ids => ids;

    /// <summary>Tokens of each text, without padding.</summary>
    public ReadOnlySpan<int> Lengths => lengths;
}

/// <summary>Arrays of numbers: one matrix for each input of the model.</summary>
internal sealed class ArrayBatch : HostBatch
{
    /// <summary>Takes the arrays, which stay the caller's.</summary>
    /// <param name="arrays">
    /// In the order of <see cref="HostInput.Arrays"/>: <c>[count, elements]</c>, the elements of one input in row-major order.
    /// </param>
    /// <exception cref="ArgumentException">There is none, or they have different numbers of rows.</exception>
    public ArrayBatch(params IReadOnlyList<Matrix> arrays)
        : this(arrays, null)
    {
    }

    /// <summary>Takes the arrays, which stay the caller's, with the axes that one input of each has.</summary>
    /// <param name="arrays">As above.</param>
    /// <param name="shapes">The lengths of one input's axes for each array; null where only the number of elements is known.</param>
    /// <exception cref="ArgumentException">There is none, or they have different numbers of rows.</exception>
    public ArrayBatch(IReadOnlyList<Matrix> arrays, IReadOnlyList<IReadOnlyList<long>?>? shapes)
    {
        ArgumentNullException.ThrowIfNull(arrays);
        if (arrays.Count == 0) throw new ArgumentException("A batch needs an array.", nameof(arrays));
        if (arrays.Any(array => array.Rows != arrays[0].Rows))
        {
            throw new ArgumentException($"The arrays have different numbers of rows: "
                + $"{string.Join(", ", arrays.Select(array => array.Rows))}.", nameof(arrays));
        }

        Arrays = arrays;
        Shapes = shapes;
    }

    /// <inheritdoc/>
    public override int Count => Arrays[0].Rows;

    /// <summary>The lengths of one input's axes for each array, where they are known.</summary>
    public IReadOnlyList<IReadOnlyList<long>?>? Shapes { get; }

    /// <summary>The arrays.</summary>
    public IReadOnlyList<Matrix> Arrays { get; }
}
