using Unweave.Retrieval.Segments;

namespace Unweave.Retrieval.Vectors;

/// <summary>The vectors of rows at unit length, as near as an index knows them.</summary>
internal sealed class RowVectors(ConceptDictionary dictionary, StoredVectors? store)
{
    /// <summary>Reads the vector of a row: as it is kept, or x̂/‖x̂‖ of its code.</summary>
    /// <param name="rows">What holds the row.</param>
    /// <param name="row">Its number.</param>
    /// <param name="x">Overwritten, <c>[d]</c>.</param>
    public unsafe void Read(IIndexedRows rows, int row, Span<float> x)
    {
        if (store?.TryRead(rows.Stored(row), rows.StoredScale(row), x) == true) return;
        CodeRow code = rows.Code(row);
        for (int i = 0; i < x.Length; i++) x[i] = dictionary.Bias[i] * code.Inverse;
        for (int i = 0; i < code.Count; i++)
        {
            float value = code.Values[i] * code.Scale;
            ReadOnlySpan<float> direction = dictionary.Decoder.Row(code.Latent(i));
            for (int c = 0; c < x.Length; c++) x[c] += value * direction[c];
        }
    }
}
